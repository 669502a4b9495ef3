//! Events about objects, counted and limited as client-go's recorder does (client-go/tools/record).

use super::known::EVENTS;
use super::{Api, owners};
use crate::object;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Different messages of one reason before they become one combined event.
const COMBINED_FROM: usize = 10;
/// Messages further apart than this are not combined.
const COMBINED_WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// Events about one object before further ones are dropped ...
const BURST: u32 = 25;
/// ... until one more of these has passed.
const REFILL: SignedDuration = SignedDuration::from_mins(5);
/// Objects remembered; the ones seen first are forgotten first.
const REMEMBERED: usize = 4096;

/// The two types of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum EventType {
    /// Information.
    Normal,
    /// Something went wrong.
    Warning,
}

impl EventType {
    fn text(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

/// Records events of one component.
///
/// # Guarantees
/// Equal events become one with a count; an object gets 25 events, then one more each five minutes. An event that
/// cannot be written is dropped: nothing else may fail because of it.
#[derive(Debug)]
pub(super) struct Recorder {
    component: &'static str,
    /// By the object and the type of event.
    histories: BTreeMap<(String, EventType), History>,
    oldest: VecDeque<(String, EventType)>,
    /// Keeps the names of events of one instant apart.
    recorded: u64,
}

/// What was recorded about one object.
#[derive(Debug)]
struct History {
    tokens: u32,
    refilled: Timestamp,
    by_reason: BTreeMap<String, Reason>,
    by_message: BTreeMap<(String, String), Series>,
}

#[derive(Debug, Default)]
struct Reason {
    messages: BTreeSet<String>,
    latest: Option<Timestamp>,
}

#[derive(Debug)]
struct Series {
    name: String,
    count: u64,
}

impl Recorder {
    pub(super) fn new(component: &'static str) -> Self {
        Self { component, histories: BTreeMap::new(), oldest: VecDeque::new(), recorded: 0 }
    }

    /// Records that something happened to `about` (of which only TypeMeta and identity are used).
    pub(super) fn record(
        &mut self,
        api: &mut Api<'_>,
        about: &Value,
        kind: EventType,
        reason: &str,
        message: &str,
    ) {
        let now = api.now();
        let history = self.history((identity(about), kind), now);
        let message = history.combine(reason, message, now);
        if !history.take_token(now) {
            return;
        }
        let namespace = owners::namespace_of(about).unwrap_or("default");
        let series_key = (reason.to_owned(), message.clone());
        if let Some(series) = history.by_message.get_mut(&series_key) {
            series.count += 1;
            let patch = json!({"count": series.count, "lastTimestamp": object::time(now)});
            if api.merge_patch(&EVENTS, Some(namespace), &series.name, None, &patch).is_ok() {
                return;
            }
        }
        let nanosecond = i64::try_from(now.as_nanosecond()).unwrap_or(i64::MAX);
        let name = format!("{}.{:x}", object::name(about), nanosecond.saturating_add_unsigned(self.recorded));
        self.recorded += 1;
        let series = Series { name: name.clone(), count: 1 };
        if let Some(history) = self.histories.get_mut(&(identity(about), kind)) {
            history.by_message.insert(series_key, series);
        }
        let event = json!({
            "apiVersion": "v1", "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": reference(about),
            "type": kind.text(), "reason": reason, "message": message,
            "source": {"component": self.component},
            "reportingComponent": self.component, "reportingInstance": "",
            "firstTimestamp": object::time(now), "lastTimestamp": object::time(now), "count": 1,
            "eventTime": null,
        });
        // Refused in a terminating namespace, for example.
        let _ = api.create(&EVENTS, Some(namespace), event);
    }

    fn history(&mut self, key: (String, EventType), now: Timestamp) -> &mut History {
        if !self.histories.contains_key(&key) {
            self.oldest.push_back(key.clone());
            if self.oldest.len() > REMEMBERED
                && let Some(oldest) = self.oldest.pop_front()
            {
                self.histories.remove(&oldest);
            }
        }
        self.histories.entry(key).or_insert_with(|| History {
            tokens: BURST,
            refilled: now,
            by_reason: BTreeMap::new(),
            by_message: BTreeMap::new(),
        })
    }
}

impl History {
    /// The message to record: the given one, or the one that stands for many.
    fn combine(&mut self, reason: &str, message: &str, now: Timestamp) -> String {
        let seen = self.by_reason.entry(reason.to_owned()).or_default();
        if seen.latest.is_some_and(|latest| now.duration_since(latest) > COMBINED_WITHIN) {
            seen.messages.clear();
        }
        seen.latest = Some(now);
        if seen.messages.len() + 1 >= COMBINED_FROM && !seen.messages.contains(message) {
            return format!("(combined from similar events): {message}");
        }
        seen.messages.insert(message.to_owned());
        message.to_owned()
    }

    fn take_token(&mut self, now: Timestamp) -> bool {
        while self.tokens < BURST && now.duration_since(self.refilled) >= REFILL {
            self.tokens += 1;
            self.refilled = super::work_queue::later(self.refilled, REFILL);
        }
        if self.tokens == BURST {
            self.refilled = now;
        }
        let taken = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        taken
    }
}

/// What tells an object from others: its uid, or what it is called when that is all that is known of it.
fn identity(about: &Value) -> String {
    match object::uid(about) {
        "" => format!("{}/{}", object::namespace(about), object::name(about)),
        uid => uid.to_owned(),
    }
}

/// An ObjectReference.
fn reference(about: &Value) -> Value {
    let mut reference = json!({
        "apiVersion": object::api_version(about), "kind": object::kind(about),
        "name": object::name(about),
    });
    for key in ["namespace", "uid", "resourceVersion"] {
        if about["metadata"][key] != Value::Null {
            reference[key] = about["metadata"][key].clone();
        }
    }
    reference
}
