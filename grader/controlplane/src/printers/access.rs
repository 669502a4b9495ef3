//! Who may do what (pkg/apis/rbac/helpers.go).

use super::printed::{Printed, join};
use crate::builtins::fields::text;
use serde_json::{Value, json};

pub(super) fn role_binding(binding: &Printed<'_>) -> Value {
    let subjects = |kind: &str, show: fn(&Value) -> String| {
        let subjects = binding.list("/subjects").iter().filter(|subject| subject["kind"] == kind);
        let shown: Vec<String> = subjects.map(show).collect();
        join(shown.iter().map(String::as_str), ", ")
    };
    let name = |subject: &Value| text(subject, "/name").to_owned();
    json!([
        binding.name(),
        format!("{}/{}", binding.text("/roleRef/kind"), binding.text("/roleRef/name")),
        binding.age(),
        subjects("User", name),
        subjects("Group", name),
        subjects("ServiceAccount", |account| {
            format!("{}/{}", text(account, "/namespace"), text(account, "/name"))
        }),
    ])
}
