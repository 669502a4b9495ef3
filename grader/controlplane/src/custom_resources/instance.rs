//! Checking custom resources (apiextensions-apiserver/pkg/registry/customresource/{strategy,status_strategy}.go):
//! everything below `metadata`, which the caller has checked.

use super::CustomVersion;
use crate::field_error::FieldError;
use crate::schema::{cel, validation};
use serde_json::Value;

/// What a check found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// What is wrong, those of metadata first; the object may only be stored when there is nothing.
    pub errors: Vec<FieldError>,
    /// Texts of Warning headers: rules that an unchanged value fails.
    pub warnings: Vec<String>,
}

/// Checks an object, or with `old` its update. `metadata_errors` are what is wrong with its metadata: rules are not
/// evaluated on an object that is too broken.
pub fn validate(
    version: &CustomVersion,
    new: &Value,
    old: Option<&Value>,
    metadata_errors: Vec<FieldError>,
) -> Findings {
    let mut errors = metadata_errors;
    errors.extend(validation::validate(&version.schema, new, old));
    if let Some(scale) = &version.scale {
        errors.extend(scale.validate_spec(new));
        errors.extend(scale.validate_status(new));
    }
    with_rules(version, new, old, errors)
}

/// Checks a write to `/status`.
pub fn validate_status(
    version: &CustomVersion,
    new: &Value,
    old: &Value,
    metadata_errors: Vec<FieldError>,
) -> Findings {
    let mut errors = metadata_errors;
    errors.extend(validation::validate_status(&version.schema, new, old));
    errors.extend(version.scale.iter().flat_map(|scale| scale.validate_status(new)));
    with_rules(version, new, Some(old), errors)
}

fn with_rules(
    version: &CustomVersion,
    new: &Value,
    old: Option<&Value>,
    mut errors: Vec<FieldError>,
) -> Findings {
    if !version.schema.has_rules {
        return Findings { errors, warnings: Vec::new() };
    }
    if validation::blocks_rules(&errors) {
        errors.push(validation::rules_not_checked());
        return Findings { errors, warnings: Vec::new() };
    }
    let outcome = cel::validate(&version.schema, new, old);
    errors.extend(outcome.errors);
    Findings { errors, warnings: outcome.ratcheted.iter().map(ToString::to_string).collect() }
}
