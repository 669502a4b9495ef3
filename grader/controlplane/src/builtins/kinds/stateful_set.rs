//! StatefulSets (pkg/apis/apps/validation/validation.go, pkg/registry/apps/statefulset/strategy.go).

use super::claim;
use super::pod_spec::{self, not_negative};
use super::workloads::{
    always_running, is_zero, number_or_percent, replica_counts, selector, template_labels, template_warnings,
};
use crate::builtins::fields::{at, has, list, number, put, set, text};
use crate::builtins::names::{self, NameRule};
use crate::builtins::rules::{Rules, keep_all_but_status, keep_status};
use crate::field_error::FieldError;
use serde_json::{Value, json};

/// The members of the spec that may change.
const MUTABLE: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

pub(super) struct StatefulSet;

impl Rules for StatefulSet {
    fn names(&self) -> NameRule {
        NameRule::Label
    }

    fn counts_generation(&self) -> bool {
        true
    }

    fn prepare_for_create(&self, stateful_set: &mut Value) {
        set(stateful_set, "status", None);
        name_claim_templates(stateful_set);
        drop_disabled(stateful_set, None);
    }

    fn prepare_for_update(&self, new: &mut Value, old: &Value, subresource: Option<&str>) {
        if subresource == Some("status") {
            return keep_all_but_status(new, old);
        }
        keep_status(new, old);
        name_claim_templates(new);
        drop_disabled(new, Some(old));
    }

    fn warnings(&self, set: &Value, old: Option<&Value>) -> Vec<String> {
        let mut warnings = template_warnings(set, old, "spec.template");
        for (i, template) in list(set, "/spec/volumeClaimTemplates").iter().enumerate() {
            // Upstream spells the path so, and only on updates.
            let below = if old.is_some() { ".Spec" } else { "" };
            let path = format!("spec.volumeClaimTemplates[{i}]{below}");
            warnings.extend(claim::warnings(at(template, "/spec"), &path));
        }
        if number(set, "/spec/revisionHistoryLimit").is_some_and(|limit| limit < 0) {
            let text = "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is \
                        recommended";
            warnings.push(text.to_owned());
        }
        warnings
    }

    fn validate_create(&self, set: &Value) -> Vec<FieldError> {
        let mut errors = spec(set);
        for (i, template) in list(set, "/spec/volumeClaimTemplates").iter().enumerate() {
            let path = format!("spec.volumeClaimTemplates[{i}].spec");
            claim::validate_spec(at(template, "/spec"), &path, &mut errors);
        }
        let service = text(set, "/spec/serviceName");
        if !service.is_empty() {
            let bad = names::dns_label(service).into_iter();
            errors.extend(bad.map(|e| FieldError::invalid("spec.serviceName", service, e)));
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        if subresource == Some("status") {
            let counts = ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"];
            return replica_counts(new, &counts, "status.readyReplicas");
        }
        let mut errors = spec(new);
        let fixed = |object: &Value| {
            let mut spec = at(object, "/spec").clone();
            MUTABLE.iter().for_each(|key| set(&mut spec, key, None));
            spec
        };
        if fixed(new) != fixed(old) {
            let detail = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
                          'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
                          'minReadySeconds' are forbidden";
            errors.push(FieldError::forbidden("spec", detail));
        }
        errors
    }
}

/// `maxUnavailable` is a feature that is off by default.
fn drop_disabled(new: &mut Value, old: Option<&Value>) {
    const POINTER: &str = "/spec/updateStrategy/rollingUpdate";
    let used = old.is_some_and(|old| has(at(old, POINTER), "maxUnavailable"));
    if let Some(rolling) = new.pointer_mut(POINTER).filter(|_| !used) {
        set(rolling, "maxUnavailable", None);
    }
}

/// Claim templates carry their type, though nothing asks for it.
fn name_claim_templates(stateful_set: &mut Value) {
    for template in crate::builtins::fields::list_mut(stateful_set, "/spec/volumeClaimTemplates") {
        put(template, &["apiVersion"], "v1");
        put(template, &["kind"], "PersistentVolumeClaim");
    }
}

fn spec(stateful_set: &Value) -> Vec<FieldError> {
    let spec = at(stateful_set, "/spec");
    let mut errors = Vec::new();
    match text(spec, "/podManagementPolicy") {
        "OrderedReady" | "Parallel" => {}
        policy => {
            let detail = "must be 'OrderedReady' or 'Parallel'";
            errors.push(FieldError::invalid("spec.podManagementPolicy", policy, detail));
        }
    }
    update_strategy(at(spec, "/updateStrategy"), &mut errors);
    for key in ["whenDeleted", "whenScaled"] {
        let policy = text(spec, &format!("/persistentVolumeClaimRetentionPolicy/{key}"));
        if !["Retain", "Delete"].contains(&policy) {
            let path = format!("spec.persistentVolumeClaimRetentionPolicy.{key}");
            errors.push(FieldError::not_supported(path, policy, ["Retain", "Delete"]));
        }
    }
    for key in ["replicas", "minReadySeconds"] {
        not_negative(&mut errors, spec, "spec", key);
    }
    not_negative(&mut errors, at(spec, "/ordinals"), "spec.ordinals", "start");
    selector(spec, "statefulset", &mut errors);
    template_labels(spec, &mut errors);
    errors.extend(pod_spec::validate_template(&template_with_claims(spec), "spec.template"));
    always_running(spec, "statefulset", &mut errors);
    errors
}

fn update_strategy(strategy: &Value, errors: &mut Vec<FieldError>) {
    const PATH: &str = "spec.updateStrategy.rollingUpdate";
    let rolling = at(strategy, "/rollingUpdate");
    match text(strategy, "/type") {
        "OnDelete" if rolling.is_object() => {
            let detail = "only allowed for updateStrategy 'RollingUpdate'";
            errors.push(FieldError::invalid(PATH, go_rolling_update(rolling), detail));
        }
        "OnDelete" => {}
        "RollingUpdate" => {
            not_negative(errors, rolling, PATH, "partition");
            let unavailable = at(rolling, "/maxUnavailable");
            let path = format!("{PATH}.maxUnavailable");
            number_or_percent(unavailable, &path, true, errors);
            if is_zero(unavailable) {
                errors.push(FieldError::invalid(path, unavailable.clone(), "cannot be 0"));
            }
        }
        kind => {
            // The text shows the Go struct.
            let rolling = if rolling.is_object() { go_rolling_update(rolling) } else { Value::Null };
            let shown = json!({"Type": kind, "RollingUpdate": rolling});
            let detail = "must be 'RollingUpdate' or 'OnDelete'";
            errors.push(FieldError::invalid("spec.updateStrategy", shown, detail));
        }
    }
}

fn go_rolling_update(rolling: &Value) -> Value {
    json!({"Partition": at(rolling, "/partition"), "MaxUnavailable": at(rolling, "/maxUnavailable")})
}

/// The template as pods will have it: claims become volumes.
fn template_with_claims(spec: &Value) -> Value {
    let mut template = at(spec, "/template").clone();
    let claims: Vec<&str> =
        list(spec, "/volumeClaimTemplates").iter().map(|claim| text(claim, "/metadata/name")).collect();
    if !claims.is_empty() {
        let own =
            list(&template, "/spec/volumes").iter().filter(|volume| !claims.contains(&text(volume, "/name")));
        let own: Vec<Value> = own.cloned().collect();
        let claimed =
            claims.iter().map(|name| json!({"name": name, "persistentVolumeClaim": {"claimName": name}}));
        put(&mut template, &["spec", "volumes"], claimed.chain(own).collect::<Vec<Value>>());
    }
    for key in ["subdomain", "hostname"] {
        if has(at(&template, "/spec"), key) {
            set(&mut template["spec"], key, None);
        }
    }
    template
}
