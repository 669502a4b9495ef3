//! Says of every flow schema whether its priority level exists, which the API server does itself
//! (apiserver/pkg/util/flowcontrol/apf_controller.go).

use crate::access::{FLOW_SCHEMAS, PRIORITY_LEVELS};
use crate::controllers::{Api, Controller};
use crate::object;
use crate::store::Change;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Keeps the condition `Dangling` up to date.
#[derive(Debug, Default)]
pub(crate) struct FlowSchemaStatus {
    /// When to look at all of them: there are few.
    due: Option<Timestamp>,
}

impl Controller for FlowSchemaStatus {
    fn name(&self) -> &'static str {
        "flow-schema-status"
    }

    fn manager(&self) -> &'static str {
        "api-priority-and-fairness-config-consumer-v1"
    }

    fn observe(&mut self, change: &Change) {
        if change.resource == FLOW_SCHEMAS || change.resource == PRIORITY_LEVELS {
            self.due = Some(change.at);
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        self.due = None;
        for schema in api.list(&FLOW_SCHEMAS, None) {
            let condition = dangling(&schema, api, now);
            let conditions = schema["status"]["conditions"].as_array().into_iter().flatten();
            let said = |known: &Value| {
                ["type", "status", "reason", "message"].iter().all(|key| known[key] == condition[key])
            };
            if conditions.into_iter().any(said) {
                continue;
            }
            let status = json!({
                "apiVersion": schema["apiVersion"], "kind": schema["kind"],
                "metadata": {"name": object::name(&schema)},
                "status": {"conditions": [condition]},
            });
            // Whoever deletes it meanwhile has no use for it.
            let _ = api.apply_status(&FLOW_SCHEMAS, None, &status);
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.due
    }
}

fn dangling(schema: &Value, api: &Api<'_>, now: Timestamp) -> Value {
    let level = schema["spec"]["priorityLevelConfiguration"]["name"].as_str().unwrap_or_default();
    let (status, reason, rest) = match api.get(&PRIORITY_LEVELS, None, level) {
        Some(_) => ("False", "Found", "and it exists"),
        None => ("True", "NotFound", "but there is no such object"),
    };
    json!({
        "type": "Dangling", "status": status, "reason": reason, "lastTransitionTime": object::time(now),
        "message": format!(
            "This FlowSchema references the PriorityLevelConfiguration object named {level:?} {rest}"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Access, Authorization};
    use crate::{ControlPlane, Options};

    #[test]
    fn a_schema_dangles_until_its_level_is_there() {
        let now = Timestamp::UNIX_EPOCH;
        let access = Access { authorization: Authorization::Rbac, ..Access::default() };
        let mut plane = ControlPlane::new(Options { access, start: now, ..Options::default() });
        assert_eq!(plane.next_wake(), None, "those of a new cluster say it already");
        let schema = json!({
            "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "FlowSchema", "metadata": {"name": "mine"},
            "spec": {"matchingPrecedence": 1000, "priorityLevelConfiguration": {"name": "slow"}},
        });
        let level = json!({
            "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "PriorityLevelConfiguration",
            "metadata": {"name": "slow"},
            "spec": {"type": "Limited", "limited": {"nominalConcurrencyShares": 1, "limitResponse": {"type": "Reject"}}},
        });
        for (resource, object, status) in [(FLOW_SCHEMAS, schema, "True"), (PRIORITY_LEVELS, level, "False")]
        {
            plane.act_as("somebody", now, |api| api.create(&resource, None, object)).expect("a new object");
            while plane.next_wake().is_some_and(|wake| wake <= now) {
                plane.advance(now);
            }
            let schema = plane.get(&FLOW_SCHEMAS, "", "mine").expect("still there");
            assert_eq!(schema["status"]["conditions"][0]["status"], status);
            assert_eq!(plane.next_wake(), None);
        }
    }
}
