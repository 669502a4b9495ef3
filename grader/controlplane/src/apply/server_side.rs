//! Server-side apply (structured-merge-diff/merge/update.go,
//! apimachinery/pkg/util/managedfields/internal/structuredmerge.go).

use super::conflict::Conflicts;
use super::last_applied;
use super::managers::{Manager, Managers, Operation};
use super::path::equal;
use super::set::Set;
use super::shape::Shape;
use super::track::{fit_others, nothing, strip, updated};
use super::typed::{Duplicates, changes, field_set, merge, reconcile, remove, validate, with_named_fields};
use super::{ApplyError, Writer, set_managed_fields};
use crate::object;
use crate::schema::Schema;
use serde_json::Value;

/// Owns what was there before anybody was tracked.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// Applies a configuration: what it says is set and owned by the writer, what the writer owned before and the
/// configuration does not say is removed unless others own it too, and everything else stays.
///
/// `live` is what is stored now, none for a create; defaults are the caller's business.
///
/// # Errors
/// See [`ApplyError`]. With `force`, fields of other managers are taken over instead of a conflict.
pub fn server_side_apply(
    schema: &Schema,
    live: Option<&Value>,
    applied: &Value,
    writer: &Writer<'_>,
    force: bool,
) -> Result<Value, ApplyError> {
    let stored = live.and_then(|live| object::metadata_at(live, ["managedFields"]));
    let managers = Managers::decode(stored)
        .map_err(|error| ApplyError::Unclassified(format!("failed to decode managed fields: {error}")))?;
    check_type(applied, writer)?;
    let mut base = live.cloned().unwrap_or_else(|| nothing(writer));
    super::take_managed_fields(&mut base);
    if writer.is_custom && live.is_none() {
        // A new custom resource already has its type; a new built-in object gets it from Go.
        base["apiVersion"] = writer.api_version.into();
        base["kind"] = object::kind(applied).into();
    }
    let managers = if managers.is_empty() {
        let before = Writer { manager: BEFORE_FIRST_APPLY, ..*writer };
        let created = |error| {
            ApplyError::Unclassified(format!("failed to create manager for existing fields: {error}"))
        };
        updated(schema, &nothing(writer), &base, managers, &before).map_err(created)?
    } else {
        managers
    };
    let mut result = merged(schema, &base, applied, managers.clone(), writer, force);
    if writer.manager == last_applied::KUBECTL
        && let Err(ApplyError::Conflicts(conflicts)) = &result
    {
        let allowed = last_applied::allowed_conflicts(schema, &base, writer);
        result = match allowed {
            None => result,
            Some(allowed) if conflicts.all_in(&allowed) => {
                merged(schema, &base, applied, managers, writer, true)
            }
            Some(allowed) => Err(ApplyError::Conflicts(conflicts.without(&allowed))),
        };
    }
    let (mut object, managers) = result?;
    if writer.manager == last_applied::KUBECTL {
        last_applied::update(&mut object, applied);
    }
    set_managed_fields(&mut object, managers.encode());
    Ok(object)
}

fn check_type(applied: &Value, writer: &Writer<'_>) -> Result<(), ApplyError> {
    let (api_version, kind) = (object::api_version(applied), object::kind(applied));
    if api_version != writer.api_version || kind != writer.kind {
        return Err(ApplyError::Malformed(format!("invalid object type: {}", type_text(api_version, kind))));
    }
    match object::metadata_at(applied, ["managedFields"]) {
        None | Some(Value::Null) => Ok(()),
        Some(_) => Err(ApplyError::Malformed("metadata.managedFields must be nil".to_owned())),
    }
}

/// One attempt, without the annotation of client-side apply.
fn merged(
    schema: &Schema,
    live: &Value,
    applied: &Value,
    mut managers: Managers,
    writer: &Writer<'_>,
    force: bool,
) -> Result<(Value, Managers), ApplyError> {
    let shape = Shape::of_object(schema, writer.is_custom);
    let typed = |what: &str, object: &Value, error: String| {
        let object = format!(
            "{}/{}; {}",
            object::namespace(object),
            object::name(object),
            type_text(object::api_version(object), object::kind(object))
        );
        ApplyError::Unclassified(format!("failed to create typed {what} object ({object}): {error}"))
    };
    validate(shape, applied, Duplicates::Forbidden).map_err(|error| typed("patch", applied, error))?;
    validate(shape, live, Duplicates::Allowed).map_err(|error| typed("live", live, error))?;
    managers.change_fields(|_, fields| reconcile(shape, fields));

    let this = writer.manager(Operation::Apply);
    let (last_fields, last_time) = match managers.get(&this) {
        Some(entry) => (Some(entry.fields.clone()), entry.time),
        None => (None, None),
    };
    let mut fields = field_set(shape, applied);
    for reset in writer.reset_fields {
        fields.remove_tree(reset);
    }
    let merged = merge(shape, Some(live), Some(applied)).unwrap_or_default();
    fit_others(&managers, &[&merged, live], writer).map_err(ApplyError::Unclassified)?;
    managers.set(this.clone(), last_time, fields);
    let new = match &last_fields {
        Some(last) => pruned(shape, merged, &managers, last),
        None => merged,
    };

    let mut changes = changes(shape, Some(live), Some(&new));
    changes.ignore(writer.reset_fields);
    let set = changes.modified.clone().union(changes.added.clone());
    let conflicts: Vec<(Manager, Set)> = managers
        .entries()
        .iter()
        .filter(|entry| !entry.manager.is(&this))
        .map(|entry| (entry.manager.clone(), entry.fields.intersection(&set)))
        .filter(|(_, fields)| !fields.is_empty())
        .collect();
    if !force && !conflicts.is_empty() {
        return Err(ApplyError::Conflicts(Conflicts::of(conflicts)));
    }
    let changed = changes.all();
    managers.change_fields(|manager, mut fields| {
        if manager.is(&this) {
            strip(&mut fields);
            return fields;
        }
        fields.difference(&changed)
    });
    // An apply that changes nothing leaves the time of the writer's entry as it was, or without one.
    if !equal(live, &new)
        && let Some(entry) = managers.get(&this).cloned()
    {
        managers.set(entry.manager, Some(writer.now), entry.fields);
    }
    Ok((new, managers))
}

/// Removes what the writer applied last time and not this time, and nobody else owns.
fn pruned(shape: Shape<'_>, merged: Value, managers: &Managers, last: &Set) -> Value {
    if last.is_empty() {
        return merged;
    }
    let named = |set: &Set| with_named_fields(Some(shape), set);
    let all = named(&field_set(shape, &merged));
    let last = named(last);
    let without_last = remove(shape, &merged, &last);
    // Back comes what somebody owns, and what is not the writer's to remove.
    let owned =
        managers.entries().iter().fold(Set::default(), |owned, entry| owned.union(entry.fields.clone()));
    let kept = named(&field_set(shape, &without_last)).union(named(&owned));
    let without_unowned = remove(shape, &merged, &all.clone().difference(&kept));
    let gone = all.difference(&named(&field_set(shape, &without_unowned)));
    remove(shape, &merged, &gone.intersection(&last))
}

/// A type as Go prints a GroupVersionKind: `apps/v1, Kind=Deployment`, `/v1, Kind=Pod`.
pub(crate) fn type_text(api_version: &str, kind: &str) -> String {
    let slash = if api_version.contains('/') { "" } else { "/" };
    format!("{slash}{api_version}, Kind={kind}")
}
