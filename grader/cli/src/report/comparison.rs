//! What an operator did, beside what the reference does in the same story.

use std::fmt::Write;

use harness::Behaviour;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use crate::console::{Look, harmless, shorten};

/// A difference longer than this is shown in its beginning.
const MOST_LINES: usize = 24;

/// How the writes differ, or `None` when there is nothing to learn from it.
pub(crate) fn writes(look: Look, reference: &Behaviour, yours: &Behaviour) -> Option<String> {
    if reference.writes.is_empty() {
        return None;
    }
    let yours: Vec<_> = yours.writes.iter().map(|write| harmless(write, 300)).collect();
    difference(look, &reference.writes, &yours)
}

/// How the object that the failure is about differs at the end of the story.
pub(crate) fn object(look: Look, reference: &Behaviour, yours: &Behaviour, about: &Value) -> Option<String> {
    let (key, yours) = yours.objects.iter().find(|(_, object)| is_same(object, about))?;
    let reference = reference.objects.get(key)?;
    let yours: Vec<_> = flat(yours).iter().map(|line| harmless(line, 300)).collect();
    difference(look, &flat(reference), &yours)
}

fn is_same(one: &Value, other: &Value) -> bool {
    ["/kind", "/metadata/namespace", "/metadata/name"]
        .iter()
        .all(|field| one.pointer(field) == other.pointer(field))
}

/// One line per leaf, `status.conditions[Ready].status: "True"`, so that a difference names its place by itself.
pub(crate) fn flat(value: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    flatten(String::new(), value, &mut lines);
    lines
}

fn flatten(path: String, value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, field) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(path, field, lines);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                // List-map entries by their key: a condition that moved in the list is the same condition.
                let key = ["type", "name", "uid"].iter().find_map(|key| item.get(key)?.as_str());
                let key = key.map_or_else(|| index.to_string(), str::to_owned);
                flatten(format!("{path}[{key}]"), item, lines);
            }
        }
        leaf => lines.push(format!("{path}: {leaf}")),
    }
}

fn difference(look: Look, reference: &[String], yours: &[String]) -> Option<String> {
    let reference: Vec<&str> = reference.iter().map(String::as_str).collect();
    let yours: Vec<&str> = yours.iter().map(String::as_str).collect();
    let diff = TextDiff::from_slices(&reference, &yours);
    let mut text = String::new();
    let mut lines = 0;
    for (index, group) in diff.grouped_ops(2).iter().enumerate() {
        if index > 0 {
            text.push_str(&look.dim("  …"));
            text.push('\n');
        }
        for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
            lines += 1;
            if lines > MOST_LINES {
                continue;
            }
            let line = shorten(change.value(), look.width.saturating_sub(6));
            let line = match change.tag() {
                ChangeTag::Delete => look.good(&format!("- {line}")),
                ChangeTag::Insert => look.bad(&format!("+ {line}")),
                ChangeTag::Equal => look.dim(&format!("  {line}")),
            };
            text.push_str(&line);
            text.push('\n');
        }
    }
    if lines > MOST_LINES {
        let _ = writeln!(text, "{}", look.dim(&format!("  … and {} more lines", lines - MOST_LINES)));
    }
    (lines > 0).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_difference_names_its_place() {
        let object = |status: &str, order: bool| {
            let mut conditions = vec![
                json!({"type": "Ready", "status": status}),
                json!({"type": "Failed", "status": "False"}),
            ];
            if order {
                conditions.reverse();
            }
            json!({"kind": "Database", "metadata": {"name": "photos"}, "status": {"conditions": conditions}})
        };
        let behaviour = |object: Value| Behaviour {
            objects: [("databases default/photos".to_owned(), object)].into(),
            ..Behaviour::default()
        };
        let (reference, yours) = (behaviour(object("True", false)), behaviour(object("False", false)));
        let shown = super::object(Look::PLAIN, &reference, &yours, &object("", false)).unwrap();
        insta::assert_snapshot!(shown, @r#"
          kind: "Database"
          metadata.name: "photos"
        - status.conditions[Ready].status: "True"
        + status.conditions[Ready].status: "False"
          status.conditions[Ready].type: "Ready"
          status.conditions[Failed].status: "False"
        "#);
    }

    #[test]
    fn writes_are_compared_in_their_order() {
        let behaviour = |writes: &[&str]| Behaviour {
            writes: writes.iter().map(|write| (*write).to_owned()).collect(),
            ..Behaviour::default()
        };
        let reference = behaviour(&[
            "PATCH secrets a",
            "PATCH services a",
            "PATCH statefulsets a",
            "PATCH databases/status a",
        ]);
        let yours =
            behaviour(&["PATCH secrets a", "PATCH services a", "PATCH statefulsets a", "PUT databases a"]);
        insta::assert_snapshot!(writes(Look::PLAIN, &reference, &yours).unwrap(), @r"
          PATCH services a
          PATCH statefulsets a
        - PATCH databases/status a
        + PUT databases a
        ");
        assert_eq!(writes(Look::PLAIN, &reference, &reference), None);
        assert_eq!(writes(Look::PLAIN, &behaviour(&[]), &reference), None);
    }

    #[test]
    fn a_long_difference_is_shown_in_its_beginning() {
        let many = Behaviour { writes: vec!["PUT databases a".to_owned(); 1000], ..Behaviour::default() };
        let reference = Behaviour { writes: vec!["GET".to_owned()], ..Behaviour::default() };
        assert_eq!(writes(Look::PLAIN, &reference, &many).unwrap().lines().count(), MOST_LINES + 1);
    }
}
