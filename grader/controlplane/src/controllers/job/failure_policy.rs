//! What the failure of a pod means to its Job (pkg/controller/job/pod_failure_policy.go).

use crate::controllers::fields;
use crate::object;
use serde_json::Value;

/// What a rule makes of a failed pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// It counts as one failure more, which also holds where no rule matches.
    Count,
    /// It is replaced and not counted.
    Ignore,
    /// Its index will not be tried again.
    FailIndex,
    /// The whole Job fails, for this reason.
    FailJob(String),
}

/// The action of the first rule of `spec.podFailurePolicy` that matches.
pub(super) fn action(job: &Value, pod: &Value) -> Action {
    let rules = fields::items(job, "/spec/podFailurePolicy/rules");
    for (number, rule) in rules.iter().enumerate() {
        let Some(cause) = matching(rule, pod) else { continue };
        return match fields::text(rule, "/action") {
            "Ignore" => Action::Ignore,
            "FailIndex" => Action::FailIndex,
            "FailJob" => Action::FailJob(format!("{cause} matching FailJob rule at index {number}")),
            _ => Action::Count,
        };
    }
    Action::Count
}

/// What about the pod the rule matches, as a message says it.
fn matching(rule: &Value, pod: &Value) -> Option<String> {
    let name = format!("{}/{}", object::namespace(pod), object::name(pod));
    if rule["onExitCodes"].is_object() {
        let lists = ["/status/containerStatuses", "/status/initContainerStatuses"];
        let mut containers = lists.into_iter().flat_map(|list| fields::items(pod, list));
        let container = containers.find(|container| has_exit_code(&rule["onExitCodes"], container))?;
        let (container, code) = (fields::text(container, "/name"), exit_code(container)?);
        return Some(format!("Container {container} for pod {name} failed with exit code {code}"));
    }
    let patterns = fields::items(rule, "/onPodConditions");
    let fits = |condition: &&Value| {
        patterns
            .iter()
            .any(|pattern| pattern["type"] == condition["type"] && pattern["status"] == condition["status"])
    };
    let condition = fields::items(pod, "/status/conditions").iter().find(fits)?;
    Some(format!("Pod {name} has condition {}", fields::text(condition, "/type")))
}

fn exit_code(container: &Value) -> Option<i64> {
    fields::int(container, "/state/terminated/exitCode").filter(|code| *code != 0)
}

fn has_exit_code(requirement: &Value, container: &Value) -> bool {
    let named = requirement["containerName"].is_null() || requirement["containerName"] == container["name"];
    let Some(code) = exit_code(container).filter(|_| named) else { return false };
    let listed = fields::items(requirement, "/values").iter().any(|value| *value == code);
    match fields::text(requirement, "/operator") {
        "In" => listed,
        "NotIn" => !listed,
        _ => false,
    }
}
