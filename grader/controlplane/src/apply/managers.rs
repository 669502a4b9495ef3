//! `metadata.managedFields`: who owns which fields (apimachinery/pkg/util/managedfields/internal/managedfields.go).

use super::fields_v1;
use super::set::Set;
use crate::go_text;
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::cmp::Ordering;

/// How a manager came to own its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// By server-side apply.
    Apply,
    /// By any other write.
    Update,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Operation::Apply => "Apply",
            Operation::Update => "Update",
        }
    }
}

/// Who owns fields. Two writes are of the same manager when name, operation and subresource are equal, and for
/// updates the apiVersion too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manager {
    /// The name, from `fieldManager` or the User-Agent.
    pub name: String,
    /// What it does.
    pub operation: Operation,
    /// The version in which its fields are named.
    pub api_version: String,
    /// The subresource it wrote to; empty for the main resource.
    pub subresource: String,
}

impl Manager {
    pub(super) fn is(&self, other: &Manager) -> bool {
        self.name == other.name
            && self.operation == other.operation
            && self.subresource == other.subresource
            && (self.operation == Operation::Apply || self.api_version == other.api_version)
    }

    /// The manager as error texts name it.
    pub(super) fn describe(&self) -> String {
        let mut text = go_text::quote(&self.name);
        if !self.subresource.is_empty() {
            text = format!("{text} with subresource {}", go_text::quote(&self.subresource));
        }
        match self.operation {
            Operation::Apply => text,
            Operation::Update => format!("{text} using {}", self.api_version),
        }
    }

    /// Upstream orders managers, where it orders them, by the JSON it keeps them under.
    pub(super) fn identifier(&self) -> String {
        let mut parts = vec![
            format!("\"manager\":{}", go_text::quote(&self.name)),
            format!("\"operation\":\"{}\"", self.operation.name()),
        ];
        if self.operation == Operation::Update {
            parts.push(format!("\"apiVersion\":{}", go_text::quote(&self.api_version)));
        }
        if !self.subresource.is_empty() {
            parts.push(format!("\"subresource\":{}", go_text::quote(&self.subresource)));
        }
        format!("{{{}}}", parts.join(","))
    }
}

/// One entry of managedFields.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Whose fields these are.
    pub manager: Manager,
    /// When the entry last changed, to the second.
    pub time: Option<Timestamp>,
    /// The fields.
    pub fields: Set,
}

/// All entries of an object, each manager once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Managers {
    entries: Vec<Entry>,
}

/// The most managers of updates that are kept apart.
const MAX_UPDATE_MANAGERS: usize = 10;
/// More entries than these are nobody's: each is compared with the others.
const MAX_ENTRIES: usize = 10_000;
/// Owns what the oldest of too many update managers owned.
const ANCIENT: &str = "ancient-changes";

impl Managers {
    /// Reads `metadata.managedFields`.
    ///
    /// # Errors
    /// The text for the first malformed entry.
    pub fn decode(managed_fields: Option<&Value>) -> Result<Managers, String> {
        let mut managers = Managers::default();
        let entries = match managed_fields {
            None | Some(Value::Null) => return Ok(managers),
            Some(Value::Array(entries)) => entries,
            Some(_) => return Err("managedFields must be a list".to_owned()),
        };
        if entries.len() > MAX_ENTRIES {
            return Err(format!("managedFields must have at most {MAX_ENTRIES} entries"));
        }
        managers.entries.reserve(entries.len() + 1);
        for (index, entry) in entries.iter().enumerate() {
            let entry = decode_entry(entry, index)?;
            managers.set(entry.manager, entry.time, entry.fields);
        }
        Ok(managers)
    }

    /// Entries as they are, even where two are of one manager.
    pub(super) fn from_entries(entries: Vec<Entry>) -> Managers {
        Managers { entries }
    }

    /// Writes `metadata.managedFields`, none if nobody owns anything.
    pub fn encode(mut self) -> Option<Value> {
        if self.entries.is_empty() {
            return None;
        }
        self.entries.sort_by(entry_order);
        Some(self.entries.iter().map(encode_entry).collect())
    }

    /// Whether nobody owns anything.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All entries, in no particular order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn get(&self, manager: &Manager) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.manager.is(manager))
    }

    /// Puts a manager's entry in place of the one it has.
    pub(super) fn set(&mut self, manager: Manager, time: Option<Timestamp>, fields: Set) {
        let entry = Entry { manager, time, fields };
        match self.entries.iter_mut().find(|known| known.manager.is(&entry.manager)) {
            Some(known) => *known = entry,
            None => self.entries.push(entry),
        }
    }

    /// Changes what managers own, and forgets those who own nothing any more.
    pub(super) fn change_fields(&mut self, change: impl Fn(&Manager, Set) -> Set) {
        self.entries.retain_mut(|entry| {
            entry.fields = change(&entry.manager, std::mem::take(&mut entry.fields));
            !entry.fields.is_empty()
        });
    }

    /// Merges the oldest update managers until there are few enough
    /// (apimachinery/pkg/util/managedfields/internal/capmanagers.go).
    pub(super) fn cap(&mut self) {
        let mut updaters: Vec<Manager> = self
            .entries
            .iter()
            .filter(|entry| entry.manager.operation == Operation::Update)
            .map(|entry| entry.manager.clone())
            .collect();
        let mut count = updaters.len();
        if count <= MAX_UPDATE_MANAGERS {
            return;
        }
        updaters.sort_by_cached_key(|manager| (self.seconds(manager), manager.identifier()));
        let mut first_of_version: Vec<Manager> = Vec::new();
        for manager in updaters {
            if count <= MAX_UPDATE_MANAGERS {
                return;
            }
            let Some(first) =
                first_of_version.iter().find(|first| first.api_version == manager.api_version).cloned()
            else {
                first_of_version.push(manager);
                continue;
            };
            let bucket = Manager {
                name: ANCIENT.to_owned(),
                operation: Operation::Update,
                api_version: manager.api_version.clone(),
                subresource: String::new(),
            };
            if self.get(&bucket).is_none()
                && let Some(entry) = self.take(&first)
            {
                self.set(bucket.clone(), entry.time, entry.fields);
            }
            if manager.is(&bucket) {
                continue;
            }
            if let (Some(merged), Some(into)) = (self.take(&manager), self.take(&bucket)) {
                // The merged manager is the later one.
                self.set(bucket, merged.time, merged.fields.union(into.fields));
                count -= 1;
            }
        }
    }

    fn take(&mut self, manager: &Manager) -> Option<Entry> {
        let at = self.entries.iter().position(|entry| entry.manager.is(manager))?;
        Some(self.entries.swap_remove(at))
    }

    fn seconds(&self, manager: &Manager) -> i64 {
        self.get(manager).and_then(|entry| entry.time).map_or(0, Timestamp::as_second)
    }
}

fn entry_order(a: &Entry, b: &Entry) -> Ordering {
    let seconds = |entry: &Entry| entry.time.map_or(0, Timestamp::as_second);
    let (p, q) = (&a.manager, &b.manager);
    p.operation
        .cmp(&q.operation)
        .then_with(|| seconds(a).cmp(&seconds(b)))
        .then_with(|| p.name.cmp(&q.name))
        .then_with(|| p.api_version.cmp(&q.api_version))
        .then_with(|| p.subresource.cmp(&q.subresource))
}

fn encode_entry(entry: &Entry) -> Value {
    let mut encoded = Map::new();
    let mut text = |key: &str, value: &str| encoded.insert(key.to_owned(), value.into());
    text("apiVersion", &entry.manager.api_version);
    text("fieldsType", "FieldsV1");
    text("operation", entry.manager.operation.name());
    if !entry.manager.name.is_empty() {
        text("manager", &entry.manager.name);
    }
    if !entry.manager.subresource.is_empty() {
        text("subresource", &entry.manager.subresource);
    }
    if let Some(time) = entry.time {
        text("time", &crate::object::time(time));
    }
    encoded.insert("fieldsV1".to_owned(), fields_v1::encode(&entry.fields));
    Value::Object(encoded)
}

fn decode_entry(entry: &Value, index: usize) -> Result<Entry, String> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
    let operation = match text("operation") {
        "Apply" => Operation::Apply,
        "Update" => Operation::Update,
        _ => return Err("operation must be `Apply` or `Update`".to_owned()),
    };
    if text("apiVersion").is_empty() {
        return Err("apiVersion must not be empty".to_owned());
    }
    match text("fieldsType") {
        "FieldsV1" => {}
        "" => return Err(format!("missing fieldsType in managed fields entry {index}")),
        other => {
            return Err(format!(
                "invalid fieldsType {} in managed fields entry {index}",
                go_text::quote(other)
            ));
        }
    }
    let time = match entry.get("time") {
        None | Some(Value::Null) => None,
        Some(time) => {
            let parsed = time.as_str().and_then(|text| text.parse().ok());
            Some(parsed.ok_or_else(|| format!("invalid time in managed fields entry {index}"))?)
        }
    };
    let fields = fields_v1::decode(entry.get("fieldsV1").unwrap_or(&Value::Null))
        .map_err(|error| format!("error decoding set: {error}"))?;
    let manager = Manager {
        name: text("manager").to_owned(),
        operation,
        api_version: text("apiVersion").to_owned(),
        subresource: text("subresource").to_owned(),
    };
    Ok(Entry { manager, time, fields })
}
