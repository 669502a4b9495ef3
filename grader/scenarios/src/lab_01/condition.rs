//! Conditions as a scenario reads them, and the rules that hold for each of them at any time.

use crate::database::{generation, status};
use harness::{Check, Target, World};
use jiff::Timestamp;
use serde_json::Value;

/// One entry of `status.conditions`, as far as it is well-formed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    pub(super) status: String,
    pub(super) message: String,
    pub(super) since: Timestamp,
    pub(super) observed_generation: Option<i64>,
}

/// The condition of a type.
///
/// # Errors
/// It is missing, there are several, or a field is missing or malformed; in words for a student.
pub(super) fn find(world: &World, database: &Target, type_: &str) -> Result<Condition, String> {
    let status = status(world, database);
    if status.is_null() {
        return Err(format!("{database} has no status at all"));
    }
    let list = status["conditions"].as_array().cloned().unwrap_or_default();
    let found: Vec<_> = list.iter().filter(|condition| condition["type"] == type_).collect();
    match found.as_slice() {
        [] => {
            let types: Vec<_> = list.iter().filter_map(|condition| condition["type"].as_str()).collect();
            Err(format!("{database} has no condition {type_}; its conditions: [{}]", types.join(", ")))
        }
        [condition] => parse(condition).map_err(|what| format!("condition {type_} of {database}: {what}")),
        several => Err(format!("{database} has {} conditions of type {type_}", several.len())),
    }
}

/// The form that apimachinery's `metav1.Condition` demands (pkg/apis/meta/v1/types.go).
fn parse(condition: &Value) -> Result<Condition, String> {
    let text = |field: &str| match condition[field].as_str() {
        Some("") => Err(format!("its {field} is empty")),
        Some(text) => Ok(text.to_owned()),
        None => Err(format!("it has no {field}")),
    };
    let status = text("status")?;
    if !["True", "False", "Unknown"].contains(&status.as_str()) {
        return Err(format!("its status is `{status}`, not True, False or Unknown"));
    }
    let reason = text("reason")?;
    let camel_case = reason.starts_with(|c: char| c.is_ascii_uppercase())
        && reason.chars().all(|c| c.is_ascii_alphanumeric());
    if !camel_case {
        return Err(format!("its reason `{reason}` is not one word in CamelCase"));
    }
    let since = text("lastTransitionTime")?;
    let since = since.parse().map_err(|_| format!("its lastTransitionTime `{since}` is not a time"))?;
    let observed_generation = condition["observedGeneration"].as_i64();
    Ok(Condition { status, message: text("message")?, since, observed_generation })
}

/// The condition of a type has this status.
pub(super) fn is(world: &World, database: &Target, type_: &str, status: &str) -> Check {
    let condition = find(world, database, type_)?;
    if condition.status == status {
        return Ok(());
    }
    Err(format!("{type_} is {} with the message “{}”", condition.status, condition.message))
}

/// The condition of a type is there and anything but True.
pub(super) fn is_not_true(world: &World, database: &Target, type_: &str) -> Check {
    match find(world, database, type_)? {
        condition if condition.status == "True" => {
            Err(format!("{type_} is True with the message “{}”", condition.message))
        }
        _ => Ok(()),
    }
}

/// The condition of a type is not True, or not there at all.
pub(super) fn is_not_raised(world: &World, database: &Target, type_: &str) -> Check {
    let list = status(world, database)["conditions"].as_array().cloned().unwrap_or_default();
    match list.iter().any(|condition| condition["type"] == type_) {
        true => is_not_true(world, database, type_),
        false => Ok(()),
    }
}

/// The Database is up: Ready, nothing in progress, nothing failed, all of it about the newest generation.
pub(super) fn all_is_well(world: &World, database: &Target) -> Check {
    is(world, database, "Ready", "True")?;
    is_not_raised(world, database, "Progressing")?;
    is_not_raised(world, database, "Failed")?;
    observed(world, database)
}

/// Status and conditions are about the newest generation of the spec.
pub(super) fn observed(world: &World, database: &Target) -> Check {
    let wanted = generation(world, database);
    let seen = status(world, database)["observedGeneration"].as_i64();
    if seen != Some(wanted) {
        let seen = seen.map_or("missing".to_owned(), |seen| seen.to_string());
        return Err(format!("status.observedGeneration is {seen}, metadata.generation is {wanted}"));
    }
    for type_ in ["Ready", "Progressing"] {
        let seen = find(world, database, type_)?.observed_generation;
        if seen != Some(wanted) {
            let seen = seen.map_or("missing".to_owned(), |seen| seen.to_string());
            return Err(format!("observedGeneration of {type_} is {seen}, metadata.generation is {wanted}"));
        }
    }
    Ok(())
}
