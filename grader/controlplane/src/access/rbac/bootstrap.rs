//! The roles and bindings that every cluster with RBAC has (plugin/pkg/auth/authorizer/rbac/bootstrappolicy).
//!
//! They are data (`data/access.jsonl`, made by `data/refresh_access.py` from a real server), read when a cluster
//! with RBAC starts.

use crate::object;
use crate::random::Random;
use crate::store::{ResourceId, Store};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Stores what every cluster with RBAC has.
pub(crate) fn load(store: &mut Store, random: &mut Random, now: Timestamp) {
    for line in include_str!("../../../data/access.jsonl").lines() {
        let Ok(mut object) = serde_json::from_str::<Value>(line) else { continue };
        let resource = ResourceId::new(super::GROUP, format!("{}s", object::kind(&object).to_lowercase()));
        let managed = managed_fields(&object, now);
        object::set_metadata(&mut object, "managedFields", managed);
        object::set_metadata(&mut object, "uid", random.uid());
        object::set_metadata(&mut object, "creationTimestamp", object::time(now));
        store.put(&resource, object, now);
    }
}

/// What tracking the creation of one of these objects comes to, without the time that it takes: there are so many of
/// them that it would be most of a cluster's start.
fn managed_fields(object: &Value, now: Timestamp) -> Value {
    let mut fields = Map::new();
    for (key, value) in object.as_object().into_iter().flatten() {
        let owned = match key.as_str() {
            "apiVersion" | "kind" => continue,
            "metadata" => {
                let maps = value.as_object().into_iter().flatten();
                let maps =
                    maps.filter_map(|(key, value)| Some((format!("f:{key}"), keys(value.as_object()?))));
                Value::Object(maps.collect())
            }
            "aggregationRule" => keys(value.as_object().unwrap_or(&Map::new())),
            _ if value.is_null() => continue,
            _ => json!({}),
        };
        fields.insert(format!("f:{key}"), owned);
    }
    json!([{
        "manager": "kube-apiserver", "operation": "Update", "apiVersion": object::api_version(object),
        "time": object::time(now), "fieldsType": "FieldsV1", "fieldsV1": fields,
    }])
}

/// A map and each of its keys.
fn keys(map: &Map<String, Value>) -> Value {
    let keys = map.keys().map(|key| format!("f:{key}"));
    Value::Object(keys.chain([".".to_owned()]).map(|key| (key, json!({}))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::{self, Writer};
    use crate::builtins;

    #[test]
    fn fields_are_owned_as_if_their_creation_had_been_tracked() {
        for line in include_str!("../../../data/access.jsonl").lines() {
            let object: Value = serde_json::from_str(line).expect("a line is a JSON document");
            let kind = object::kind(&object);
            let writer = Writer {
                manager: "kube-apiserver",
                api_version: object::api_version(&object),
                kind,
                subresource: "",
                now: Timestamp::UNIX_EPOCH,
                reset_fields: &[],
                is_custom: false,
                versions: None,
            };
            let mut tracked = object.clone();
            let schema = builtins::schema(super::super::GROUP, "v1", kind);
            apply::track_update(&schema, None, &mut tracked, &writer);
            assert_eq!(managed_fields(&object, Timestamp::UNIX_EPOCH), tracked["metadata"]["managedFields"]);
        }
    }

    #[test]
    fn every_line_is_an_object_as_it_is_stored() {
        for line in include_str!("../../../data/access.jsonl").lines() {
            let object: Value = serde_json::from_str(line).expect("a line is a JSON document");
            let definition = builtins::definition_of(super::super::GROUP, "v1", object::kind(&object));
            let mut read = object.clone();
            let unknown =
                builtins::read(builtins::Reader::Json, definition.expect("a kind of RBAC"), &mut read);
            read["apiVersion"] = object["apiVersion"].clone();
            read["kind"] = object["kind"].clone();
            assert_eq!((unknown, read), (Ok(Vec::new()), object));
        }
    }
}
