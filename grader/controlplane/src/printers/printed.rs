//! Reading an object in the words of tables.

use crate::builtins::fields;
use crate::custom_resources::columns::age;
use crate::object;
use jiff::Timestamp;
use serde_json::Value;

/// An object about to be printed, and when.
pub(super) struct Printed<'a> {
    pub(super) object: &'a Value,
    pub(super) now: Timestamp,
}

impl<'a> Printed<'a> {
    pub(super) fn name(&self) -> &'a str {
        object::name(self.object)
    }

    pub(super) fn age(&self) -> String {
        self.since("/metadata/creationTimestamp")
    }

    /// The time that has passed since the one at a JSON pointer.
    pub(super) fn since(&self, pointer: &str) -> String {
        since(self.text(pointer), self.now)
    }

    pub(super) fn at(&self, pointer: &str) -> &'a Value {
        fields::at(self.object, pointer)
    }

    pub(super) fn text(&self, pointer: &str) -> &'a str {
        fields::text(self.object, pointer)
    }

    /// The text at a JSON pointer; `none` when it is missing or empty.
    pub(super) fn text_or(&self, pointer: &str, none: &'a str) -> &'a str {
        match self.text(pointer) {
            "" => none,
            text => text,
        }
    }

    /// The number at a JSON pointer; 0 when there is none.
    pub(super) fn number(&self, pointer: &str) -> i64 {
        fields::number(self.object, pointer).unwrap_or_default()
    }

    pub(super) fn flag(&self, pointer: &str) -> bool {
        self.at(pointer) == true
    }

    pub(super) fn list(&self, pointer: &str) -> &'a [Value] {
        fields::list(self.object, pointer)
    }

    /// How many members the object at a JSON pointer has.
    pub(super) fn size(&self, pointer: &str) -> usize {
        fields::members(self.object, pointer).map_or(0, serde_json::Map::len)
    }

    /// The names of containers, and their images.
    pub(super) fn containers(&self, pod_spec: &str) -> (String, String) {
        let containers = self.list(&format!("{pod_spec}/containers"));
        let all = |key: &str| join(containers.iter().map(|container| fields::text(container, key)), ",");
        (all("/name"), all("/image"))
    }

    /// Labels as `key=value,...`.
    pub(super) fn labels(&self, pointer: &str) -> String {
        let labels = fields::members(self.object, pointer).into_iter().flatten();
        let all: Vec<String> =
            labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
        if all.is_empty() { "<none>".to_owned() } else { all.join(",") }
    }

    /// Whether a condition of this type is True.
    pub(super) fn is_true(&self, type_: &str) -> bool {
        condition(self.list("/status/conditions"), type_)
            .is_some_and(|condition| condition["status"] == "True")
    }
}

/// The first condition of a type.
pub(super) fn condition<'a>(conditions: &'a [Value], type_: &str) -> Option<&'a Value> {
    conditions.iter().find(|condition| condition["type"] == type_)
}

/// The time that has passed since then; a text that is no time says nothing.
pub(super) fn since(time: &str, now: Timestamp) -> String {
    time.parse().map_or_else(|_| "<unknown>".to_owned(), |time| age(time, now))
}

pub(super) fn join<'a>(texts: impl Iterator<Item = &'a str>, separator: &str) -> String {
    texts.collect::<Vec<_>>().join(separator)
}

/// At most `most` of the texts, and how many more there are.
pub(super) fn shortened(texts: &[String], most: usize, separator: &str) -> String {
    let shown = texts.iter().take(most).map(String::as_str);
    let shown = join(shown, separator);
    match texts.len().checked_sub(most) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} + {more} more..."),
    }
}

/// A quantity's text; the zero quantity when there is none.
pub(super) fn quantity(value: &Value) -> &str {
    value.as_str().unwrap_or("0")
}
