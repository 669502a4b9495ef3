//! Sends objects of built-in kinds through their rules and compares what comes out with what a real API server made
//! of them in a dry run. `record.py` in this folder asks such a server again.

mod updates;

use controlplane::Timestamp;
use controlplane::access::User;
use controlplane::builtins::{self, Cluster};
use controlplane::store::ResourceId;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What was sent, and one of three answers.
#[derive(Debug, Deserialize)]
struct Probe {
    send: Value,
    object: Option<Value>,
    /// Field, reason and text of every cause of a 422.
    invalid: Option<BTreeSet<(String, String, String)>>,
    /// Status and text of any other refusal.
    refused: Option<(u16, String)>,
}

/// A cluster with two service accounts.
#[derive(Default)]
struct Empty {
    user: User,
}

impl Cluster for Empty {
    fn get(&self, resource: &ResourceId, _namespace: &str, name: &str) -> Option<Arc<Value>> {
        let known = resource.resource() == "serviceaccounts" && ["default", "sa"].contains(&name);
        known.then(|| Arc::new(json!({"metadata": {"name": name}})))
    }

    fn list(&self, _resource: &ResourceId, _namespace: Option<&str>) -> Vec<Arc<Value>> {
        Vec::new()
    }

    fn suffix(&mut self) -> String {
        "abcde".to_owned()
    }

    fn user(&self) -> &User {
        &self.user
    }

    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

/// An answer in the form of the recorded ones.
#[derive(Debug, PartialEq)]
enum Answer {
    Object(Value),
    Invalid(BTreeSet<(String, String, String)>),
    Refused(String),
}

#[test]
fn built_in_objects_fare_as_on_a_real_server() {
    let mut misses = Vec::new();
    for line in include_str!("probes.jsonl").lines() {
        let probe: Probe = serde_json::from_str(line).expect("a probe");
        let actual = answer(&probe.send);
        let expected = match (&probe.object, &probe.invalid, &probe.refused) {
            (Some(object), _, _) => Answer::Object(object.clone()),
            (_, Some(causes), _) => Answer::Invalid(causes.clone()),
            (_, _, Some((_, text))) => Answer::Refused(text.clone()),
            _ => panic!("a probe without an answer: {line}"),
        };
        if without_order(&actual) != without_order(&expected) {
            misses.push(format!("{}\n  expected {expected:?}\n  actual   {actual:?}", probe.send));
        }
    }
    assert!(misses.is_empty(), "{} misses\n{}", misses.len(), misses.join("\n"));
}

/// What a POST of this object would be answered with.
fn answer(sent: &Value) -> Answer {
    let text = |key: &str| sent[key].as_str().unwrap_or_default();
    let (group, version) = text("apiVersion").split_once('/').unwrap_or(("", text("apiVersion")));
    let kind = text("kind");
    let resource = builtins::resources()
        .iter()
        .find(|resource| (resource.group, resource.version, resource.kind) == (group, version, kind))
        .expect("a built-in kind");
    let definition = builtins::definition_of(group, version, kind).expect("its type");
    let mut object = sent.clone();
    if let Err(error) = builtins::read(builtins::Reader::Json, definition, &mut object) {
        return Answer::Refused(format!(
            "{kind} in version \"{version}\" cannot be handled as a {kind}: {error}"
        ));
    }
    if resource.namespaced {
        object["metadata"]["namespace"] = "probes".into();
    }
    object["metadata"]["uid"] = "the-uid".into();
    object["metadata"]["creationTimestamp"] = "2026-01-02T03:04:05Z".into();
    let rules = builtins::rules(group, kind);
    if let Err(error) = rules.admit(&mut object, None, &mut Empty::default()) {
        let causes = error.details().map(|details| details.causes.clone()).unwrap_or_default();
        if causes.is_empty() {
            return Answer::Refused(error.message().to_owned());
        }
        return Answer::Invalid(causes.into_iter().map(|c| (c.field, c.reason, c.message)).collect());
    }
    let errors = builtins::create(rules, definition, resource.namespaced, &mut object);
    if !errors.is_empty() {
        let cause = |error: &controlplane::FieldError| {
            (error.field.clone(), error.kind.reason().to_owned(), error.message())
        };
        return Answer::Invalid(errors.iter().map(cause).collect());
    }
    for key in ["uid", "creationTimestamp"] {
        object["metadata"].as_object_mut().expect("metadata").remove(key);
    }
    Answer::Object(object)
}

/// Texts that show a Go struct have its members in the order of the struct, ours have them sorted.
fn without_order(answer: &Answer) -> Answer {
    let sorted = |text: &String| {
        let mut letters: Vec<char> = text.to_lowercase().chars().collect();
        if text.contains('{') {
            letters.sort_unstable();
        }
        letters.into_iter().collect::<String>()
    };
    match answer {
        Answer::Object(object) => Answer::Object(object.clone()),
        Answer::Refused(text) => Answer::Refused(text.clone()),
        Answer::Invalid(causes) => Answer::Invalid(
            causes
                .iter()
                .map(|(field, reason, text)| (field.clone(), reason.clone(), sorted(text)))
                .collect(),
        ),
    }
}
