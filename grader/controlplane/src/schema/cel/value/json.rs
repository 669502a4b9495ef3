//! Values as JSON.

use super::super::deep;
use super::super::meter::Meter;
use super::Value;
use base64::Engine;
use serde_json::{Map, Value as Json};

/// How deep a value may nest: deeper than any object may.
const DEEPEST: usize = 200;

impl Value<'_> {
    /// The value as JSON; `None` for what JSON cannot say, for what nests deeper than any object, and when the meter runs
    /// out.
    pub(in super::super) fn to_json(&self, meter: &Meter) -> Option<Json> {
        self.json_at(DEEPEST, meter)
    }

    fn json_at(&self, depth: usize, meter: &Meter) -> Option<Json> {
        // Unlike parts that are only looked at, those that are made take memory.
        meter.spend(1).ok()?;
        Some(match self {
            Value::Null => Json::Null,
            Value::Bool(value) => (*value).into(),
            Value::Int(value) => (*value).into(),
            Value::Uint(value) => (*value).into(),
            Value::Double(value) => (*value).into(),
            Value::String(text) => {
                meter.step(text.len()).then_some(())?;
                (**text).into()
            }
            Value::Bytes(bytes) => {
                meter.step(bytes.len()).then_some(())?;
                base64::engine::general_purpose::STANDARD.encode(bytes).into()
            }
            Value::Timestamp(time) => time.to_string().into(),
            Value::List(_) | Value::JsonList(..) => {
                let depth = depth.checked_sub(1)?;
                let items = self.each().map(|item| deep(|| item.json_at(depth, meter)));
                items.collect::<Option<Vec<Json>>>()?.into()
            }
            Value::Map(_) | Value::JsonMap(..) | Value::Object(..) => {
                let depth = depth.checked_sub(1)?;
                let mut map = Map::new();
                for (key, value) in self.entries()? {
                    let Value::String(name) = &key else { return None };
                    map.insert(name.to_string(), deep(|| value.json_at(depth, meter))?);
                }
                map.into()
            }
            Value::Duration(_)
            | Value::Type(_)
            | Value::Optional(_)
            | Value::Foreign(_)
            | Value::Authorization(_) => return None,
        })
    }
}
