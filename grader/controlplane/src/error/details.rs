//! `details` of a Status.

use serde_json::{Map, Value};

/// One entry of `details.causes`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// A machine-readable reason; may be empty.
    pub reason: String,
    /// The text for people.
    pub message: String,
    /// The field's path; may be empty.
    pub field: String,
}

/// `details` of a Status; empty members are left out of the body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// The object's name.
    pub name: String,
    /// Its API group.
    pub group: String,
    /// Its kind, or (for most reasons) its resource.
    pub kind: String,
    /// Its uid.
    pub uid: String,
    /// What exactly is wrong.
    pub causes: Vec<Cause>,
    /// When to ask again, in seconds; 0 for not said.
    pub retry_after_seconds: u32,
}

impl Details {
    /// The JSON form, empty members left out.
    pub fn to_value(&self) -> Value {
        let mut map = Map::new();
        let texts = [("name", &self.name), ("group", &self.group), ("kind", &self.kind), ("uid", &self.uid)];
        for (key, text) in texts {
            if !text.is_empty() {
                map.insert(key.into(), text.as_str().into());
            }
        }
        if !self.causes.is_empty() {
            map.insert("causes".into(), self.causes.iter().map(Cause::to_value).collect());
        }
        if self.retry_after_seconds > 0 {
            map.insert("retryAfterSeconds".into(), self.retry_after_seconds.into());
        }
        map.into()
    }
}

impl Cause {
    fn to_value(&self) -> Value {
        let mut map = Map::new();
        for (key, text) in [("reason", &self.reason), ("message", &self.message), ("field", &self.field)] {
            if !text.is_empty() {
                map.insert(key.into(), text.as_str().into());
            }
        }
        map.into()
    }
}
