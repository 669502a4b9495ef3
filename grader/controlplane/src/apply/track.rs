//! Ownership after a create, update or patch (apimachinery/pkg/util/managedfields/internal).

use super::managers::{Manager, Managers, Operation};
use super::set::Set;
use super::shape::Shape;
use super::typed::{Duplicates, changes, reconcile, validate};
use super::{Writer, set_managed_fields, take_managed_fields};
use crate::builtins;
use crate::object;
use crate::schema::Schema;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Fields of an object that are never owned.
const NEVER_OWNED: [&[&str]; 12] = [
    &["apiVersion"],
    &["kind"],
    &["metadata"],
    &["metadata", "name"],
    &["metadata", "namespace"],
    &["metadata", "creationTimestamp"],
    &["metadata", "selfLink"],
    &["metadata", "uid"],
    &["metadata", "clusterName"],
    &["metadata", "generation"],
    &["metadata", "managedFields"],
    &["metadata", "resourceVersion"],
];

/// Sets `metadata.managedFields` of an object that is about to be stored: the writer owns what it changed.
///
/// `live` is what is stored now, none for a create. The managedFields that the client sent in `new` count when they
/// are well-formed; `[]` and `[{}]` give up all ownership.
pub fn track_update(schema: &Schema, live: Option<&Value>, new: &mut Value, writer: &Writer<'_>) {
    let sent = take_managed_fields(new);
    let stored = || Managers::decode(live.and_then(|live| object::metadata_at(live, ["managedFields"])));
    let managers = if !writer.subresource.is_empty() {
        stored().unwrap_or_default()
    } else if is_reset(sent.as_ref()) {
        Managers::default()
    } else {
        match Managers::decode(sent.as_ref()) {
            Ok(managers) if !managers.is_empty() => managers,
            _ => stored().unwrap_or_default(),
        }
    };
    // Who never had managers, or gave them up, is not tracked before the next apply.
    if managers.is_empty() && live.is_some_and(|live| !object::uid(live).is_empty()) {
        return;
    }
    let tracked = match live {
        Some(live) => updated(schema, live, new, managers, writer),
        None => updated(schema, &nothing(writer), new, managers, writer),
    };
    if let Ok(managers) = tracked {
        set_managed_fields(new, managers.encode());
    }
}

/// What a new object is compared with. A built-in one is not quite empty: a field that is a struct and not a pointer
/// is there from the start, so that nobody owns `spec` itself, only what is in it.
pub(super) fn nothing(writer: &Writer<'_>) -> Value {
    let (group, version) = writer.api_version.split_once('/').unwrap_or(("", writer.api_version));
    match builtins::definition_of(group, version, writer.kind) {
        Some(definition) if !writer.is_custom => definition.zero(),
        _ => Value::Object(Map::new()),
    }
}

/// The managers after a change from `live` to `new`.
///
/// # Errors
/// A value that does not fit the schema.
pub(super) fn updated(
    schema: &Schema,
    live: &Value,
    new: &Value,
    mut managers: Managers,
    writer: &Writer<'_>,
) -> Result<Managers, String> {
    let shape = Shape::of_object(schema, writer.is_custom);
    validate(shape, new, Duplicates::Allowed)?;
    validate(shape, live, Duplicates::Allowed)?;
    fit_others(&managers, &[new, live], writer)?;
    managers.change_fields(|_, fields| reconcile(shape, fields));
    let mut changes = changes(shape, Some(live), Some(new));
    changes.ignore(writer.reset_fields);
    let mut taken = changes.modified.union(changes.added);
    if !managers.is_empty() {
        let changed = changes.removed.union(taken.clone());
        managers.change_fields(|_, fields| fields.difference(&changed));
    }
    strip(&mut taken);
    if !taken.is_empty() {
        let manager = writer.manager(Operation::Update);
        let fields = match managers.get(&manager) {
            Some(previous) => taken.union(previous.fields.clone()),
            None => taken,
        };
        managers.set(manager, Some(writer.now), fields);
    }
    managers.cap();
    Ok(managers)
}

/// Checks that the other versions in which managers know an object have all its fields: these are compared in the
/// version of their manager, and what that does not know cannot be.
///
/// # Errors
/// What a version does not know.
pub(super) fn fit_others(managers: &Managers, objects: &[&Value], writer: &Writer<'_>) -> Result<(), String> {
    let Some(versions) = writer.versions else { return Ok(()) };
    let known: BTreeSet<&str> =
        managers.entries().iter().map(|entry| entry.manager.api_version.as_str()).collect();
    for api_version in known.into_iter().filter(|version| *version != writer.api_version) {
        let Some(other) = versions.sibling(api_version) else { continue };
        let shape = Shape::of_object(&other.schema, true);
        objects.iter().try_for_each(|object| validate(shape, object, Duplicates::Allowed))?;
    }
    Ok(())
}

/// Drops what is never owned.
pub(super) fn strip(fields: &mut Set) {
    for field in NEVER_OWNED {
        fields.remove_field(field);
    }
}

/// Whether managedFields as sent give up all ownership: an empty list, or one empty entry.
fn is_reset(sent: Option<&Value>) -> bool {
    match sent.and_then(Value::as_array).map(Vec::as_slice) {
        Some([]) => true,
        Some([Value::Object(entry)]) => entry.values().all(|value| value.is_null() || value == ""),
        _ => false,
    }
}

/// Takes the times of the stored entries over into `new`, if nothing but times differs between both: a write that
/// changes nothing must not make a new version (apiserver/pkg/endpoints/handlers/fieldmanager/equality.go).
pub fn keep_times_if_unchanged(live: &Value, new: &mut Value) {
    let entries =
        |object: &Value| object::metadata_at(object, ["managedFields"]).and_then(Value::as_array).cloned();
    let (Some(old_entries), Some(new_entries)) = (entries(live), entries(new)) else { return };
    if old_entries == new_entries || old_entries.len() != new_entries.len() {
        return;
    }
    let without_time = |entry: &Value| {
        let mut entry = entry.clone();
        entry.as_object_mut().map(|fields| fields.remove("time"));
        entry
    };
    if !old_entries.iter().zip(&new_entries).all(|(old, new)| without_time(old) == without_time(new)) {
        return;
    }
    let taken = take_managed_fields(new);
    set_managed_fields(new, Some(Value::Array(old_entries)));
    if new != live {
        set_managed_fields(new, taken);
    }
}

/// The field manager of a request: what it names, else the User-Agent up to the first slash, printable characters
/// only, at most 128 bytes (apiserver/pkg/endpoints/handlers/create.go).
pub fn manager_name(field_manager: Option<&str>, user_agent: &str) -> String {
    const MAX_LENGTH: usize = 128;
    if let Some(name) = field_manager.filter(|name| !name.is_empty()) {
        return name.to_owned();
    }
    let mut name = String::new();
    for character in user_agent.split('/').next().unwrap_or_default().chars().filter(|c| !c.is_control()) {
        if name.len() + character.len_utf8() > MAX_LENGTH {
            break;
        }
        name.push(character);
    }
    name
}

impl Writer<'_> {
    pub(super) fn manager(&self, operation: Operation) -> Manager {
        Manager {
            name: if self.manager.is_empty() { "unknown" } else { self.manager }.to_owned(),
            operation,
            api_version: self.api_version.to_owned(),
            subresource: self.subresource.to_owned(),
        }
    }
}
