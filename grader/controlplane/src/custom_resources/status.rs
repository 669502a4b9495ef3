//! Accepting names, establishing and approving
//! (apiextensions-apiserver/pkg/controller/{status/naming_controller.go,establish,apiapproval}).
//!
//! All are pure functions of the definition and its neighbours; whoever runs them writes the answer to `/status`.

use super::{approval, list};
use crate::go_text;
use crate::object;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Holds a definition until its objects are gone.
pub(crate) const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// Whether a condition of a definition is `True`.
pub fn is_true(crd: &Value, condition: &str) -> bool {
    list(crd, "/status/conditions").iter().any(|c| c["type"] == condition && c["status"] == "True")
}

/// The status after its names have been compared with those that other definitions of the group have been given;
/// `None` when that changes nothing.
pub fn naming<'a>(
    crd: &'a Value,
    others: impl IntoIterator<Item = &'a Value>,
    now: Timestamp,
) -> Option<Value> {
    let (requested, accepted) = (&crd["spec"]["names"], &crd["status"]["acceptedNames"]);
    if without_empty(requested) == without_empty(accepted) {
        return None;
    }
    let group = &crd["spec"]["group"];
    let in_group = others.into_iter().filter(|other| other["spec"]["group"] == *group);
    let mut used = Used::default();
    in_group.chain([crd]).for_each(|crd| used.add(&crd["status"]["acceptedNames"]));

    let mut names = accepted.as_object().cloned().unwrap_or_default();
    let mut conflict = None;
    for (name, reason, taken) in [
        ("plural", "PluralConflict", &used.resources),
        ("singular", "SingularConflict", &used.resources),
        ("shortNames", "ShortNamesConflict", &used.resources),
        ("kind", "KindConflict", &used.kinds),
        ("listKind", "ListKindConflict", &used.kinds),
    ] {
        // The last conflict is the one that is shown.
        match conflicts(&requested[name], &accepted[name], taken) {
            Some(message) => conflict = Some((reason, message)),
            None => set(&mut names, name, &requested[name]),
        }
    }
    set(&mut names, "categories", &requested["categories"]);
    for required in ["plural", "kind"] {
        names.entry(required).or_insert_with(|| "".into());
    }

    let accepted_condition = match &conflict {
        Some((reason, message)) => condition("NamesAccepted", false, reason, message),
        None => condition("NamesAccepted", true, "NoConflicts", "no conflicts found"),
    };
    let old_condition = |type_: &str| list(crd, "/status/conditions").iter().find(|c| c["type"] == type_);
    let unchanged =
        |old: &Value| ["status", "reason", "message"].iter().all(|key| old[*key] == accepted_condition[*key]);
    if without_empty(&Value::Object(names.clone())) == without_empty(accepted)
        && old_condition("NamesAccepted").is_some_and(unchanged)
    {
        return None;
    }
    let established = match old_condition("Established") {
        Some(old) if old["status"] == "True" || conflict.is_some() => old.clone(),
        _ if conflict.is_none() => {
            condition("Established", false, "Installing", "the initial names have been accepted")
        }
        _ => condition("Established", false, "NotAccepted", "not all names are accepted"),
    };

    let mut status = crd["status"].clone();
    status["acceptedNames"] = Value::Object(names);
    set_condition(&mut status, accepted_condition, now);
    set_condition(&mut status, established, now);
    Some(status)
}

/// Whether [`naming`], [`establishing`] and [`approving`] have nothing more to say of a definition, which is not being
/// deleted either.
pub fn is_settled(crd: &Value) -> bool {
    let (requested, accepted) = (&crd["spec"]["names"], &crd["status"]["acceptedNames"]);
    let is_established = is_true(crd, "Established") || !is_true(crd, "NamesAccepted");
    let is_judged = approval_condition(crd).is_none_or(|condition| has_condition(crd, &condition));
    let is_named = without_empty(requested) == without_empty(accepted);
    !object::is_deleting(crd) && is_named && is_established && is_judged
}

/// The status of a definition whose names have been accepted, once it is served; `None` when it is not to change.
pub fn establishing(crd: &Value, now: Timestamp) -> Option<Value> {
    if !is_true(crd, "NamesAccepted") || is_true(crd, "Established") {
        return None;
    }
    let mut status = crd["status"].clone();
    let condition =
        condition("Established", true, "InitialNamesAccepted", "the initial names have been accepted");
    set_condition(&mut status, condition, now);
    Some(status)
}

/// The status of a definition in a group of the community, which says whether it is approved; `None` when it says so
/// already, and for other groups.
pub fn approving(crd: &Value, now: Timestamp) -> Option<Value> {
    with_condition(crd, approval_condition(crd)?, now)
}

fn approval_condition(crd: &Value) -> Option<Value> {
    let (is_approved, reason, message) = approval::verdict(crd)?;
    Some(condition("KubernetesAPIApprovalPolicyConformant", is_approved, reason, &message))
}

/// The status of a definition that is being deleted while its instances still are; `None` when it says so already.
pub fn terminating(crd: &Value, finished: bool, now: Timestamp) -> Option<Value> {
    let condition = if finished {
        condition("Terminating", false, "InstanceDeletionCompleted", "removed all instances")
    } else {
        condition("Terminating", true, "InstanceDeletionInProgress", "CustomResource deletion is in progress")
    };
    with_condition(crd, condition, now)
}

/// The status with a condition; `None` when it has it already.
fn with_condition(crd: &Value, condition: Value, now: Timestamp) -> Option<Value> {
    if has_condition(crd, &condition) {
        return None;
    }
    let mut status = crd["status"].clone();
    set_condition(&mut status, condition, now);
    Some(status)
}

/// Whether a definition has such a condition, since whenever.
fn has_condition(crd: &Value, condition: &Value) -> bool {
    let is_same =
        |old: &Value| ["type", "status", "reason", "message"].iter().all(|key| old[*key] == condition[*key]);
    list(crd, "/status/conditions").iter().any(is_same)
}

#[derive(Default)]
struct Used {
    resources: BTreeSet<String>,
    kinds: BTreeSet<String>,
}

impl Used {
    fn add(&mut self, names: &Value) {
        let resources = [&names["plural"], &names["singular"]];
        let short = names["shortNames"].as_array().into_iter().flatten();
        self.resources
            .extend(resources.into_iter().chain(short).filter_map(Value::as_str).map(str::to_owned));
        self.kinds.extend(
            [&names["kind"], &names["listKind"]].into_iter().filter_map(Value::as_str).map(str::to_owned),
        );
    }
}

/// What is wrong with a requested name (or several) that has not been accepted before.
fn conflicts(requested: &Value, accepted: &Value, taken: &BTreeSet<String>) -> Option<String> {
    let in_use = |name: &str| format!("{} is already in use", go_text::quote(name));
    match requested {
        Value::Array(names) => {
            let ours = |name: &Value| accepted.as_array().is_some_and(|accepted| accepted.contains(name));
            let conflicting = names.iter().filter(|name| !ours(name)).filter_map(Value::as_str);
            let texts: Vec<String> = conflicting.filter(|name| taken.contains(*name)).map(in_use).collect();
            match texts.len() {
                0 => None,
                1 => texts.into_iter().next(),
                _ => Some(format!("[{}]", texts.join(", "))),
            }
        }
        Value::String(name) if requested != accepted && taken.contains(name) => Some(in_use(name)),
        _ => None,
    }
}

fn set(names: &mut Map<String, Value>, key: &str, value: &Value) {
    if is_empty(value) {
        names.remove(key);
    } else {
        names.insert(key.to_owned(), value.clone());
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn without_empty(names: &Value) -> Vec<(&String, &Value)> {
    names.as_object().into_iter().flatten().filter(|(_, value)| !is_empty(value)).collect()
}

fn condition(type_: &str, is_true: bool, reason: &str, message: &str) -> Value {
    let status = if is_true { "True" } else { "False" };
    json!({"type": type_, "status": status, "reason": reason, "message": message})
}

/// Adds or replaces a condition; its time changes only with its status.
fn set_condition(status: &mut Value, mut condition: Value, now: Timestamp) {
    let now = Value::from(object::time(now));
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    let Some(conditions) = status["conditions"].as_array_mut() else { return };
    match conditions.iter_mut().find(|old| old["type"] == condition["type"]) {
        Some(old) => {
            let kept = if old["status"] == condition["status"] {
                old["lastTransitionTime"].clone()
            } else {
                now.clone()
            };
            condition["lastTransitionTime"] = if kept.is_null() { now } else { kept };
            *old = condition;
        }
        None => {
            condition["lastTransitionTime"] = now;
            conditions.push(condition);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crd(plural: &str, kind: &str, short_names: &[&str]) -> Value {
        json!({
            "spec": {"group": "example.com", "names": {"plural": plural, "singular": kind.to_lowercase(), "kind": kind,
                "listKind": format!("{kind}List"), "shortNames": short_names}},
            "status": {"acceptedNames": {"plural": "", "kind": ""}, "conditions": null, "storedVersions": ["v1"]},
        })
    }

    fn conditions(status: &Value) -> Vec<String> {
        let text = |c: &Value| {
            format!("{}={} {}: {}", c["type"], c["status"], c["reason"], c["message"]).replace('"', "")
        };
        status["conditions"].as_array().unwrap().iter().map(text).collect()
    }

    #[test]
    fn names_are_accepted_then_established() {
        let now = Timestamp::UNIX_EPOCH;
        let mut crd = crd("widgets", "Widget", &["wd"]);
        crd["status"] = naming(&crd, [], now).unwrap();
        assert_eq!(crd["status"]["acceptedNames"], crd["spec"]["names"]);
        assert_eq!(
            conditions(&crd["status"]),
            [
                "NamesAccepted=True NoConflicts: no conflicts found",
                "Established=False Installing: the initial names have been accepted"
            ]
        );
        crd["status"] = establishing(&crd, now).unwrap();
        assert!(is_true(&crd, "Established"));
        assert_eq!((naming(&crd, [], now), establishing(&crd, now)), (None, None));
        assert!(is_settled(&crd));
        crd["spec"]["group"] = "example.k8s.io".into();
        assert!(!is_settled(&crd));
        crd["status"] = approving(&crd, now).unwrap();
        assert!(is_settled(&crd));
    }

    #[test]
    fn approval_is_told_in_groups_of_the_community() {
        let now = Timestamp::UNIX_EPOCH;
        let mut crd = crd("widgets", "Widget", &[]);
        assert_eq!(approving(&crd, now), None);
        crd["spec"]["group"] = "example.k8s.io".into();
        crd["metadata"]["annotations"] = json!({"api-approved.kubernetes.io": "https://example.com/1"});
        crd["status"] = approving(&crd, now).unwrap();
        assert_eq!(
            conditions(&crd["status"]),
            [
                "KubernetesAPIApprovalPolicyConformant=True ApprovedAnnotation: approved in https://example.com/1"
            ]
        );
        assert_eq!(approving(&crd, now), None);
        crd["metadata"]["annotations"] = json!({"api-approved.kubernetes.io": "unapproved"});
        assert_eq!(
            conditions(&approving(&crd, now).unwrap()),
            [
                "KubernetesAPIApprovalPolicyConformant=False UnapprovedAnnotation: not approved: \\unapproved\\"
            ]
        );
    }

    #[test]
    fn names_in_use_are_not_accepted() {
        let now = Timestamp::UNIX_EPOCH;
        let mut first = crd("widgets", "Widget", &["wd"]);
        first["status"] = naming(&first, [], now).unwrap();

        let mut same_kind = crd("gizmos", "Widget", &[]);
        same_kind["status"] = naming(&same_kind, [&first], now).unwrap();
        assert_eq!(same_kind["status"]["acceptedNames"], json!({"plural": "gizmos", "kind": ""}));
        assert_eq!(
            conditions(&same_kind["status"]),
            [
                "NamesAccepted=False ListKindConflict: \\WidgetList\\ is already in use",
                "Established=False NotAccepted: not all names are accepted"
            ]
        );
        assert_eq!((naming(&same_kind, [&first], now), establishing(&same_kind, now)), (None, None));

        let same_short_name = crd("gadgets", "Gadget", &["wd"]);
        let status = naming(&same_short_name, [&first], now).unwrap();
        let accepted =
            json!({"plural": "gadgets", "singular": "gadget", "kind": "Gadget", "listKind": "GadgetList"});
        assert_eq!(status["acceptedNames"], accepted);
    }
}
