//! Writing a CustomResourceDefinition
//! (apiextensions-apiserver/pkg/registry/customresourcedefinition/strategy.go, apis/apiextensions/v1/defaults.go).

use super::{approval, list, text, validation};
use crate::builtins::{meta, names::NameRule};
use crate::field_error::FieldError;
use crate::go_text;
use crate::schema::Schema;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Fills in the defaults of a definition that was just decoded.
pub fn defaults(crd: &mut Value) {
    let kind = text(crd, "/spec/names/kind").to_owned();
    let missing = |crd: &Value, pointer: &str| text(crd, pointer).is_empty();
    let (no_singular, no_list_kind) =
        (missing(crd, "/spec/names/singular"), missing(crd, "/spec/names/listKind"));
    if let Some(names) = crd.pointer_mut("/spec/names").and_then(Value::as_object_mut) {
        if no_singular {
            names.insert("singular".into(), kind.to_lowercase().into());
        }
        if no_list_kind && !kind.is_empty() {
            names.insert("listKind".into(), format!("{kind}List").into());
        }
    }
    if let Some(spec) = crd.get_mut("spec").and_then(Value::as_object_mut) {
        if spec.get("conversion").is_none_or(Value::is_null) {
            spec.insert("conversion".into(), json!({"strategy": "None"}));
        }
        if let Some(service) =
            spec.get_mut("conversion").and_then(|c| c.pointer_mut("/webhook/clientConfig/service"))
            && let Some(service) = service.as_object_mut()
        {
            service.entry("port").or_insert(443.into());
        }
        for version in spec.get_mut("versions").and_then(Value::as_array_mut).into_iter().flatten() {
            drop_null_defaults(version.pointer_mut("/schema/openAPIV3Schema"));
        }
    }
}

/// Forgets the status that came with a new definition; what it starts with follows from the spec.
pub fn prepare_for_create(crd: &mut Value) {
    let stored: Vec<String> = storage_version(crd).into_iter().map(str::to_owned).collect();
    let stored = if stored.is_empty() { Value::Null } else { stored.into() };
    if let Some(crd) = crd.as_object_mut() {
        crd.insert(
            "status".into(),
            json!({"acceptedNames": {"kind": "", "plural": ""}, "conditions": null, "storedVersions": stored}),
        );
    }
}

/// Keeps the status over an update of the rest, and adds a new storage version to the stored ones.
pub fn prepare_for_update(new: &mut Value, old: &Value) {
    let mut status = old.get("status").cloned().unwrap_or_else(|| Value::Object(Map::new()));
    add_stored_version(&mut status, storage_version(new));
    if let Some(new) = new.as_object_mut() {
        new.insert("status".into(), status);
    }
}

/// Keeps everything but the status over a write to `/status`.
pub fn prepare_for_status_update(new: &mut Value, old: &Value) {
    if let (Some(new), Some(spec)) = (new.as_object_mut(), old.get("spec")) {
        new.insert("spec".into(), spec.clone());
    }
    let mut status = new.get("status").cloned().unwrap_or_default();
    // As a default: whoever names versions may leave that one out (pkg/apis/apiextensions/v1/defaults.go).
    if list(&status, "/storedVersions").is_empty() {
        add_stored_version(&mut status, storage_version(new));
    }
    if let Some(new) = new.as_object_mut() {
        new.insert("status".into(), status);
    }
}

/// What is written from now on is stored in this version.
fn add_stored_version(status: &mut Value, storage: Option<&str>) {
    let (Some(storage), Some(status)) = (storage, status.as_object_mut()) else { return };
    let stored = status.entry("storedVersions").or_insert(Value::Null);
    match stored.as_array_mut() {
        None => *stored = json!([storage]),
        Some(stored) if !stored.iter().any(|version| version == storage) => stored.push(storage.into()),
        Some(_) => {}
    }
}

/// Checks a new definition, after [`defaults`] and [`prepare_for_create`].
pub fn validate_create(crd: &Value) -> Vec<FieldError> {
    let mut errors = meta::validate_create(crd, false, NameRule::Subdomain);
    let name = text(crd, "/metadata/name");
    let required = format!("{}.{}", text(crd, "/spec/names/plural"), text(crd, "/spec/group"));
    if name != required && !name.is_empty() {
        errors.push(FieldError::invalid(
            "metadata.name",
            name,
            r#"must be spec.names.plural+"."+spec.group"#,
        ));
    }
    errors.extend(validation::validate_spec(crd, None));
    errors.extend(stored_versions(crd));
    errors.extend(approval::validate(crd, None));
    errors.extend(preserve_unknown_fields(crd, None));
    errors
}

/// Checks a changed definition, after [`defaults`] and [`prepare_for_update`].
pub fn validate_update(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = meta::validate_update(new, old);
    errors.extend(validation::validate_spec(new, Some(old)));
    let always = ["/spec/group", "/spec/names/plural"];
    let once_established = ["/spec/scope", "/spec/names/kind"];
    let established = if super::status::is_true(old, "Established") { &once_established[..] } else { &[] };
    for pointer in established.iter().chain(&always) {
        if text(new, pointer) != text(old, pointer) {
            let field = pointer[1..].replace('/', ".");
            errors.push(FieldError::invalid(field, text(new, pointer), "field is immutable"));
        }
    }
    errors.extend(stored_versions(new));
    errors.extend(approval::validate(new, Some(old)));
    errors.extend(preserve_unknown_fields(new, Some(old)));
    errors
}

/// Checks a write to `/status`.
pub fn validate_status_update(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = meta::validate_update(new, old);
    errors.extend(validation::validate_names(new.pointer("/status/acceptedNames"), "status.acceptedNames"));
    errors
}

/// Warnings about formats that a write introduces and that nothing checks.
pub fn warnings(new: &Value, old: Option<&Value>) -> Vec<String> {
    let known: BTreeSet<String> = old.map(unrecognized_formats).into_iter().flatten().collect();
    let new = unrecognized_formats(new).into_iter().filter(|format| !known.contains(format));
    new.map(|format| format!("unrecognized format {}", go_text::quote(&format))).collect()
}

fn storage_version(crd: &Value) -> Option<&str> {
    let storage = list(crd, "/spec/versions").iter().find(|version| version["storage"] == true)?;
    storage["name"].as_str()
}

fn stored_versions(crd: &Value) -> Vec<FieldError> {
    let field = "status.storedVersions";
    let stored = crd.pointer("/status/storedVersions").cloned().unwrap_or_default();
    let names: Vec<&str> = list(crd, "/status/storedVersions").iter().filter_map(Value::as_str).collect();
    if names.is_empty() {
        return vec![FieldError::invalid(field, stored, "must have at least one stored version")];
    }
    let versions = list(crd, "/spec/versions");
    let is_missing =
        |version: &&Value| version["storage"] == true && !names.iter().any(|name| version["name"] == **name);
    let mut errors: Vec<FieldError> = versions
        .iter()
        .filter(is_missing)
        .map(|version| {
            let name = version["name"].as_str().unwrap_or_default();
            FieldError::invalid(field, stored.clone(), format!("must have the storage version {name}"))
        })
        .collect();
    for (index, name) in
        names.iter().enumerate().filter(|(_, name)| !versions.iter().any(|v| v["name"] == **name))
    {
        let detail = format!(
            "missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions \
             until a storage migration ensures no data remains persisted in {name} and removes {name} from \
             status.storedVersions"
        );
        errors.push(FieldError::invalid(format!("{field}[{index}]"), *name, detail));
    }
    errors
}

fn preserve_unknown_fields(new: &Value, old: Option<&Value>) -> Option<FieldError> {
    let preserves = |crd: &Value| crd["spec"]["preserveUnknownFields"] == true;
    if !preserves(new) || old.is_some_and(preserves) {
        return None;
    }
    let detail = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
    Some(FieldError::invalid("spec.preserveUnknownFields", true, detail))
}

/// `default: null` is no default: it is not even stored.
fn drop_null_defaults(schema: Option<&mut Value>) {
    let Some(schema) = schema.and_then(Value::as_object_mut) else { return };
    schema.retain(|keyword, value| !(matches!(keyword.as_str(), "default" | "example") && value.is_null()));
    for (keyword, value) in schema {
        match (keyword.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                properties.values_mut().for_each(|schema| drop_null_defaults(Some(schema)));
            }
            ("items" | "additionalProperties" | "not", schema) => drop_null_defaults(Some(schema)),
            ("allOf" | "anyOf" | "oneOf", Value::Array(schemas)) => {
                schemas.iter_mut().for_each(|schema| drop_null_defaults(Some(schema)));
            }
            _ => {}
        }
    }
}

fn unrecognized_formats(crd: &Value) -> Vec<String> {
    let mut formats = Vec::new();
    for version in list(crd, "/spec/versions") {
        if let Some(schema) = version.pointer("/schema/openAPIV3Schema")
            && let Ok(schema) = Schema::from_json(schema)
        {
            collect_unrecognized_formats(&schema, &mut formats);
        }
    }
    formats
}

fn collect_unrecognized_formats(schema: &Schema, formats: &mut Vec<String>) {
    if let (Some(format), None) = (&schema.format, &schema.validation.format) {
        formats.push(format.clone());
    }
    schema.children().for_each(|child| collect_unrecognized_formats(child, formats));
}

#[cfg(test)]
mod tests;
