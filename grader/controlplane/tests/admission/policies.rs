//! ValidatingAdmissionPolicies and MutatingAdmissionPolicies.

use crate::world::{CONFIG_MAPS, DEPLOYMENTS, World, config_map, deployment};
use controlplane::webhooks::Webhooks;
use http::Method;
use serde_json::{Value, json};

fn about_deployments() -> Value {
    json!({"resourceRules": [{
        "apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"], "operations": ["CREATE", "UPDATE"],
    }]})
}

#[test]
fn a_policy_refuses_with_its_message() {
    let mut world = World::new(Webhooks::Unreachable);
    let spec = json!({
        "matchConstraints": about_deployments(),
        "variables": [{"name": "replicas", "expression": "object.spec.replicas"}],
        "validations": [
            {"expression": "variables.replicas > 1", "messageExpression": "'wants replicas, has ' + string(variables.replicas)"},
            {"expression": "namespaceObject.metadata.name == request.namespace"},
        ],
    });
    world.bind("ValidatingAdmissionPolicy", &spec, json!({"validationActions": ["Deny"]}));
    let (status, body) = world.answer(Method::POST, DEPLOYMENTS, &deployment(1));
    assert_eq!((status, &body["reason"]), (422, &json!("Invalid")));
    insta::assert_snapshot!(body["message"].as_str().unwrap_or_default(), @r#"
    deployments.apps "web" is forbidden: ValidatingAdmissionPolicy 'rule' with binding 'bound' denied request: wants replicas, has 1
    "#);
    world.create(DEPLOYMENTS, &deployment(2));
}

#[test]
fn a_binding_may_only_warn_and_errors_follow_the_failure_policy() {
    let mut world = World::new(Webhooks::Unreachable);
    let spec = json!({
        "matchConstraints": about_deployments(), "failurePolicy": "Ignore",
        "validations": [{"expression": "object.spec.replicas > 1"}, {"expression": "object.spec.missing == 1"}],
    });
    world.bind("ValidatingAdmissionPolicy", &spec, json!({"validationActions": ["Warn"]}));
    let (response, _) = world.response(Method::POST, DEPLOYMENTS, &deployment(1));
    assert_eq!(response.status.as_u16(), 201);
    let warnings: Vec<_> = response.headers.get_all("warning").iter().collect();
    let text = "Validation failed for ValidatingAdmissionPolicy 'rule' with binding 'bound': failed expression: \
                object.spec.replicas > 1";
    assert_eq!(warnings, [&format!("299 - \"{text}\"")]);
}

#[test]
fn a_policy_has_parameters() {
    let mut world = World::new(Webhooks::Unreachable);
    let mut limits = config_map(json!({"most": "3"}));
    limits["metadata"]["name"] = "limits".into();
    world.create(CONFIG_MAPS, &limits);
    let spec = json!({
        "matchConstraints": about_deployments(), "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
        "validations": [{"expression": "object.spec.replicas <= int(params.data.most)", "reason": "Forbidden"}],
    });
    let reference = json!({"name": "limits", "namespace": "default", "parameterNotFoundAction": "Deny"});
    let binding = json!({"validationActions": ["Deny"], "paramRef": reference});
    world.bind("ValidatingAdmissionPolicy", &spec, binding);
    assert_eq!(world.answer(Method::POST, DEPLOYMENTS, &deployment(4)).0, 403);
    world.create(DEPLOYMENTS, &deployment(3));
}

#[test]
fn a_mutating_policy_lays_its_configuration_over_the_object() {
    let mutations = [
        json!({"patchType": "ApplyConfiguration", "applyConfiguration": {
            "expression": "Object{metadata: Object.metadata{annotations: {'by': 'policy'}}}",
        }}),
        json!({"patchType": "JSONPatch", "jsonPatch": {
            "expression": "[JSONPatch{op: 'add', path: '/metadata/annotations', value: {'by': 'policy'}}]",
        }}),
    ];
    for mutation in mutations {
        let mut world = World::new(Webhooks::Unreachable);
        let spec = json!({
            "matchConstraints": about_deployments(), "reinvocationPolicy": "Never", "mutations": [mutation],
        });
        world.bind("MutatingAdmissionPolicy", &spec, json!({}));
        let created = world.create(DEPLOYMENTS, &deployment(1));
        assert_eq!(created["metadata"]["annotations"], json!({"by": "policy"}), "{mutation}");
        assert_eq!(created["spec"]["replicas"], 1);
    }
}
