//! Cells of tables (apiextensions-apiserver/pkg/registry/customresource/tableconvertor).

use super::json_path::JsonPath;
use crate::go_text;
use jiff::Timestamp;
use serde_json::{Value, json};

/// One column of a table beside the name.
#[derive(Clone, Debug)]
pub struct Column {
    /// The header.
    pub name: String,
    /// `integer`, `number`, `string`, `boolean` or `date`.
    pub type_: String,
    /// A hint such as `int32`; may be empty.
    pub format: String,
    /// What it shows; Kubernetes' own text when the definition has none.
    pub description: String,
    /// Above 0 it is shown by `-o wide` only.
    pub priority: i64,
    path: JsonPath,
}

impl Column {
    /// Parses one of `additionalPrinterColumns`.
    ///
    /// # Errors
    /// A path that cannot be parsed.
    pub fn from_json(json: &Value) -> Result<Self, String> {
        let text = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
        let description = match text("description") {
            empty if empty.is_empty() => {
                format!("Custom resource definition column (in JSONPath format): {}", text("jsonPath"))
            }
            description => description,
        };
        Ok(Self {
            name: text("name"),
            type_: text("type"),
            format: text("format"),
            description,
            priority: json["priority"].as_i64().unwrap_or(0),
            path: JsonPath::parse(&text("jsonPath"))?,
        })
    }

    /// The column of definitions that name none.
    pub fn age() -> Self {
        let description = crate::printers::columns::metadata_description("creationTimestamp");
        let json = json!({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp", "description": description});
        Self::from_json(&json).unwrap_or_else(|_| unreachable!("the path of Age parses"))
    }

    /// The column's definition in a Table.
    pub fn definition(&self) -> Value {
        json!({"name": self.name, "type": self.type_, "format": self.format, "description": self.description, "priority": self.priority})
    }

    /// The cell for an object; null where it has no such value or one of another type.
    pub fn cell(&self, object: &Value, now: Timestamp) -> Value {
        let Some(value) = self.path.find(object).into_iter().next() else { return Value::Null };
        match (self.type_.as_str(), value) {
            ("string", value) => printed(value).into(),
            (_, Value::Null) => Value::Null,
            ("integer", Value::Number(number)) => match number.as_i64() {
                Some(integer) => integer.into(),
                None => number.as_f64().map_or(Value::Null, |float| (float as i64).into()),
            },
            ("number", Value::Number(_)) | ("boolean", Value::Bool(_)) => value.clone(),
            ("date", Value::String(time)) => match time.parse::<Timestamp>() {
                Ok(time) => age(time, now).into(),
                Err(_) => "<invalid>".into(),
            },
            _ => Value::Null,
        }
    }
}

/// The time since then as kubectl shows it: `5s`, `3m20s`, `2d`.
pub fn age(since: Timestamp, now: Timestamp) -> String {
    human_duration(now.duration_since(since).as_secs())
}

/// Seconds in at most two units (apimachinery/pkg/util/duration).
pub fn human_duration(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let years = days / 365;
    let with = |whole: i64, unit: &str, rest: i64, rest_unit: &str| match rest {
        0 => format!("{whole}{unit}"),
        _ => format!("{whole}{unit}{rest}{rest_unit}"),
    };
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        _ if minutes < 10 => with(minutes, "m", seconds % 60, "s"),
        _ if minutes < 180 => format!("{minutes}m"),
        _ if hours < 8 => with(hours, "h", minutes % 60, "m"),
        _ if hours < 48 => format!("{hours}h"),
        _ if hours < 192 => with(days, "d", hours % 24, "h"),
        _ if days < 730 => format!("{days}d"),
        _ if days < 2920 => with(years, "y", days % 365, "d"),
        _ => format!("{years}y"),
    }
}

/// A value as JSONPath prints it: texts bare, everything else as JSON.
fn printed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => go_text::number(number),
        Value::Null => String::new(),
        value => go_text::json(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_the_type_of_their_column() {
        let object = json!({"spec": {"n": 3, "f": 1.5, "s": "x", "b": true, "o": {"a": [1]}, "d": "1970-01-01T00:00:00Z", "z": null}});
        let now: Timestamp = "1970-01-01T00:03:20Z".parse().unwrap();
        let table = [
            ("integer", ".spec.n", json!(3)),
            ("integer", ".spec.s", Value::Null),
            ("number", ".spec.f", json!(1.5)),
            ("boolean", ".spec.b", json!(true)),
            ("string", ".spec.s", json!("x")),
            ("string", ".spec.n", json!("3")),
            ("string", ".spec.o", json!("{\"a\":[1]}")),
            ("string", ".spec.missing", Value::Null),
            ("date", ".spec.d", json!("3m20s")),
            ("date", ".spec.s", json!("<invalid>")),
        ];
        for (type_, path, cell) in table {
            let column = Column::from_json(&json!({"name": "X", "type": type_, "jsonPath": path})).unwrap();
            assert_eq!(column.cell(&object, now), cell, "{type_} {path}");
        }
    }

    #[test]
    fn durations_are_shortened_as_in_kubectl() {
        let table = [
            (-2, "<invalid>"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (200, "3m20s"),
            (3_600, "60m"),
            (10_800, "3h"),
            (11_100, "3h5m"),
            (86_400, "24h"),
            (172_800, "2d"),
            (180_000, "2d2h"),
            (864_000, "10d"),
            (63_072_000, "2y"),
        ];
        for (seconds, text) in table {
            assert_eq!(human_duration(seconds), text, "{seconds}");
        }
    }
}
