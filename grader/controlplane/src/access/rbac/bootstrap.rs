//! The roles and bindings that every cluster with RBAC has (plugin/pkg/auth/authorizer/rbac/bootstrappolicy).
//!
//! They are data (`data/access.jsonl`, made by `data/refresh_access.py` from a real server), read once per process
//! and only by those who use RBAC.

use crate::apply::{self, Writer};
use crate::builtins;
use crate::object;
use crate::random::Random;
use crate::store::{ResourceId, Store};
use jiff::Timestamp;
use serde_json::Value;

/// Stores what every cluster with RBAC has.
pub(crate) fn load(store: &mut Store, random: &mut Random, now: Timestamp) {
    for line in include_str!("../../../data/access.jsonl").lines() {
        let Ok(mut object) = serde_json::from_str::<Value>(line) else { continue };
        let kind = object::kind(&object).to_owned();
        let api_version = object::api_version(&object).to_owned();
        let writer = Writer {
            manager: "kube-apiserver",
            api_version: &api_version,
            kind: &kind,
            subresource: "",
            now,
            reset_fields: &[],
            is_custom: false,
        };
        apply::track_update(&builtins::schema(super::GROUP, "v1", &kind), None, &mut object, &writer);
        object::set_metadata(&mut object, "uid", random.uid());
        object::set_metadata(&mut object, "creationTimestamp", object::time(now));
        let resource = ResourceId::new(super::GROUP, format!("{}s", kind.to_lowercase()));
        store.put(&resource, object, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
