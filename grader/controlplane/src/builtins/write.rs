//! What happens to a built-in object between the request and the store, for all kinds alike.

use super::decode::{Reader, decode_by};
use super::definitions::Definition;
use super::kinds::MetadataChecks;
use super::rules::Rules;
use super::{decode, defaults, meta};
use crate::field_error::FieldError;
use crate::object;
use serde_json::Value;

/// Reads a body or a patched object: as its Go type, with defaults. Returns the paths of unknown fields.
///
/// # Errors
/// Go's decoding error, in the words of the reader.
pub fn read(
    reader: Reader,
    definition: &'static Definition,
    value: &mut Value,
) -> Result<Vec<String>, String> {
    let unknown = decode_by(reader, definition, value)?;
    defaults::apply(definition, value);
    Ok(unknown)
}

/// Prepares a new object, whose metadata the server has filled in, and says what is wrong with it.
pub fn create(
    rules: &dyn Rules,
    definition: &'static Definition,
    namespaced: bool,
    object: &mut Value,
) -> Vec<FieldError> {
    rules.prepare_for_create(object);
    if rules.counts_generation() {
        set_generation(object, rules.first_generation());
    }
    // Labels that an object takes over from its template are checked there.
    let mut errors = meta::validate_create(object, namespaced, rules.names());
    complete(definition, object);
    if rules.checks_finalizers() {
        errors.extend(meta::standard_finalizers(object));
    }
    errors.extend(rules.validate_create(object));
    errors
}

/// Prepares a changed object and says what is wrong with it. `new` has the metadata of the request, with those
/// members restored that clients cannot change.
pub fn update(
    rules: &dyn Rules,
    definition: &'static Definition,
    new: &mut Value,
    old: &Value,
    subresource: Option<&str>,
    checks: MetadataChecks,
) -> Vec<FieldError> {
    rules.prepare_for_update(new, old, subresource);
    complete(definition, new);
    let generation = object::generation(old);
    // A status may come with new annotations, a binding brings a node: neither is a new generation.
    let counts = rules.counts_generation() && !matches!(subresource, Some("status" | "binding"));
    let bump = counts && rules.is_new_generation(new, old);
    set_generation(new, generation + i64::from(bump));
    let checks = if subresource.is_some() { MetadataChecks::default() } else { checks };
    let changed = meta::validate_update(new, old);
    let shape = if changed.is_empty() { Vec::new() } else { meta::validate_shape(new) };
    let standard = if rules.checks_finalizers() { meta::standard_finalizers(new) } else { Vec::new() };
    // Before the rules of its kind come those of all objects.
    let mut errors = [&changed[..], &shape].concat();
    for _ in 0..checks.as_changed {
        errors.extend(changed.iter().chain(&standard).cloned());
    }
    for _ in 0..checks.as_new {
        errors.extend(shape.iter().chain(&standard).cloned());
    }
    errors.extend(rules.validate_update(new, old, subresource));
    errors
}

/// Writes the zero values again that preparing took away, e.g. a status. Rules leave metadata as it was read.
fn complete(definition: &'static Definition, object: &mut Value) {
    let metadata = object["metadata"].take();
    let read = decode(definition, object);
    object["metadata"] = metadata;
    debug_assert_eq!(read, Ok(Vec::new()), "rules keep objects of their type");
    defaults::apply(definition, object);
}

fn set_generation(object: &mut Value, generation: i64) {
    if generation > 0 {
        object::set_metadata(object, "generation", generation);
    } else {
        object::metadata_mut(object).remove("generation");
    }
}
