//! SelfSubjectReview: who am I? (pkg/registry/authentication/selfsubjectreview/rest.go)

use crate::object;
use crate::verbs::write::Write;
use serde_json::{Value, json};

pub(super) fn self_subject(write: &Write<'_>) -> Value {
    json!({
        "kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"creationTimestamp": object::time(write.now)},
        "status": {"userInfo": write.user.to_value()},
    })
}
