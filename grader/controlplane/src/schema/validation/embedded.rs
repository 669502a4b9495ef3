//! Objects inside of objects, `x-kubernetes-embedded-resource`
//! (apiextensions-apiserver/pkg/apiserver/schema/objectmeta).

use super::super::Schema;
use crate::builtins::meta;
use crate::builtins::names::{NameRule, dns_1035_label};
use crate::field_error::{FieldError, FieldPath};
use serde_json::{Value, json};

/// Checks `apiVersion`, `kind` and `metadata` of every embedded resource.
pub(super) fn validate(schema: &Schema, value: &Value, path: FieldPath<'_>, errors: &mut Vec<FieldError>) {
    match value {
        Value::Object(fields) => {
            if schema.embedded_resource {
                check_resource(value, path, errors);
            }
            for (key, value) in fields.iter().filter(|(_, value)| value.is_object() || value.is_array()) {
                match (schema.properties.get(key), &schema.additional_properties) {
                    (Some(schema), _) => validate(schema, value, path.child(key), errors),
                    (None, Some(schema)) => validate(schema, value, path.key(key), errors),
                    (None, None) => {}
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = &schema.items {
                for (index, item) in items.iter().enumerate() {
                    validate(schema, item, path.index(index), errors);
                }
            }
        }
        _ => {}
    }
}

/// Checks what every object has.
pub(super) fn check_resource(resource: &Value, path: FieldPath<'_>, errors: &mut Vec<FieldError>) {
    check_type_meta(resource, path, errors);
    check_metadata(resource, path, errors);
}

fn check_type_meta(resource: &Value, path: FieldPath<'_>, errors: &mut Vec<FieldError>) {
    for name in ["apiVersion", "kind"] {
        let detail = match resource.get(name) {
            None => {
                errors.push(FieldError::required(path.child(name), ""));
                continue;
            }
            Some(Value::String(text)) if text.is_empty() => "must not be empty".to_owned(),
            Some(Value::String(text)) if name == "apiVersion" && text.matches('/').count() > 1 => {
                format!("unexpected GroupVersion string: {text}")
            }
            Some(Value::String(text))
                if name == "kind" && !dns_1035_label(&text.to_lowercase()).is_empty() =>
            {
                let wrong = dns_1035_label(&text.to_lowercase()).join(",");
                format!("may have mixed case, but should otherwise match: {wrong}")
            }
            Some(Value::String(_)) => continue,
            Some(_) => "must be a string".to_owned(),
        };
        errors.push(FieldError::invalid(path.child(name), resource[name].clone(), detail));
    }
}

/// Metadata follows the rules of all metadata, but a name may be missing.
fn check_metadata(resource: &Value, path: FieldPath<'_>, errors: &mut Vec<FieldError>) {
    let Some(Value::Object(metadata)) = resource.get("metadata") else { return };
    let mut metadata = metadata.clone();
    if metadata.get("name").and_then(Value::as_str).unwrap_or_default().is_empty() {
        metadata.insert("name".into(), "fakename".into());
    }
    let namespaced =
        metadata.get("namespace").and_then(Value::as_str).is_some_and(|namespace| !namespace.is_empty());
    let resource = json!({"metadata": metadata});
    let wrong = meta::validate_create(&resource, namespaced, NameRule::PathSegment);
    errors.extend(
        wrong.into_iter().map(|error| FieldError { field: format!("{path}.{}", error.field), ..error }),
    );
}
