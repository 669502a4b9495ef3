//! Events have two forms, `v1` and `events.k8s.io/v1`, of the same stored object; rules are about the first
//! (pkg/apis/events/v1/conversion.go).

use crate::builtins;
use serde_json::Value;

/// The members that only differ by name: `events.k8s.io/v1`, `v1`.
const NAMES: [(&str, &str); 7] = [
    ("regarding", "involvedObject"),
    ("note", "message"),
    ("reportingController", "reportingComponent"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
];

/// From `events.k8s.io/v1` to `v1`.
pub(super) fn to_core(event: &mut Value) {
    rename(event, "v1", NAMES);
}

/// From `v1` to `events.k8s.io/v1`.
pub(super) fn from_core(event: &mut Value) {
    rename(event, "events.k8s.io/v1", NAMES.map(|(new, old)| (old, new)));
    let (api_version, kind) = (event["apiVersion"].take(), event["kind"].take());
    if let Some(definition) = builtins::definition_of("events.k8s.io", "v1", "Event") {
        // Zero values that only this form has; a stored object cannot fail to decode.
        let _ = builtins::decode(definition, event);
    }
    event["apiVersion"] = api_version;
    event["kind"] = kind;
}

fn rename(event: &mut Value, api_version: &str, names: [(&str, &str); 7]) {
    let Some(members) = event.as_object_mut() else { return };
    let moved: Vec<(&str, Value)> =
        names.iter().filter_map(|(from, to)| Some((*to, members.remove(*from)?))).collect();
    members.extend(moved.into_iter().map(|(key, value)| (key.to_owned(), value)));
    members.insert("apiVersion".into(), api_version.into());
}
