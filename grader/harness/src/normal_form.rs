//! The end of a story without what may differ between two correct tellings: so that two ends can be compared.
//!
//! Left out are what others than the operator and the user keep for themselves (events, leases, revisions), and
//! everything that Kubernetes makes up: uids, times, revisions, generations. Generated names and secret values are
//! replaced, and of conditions remain type and status: their words may depend on the way.

use crate::trace::TraceHash;
use controlplane::store::ResourceId;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Objects in normal form by `resource namespace/name`.
pub(crate) type NormalForm = BTreeMap<String, Value>;

/// Resources that tell nothing about the operator.
const LEFT_OUT: &[&str] = &[
    "controllerrevisions",
    "customresourcedefinitions",
    "endpoints",
    "endpointslices",
    "events",
    "leases",
    "nodes",
    "persistentvolumes",
    "serviceaccounts",
];

/// Fields of metadata that Kubernetes makes up.
const MADE_UP: &[&str] =
    &["creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"];

pub(crate) fn normal_form(objects: &[(ResourceId, Vec<Arc<Value>>)]) -> NormalForm {
    let objects: Vec<_> = objects
        .iter()
        .filter(|(resource, _)| !LEFT_OUT.contains(&resource.resource()))
        .flat_map(|(resource, list)| list.iter().map(move |object| (resource.resource(), object)))
        .filter(|(resource, object)| !is_the_clusters_own(resource, object))
        .collect();
    let names = generated_names(&objects);
    let mut form = NormalForm::new();
    for (resource, object) in objects {
        let metadata = &object["metadata"];
        let text = |value: &Value| names.replace(value.as_str().unwrap_or_default()).to_owned();
        let (namespace, name) = (text(&metadata["namespace"]), text(&metadata["name"]));
        let key = if namespace.is_empty() {
            format!("{resource} {name}")
        } else {
            format!("{resource} {namespace}/{name}")
        };
        let normal =
            Normalizer { generation: &metadata["generation"], names: &names, secret: resource == "secrets" };
        form.insert(key, normal.object(object));
    }
    form
}

/// Where two ends differ, in plain words, at most a few.
pub(crate) fn differences(undisturbed: &NormalForm, other: &NormalForm) -> Vec<String> {
    let mut found = Vec::new();
    for key in undisturbed.keys().filter(|key| !other.contains_key(*key)) {
        found.push(format!("{key} is missing"));
    }
    for key in other.keys().filter(|key| !undisturbed.contains_key(*key)) {
        found.push(format!("{key} is left over"));
    }
    for (key, expected) in undisturbed {
        if let Some(seen) = other.get(key) {
            compare(key, "", expected, seen, &mut found);
        }
    }
    found.truncate(5);
    found
}

fn compare(key: &str, path: &str, expected: &Value, seen: &Value, found: &mut Vec<String>) {
    if expected == seen {
        return;
    }
    match (expected, seen) {
        (Value::Object(expected), Value::Object(seen)) => {
            let names: std::collections::BTreeSet<_> = expected.keys().chain(seen.keys()).collect();
            for name in names {
                let (expected, seen) = (expected.get(name), seen.get(name));
                let (expected, seen) = (expected.unwrap_or(&Value::Null), seen.unwrap_or(&Value::Null));
                compare(key, &format!("{path}.{name}"), expected, seen, found);
            }
        }
        (Value::Array(expected), Value::Array(seen)) if expected.len() == seen.len() => {
            for (index, (expected, seen)) in expected.iter().zip(seen).enumerate() {
                compare(key, &format!("{path}[{index}]"), expected, seen, found);
            }
        }
        (expected, Value::Null) => found.push(format!("{key}: {path} is missing, it was {expected}")),
        (Value::Null, seen) => found.push(format!("{key}: {path} is {seen}, it was not there")),
        (expected, seen) => found.push(format!("{key}: {path} is {seen}, it was {expected}")),
    }
}

/// What every cluster has.
fn is_the_clusters_own(resource: &str, object: &Value) -> bool {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
    resource == "namespaces" && (name.starts_with("kube-") || name == "default")
        || namespace.starts_with("kube-")
        || resource == "configmaps" && name == "kube-root-ca.crt"
}

/// Generated names and what stands for them.
struct Names(BTreeMap<String, String>);

impl Names {
    fn replace<'a>(&'a self, text: &'a str) -> &'a str {
        self.0.get(text).map_or(text, String::as_str)
    }
}

/// Numbers generated names by a hash of what is not made up of their objects, so that order does not matter.
fn generated_names(objects: &[(&str, &Arc<Value>)]) -> Names {
    let mut generated: BTreeMap<&str, Vec<(String, &str)>> = BTreeMap::new();
    for (_, object) in objects {
        let metadata = &object["metadata"];
        let (Some(prefix), Some(name)) = (metadata["generateName"].as_str(), metadata["name"].as_str())
        else {
            continue;
        };
        // Pods and revisions of controllers have such a prefix as well, and names that do not differ.
        if name.strip_prefix(prefix).is_none_or(|rest| rest.len() != 5) {
            continue;
        }
        let none = Names(BTreeMap::new());
        let normal = Normalizer { generation: &metadata["generation"], names: &none, secret: true };
        let mut form = normal.object(object);
        form["metadata"]["name"] = Value::Null;
        let mut hash = TraceHash::new();
        hash.add(form.to_string().as_bytes());
        generated.entry(prefix).or_default().push((hash.text(), name));
    }
    let mut names = BTreeMap::new();
    for (prefix, mut list) in generated {
        list.sort();
        for (index, (_, name)) in list.into_iter().enumerate() {
            names.insert(name.to_owned(), format!("{prefix}<generated {}>", index + 1));
        }
    }
    Names(names)
}

struct Normalizer<'a> {
    generation: &'a Value,
    names: &'a Names,
    secret: bool,
}

impl Normalizer<'_> {
    fn object(&self, object: &Value) -> Value {
        let mut form = self.value("", object);
        if let Some(metadata) = form["metadata"].as_object_mut() {
            MADE_UP.iter().for_each(|field| {
                metadata.remove(*field);
            });
        }
        if self.secret {
            for field in ["data", "stringData"] {
                if let Some(data) = form[field].as_object_mut() {
                    data.values_mut().for_each(|value| *value = "<secret>".into());
                }
            }
        }
        // Indexing made nulls of what was not there.
        if let Value::Object(fields) = &mut form {
            fields.retain(|_, value| !value.is_null());
        }
        form
    }

    fn value(&self, field: &str, value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let normal = |(name, value): (&String, &Value)| (name.clone(), self.value(name, value));
                let mut form: Map<String, Value> = fields.iter().map(normal).collect();
                if is_condition(fields) {
                    form.retain(|name, _| matches!(name.as_str(), "type" | "status" | "observedGeneration"));
                }
                Value::Object(form)
            }
            Value::Array(items) => {
                let mut form: Vec<Value> = items.iter().map(|item| self.value("", item)).collect();
                if field == "conditions" {
                    form.sort_by_cached_key(|condition| condition["type"].to_string());
                }
                Value::Array(form)
            }
            Value::Number(_) if field == "observedGeneration" => {
                if value == self.generation {
                    "current".into()
                } else {
                    "stale".into()
                }
            }
            Value::String(_) if field == "resourceVersion" => "<revision>".into(),
            Value::String(text) if is_time(text) => "<time>".into(),
            Value::String(text) if is_uid(text) => "<uid>".into(),
            Value::String(text) => self.names.replace(text).into(),
            other => other.clone(),
        }
    }
}

fn is_condition(fields: &Map<String, Value>) -> bool {
    fields.get("type").is_some_and(Value::is_string)
        && fields.get("status").is_some_and(Value::is_string)
        && (fields.contains_key("lastTransitionTime") || fields.contains_key("reason"))
}

/// `2026-01-01T00:00:00Z`, with or without fractions.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 20
        && bytes.len() <= 35
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && (bytes[4], bytes[7], bytes[10], bytes[13]) == (b'-', b'-', b'T', b':')
}

/// Eight, four, four, four and twelve hexadecimal digits.
fn is_uid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.len() == 5
        && parts
            .iter()
            .zip([8, 4, 4, 4, 12])
            .all(|(part, length)| part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
