//! What the rules of a kind say at each step of a write, for built-in and custom resources alike
//! (apiserver/pkg/registry/rest, apiextensions-apiserver/pkg/registry/customresource/strategy.go).

use crate::builtins::definitions::Definition;
use crate::builtins::names::NameRule;
use crate::builtins::{self, Cluster, Rules, meta};
use crate::custom_resources::{definition, instance};
use crate::error::ApiError;
use crate::field_error::FieldError;
use crate::object;
use crate::resources::{CRDS, Nature, Resource};
use serde_json::Value;

/// The rules of a built-in kind.
pub(crate) fn rules(resource: &Resource) -> Option<&'static dyn Rules> {
    match &resource.nature {
        Nature::BuiltIn(builtin) => Some(builtins::rules(builtin.group, builtin.kind)),
        Nature::Custom(_) => None,
    }
}

/// The type that rules are about: that of what is stored.
fn definition_of(resource: &Resource) -> Option<&'static Definition> {
    builtins::definition_of(resource.storage.group(), resource.internal_version(), &resource.kind)
}

/// Brings a new object into its first state and says what is wrong with it.
pub(crate) fn create(resource: &Resource, object: &mut Value) -> Vec<FieldError> {
    match &resource.nature {
        Nature::BuiltIn(_) if resource.id == CRDS => {
            object::set_metadata(object, "generation", 1);
            definition::prepare_for_create(object);
            definition::validate_create(object)
        }
        Nature::BuiltIn(builtin) => {
            let rules = builtins::rules(builtin.group, builtin.kind);
            match definition_of(resource) {
                Some(definition) => builtins::create(rules, definition, builtin.namespaced, object),
                None => Vec::new(),
            }
        }
        Nature::Custom(custom) => {
            if resource.has_status() {
                set(object, "status", None);
            }
            object::set_metadata(object, "generation", 1);
            let mut errors = type_meta(resource, object);
            if errors.is_empty() {
                let metadata = meta::validate_create(object, resource.namespaced, NameRule::Subdomain);
                errors = instance::validate(custom.version(), object, None, metadata).errors;
            }
            errors
        }
    }
}

/// Puts back what this path may not change, counts the generation, and says what is wrong with the changed object.
pub(crate) fn update(
    resource: &Resource,
    new: &mut Value,
    old: &Value,
    subresource: Option<&str>,
    warnings: &mut Vec<String>,
) -> Vec<FieldError> {
    let mut errors = kind_rules(resource, new, old, subresource, warnings);
    let is_definition_or_custom = resource.is_custom() || resource.id == CRDS;
    if !errors.is_empty() && is_definition_or_custom {
        // The rules of all objects come before those of the kind, and repeat a part of themselves.
        let mut first = meta::validate_update(new, old);
        if !first.is_empty() {
            first.extend(meta::validate_shape(new));
        }
        errors.splice(0..0, first);
    }
    errors
}

fn kind_rules(
    resource: &Resource,
    new: &mut Value,
    old: &Value,
    subresource: Option<&str>,
    warnings: &mut Vec<String>,
) -> Vec<FieldError> {
    match &resource.nature {
        Nature::BuiltIn(_) if resource.id == CRDS => update_definition(new, old, subresource),
        Nature::BuiltIn(builtin) => {
            let rules = builtins::rules(builtin.group, builtin.kind);
            match definition_of(resource) {
                Some(definition) => {
                    let checks = builtins::metadata_checks(builtin.group, builtin.kind);
                    builtins::update(rules, definition, new, old, subresource, checks)
                }
                None => Vec::new(),
            }
        }
        Nature::Custom(custom) => {
            prepare_custom(resource, new, old, subresource);
            let mut errors = type_meta(resource, new);
            if errors.is_empty() {
                let metadata = meta::validate_update(new, old);
                let findings = if subresource == Some("status") {
                    instance::validate_status(custom.version(), new, old, metadata)
                } else {
                    instance::validate(custom.version(), new, Some(old), metadata)
                };
                warnings.extend(findings.warnings);
                errors = findings.errors;
            }
            errors
        }
    }
}

fn prepare_custom(resource: &Resource, new: &mut Value, old: &Value, subresource: Option<&str>) {
    if subresource == Some("status") {
        let status = new.get("status").cloned();
        let managed_fields = new["metadata"].get("managedFields").cloned();
        let mut changed = old.clone();
        set(&mut changed, "status", status);
        set(&mut changed["metadata"], "managedFields", managed_fields);
        *new = changed;
        return;
    }
    let mut apart: Vec<&str> = vec!["metadata"];
    if resource.has_status() {
        set(new, "status", old.get("status").cloned());
        apart.push("status");
    }
    let bump = differs_outside(new, old, &apart);
    object::set_metadata(new, "generation", object::generation(old) + i64::from(bump));
}

/// Whether two objects differ in any member but these.
pub(crate) fn differs_outside(new: &Value, old: &Value, ignored: &[&str]) -> bool {
    let (Some(new), Some(old)) = (new.as_object(), old.as_object()) else { return new != old };
    let counts = |key: &&String| !ignored.contains(&key.as_str());
    new.keys().chain(old.keys()).filter(counts).any(|key| new.get(key) != old.get(key))
}

/// Sets or removes a member.
pub(crate) fn set(object: &mut Value, key: &str, value: Option<Value>) {
    if let Some(map) = object.as_object_mut() {
        match value {
            Some(value) => map.insert(key.to_owned(), value),
            None => map.remove(key),
        };
    }
}

fn type_meta(resource: &Resource, object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let (kind, api_version) = (object::kind(object), object::api_version(object));
    if kind != resource.kind {
        errors.push(FieldError::invalid("kind", kind, format!("must be {}", resource.kind)));
    }
    if api_version != resource.api_version() {
        let text = format!("must be {}", resource.api_version());
        errors.push(FieldError::invalid("apiVersion", api_version, text));
    }
    errors
}

fn update_definition(new: &mut Value, old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
    if subresource == Some("status") {
        definition::prepare_for_status_update(new, old);
        return definition::validate_status_update(new, old);
    }
    definition::prepare_for_update(new, old);
    let bump = differs_outside(new, old, &["metadata", "status"]);
    object::set_metadata(new, "generation", object::generation(old) + i64::from(bump));
    definition::validate_update(new, old)
}

/// What a write through this path resets, so that an apply does not own it.
pub(crate) fn reset_fields(
    resource: &Resource,
    subresource: Option<&str>,
) -> &'static [&'static [&'static str]] {
    match (rules(resource), subresource) {
        (Some(_), Some("status")) if resource.id == CRDS => &[&["metadata"], &["spec"]],
        (Some(rules), subresource) => rules.reset_fields(subresource),
        (None, Some("status")) => &[&["metadata"], &["spec"]],
        (None, _) if resource.has_status() => &[&["status"]],
        (None, _) => &[],
    }
}

/// What admission plugins change or refuse.
pub(crate) fn admit(
    resource: &Resource,
    new: &mut Value,
    old: Option<&Value>,
    cluster: &mut dyn Cluster,
) -> Result<(), ApiError> {
    rules(resource).map_or(Ok(()), |rules| rules.admit(new, old, cluster))
}

/// What admission plugins refuse of a valid object that nobody will change any more.
pub(crate) fn admit_final(
    resource: &Resource,
    new: &Value,
    old: Option<&Value>,
    cluster: &dyn Cluster,
) -> Result<(), ApiError> {
    rules(resource).map_or(Ok(()), |rules| rules.admit_final(new, old, cluster))
}

/// Takes what must be unique in the cluster.
pub(crate) fn allocate(
    resource: &Resource,
    new: &mut Value,
    old: Option<&Value>,
    cluster: &mut dyn Cluster,
) -> Result<(), Vec<FieldError>> {
    rules(resource).map_or(Ok(()), |rules| rules.allocate(new, old, cluster))
}

/// Texts for Warning headers about an accepted object.
pub(crate) fn warnings(resource: &Resource, new: &Value, old: Option<&Value>) -> Vec<String> {
    match rules(resource) {
        Some(_) if resource.id == CRDS => definition::warnings(new, old),
        Some(rules) => rules.warnings(new, old),
        None => meta::finalizer_warnings(new, old),
    }
}

/// Whether an update without a resourceVersion is allowed.
pub(crate) fn allows_unconditional_update(resource: &Resource) -> bool {
    resource.id != CRDS && rules(resource).is_some_and(|rules| !rules.requires_resource_version())
}

/// Whether an object that comes without a name gets a random one.
pub(crate) fn names_itself(resource: &Resource) -> bool {
    rules(resource).is_some_and(Rules::names_itself)
}

/// Whether a PUT creates what is not there.
pub(crate) fn creates_on_update(resource: &Resource) -> bool {
    rules(resource).is_some_and(Rules::creates_on_update)
}
