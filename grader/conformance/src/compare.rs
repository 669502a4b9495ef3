//! Comparing normalised answers with the recorded ones, level by level.

use crate::answer::Answer;
use crate::normalise::Normaliser;
use crate::pointer::{self, Different};
use crate::replay::{Outcome, ignored};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// One thing that is not as recorded; `level` is the level that it breaks.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) level: u8,
    place: String,
    path: String,
    expected: Value,
    actual: Value,
}

impl Difference {
    pub(crate) fn problem(text: &str) -> Self {
        Self { level: 1, place: "run".into(), path: text.into(), expected: Value::Null, actual: Value::Null }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { level, place, path, expected, actual } = self;
        write!(f, "L{level} {place} {path}")?;
        if !expected.is_null() || !actual.is_null() {
            let short = |value: &Value| {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                text.chars().take(400).collect::<String>()
            };
            write!(f, "\n      expected {}\n      actual   {}", short(expected), short(actual))?;
        }
        Ok(())
    }
}

struct Differences<'a> {
    place: &'a str,
    out: &'a mut Vec<Difference>,
}

impl Differences<'_> {
    fn add(&mut self, level: u8, path: &str, expected: Value, actual: Value) {
        self.out.push(Difference {
            level,
            place: self.place.to_owned(),
            path: path.to_owned(),
            expected,
            actual,
        });
    }

    /// Level 2 when something other than texts differs, else level 3.
    fn compare(&mut self, expected: &Value, actual: &Value, how: fn(&Value, &Value) -> Vec<Different>) {
        let full = how(expected, actual);
        if full.is_empty() {
            return;
        }
        let bodies = how(&without_messages(expected), &without_messages(actual));
        let (level, different) = if bodies.is_empty() { (3, full) } else { (2, bodies) };
        for (path, expected, actual) in different {
            self.add(level, &path, expected, actual);
        }
    }
}

/// Compares the outcome of one step.
pub(crate) fn step(
    normaliser: &mut Normaliser<'_>,
    step: &Value,
    outcome: &Outcome,
    place: &str,
    out: &mut Vec<Difference>,
) {
    let ignore = ignored(normaliser.case, step);
    match outcome.kind {
        "request" => response(normaliser, &step["response"], &outcome.answer, &ignore, place, out),
        "eventually" if !outcome.missed.is_empty() => {
            for (path, expected, actual) in &outcome.missed {
                let level = if path == "status" { 1 } else { 2 };
                Differences { place, out }.add(level, path, expected.clone(), actual.clone());
            }
        }
        "eventually" if step["compare_final"] == true => {
            let expected = json!({"status": step["status"].as_i64().unwrap_or(200), "body": step["final"]});
            response(normaliser, &expected, &outcome.answer, &ignore, place, out);
        }
        "watch" => watch(normaliser, step, outcome, &ignore, place, out),
        _ => {}
    }
}

fn watch(
    normaliser: &mut Normaliser<'_>,
    watch: &Value,
    outcome: &Outcome,
    ignore: &[String],
    place: &str,
    out: &mut Vec<Difference>,
) {
    let default = json!({"status": 200});
    let expected = watch.get("response").unwrap_or(&default);
    if outcome.answer.status != 200 || expected["status"] != 200 {
        return response(normaliser, expected, &outcome.answer, ignore, place, out);
    }
    for (index, (inner, outcome)) in
        watch["while"].as_array().into_iter().flatten().zip(&outcome.inner).enumerate()
    {
        step(normaliser, inner, outcome, &format!("{place}.while[{index}]"), out);
    }
    let actual: Vec<Value> = normaliser
        .events(watch, &outcome.events)
        .into_iter()
        .map(|event| without_ignored(event, ignore))
        .collect();
    let expected: Vec<Value> = watch["events"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|event| without_ignored(event.clone(), ignore))
        .collect();
    let types = |events: &[Value]| -> Value { events.iter().map(|event| event["type"].clone()).collect() };
    let mut differences = Differences { place, out };
    if types(&expected) != types(&actual) {
        let actual: Value =
            actual.iter().map(|event| json!([event["type"], event["object"]["metadata"]["name"]])).collect();
        differences.add(2, "event types", types(&expected), actual);
    } else {
        differences.compare(&Value::from(expected), &Value::from(actual), pointer::diff);
    }
    if watch["until"] == "eof" && !outcome.ended {
        differences.add(2, "end of stream", true.into(), false.into());
    }
}

const HEADERS: [&str; 5] = ["warning", "retry-after", "content-encoding", "www-authenticate", "location"];

fn response(
    normaliser: &mut Normaliser<'_>,
    expected: &Value,
    answer: &Answer,
    ignore: &[String],
    place: &str,
    out: &mut Vec<Difference>,
) {
    let mut differences = Differences { place, out };
    let body = answer.body.as_ref().map(|body| normaliser.value(body)).unwrap_or_default();
    if expected["status"] != answer.status {
        differences.add(1, "status", expected["status"].clone(), answer.status.into());
        if body["kind"] == "Status" {
            differences.add(1, "message", expected["body"]["message"].clone(), body["message"].clone());
        }
        return;
    }
    let body = without_ignored(body, ignore);
    if let Some(partial) = expected.get("body_contains") {
        differences.compare(partial, &body, pointer::partial);
    } else if let Some(whole) = expected.get("body") {
        differences.compare(&without_ignored(whole.clone(), ignore), &body, pointer::diff);
    }
    if let Some(text) = expected.get("body_text") {
        let actual = match (&answer.text, &answer.body) {
            (Some(text), _) => normaliser.text(text),
            (None, Some(_)) => body.to_string(),
            (None, None) => String::new(),
        };
        if *text != actual.as_str() {
            differences.add(3, "text", text.clone(), actual.into());
        }
    }
    if ["headers", "body", "body_contains"].iter().any(|key| expected.get(*key).is_some()) {
        headers(normaliser, &expected["headers"], answer, ignore, &mut differences);
    }
}

fn headers(
    normaliser: &mut Normaliser<'_>,
    expected: &Value,
    answer: &Answer,
    ignore: &[String],
    differences: &mut Differences<'_>,
) {
    let mut actual: BTreeMap<&str, Value> = BTreeMap::new();
    let of = |name: &'static str| answer.headers.iter().filter(move |(key, _)| key == name);
    let media_type = of("content-type").next().map(|(_, value)| value.as_str()).unwrap_or_default();
    let media_type = media_type.split(';').map(str::trim).collect::<Vec<_>>().join(";");
    let wanted = expected["content-type"].as_str().unwrap_or("application/json");
    if wanted != media_type {
        differences.add(2, "header content-type", wanted.into(), media_type.into());
    }
    let mut warnings: Vec<String> = of("warning").map(|(_, value)| normaliser.text(value)).collect();
    warnings.sort();
    if !warnings.is_empty() {
        actual.insert("warning", warnings.into());
    }
    for name in &HEADERS[1..] {
        if let Some((_, value)) = of(name).next() {
            actual.insert(name, normaliser.text(value).into());
        }
    }
    for name in HEADERS {
        let actual = actual.get(name).cloned().unwrap_or_default();
        let expected = expected.get(name).cloned().unwrap_or_default();
        if expected != actual && !ignore.contains(&format!("header:{name}")) {
            differences.add(3, &format!("header {name}"), expected, actual);
        }
    }
}

fn without_ignored(mut value: Value, ignore: &[String]) -> Value {
    for pointer in ignore.iter().filter(|pointer| pointer.starts_with('/')) {
        pointer::remove(&mut value, pointer);
    }
    value
}

/// Level 2 leaves out the texts of a Status, and duplicate causes.
fn without_messages(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(without_messages).collect(),
        Value::Object(map) => {
            let mut out: serde_json::Map<String, Value> =
                map.iter().map(|(key, value)| (key.clone(), without_messages(value))).collect();
            let is_status = map.get("kind").is_some_and(|kind| kind == "Status")
                && map.get("status").is_some_and(|status| !status.is_object());
            if is_status {
                out.remove("message");
                if let Some(causes) =
                    out.get_mut("details").and_then(|d| d.get_mut("causes")).and_then(Value::as_array_mut)
                {
                    for cause in causes.iter_mut() {
                        if let Some(cause) = cause.as_object_mut() {
                            cause.remove("message");
                        }
                    }
                    causes.sort_by_cached_key(Value::to_string);
                    causes.dedup();
                }
            }
            out.into()
        }
        other => other.clone(),
    }
}
