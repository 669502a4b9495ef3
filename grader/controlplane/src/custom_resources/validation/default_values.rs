//! Defaults must be values that could have been written
//! (apiextensions-apiserver/pkg/apiserver/schema/defaulting/validation.go).

use crate::field_error::{FieldError, FieldPath};
use crate::schema::pruning::{PruneOptions, prune};
use crate::schema::{Schema, cel, validation};

/// Checks every default of a structural schema.
pub(super) fn validate(schema: &Schema, path: FieldPath<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    check(schema, path, true, &mut errors);
    errors
}

fn check(schema: &Schema, path: FieldPath<'_>, is_root: bool, errors: &mut Vec<FieldError>) {
    if let Some(default) = &schema.default {
        let default_path = path.child("default");
        let path = default_path.to_string();
        let mut pruned = default.clone();
        let root = if schema.embedded_resource { PruneOptions::Resource } else { PruneOptions::Value };
        prune(schema, &mut pruned, root);
        if pruned != *default {
            errors.push(FieldError::invalid(path.clone(), default.clone(), "must not have unknown fields"));
        }
        let violated = validation::validate_value(schema, default, &path);
        if violated.is_empty() {
            errors.extend(cel::validate_value(schema, default, &path, is_root));
        }
        errors.extend(violated);
        errors.extend(validation::validate_embedded(schema, default, default_path, is_root));
    }
    // Inside of additionalProperties a default is not followed.
    if let Some(items) = &schema.items {
        check(items, path.child("items"), false, errors);
    }
    let properties = path.child("properties");
    for (name, property) in &schema.properties {
        check(property, properties.key(name), false, errors);
    }
}
