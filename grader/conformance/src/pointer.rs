//! JSON pointers with `*`, partial values, and differences between values.

use serde_json::Value;

fn parts(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

/// The value at a pointer.
pub(crate) fn at<'a>(document: &'a Value, pointer: &str) -> Option<&'a Value> {
    document.pointer(pointer)
}

/// Removes what a pointer (with `*` for any key or index) names.
pub(crate) fn remove(document: &mut Value, pointer: &str) {
    remove_parts(document, &parts(pointer));
}

fn remove_parts(document: &mut Value, parts: &[String]) {
    let Some((first, rest)) = parts.split_first() else { return };
    match document {
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                if first == "*" || *first == index.to_string() {
                    remove_parts(item, rest);
                }
            }
        }
        Value::Object(map) => {
            let keys: Vec<String> = map.keys().filter(|key| first == "*" || *key == first).cloned().collect();
            for key in keys {
                if rest.is_empty() {
                    map.remove(&key);
                } else if let Some(value) = map.get_mut(&key) {
                    remove_parts(value, rest);
                }
            }
        }
        _ => {}
    }
}

/// One difference: where, what was expected, what was there.
pub(crate) type Different = (String, Value, Value);

fn absent() -> Value {
    Value::from("<absent>")
}

/// Where an actual value does not match a partial one.
pub(crate) fn partial(expected: &Value, actual: &Value) -> Vec<Different> {
    let mut out = Vec::new();
    partial_at(expected, actual, "", &mut out);
    out
}

fn partial_at(expected: &Value, actual: &Value, path: &str, out: &mut Vec<Different>) {
    let mut miss = || out.push((path.to_owned(), expected.clone(), actual.clone()));
    match (expected, actual) {
        (Value::String(text), _) if text == "<any>" => {
            if actual.is_null() {
                miss();
            }
        }
        (Value::Object(expected), Value::Object(actual)) => {
            for (key, value) in expected {
                let path = format!("{path}/{key}");
                match actual.get(key) {
                    Some(found) if *value == "<absent>" => out.push((path, value.clone(), found.clone())),
                    None if *value == "<absent>" => {}
                    None => out.push((path, value.clone(), absent())),
                    Some(found) => partial_at(value, found, &path, out),
                }
            }
        }
        (Value::Array(expected), Value::Array(actual))
            if expected.first().is_some_and(|first| first == "<contains>") =>
        {
            for (index, wanted) in expected[1..].iter().enumerate() {
                if !actual.iter().any(|item| partial(wanted, item).is_empty()) {
                    let path = format!("{path}/<contains>/{index}");
                    out.push((path, wanted.clone(), Value::from("<no such element>")));
                }
            }
        }
        (Value::Array(wanted), Value::Array(found)) => {
            if wanted.len() != found.len() {
                return miss();
            }
            for (index, (wanted, found)) in wanted.iter().zip(found).enumerate() {
                partial_at(wanted, found, &format!("{path}/{index}"), out);
            }
        }
        _ if same(expected, actual) => {}
        _ => miss(),
    }
}

fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left == right || left.as_f64() == right.as_f64(),
        _ => left == right,
    }
}

/// Where two values differ.
pub(crate) fn diff(expected: &Value, actual: &Value) -> Vec<Different> {
    let mut out = Vec::new();
    diff_at(expected, actual, "", &mut out);
    out
}

fn diff_at(expected: &Value, actual: &Value, path: &str, out: &mut Vec<Different>) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            let mut keys: Vec<&String> = expected.keys().chain(actual.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                let path = format!("{path}/{key}");
                match (expected.get(key), actual.get(key)) {
                    (Some(expected), Some(actual)) => diff_at(expected, actual, &path, out),
                    (expected, actual) => out.push((
                        path,
                        expected.cloned().unwrap_or_else(absent),
                        actual.cloned().unwrap_or_else(absent),
                    )),
                }
            }
        }
        (Value::Array(expected), Value::Array(actual)) => {
            for index in 0..expected.len().max(actual.len()) {
                let path = format!("{path}/{index}");
                match (expected.get(index), actual.get(index)) {
                    (Some(expected), Some(actual)) => diff_at(expected, actual, &path, out),
                    (expected, actual) => out.push((
                        path,
                        expected.cloned().unwrap_or_else(absent),
                        actual.cloned().unwrap_or_else(absent),
                    )),
                }
            }
        }
        _ if same(expected, actual) => {}
        _ => out.push((path.to_owned(), expected.clone(), actual.clone())),
    }
}
