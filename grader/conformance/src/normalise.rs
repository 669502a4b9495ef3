//! Replacing what differs from run to run (uids, revisions, times, names) by placeholders, as the recording did.

use crate::case::Case;
use crate::replay::{GROUP, Literals, NAMESPACE, Outcome};
use regex::{Captures, Regex};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern")
}

static UUID: LazyLock<Regex> =
    LazyLock::new(|| pattern("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"));
static TIME: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"));
static SUFFIX: LazyLock<Regex> = LazyLock::new(|| pattern("^[bcdfghjklmnpqrstvwxz2456789]{5}$"));
static AGE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\d+[smh](\d+[sm])?$"));
static REVISIONS: LazyLock<[(Regex, &str); 3]> = LazyLock::new(|| {
    [
        (pattern(r#"(resourceVersion\\*":\\*")\d+"#), "${1}<rv>"),
        (pattern(r"(too old resource version: )\d+ \(\d+\)"), "${1}<rv> (<rv>)"),
        (pattern(r"(Too large resource version: )\d+(, current: )\d+"), "${1}<rv>${2}<rv>"),
    ]
});

/// Runs of one character from this length on are shortened.
const LONG_RUN: usize = 300;
const LONG_TEXT: usize = 400;
/// `generateName` counts up to here.
const BASE: usize = 58;

pub(crate) struct Normaliser<'a> {
    pub(crate) case: &'a Case,
    literals: &'a Literals,
    ranks: BTreeMap<u64, usize>,
    uids: BTreeMap<String, usize>,
    /// Generated names and what they become, longest first.
    names: Vec<(String, String)>,
}

impl<'a> Normaliser<'a> {
    pub(crate) fn new(case: &'a Case, literals: &'a Literals, setup: &[Outcome], steps: &[Outcome]) -> Self {
        let mut collected = Collected { literals, revisions: BTreeSet::new(), names: BTreeMap::new() };
        let outcomes: Vec<(&Value, &Outcome)> =
            case.setup.iter().zip(setup).chain(case.steps.iter().zip(steps)).collect();
        for (step, outcome) in &outcomes {
            collected.outcome(step, outcome);
        }
        let ranks = collected.revisions.iter().enumerate().map(|(index, rv)| (*rv, index + 1)).collect();
        let mut names: Vec<(String, String)> = collected.names.into_iter().collect();
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        let mut normaliser = Self { case, literals, ranks, uids: BTreeMap::new(), names };
        for (step, outcome) in &outcomes {
            normaliser.number_uids(step, outcome);
        }
        normaliser
    }

    fn number_uids(&mut self, step: &Value, outcome: &Outcome) {
        for (step, outcome) in inner(step, outcome) {
            self.number_uids(step, outcome);
        }
        if outcome.kind != "eventually" || step["compare_final"] == true {
            self.scan(outcome.answer.body.as_ref().unwrap_or(&Value::Null));
        }
        for event in &outcome.events {
            self.scan(&event["object"]);
        }
    }

    fn scan(&mut self, value: &Value) {
        match value {
            Value::Object(map) => map.values().for_each(|value| self.scan(value)),
            Value::Array(items) => items.iter().for_each(|item| self.scan(item)),
            Value::String(text) => {
                self.replace_uids(text);
            }
            _ => {}
        }
    }

    fn replace_uids(&mut self, text: &str) -> String {
        let (literals, uids) = (self.literals, &mut self.uids);
        UUID.replace_all(text, |found: &Captures<'_>| {
            let uid = &found[0];
            if literals.texts.iter().any(|text| text.len() < 200 && text.contains(uid)) {
                return uid.to_owned();
            }
            let next = uids.len() + 1;
            format!("<uid:{}>", uids.entry(uid.to_owned()).or_insert(next))
        })
        .into_owned()
    }

    pub(crate) fn text(&mut self, text: &str) -> String {
        if self.literals.texts.contains(text) && !text.contains(NAMESPACE) && !text.contains(GROUP) {
            return text.to_owned();
        }
        let mut text = text.to_owned();
        for (name, replacement) in &self.names {
            if text.contains(name.as_str()) {
                text = text.replace(name.as_str(), replacement);
            }
        }
        text = text.replace(NAMESPACE, "{ns}").replace(GROUP, "{group}");
        text = self.replace_uids(&text);
        text = TIME
            .replace_all(&text, |found: &Captures<'_>| match found.get(1) {
                _ if self.literals.texts.contains(&found[0]) => found[0].to_owned(),
                Some(fraction) => format!("<time:{}>", fraction.len() - 1),
                None => "<time>".to_owned(),
            })
            .into_owned();
        for (pattern, replacement) in REVISIONS.iter() {
            text = pattern.replace_all(&text, *replacement).into_owned();
        }
        if text.chars().count() > LONG_TEXT { shorten_runs(&text) } else { text }
    }

    pub(crate) fn value(&mut self, value: &Value) -> Value {
        self.normalise(value, false)
    }

    fn normalise(&mut self, value: &Value, list_metadata: bool) -> Value {
        match value {
            Value::String(text) => self.text(text).into(),
            Value::Array(items) => items.iter().map(|item| self.normalise(item, false)).collect(),
            Value::Object(map) => self.object(map, list_metadata),
            other => other.clone(),
        }
    }

    fn object(&mut self, map: &Map<String, Value>, list_metadata: bool) -> Value {
        let is_list = is_list(map);
        let mut out = Map::new();
        for (key, value) in map {
            let unsent = |text: &str| !self.literals.texts.contains(text);
            let replaced = match (key.as_str(), value) {
                ("managedFields", _) if !self.case.managed_fields => continue,
                ("resourceVersion", Value::String(text)) if is_digits(text) => {
                    let rank = text.parse().ok().and_then(|rv: u64| self.ranks.get(&rv));
                    match rank {
                        Some(rank) if !list_metadata && !self.case.mask_rv => format!("<rv:{rank}>").into(),
                        _ => "<rv>".into(),
                    }
                }
                ("continue", Value::String(text)) if !text.is_empty() => "<continue>".into(),
                ("clusterIP", Value::String(text)) if unsent(text) && text != "None" && !text.is_empty() => {
                    "<ip>".into()
                }
                ("clusterIPs", Value::Array(items)) => items
                    .iter()
                    .map(|item| match item.as_str() {
                        Some(text) if unsent(text) && text != "None" => Value::from("<ip>"),
                        _ => item.clone(),
                    })
                    .collect(),
                ("nodePort" | "healthCheckNodePort", Value::Number(number))
                    if number.as_i64().is_some_and(|port| !self.literals.numbers.contains(&port)) =>
                {
                    "<port>".into()
                }
                _ => {
                    let key = self.text(key);
                    let value = self.normalise(value, is_list && key == "metadata");
                    out.insert(key, value);
                    continue;
                }
            };
            out.insert(key.clone(), replaced);
        }
        mask_ages(map, &mut out);
        if let Some(entries) = out.get_mut("managedFields").and_then(Value::as_array_mut)
            && entries.iter().all(Value::is_object)
        {
            // As the recording wrote Python's texts: a missing member sorts as "None".
            let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or("None").to_owned();
            entries.sort_by_cached_key(|entry| {
                ["operation", "manager", "subresource", "apiVersion"].map(|key| text(entry, key))
            });
        }
        let mut out = Value::Object(out);
        if out["kind"] == "Status" {
            sort_causes(&mut out);
        }
        out
    }

    /// The events of a watch.
    pub(crate) fn events(&mut self, step: &Value, events: &[Value]) -> Vec<Value> {
        let mut out: Vec<Value> = Vec::new();
        let mut bookmark_seen = false;
        for event in events {
            let mut object = event["object"].clone();
            let is_bookmark = event["type"] == "BOOKMARK";
            if is_bookmark && let Some(rv) = object.pointer_mut("/metadata/resourceVersion") {
                *rv = "<rv>".into();
            }
            if is_bookmark && bookmark_seen && step["one_bookmark"] == true {
                continue;
            }
            bookmark_seen |= is_bookmark;
            let mut event = event.clone();
            event["object"] = self.value(&object);
            out.push(event);
        }
        let free = step["unordered_first"].as_u64().unwrap_or(0) as usize;
        let free = free.min(out.len());
        out[..free].sort_by_key(|event| {
            let text = |pointer: &str| event.pointer(pointer).map(Value::to_string).unwrap_or_default();
            (text("/object/metadata/namespace"), text("/object/metadata/name"))
        });
        out
    }
}

/// The steps inside a watch, with their outcomes.
fn inner<'a>(step: &'a Value, outcome: &'a Outcome) -> impl Iterator<Item = (&'a Value, &'a Outcome)> {
    step["while"].as_array().into_iter().flatten().zip(&outcome.inner)
}

struct Collected<'a> {
    literals: &'a Literals,
    revisions: BTreeSet<u64>,
    names: BTreeMap<String, String>,
}

impl Collected<'_> {
    fn outcome(&mut self, step: &Value, outcome: &Outcome) {
        for (step, outcome) in inner(step, outcome) {
            self.outcome(step, outcome);
        }
        if let Some(body) = &outcome.answer.body
            && (outcome.kind != "eventually" || step["compare_final"] == true)
        {
            self.value(body, false);
        }
        for event in outcome.events.iter().filter(|event| event["type"] != "BOOKMARK") {
            self.value(&event["object"], false);
        }
    }

    fn value(&mut self, value: &Value, list_metadata: bool) {
        match value {
            Value::Object(map) => {
                if let (Some(base), Some(name)) = (text(map, "generateName"), text(map, "name")) {
                    let base = &base[..base.len().min(BASE)];
                    if !base.is_empty()
                        && !self.literals.texts.contains(name)
                        && name.strip_prefix(base).is_some_and(|suffix| SUFFIX.is_match(suffix))
                    {
                        self.names.insert(name.to_owned(), format!("{base}<suffix>"));
                    }
                }
                let is_list = is_list(map);
                for (key, value) in map {
                    if let ("resourceVersion", Value::String(text), false) =
                        (key.as_str(), value, list_metadata)
                        && is_digits(text)
                    {
                        self.revisions.extend(text.parse::<u64>().ok());
                    }
                    self.value(value, is_list && key == "metadata");
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.value(item, false)),
            _ => {}
        }
    }
}

fn text<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    map.get(key).and_then(Value::as_str)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_list(map: &Map<String, Value>) -> bool {
    map.get("metadata").is_some_and(Value::is_object)
        && (map.contains_key("items")
            || map.contains_key("rows")
            || text(map, "kind").is_some_and(|kind| kind.ends_with("List")))
}

fn mask_ages(map: &Map<String, Value>, out: &mut Map<String, Value>) {
    let Some(columns) = map.get("columnDefinitions").and_then(Value::as_array) else { return };
    if text(map, "kind") != Some("Table") {
        return;
    }
    let ages: Vec<usize> = (0..columns.len())
        .filter(|index| columns[*index]["name"] == "Age" || columns[*index]["type"] == "date")
        .collect();
    for row in out.get_mut("rows").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(cells) = row.get_mut("cells").and_then(Value::as_array_mut) else { continue };
        for index in &ages {
            if let Some(cell) = cells.get_mut(*index)
                && cell.as_str().is_some_and(|text| AGE.is_match(text))
            {
                *cell = "<age>".into();
            }
        }
    }
}

/// Causes are in no particular order; the bracketed list in the message follows them.
fn sort_causes(status: &mut Value) {
    let Some(causes) = status.pointer_mut("/details/causes").and_then(Value::as_array_mut) else { return };
    if !causes.iter().all(Value::is_object) {
        return;
    }
    let member = |cause: &Value, key: &str| cause[key].as_str().unwrap_or_default().to_owned();
    causes.sort_by_cached_key(|cause| ["field", "reason", "message"].map(|key| member(cause, key)));
    let mut items: Vec<String> = Vec::new();
    for cause in causes.iter() {
        let prefix = match member(cause, "field").as_str() {
            "" | "<nil>" => String::new(),
            field => format!("{field}: "),
        };
        let text = format!("{prefix}{}", member(cause, "message"));
        if !items.contains(&text) {
            items.push(text);
        }
    }
    let prefixed: Vec<String> = if items.len() == causes.len() {
        let prefix = |cause: &Value| if member(cause, "field") == "<nil>" { "<nil>: " } else { "" };
        causes.iter().zip(&items).map(|(cause, text)| format!("{}{text}", prefix(cause))).collect()
    } else {
        items.clone()
    };
    let Some(message) = status["message"].as_str().map(str::to_owned) else { return };
    let Some(start) = message.find(": [").map(|at| at + 3).filter(|_| message.ends_with(']')) else { return };
    let listed = &message[start..message.len() - 1];
    for candidate in [items, prefixed] {
        let joined = candidate.join(", ");
        if joined.len() == listed.len() && candidate.iter().all(|text| listed.contains(text.as_str())) {
            status["message"] = format!("{}{joined}]", &message[..start]).into();
            return;
        }
    }
}

fn shorten_runs(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let mut count = 1;
        while characters.next_if_eq(&character).is_some() {
            count += 1;
        }
        // A newline never counts as a run: the recording's pattern does not match it.
        if count >= LONG_RUN && character != '\n' {
            out.push_str(&format!("${{repeat:{character}:{count}}}"));
        } else {
            out.extend(std::iter::repeat_n(character, count));
        }
    }
    out
}
