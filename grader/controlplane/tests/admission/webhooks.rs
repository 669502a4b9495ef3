//! What webhooks change, refuse and are asked.

use crate::world::{CONFIG_MAPS, World, allow, config_map, patch, respond, review};
use controlplane::webhooks::{Target, WebhookAnswer, Webhooks};
use http::Method;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

#[test]
fn a_mutating_webhook_changes_what_is_stored() {
    let mut world = World::new(Webhooks::answered(|call| {
        patch(call, &json!([{"op": "add", "path": "/data/added", "value": "yes"}]))
    }));
    world.configure("MutatingWebhookConfiguration", json!({}));
    let created = world.create(CONFIG_MAPS, &config_map(json!({"a": "b"})));
    assert_eq!(created["data"], json!({"a": "b", "added": "yes"}));
}

#[test]
fn a_webhook_is_asked_about_the_request() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let mut world = World::new(Webhooks::answered(move |call| {
        seen.lock().expect("nobody panics").push((call.target.url().to_owned(), review(call)));
        allow(call, json!({"warnings": ["mind the gap"]}))
    }));
    world.configure("ValidatingWebhookConfiguration", json!({"timeoutSeconds": 3}));
    world.create(CONFIG_MAPS, &config_map(json!({"a": "b"})));
    let path = format!("{CONFIG_MAPS}/settings");
    let (response, _) = world.response(Method::DELETE, &path, &Value::Null);
    let warnings: Vec<_> = response.headers.get_all("warning").iter().collect();
    assert_eq!(warnings, ["299 - \"mind the gap\""]);
    let asked = asked.lock().expect("nobody panics");
    let shown = |(url, review): &(String, Value)| {
        let request = &review["request"];
        json!([
            url,
            request["operation"],
            request["name"],
            request["namespace"],
            request["kind"]["kind"],
            request["object"]["data"],
            request["oldObject"]["data"],
            request["dryRun"],
        ])
    };
    let url = "https://example.com/hook?timeout=3s";
    let of = |operation: &str, object: Value, old: Value| {
        json!([url, operation, "settings", "default", "ConfigMap", object, old, false])
    };
    assert_eq!(
        asked.iter().map(shown).collect::<Vec<_>>(),
        [of("CREATE", json!({"a": "b"}), Value::Null), of("DELETE", Value::Null, json!({"a": "b"}))]
    );
}

#[test]
fn a_refusal_and_a_failure_say_which_webhook_it_was() {
    type Answer = fn(&controlplane::webhooks::WebhookCall) -> WebhookAnswer;
    let denied: Answer =
        |call| allow(call, json!({"allowed": false, "status": {"message": "not today", "code": 403}}));
    let silent: Answer = |call| allow(call, json!({"allowed": false}));
    let broken: Answer = |_| WebhookAnswer::Failed("connection refused".to_owned());
    let foreign: Answer = |call| allow(call, json!({"uid": "another"}));
    let table = [
        (denied, "Fail", 403, r#"admission webhook "hook.example.com" denied the request: not today"#),
        (
            silent,
            "Fail",
            400,
            r#"admission webhook "hook.example.com" denied the request without explanation"#,
        ),
        (
            broken,
            "Fail",
            500,
            r#"Internal error occurred: failed calling webhook "hook.example.com": failed to call webhook: Post "https://example.com/hook?timeout=10s": connection refused"#,
        ),
        (broken, "Ignore", 201, ""),
        (foreign, "Ignore", 201, ""),
    ];
    for (answer, policy, expected, message) in table {
        let mut world = World::new(Webhooks::answered(answer));
        world.configure("ValidatingWebhookConfiguration", json!({"failurePolicy": policy}));
        let (status, body) = world.answer(Method::POST, CONFIG_MAPS, &config_map(json!({})));
        assert_eq!(status, expected, "{body}");
        assert_eq!(body["message"].as_str().unwrap_or_default(), message);
    }
}

#[test]
fn selectors_conditions_and_side_effects_decide_who_is_asked() {
    let deny = || Webhooks::answered(|call| allow(call, json!({"allowed": false})));
    let condition = |expression: &str| json!({"matchConditions": [{"name": "c", "expression": expression}]});
    let table = [
        (json!({"objectSelector": {"matchLabels": {"app": "other"}}}), "", 201),
        (json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}}}), "", 400),
        (condition("request.operation == 'DELETE'"), "", 201),
        (condition("object.data.a == 'b'"), "", 400),
        // What cannot be evaluated counts as a failure.
        (condition("object.data.missing == 'b'"), "", 403),
        (json!({"sideEffects": "NoneOnDryRun"}), "?dryRun=All", 400),
    ];
    for (more, query, expected) in table {
        let mut world = World::new(deny());
        world.configure("ValidatingWebhookConfiguration", more.clone());
        let path = format!("{CONFIG_MAPS}{query}");
        let (status, body) = world.answer(Method::POST, &path, &config_map(json!({"a": "b"})));
        assert_eq!(status, expected, "{more}: {body}");
    }
}

#[test]
fn a_webhook_that_asks_for_it_sees_what_later_ones_change() {
    let rounds = Arc::new(Mutex::new(Vec::new()));
    let seen = rounds.clone();
    let mut world = World::new(Webhooks::answered(move |call| {
        let data = review(call)["request"]["object"]["data"].clone();
        seen.lock().expect("nobody panics").push(data.clone());
        if data["two"].is_null() && data["one"] == "1" {
            return patch(call, &json!([{"op": "add", "path": "/data/two", "value": "2"}]));
        }
        if data["one"].is_null() {
            return patch(call, &json!([{"op": "add", "path": "/data/one", "value": "1"}]));
        }
        allow(call, json!({}))
    }));
    world.configure("MutatingWebhookConfiguration", json!({"reinvocationPolicy": "IfNeeded"}));
    world.configure("MutatingWebhookConfiguration", json!({}));
    world.create(CONFIG_MAPS, &config_map(json!({"a": "b"})));
    let rounds = rounds.lock().expect("nobody panics");
    assert_eq!(rounds.len(), 3, "{rounds:?}");
    assert_eq!(rounds[2], json!({"a": "b", "one": "1", "two": "2"}));
}

#[test]
fn conditions_that_do_not_compile_are_no_configuration() {
    let mut world = World::new(Webhooks::Unreachable);
    let configuration = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "hooks"},
        "webhooks": [{
            "name": "hook.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": {"url": "https://example.com/"},
            "matchConditions": [{"name": "c", "expression": "... [] bad expression"}],
        }],
    });
    let path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    let (status, body) = world.answer(Method::POST, path, &configuration);
    assert_eq!(status, 422);
    assert!(body["message"].as_str().unwrap_or_default().contains("compilation failed"), "{body}");
}

#[test]
fn limits_count_for_what_webhooks_have_made_of_a_pod() {
    let put = |resources: Value| json!([{"op": "replace", "path": "/spec/containers/0/resources", "value": resources}]);
    let cpu = |amount: &str| json!({"limits": {"cpu": amount}});
    let both = |amount: &str| json!({"limits": {"cpu": amount}, "requests": {"cpu": amount}});
    let beyond = |amount: &str| {
        let text =
            format!("pods \"p\" is forbidden: maximum cpu usage per Container is 1, but limit is {amount}");
        Err((403, text))
    };
    let cases = [
        ("p", "2", json!([]), beyond("2")),
        ("p", "2", put(cpu("1")), Ok(both("1"))),
        ("p", "1", put(cpu("3")), beyond("3")),
        ("p", "2", put(json!({})), Ok(both("1"))),
        ("A_", "2", json!([]), Err((422, "Pod \"A_\" is invalid: metadata.name: ".to_owned()))),
    ];
    for (name, asked, operations, expected) in cases {
        let mut world = World::new(Webhooks::answered(move |call| patch(call, &operations)));
        let range = json!({
            "apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "l"},
            "spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}}]},
        });
        world.create("/api/v1/namespaces/default/limitranges", &range);
        let rules = json!([{
            "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"],
        }]);
        world.configure("MutatingWebhookConfiguration", json!({"rules": rules}));
        let container = json!({"name": "c", "image": "i", "resources": cpu(asked)});
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [container]},
        });
        let (status, body) = world.answer(Method::POST, "/api/v1/namespaces/default/pods", &pod);
        match expected {
            Ok(resources) => assert_eq!(body["spec"]["containers"][0]["resources"], resources, "{body}"),
            Err((code, text)) => {
                let message = body["message"].as_str().unwrap_or_default();
                assert_eq!((status, message.starts_with(&text)), (code, true), "{message}");
            }
        }
    }
}

#[test]
fn bindings_and_evictions_are_asked_about_as_such_and_what_they_do_is_not() {
    const PODS: &str = "/api/v1/namespaces/default/pods";
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let mut world = World::new(Webhooks::answered(move |call| {
        let request = review(call)["request"].clone();
        let text = |key: &str| request[key].as_str().unwrap_or_default().to_owned();
        let told = [text("operation"), text("subResource"), text("name")].join(" ");
        seen.lock().expect("nobody panics").push(format!("{told} {}", request["object"]["kind"]));
        if text("subResource") == "binding" {
            return patch(call, &json!([{"op": "replace", "path": "/target/name", "value": "other"}]));
        }
        allow(call, json!({}))
    }));
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    world.create(PODS, &pod);
    let rule = json!([{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods", "pods/*"], "operations": ["*"]}]);
    world.configure("MutatingWebhookConfiguration", json!({"rules": rule}));
    let binding = json!({"metadata": {"name": "p"}, "target": {"name": "node"}});
    world.create(&format!("{PODS}/p/binding"), &binding);
    let (_, bound) = world.answer(Method::GET, &format!("{PODS}/p"), &Value::Null);
    assert_eq!(bound["spec"]["nodeName"], "other");
    world.create(&format!("{PODS}/p/eviction"), &json!({"metadata": {"name": "p"}}));
    let asked = asked.lock().expect("nobody panics").clone();
    assert_eq!(asked, ["CREATE binding p \"Binding\"", "CREATE eviction p \"Eviction\""]);
}

#[test]
fn an_answer_that_is_no_review_says_why() {
    let failed = |why: &str| {
        format!(
            "Internal error occurred: failed calling webhook \"hook.example.com\": failed to call webhook: {why}"
        )
    };
    let table = [
        (
            json!({"apiVersion": "v1", "kind": "Pod"}),
            r#"no kind "Pod" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111""#,
        ),
        (
            json!({"apiVersion": "admission.k8s.io/v1beta1", "kind": "AdmissionReview"}),
            "converting (v1beta1.AdmissionReview) to (v1.AdmissionReview): unknown conversion",
        ),
        (
            json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {"allowed": "yes"}}),
            "json: cannot unmarshal string into Go struct field AdmissionResponse.response.allowed of type bool",
        ),
        (
            json!([]),
            r#"couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#,
        ),
    ];
    for (answer, why) in table {
        let answered = answer.clone();
        let mut world = World::new(Webhooks::answered(move |_| respond(&answered)));
        world.configure("ValidatingWebhookConfiguration", json!({}));
        let (status, body) = world.answer(Method::POST, CONFIG_MAPS, &config_map(json!({})));
        assert_eq!((status, body["message"].as_str()), (500, Some(failed(why).as_str())), "{answer}");
    }
}

#[test]
fn webhooks_behind_services_are_found_or_not() {
    let service = |name: &str, spec: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec});
    let ports = json!([{"port": 443}]);
    let table = [
        ("web", 443, Ok("10.96.0.9:443")),
        ("web", 99, Err("no service port 99 found for service \"web\"")),
        ("elsewhere", 8443, Ok("a.example:8443")),
        ("headless", 443, Err("cannot route to service with ClusterIP \"None\"")),
        ("nobody", 443, Err("service \"nobody\" not found")),
    ];
    for (name, port, expected) in table {
        let webhooks = Webhooks::answered(|call| match &call.target {
            Target::Service { addresses, .. } => WebhookAnswer::Failed(addresses.join(" ")),
            Target::Url(url) => WebhookAnswer::Failed(url.clone()),
        });
        let mut world = World::new(webhooks);
        for service in [
            service("web", json!({"clusterIP": "10.96.0.9", "ports": ports})),
            service("elsewhere", json!({"type": "ExternalName", "externalName": "a.example"})),
            service("headless", json!({"clusterIP": "None", "ports": ports})),
        ] {
            let (status, body) = world.answer(Method::POST, "/api/v1/namespaces/default/services", &service);
            assert_eq!(status, 201, "{body}");
        }
        let client =
            json!({"service": {"namespace": "default", "name": name, "port": port, "path": "/hook/"}});
        world.configure("ValidatingWebhookConfiguration", json!({"clientConfig": client}));
        let (_, body) = world.answer(Method::POST, CONFIG_MAPS, &config_map(json!({})));
        let url = format!("https://{name}.default.svc:{port}/hook?timeout=10s");
        let why = expected.unwrap_or_else(|why| why);
        assert_eq!(
            body["message"],
            format!(
                "Internal error occurred: failed calling webhook \"hook.example.com\": failed to call webhook: Post \"{url}\": {why}"
            )
        );
    }
}
