//! Built-in kinds that are kept in another form than some of their versions have. The rules of a kind, and what is
//! printed of it, are about the form that is kept.

use super::{autoscalers, events};
use serde_json::Value;

/// A version of a kind that is not the one that is kept.
#[derive(Debug)]
pub(super) struct Form {
    /// The version that is kept.
    pub(super) kept: &'static str,
    /// From this version to the one that is kept.
    pub(super) to_kept: fn(&mut Value),
    /// From the version that is kept to this one.
    pub(super) from_kept: fn(&mut Value),
}

const EVENTS: Form = Form { kept: "v1", to_kept: events::to_core, from_kept: events::from_core };
const AUTOSCALERS: Form = Form { kept: "v2", to_kept: autoscalers::to_v2, from_kept: autoscalers::from_v2 };

/// Makes an object that was sent what every reader of its version will see.
pub(super) fn normalize(group: &str, version: &str, plural: &str, object: &mut Value) {
    if let Some(form) = of(group, version, plural) {
        (form.to_kept)(object);
        (form.from_kept)(object);
    } else if (group, plural) == ("autoscaling", "horizontalpodautoscalers") {
        autoscalers::take_annotations(object);
    }
}

/// The form of a resource in this version, if it is not the one that is kept.
pub(super) fn of(group: &str, version: &str, plural: &str) -> Option<&'static Form> {
    match (group, version, plural) {
        ("events.k8s.io", "v1", "events") => Some(&EVENTS),
        ("autoscaling", "v1", "horizontalpodautoscalers") => Some(&AUTOSCALERS),
        _ => None,
    }
}
