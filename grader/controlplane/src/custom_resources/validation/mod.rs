//! The rules of a CustomResourceDefinition's spec
//! (apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go).
//!
//! Kubernetes checks its internal form of a definition, in which a schema, subresources or columns that all versions
//! share stand at the top. The paths of errors are those of that form.

mod conversion;
mod default_values;
mod keywords;
mod open_api;
mod rules;
mod structural;
mod topology;

use super::{list, text};
use crate::builtins::names::{dns_1035_label, dns_subdomain};
use crate::field_error::{FieldError, FieldErrorKind};
use crate::go_text;
use crate::schema::Schema;
use crate::schema::cel::field_path;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Checks a spec. `old` is the definition that an update replaces: what was accepted once is not refused later.
pub(super) fn validate_spec(crd: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let group = text(crd, "/spec/group");
    if group.is_empty() {
        errors.push(FieldError::required("spec.group", ""));
    } else if let Some(detail) = joined(dns_subdomain(group)) {
        errors.push(FieldError::invalid("spec.group", group, detail));
    } else if !group.contains('.') {
        errors.push(FieldError::invalid("spec.group", group, "should be a domain with at least one dot"));
    }
    match text(crd, "/spec/scope") {
        "" => errors.push(FieldError::required("spec.scope", "")),
        "Cluster" | "Namespaced" => {}
        scope => errors.push(FieldError::not_supported("spec.scope", scope, ["Cluster", "Namespaced"])),
    }

    let versions = list(crd, "/spec/versions");
    let shared = Shared::of(versions);
    for (index, version) in versions.iter().enumerate() {
        if version.pointer("/schema/openAPIV3Schema").is_none_or(Value::is_null) {
            errors.push(FieldError::required(format!("spec.versions[{index}].schema.openAPIV3Schema"), ""));
        }
    }
    let mut names = BTreeSet::new();
    let mut unique = true;
    for (index, version) in versions.iter().enumerate() {
        let path = format!("spec.versions[{index}]");
        let name = version["name"].as_str().unwrap_or_default();
        unique &= names.insert(name);
        if let Some(detail) = joined(dns_1035_label(name)) {
            errors.push(FieldError::invalid(format!("{path}.name"), name, detail));
        }
        errors.extend(deprecation_warning(version, &path));
        let has_status = !version["subresources"]["status"].is_null();
        if !shared.schema {
            let unchanged = old.is_some_and(|old| is_schema_unchanged(version, old));
            errors.extend(schema(&version["schema"], &format!("{path}.schema"), has_status, unchanged));
        }
        if !shared.subresources {
            errors.extend(subresources(&version["subresources"], &format!("{path}.subresources")));
        }
        if !shared.columns {
            errors.extend(columns(
                &version["additionalPrinterColumns"],
                &format!("{path}.additionalPrinterColumns"),
            ));
        }
        if !shared.selectable_fields {
            errors.extend(selectable_fields(version, &format!("{path}.selectableFields")));
        }
    }
    if !unique {
        errors.push(wrong_versions(crd, &shared, "must contain unique version names"));
    }
    if versions.iter().filter(|version| version["storage"] == true).count() != 1 {
        let detail = "must have exactly one version marked as storage version";
        errors.push(wrong_versions(crd, &shared, detail));
    }
    if let Some(first) = versions.first() {
        let name = first["name"].as_str().unwrap_or_default();
        if let Some(detail) = joined(dns_1035_label(name)).filter(|_| !name.is_empty()) {
            errors.push(FieldError::invalid("spec.version", name, detail));
        }
    }
    for name in ["plural", "singular", "kind", "listKind"] {
        if text(crd, &format!("/spec/names/{name}")).is_empty() {
            errors.push(FieldError::required(format!("spec.names.{name}"), ""));
        }
    }
    errors.extend(validate_names(crd.pointer("/spec/names"), "spec.names"));
    if let Some(first) = versions.first() {
        let has_status = versions.iter().any(|version| !version["subresources"]["status"].is_null());
        if shared.schema {
            let unchanged = old.is_some_and(|old| is_schema_unchanged(first, old));
            errors.extend(schema(&first["schema"], "spec.validation", has_status, unchanged));
        }
        if shared.subresources {
            errors.extend(subresources(&first["subresources"], "spec.subresources"));
        }
        if shared.columns {
            errors.extend(columns(&first["additionalPrinterColumns"], "spec.additionalPrinterColumns"));
        }
        if shared.selectable_fields {
            errors.extend(selectable_fields(first, "spec.selectableFields"));
        }
    }
    errors.extend(conversion::validate(&crd["spec"]["conversion"]));
    errors
}

/// Checks names as they stand in the spec or, accepted, in the status.
pub(super) fn validate_names(names: Option<&Value>, path: &str) -> Vec<FieldError> {
    let Some(names) = names else { return Vec::new() };
    let mut errors = Vec::new();
    let name = |key: &str| names[key].as_str().unwrap_or_default();
    for key in ["plural", "singular", "kind", "listKind"].into_iter().filter(|key| !name(key).is_empty()) {
        let is_kind = key.to_lowercase().ends_with("kind");
        let checked = if is_kind { name(key).to_lowercase() } else { name(key).to_owned() };
        if let Some(detail) = joined(dns_1035_label(&checked)) {
            let prefix = if is_kind { "may have mixed case, but should otherwise match: " } else { "" };
            errors.push(FieldError::invalid(format!("{path}.{key}"), name(key), format!("{prefix}{detail}")));
        }
    }
    if !name("kind").is_empty() && name("kind") == name("listKind") {
        let detail = "kind and listKind may not be the same";
        errors.push(FieldError::invalid(format!("{path}.listKind"), name("listKind"), detail));
    }
    for key in ["shortNames", "categories"] {
        for (index, item) in names[key].as_array().into_iter().flatten().enumerate() {
            let item = item.as_str().unwrap_or_default();
            if let Some(detail) = joined(dns_1035_label(item)) {
                errors.push(FieldError::invalid(format!("{path}.{key}[{index}]"), item, detail));
            }
        }
    }
    errors
}

/// What all versions share, and therefore stands at the top.
struct Shared {
    schema: bool,
    subresources: bool,
    columns: bool,
    selectable_fields: bool,
}

impl Shared {
    fn of(versions: &[Value]) -> Self {
        let same = |key: &str| versions.iter().all(|version| version[key] == versions[0][key]);
        Self {
            schema: same("schema"),
            subresources: same("subresources"),
            columns: same("additionalPrinterColumns"),
            selectable_fields: same("selectableFields"),
        }
    }
}

/// What is wrong with the versions together. They are shown as Kubernetes prints its internal form, which is not in
/// the order of names, so the text is made here.
fn wrong_versions(crd: &Value, shared: &Shared, detail: &str) -> FieldError {
    let own =
        |value: &Value, is_shared: bool| if is_shared { "null".to_owned() } else { go_text::json(value) };
    let version = |version: &Value| {
        format!(
            r#"{{"Name":{},"Served":{},"Storage":{},"Deprecated":{},"DeprecationWarning":{},"Schema":{},"Subresources":{},"AdditionalPrinterColumns":{},"SelectableFields":{}}}"#,
            go_text::json(&version["name"]),
            version["served"] == true,
            version["storage"] == true,
            version["deprecated"] == true,
            go_text::json(&version["deprecationWarning"]),
            own(&version["schema"], shared.schema),
            own(&version["subresources"], shared.subresources),
            own(&version["additionalPrinterColumns"], shared.columns),
            own(&version["selectableFields"], shared.selectable_fields),
        )
    };
    let versions = crd.pointer("/spec/versions").and_then(Value::as_array);
    let shown = versions.map_or("null".to_owned(), |versions| {
        let shown: Vec<String> = versions.iter().map(version).collect();
        format!("[{}]", shown.join(","))
    });
    FieldError::new(FieldErrorKind::Invalid, "spec.versions", None, format!("{shown}: {detail}"))
}

fn is_schema_unchanged(version: &Value, old: &Value) -> bool {
    let same_name = |candidate: &&Value| candidate["name"] == version["name"];
    list(old, "/spec/versions").iter().find(same_name).is_some_and(|old| old["schema"] == version["schema"])
}

fn deprecation_warning(version: &Value, path: &str) -> Vec<FieldError> {
    let Some(warning) = version["deprecationWarning"].as_str() else { return Vec::new() };
    let mut details = Vec::new();
    if version["deprecated"] != true {
        details.push("can only be set for deprecated versions".to_owned());
    } else {
        if warning.len() > 256 {
            details.push("must be <= 256 characters long".to_owned());
        }
        if warning.is_empty() {
            details.push("must not be an empty string".to_owned());
        }
        if let Some((index, _)) = warning.char_indices().find(|(_, character)| character.is_control()) {
            let what = "must only contain printable UTF-8 characters; non-printable character found at index";
            details.push(format!("{what} {index}"));
        }
    }
    let field = format!("{path}.deprecationWarning");
    details.into_iter().map(|detail| FieldError::invalid(field.clone(), warning, detail)).collect()
}

/// Checks a schema below `path` (`spec.validation` or a version's `schema`).
fn schema(validation: &Value, path: &str, has_status: bool, is_unchanged: bool) -> Vec<FieldError> {
    match &validation["openAPIV3Schema"] {
        Value::Null => Vec::new(),
        schema => open_api::validate(schema, &format!("{path}.openAPIV3Schema"), has_status, is_unchanged),
    }
}

fn subresources(subresources: &Value, path: &str) -> Vec<FieldError> {
    let scale = &subresources["scale"];
    let mut errors = Vec::new();
    if scale.is_null() {
        return errors;
    }
    for (key, prefixes, within, required) in [
        ("specReplicasPath", &[".spec."][..], ".spec", true),
        ("statusReplicasPath", &[".status."], ".status", true),
        ("labelSelectorPath", &[".spec.", ".status."], "either .spec or .status", false),
    ] {
        let field = format!("{path}.scale.{key}");
        match scale[key].as_str().unwrap_or_default() {
            "" if required => errors.push(FieldError::required(field, "")),
            "" => {}
            value if !value.starts_with('.') => errors.push(not_simple(field, value)),
            value if !prefixes.iter().any(|prefix| value.starts_with(prefix)) => {
                errors.push(FieldError::invalid(
                    field,
                    value,
                    format!("should be a json path under {within}"),
                ));
            }
            _ => {}
        }
    }
    errors
}

fn not_simple(field: String, path: &str) -> FieldError {
    FieldError::invalid(field, path, "must be a simple json path starting with .")
}

fn columns(columns: &Value, path: &str) -> Vec<FieldError> {
    let types = ["boolean", "date", "integer", "number", "string"];
    let formats = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
    let one_of = |names: &[&str]| format!("must be one of {}", names.join(","));
    let mut errors = Vec::new();
    for (index, column) in columns.as_array().into_iter().flatten().enumerate() {
        let field = |name: &str| format!("{path}[{index}].{name}");
        let value = |name: &str| column[name].as_str().unwrap_or_default();
        if value("name").is_empty() {
            errors.push(FieldError::required(field("name"), ""));
        }
        match value("type") {
            "" => errors.push(FieldError::required(field("type"), one_of(&types))),
            type_ if !types.contains(&type_) => {
                errors.push(FieldError::invalid(field("type"), type_, one_of(&types)));
            }
            _ => {}
        }
        if !value("format").is_empty() && !formats.contains(&value("format")) {
            errors.push(FieldError::invalid(field("format"), value("format"), one_of(&formats)));
        }
        match value("jsonPath") {
            "" => errors.push(FieldError::required(field("JSONPath"), "")),
            json_path if !json_path.starts_with('.') => errors.push(not_simple(field("JSONPath"), json_path)),
            _ => {}
        }
    }
    errors
}

/// The most fields that a resource can be selected by.
const MOST_SELECTABLE_FIELDS: usize = 8;

fn selectable_fields(version: &Value, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let fields = version["selectableFields"].as_array().map_or(&[][..], Vec::as_slice);
    // A schema that cannot be read is reported where it stands.
    let Ok(schema) = Schema::from_json(version.pointer("/schema/openAPIV3Schema").unwrap_or(&json!({})))
    else {
        return errors;
    };
    let mut seen = BTreeSet::new();
    for (index, item) in fields.iter().enumerate() {
        let field = format!("{path}[{index}].jsonPath");
        let json_path = item["jsonPath"].as_str().unwrap_or_default();
        if json_path.is_empty() {
            errors.push(FieldError::required(field, ""));
            continue;
        }
        let found = match field_path::resolve(json_path, &schema, field_path::Brackets::Refused) {
            Ok(found) => found,
            Err(detail) => {
                errors.push(FieldError::invalid(field, json_path, format!("is an invalid path: {detail}")));
                continue;
            }
        };
        if json_path.trim_start_matches('.').split('.').next() == Some("metadata") {
            errors.push(FieldError::invalid(
                field.clone(),
                json_path,
                "must not point to fields in metadata",
            ));
        }
        if !matches!(found.schema.type_.map(|type_| type_.name()), Some("string" | "boolean" | "integer")) {
            let detail = "must point to a field of type string, boolean or integer. Enum string fields and strings \
                          with formats are allowed.";
            errors.push(FieldError::invalid(field.clone(), json_path, detail));
        }
        if !seen.insert(json_path) {
            errors.push(FieldError::duplicate(field, json_path));
        }
    }
    if seen.len() > MOST_SELECTABLE_FIELDS {
        errors.push(FieldError::too_many(path, seen.len(), MOST_SELECTABLE_FIELDS));
    }
    errors
}

fn joined(details: Vec<String>) -> Option<String> {
    (!details.is_empty()).then(|| details.join(","))
}
