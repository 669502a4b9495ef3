//! Whether the community has approved a definition in one of its groups
//! (apiextensions-apiserver/pkg/apihelpers/helpers.go, pkg/controller/apiapproval).

use super::text;
use crate::field_error::FieldError;
use crate::go_text;
use crate::schema::validation::is_request_uri;
use serde_json::Value;

const ANNOTATION: &str = "api-approved.kubernetes.io";

/// What the annotation says.
#[derive(PartialEq)]
enum Approval {
    Approved,
    Bypassed,
    Missing,
    Invalid,
}

/// Refuses a definition without a good annotation, unless what it replaces was no better.
pub(super) fn validate(new: &Value, old: Option<&Value>) -> Option<FieldError> {
    let (state, annotation) = approval_of(new);
    if !is_protected(new) || old.is_some_and(|old| approval_of(old).0 == state) {
        return None;
    }
    let field = format!("metadata.annotations[{ANNOTATION}]");
    match state {
        Approval::Missing => Some(FieldError::required(field, message(&state, annotation))),
        Approval::Invalid => Some(FieldError::invalid(field, annotation, message(&state, annotation))),
        Approval::Approved | Approval::Bypassed => None,
    }
}

/// Whether a definition in a group of the community is approved, with the reason and the message of the condition that
/// says so; `None` in other groups.
pub(super) fn verdict(crd: &Value) -> Option<(bool, &'static str, String)> {
    let (state, annotation) = approval_of(crd);
    let reason = match state {
        Approval::Approved => "ApprovedAnnotation",
        Approval::Bypassed => "UnapprovedAnnotation",
        Approval::Missing => "MissingAnnotation",
        Approval::Invalid => "InvalidAnnotation",
    };
    let message = message(&state, annotation);
    is_protected(crd).then(|| (state == Approval::Approved, reason, message))
}

fn is_protected(crd: &Value) -> bool {
    let group = text(crd, "/spec/group");
    ["k8s.io", "kubernetes.io"].iter().any(|domain| {
        group.strip_suffix(domain).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    })
}

fn approval_of(crd: &Value) -> (Approval, &str) {
    let annotation = crd["metadata"]["annotations"][ANNOTATION].as_str().unwrap_or_default();
    let has_host = || {
        annotation
            .split_once("://")
            .is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty() && !rest.starts_with('/'))
    };
    let state = match annotation {
        "" => Approval::Missing,
        text if text.starts_with("unapproved") => Approval::Bypassed,
        text if is_request_uri(text) && has_host() => Approval::Approved,
        _ => Approval::Invalid,
    };
    (state, annotation)
}

fn message(state: &Approval, annotation: &str) -> String {
    let must = format!("protected groups must have approval annotation {}", go_text::quote(ANNOTATION));
    let see = "see https://github.com/kubernetes/enhancements/pull/1111";
    match state {
        Approval::Approved => format!("approved in {annotation}"),
        Approval::Bypassed => format!("not approved: {}", go_text::quote(annotation)),
        Approval::Missing => format!("{must}, {see}"),
        Approval::Invalid => {
            format!(r#"{must} with either a URL or a reason starting with "unapproved", {see}"#)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn annotations_of_protected_groups_are_judged() {
        let table = [
            ("gateway.networking.k8s.io", "https://github.com/x/1", Some((true, "ApprovedAnnotation"))),
            ("k8s.io", "unapproved, for a test", Some((false, "UnapprovedAnnotation"))),
            ("a.kubernetes.io", "", Some((false, "MissingAnnotation"))),
            ("a.kubernetes.io", "/a/path", Some((false, "InvalidAnnotation"))),
            ("a.kubernetes.io", "http://[broken", Some((false, "InvalidAnnotation"))),
            ("a.x-k8s.io", "https://github.com/x/1", None),
            ("example.com", "", None),
        ];
        for (group, annotation, expected) in table {
            let crd = json!({
                "metadata": {"annotations": {ANNOTATION: annotation}}, "spec": {"group": group},
            });
            let found = verdict(&crd);
            let found = found.as_ref().map(|(is_approved, reason, _)| (*is_approved, *reason));
            assert_eq!(found, expected, "{group}: {annotation:?}");
        }
        let approved = json!({
            "metadata": {"annotations": {ANNOTATION: "unapproved \"yet\""}}, "spec": {"group": "k8s.io"},
        });
        let message = verdict(&approved).map(|(_, _, message)| message);
        assert_eq!(message.as_deref(), Some(r#"not approved: "unapproved \"yet\"""#));
    }
}
