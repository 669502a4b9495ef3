//! The columns of tables, read on first use from `data/columns.txt`.
//!
//! A resource is a line with its group version and name, then one line per column: tab, name, type, format, priority,
//! and the description as JSON, all separated by tabs. Descriptions that are those of a field of every object's
//! metadata stand at the top of the file and are referred to as `@FIELD`. `data/refresh.py` writes the file.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;

static FILE: LazyLock<File> = LazyLock::new(|| File::new(include_str!("../../data/columns.txt")));

struct File {
    fields: BTreeMap<&'static str, &'static str>,
    tables: BTreeMap<&'static str, Vec<&'static str>>,
}

impl File {
    fn new(text: &'static str) -> Self {
        let mut file = Self { fields: BTreeMap::new(), tables: BTreeMap::new() };
        let mut table = "";
        for line in text.lines() {
            if let Some((field, description)) = line.strip_prefix('@').and_then(|line| line.split_once(' ')) {
                file.fields.insert(field, description);
            } else if let Some(column) = line.strip_prefix('\t') {
                file.tables.entry(table).or_default().push(column);
            } else {
                table = line;
            }
        }
        file
    }

    fn column(&self, line: &str) -> Option<Value> {
        let mut parts = line.split('\t');
        let (name, type_, format) = (parts.next()?, parts.next()?, parts.next()?);
        let priority: i64 = parts.next()?.parse().ok()?;
        let description = parts.next()?;
        let description = match description.strip_prefix('@') {
            Some(field) => self.fields.get(field)?,
            None => description,
        };
        let description: Value = serde_json::from_str(description).ok()?;
        Some(json!({
            "name": name, "type": type_, "format": format, "description": description, "priority": priority,
        }))
    }
}

/// The `columnDefinitions` of a built-in resource.
pub(crate) fn of(api_version: &str, plural: &str) -> Vec<Value> {
    let lines = FILE.tables.get(format!("{api_version} {plural}").as_str());
    lines.into_iter().flatten().filter_map(|line| FILE.column(line)).collect()
}

/// What a field of every object's `metadata` is, for those that tables show: `name` and `creationTimestamp`.
pub(crate) fn metadata_description(field: &str) -> String {
    FILE.fields.get(field).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtins;

    #[test]
    fn every_resource_that_can_be_listed_has_columns() {
        for resource in builtins::resources().iter().filter(|resource| resource.verbs.contains(&"list")) {
            let columns = of(&resource.api_version(), resource.plural);
            assert!(columns.len() > 1, "{} {}", resource.api_version(), resource.plural);
        }
    }

    #[test]
    fn every_line_is_understood() {
        for line in FILE.tables.values().flatten() {
            assert!(FILE.column(line).is_some(), "{line}");
        }
        assert!(metadata_description("name").starts_with("Name must be unique"));
    }
}
