//! Who owns which field, and what server-side apply makes of it.
//!
//! The model flattens an object to its leaves and keeps, for each manager, a set of them. It knows neither schemas nor
//! trees nor the JSON of managed fields.

use crate::cluster::{APPLY, send};
use controlplane::{ControlPlane, Options, Timestamp};
use http::{Method, StatusCode};
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const FOLDER: &str = "/apis/example.com/v1/namespaces/default/gadgets";
const ITEM: &str = "/apis/example.com/v1/namespaces/default/gadgets/one";

/// A leaf of the spec: a scalar, an entry of a map, an item of a set or of a list with keys, or a whole list.
///
/// Items have nothing but their key, and no list or map is ever empty: what is left of an item that two managers
/// shared, or of a list that someone else owns as well, may not be valid any more, in Kubernetes too.
type Leaf = &'static str;
const LEAVES: [Leaf; 9] = ["size", "color", "map.a", "map.b", "item.x", "item.y", "set.m", "set.n", "whole"];

/// What is its own value, and can only be there or not.
fn is_item(leaf: Leaf) -> bool {
    leaf.starts_with("set.") || leaf.starts_with("item.")
}

type Config = BTreeMap<Leaf, u8>;
/// Name and operation.
type Manager = (&'static str, &'static str);

#[derive(Clone, Debug, Default)]
struct Model {
    exists: bool,
    live: Config,
    owners: BTreeMap<Manager, BTreeSet<Leaf>>,
    /// The last apply met fields of others.
    conflict: bool,
    writes: u64,
}

#[derive(Clone, Debug)]
enum Step {
    Apply { manager: &'static str, config: Config, force: bool },
    Replace { manager: &'static str, config: Config },
}

impl Model {
    fn owned_by_others(&self, manager: Manager, leaf: Leaf) -> bool {
        self.owners.iter().any(|(other, leaves)| *other != manager && leaves.contains(leaf))
    }

    fn apply_config(&mut self, name: &'static str, config: &Config, force: bool) {
        let manager = (name, "Apply");
        let differs = |leaf: &Leaf, value: &u8| self.live.get(leaf) != Some(value);
        let taken: BTreeSet<Leaf> = config
            .iter()
            .filter(|(leaf, value)| differs(leaf, value) && self.owned_by_others(manager, leaf))
            .map(|(leaf, _)| *leaf)
            .collect();
        self.conflict = !taken.is_empty() && !force;
        if self.conflict {
            return;
        }
        let before = self.owners.remove(&manager).unwrap_or_default();
        for leaves in self.owners.values_mut() {
            leaves.retain(|leaf| !taken.contains(leaf));
        }
        self.live.extend(config.iter().map(|(leaf, value)| (*leaf, *value)));
        for leaf in before {
            if !config.contains_key(leaf) && !self.owned_by_others(manager, leaf) {
                self.live.remove(leaf);
            }
        }
        self.owners.insert(manager, config.keys().copied().collect());
    }

    fn replace(&mut self, name: &'static str, config: &Config) {
        let changed: BTreeSet<Leaf> =
            LEAVES.into_iter().filter(|leaf| self.live.get(leaf) != config.get(leaf)).collect();
        for leaves in self.owners.values_mut() {
            leaves.retain(|leaf| !changed.contains(leaf));
        }
        let gained = changed.into_iter().filter(|leaf| config.contains_key(leaf));
        self.owners.entry((name, "Update")).or_default().extend(gained);
        self.live = config.clone();
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Step> {
        let manager = || prop::sample::select(vec!["anna", "ben", "cleo"]);
        let config = || {
            let leaf = prop::sample::select(&LEAVES[..]);
            // Never none: an object of which nobody owns anything is not tracked before its next apply.
            prop::collection::btree_map(leaf, 0..2_u8, 1..6).prop_map(|mut config| {
                config.iter_mut().filter(|(leaf, _)| is_item(leaf)).for_each(|(_, value)| *value = 0);
                config
            })
        };
        prop_oneof![
            3 => (manager(), config(), any::<bool>())
                .prop_map(|(manager, config, force)| Step::Apply { manager, config, force }),
            1 => (manager(), config()).prop_map(|(manager, config)| Step::Replace { manager, config }),
        ]
        .boxed()
    }

    fn preconditions(model: &Self, step: &Step) -> bool {
        model.exists || matches!(step, Step::Apply { .. })
    }

    fn apply(mut model: Self, step: &Step) -> Self {
        let before = (model.exists, model.live.clone(), model.owners.clone());
        match step {
            Step::Apply { manager, config, force } => {
                model.apply_config(manager, config, *force);
                model.exists = true;
            }
            Step::Replace { manager, config } => {
                model.conflict = false;
                model.replace(manager, config);
            }
        }
        model.owners.retain(|_, leaves| !leaves.is_empty());
        model.writes += u64::from(before != (model.exists, model.live.clone(), model.owners.clone()));
        model
    }
}

struct Cluster {
    plane: ControlPlane,
    base: u64,
    now: Timestamp,
}

struct OwnershipTest;

impl StateMachineTest for OwnershipTest {
    type SystemUnderTest = Cluster;
    type Reference = Model;

    fn init_test(_: &Model) -> Cluster {
        let now = Timestamp::UNIX_EPOCH;
        let mut plane = ControlPlane::new(Options::default());
        let number = json!({"type": "integer"});
        let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
            "size": number, "color": number,
            "map": {"type": "object", "additionalProperties": number},
            "items": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": {
                "type": "object", "required": ["name"],
                "properties": {"name": {"type": "string"}},
            }},
            "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            "whole": {"type": "array", "items": number},
        }}}});
        let definition = json!({
            "metadata": {"name": "gadgets.example.com"},
            "spec": {
                "group": "example.com", "scope": "Namespaced", "names": {"plural": "gadgets", "kind": "Gadget"},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
            },
        });
        let folder = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        let (status, answer) = send(&mut plane, now, Method::POST, folder, "application/json", &definition);
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        Cluster { base: plane.revision(), plane, now }
    }

    fn apply(mut cluster: Cluster, model: &Model, step: Step) -> Cluster {
        // Whatever is written bears the time, which must not make a write of nothing.
        cluster.now += Duration::from_secs(1);
        let (plane, now) = (&mut cluster.plane, cluster.now);
        let object = |config: &Config| {
            json!({
                "apiVersion": "example.com/v1", "kind": "Gadget", "metadata": {"name": "one"}, "spec": spec(config),
            })
        };
        let (status, answer) = match &step {
            Step::Apply { manager, config, force } => {
                let target = format!("{ITEM}?fieldManager={manager}&force={force}");
                send(plane, now, Method::PATCH, &target, APPLY, &object(config))
            }
            Step::Replace { manager, config } => {
                let live = send(plane, now, Method::GET, ITEM, "application/json", &Value::Null).1;
                let mut object = object(config);
                keep_order(&mut object["spec"], &live["spec"]);
                object["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
                let target = format!("{ITEM}?fieldManager={manager}");
                send(plane, now, Method::PUT, &target, "application/json", &object)
            }
        };
        if model.conflict {
            assert_eq!(status, StatusCode::CONFLICT, "{answer}");
        } else {
            assert!(status.is_success(), "{answer}");
        }
        let (_, list) = send(plane, now, Method::GET, FOLDER, "application/json", &Value::Null);
        let live = &list["items"][0];
        assert_eq!(live.is_object(), model.exists);
        assert_eq!(leaves(&live["spec"]), model.live);
        assert_eq!(owners(live), model.owners);
        assert_eq!(cluster.plane.revision() - cluster.base, model.writes);
        cluster
    }
}

/// A spec with these leaves.
fn spec(config: &Config) -> Value {
    let mut spec = Map::new();
    let always = [("map.z", 0), ("item.z", 0), ("set.z", 0)];
    for (leaf, value) in config.iter().map(|(leaf, value)| (*leaf, *value)).chain(always) {
        let (field, key) = leaf.split_once('.').unwrap_or((leaf, ""));
        let list = |spec: &mut Map<String, Value>, field: &str, item: Value| {
            let items = spec.entry(field).or_insert_with(|| json!([]));
            items.as_array_mut().expect("a list").push(item);
        };
        match field {
            "map" => spec.entry("map").or_insert_with(|| json!({}))[key] = value.into(),
            "item" => list(&mut spec, "items", json!({"name": key})),
            "set" => list(&mut spec, "set", key.into()),
            "whole" => list(&mut spec, "whole", value.into()),
            _ => {
                spec.insert(field.to_owned(), value.into());
            }
        }
    }
    Value::Object(spec)
}

/// Puts what `live` has first, as it has it: another order would be a change, in Kubernetes too, of which leaves know
/// nothing.
fn keep_order(spec: &mut Value, live: &Value) {
    for field in ["items", "set"] {
        let live = live[field].as_array().map(Vec::as_slice).unwrap_or_default();
        if let Some(items) = spec[field].as_array_mut() {
            items.sort_by_key(|item| live.iter().position(|other| other == item).unwrap_or(live.len()));
        }
    }
}

/// The leaves of a spec.
fn leaves(spec: &Value) -> Config {
    let number = |value: &Value| value.as_u64().and_then(|number| u8::try_from(number).ok());
    let found = |leaf: &Leaf| {
        let (field, key) = leaf.split_once('.').unwrap_or((leaf, ""));
        match field {
            "map" => number(&spec["map"][key]),
            "item" => spec["items"].as_array()?.iter().any(|item| item["name"] == key).then_some(0),
            "set" => spec["set"].as_array()?.iter().any(|item| item == key).then_some(0),
            "whole" => number(spec["whole"].as_array()?.first()?),
            _ => number(&spec[field]),
        }
    };
    LEAVES.into_iter().filter_map(|leaf| Some((leaf, found(&leaf)?))).collect()
}

/// What managedFields say about the leaves.
fn owners(object: &Value) -> BTreeMap<Manager, BTreeSet<Leaf>> {
    let entries = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    let known = |text: &str, names: [&'static str; 3]| names.into_iter().find(|name| *name == text);
    let manager = |entry: &Value| -> Manager {
        let name = known(entry["manager"].as_str().unwrap_or_default(), ["anna", "ben", "cleo"]);
        let operation = known(entry["operation"].as_str().unwrap_or_default(), ["Apply", "Update", ""]);
        (name.expect("a known manager"), operation.expect("a known operation"))
    };
    let has = |fields: &Value, leaf: &Leaf| {
        let spec = &fields["f:spec"];
        let (field, key) = leaf.split_once('.').unwrap_or((leaf, ""));
        match field {
            "map" => spec["f:map"].get(format!("f:{key}")).is_some(),
            "item" => spec["f:items"][format!("k:{{\"name\":\"{key}\"}}")].is_object(),
            "set" => spec["f:set"].get(format!("v:\"{key}\"")).is_some(),
            _ => spec.get(format!("f:{field}")).is_some(),
        }
    };
    let owned = entries.map(|entry| {
        let leaves = LEAVES.into_iter().filter(|leaf| has(&entry["fieldsV1"], leaf)).collect();
        (manager(entry), leaves)
    });
    owned.filter(|(_, leaves): &(Manager, BTreeSet<Leaf>)| !leaves.is_empty()).collect()
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn fields_belong_to_who_set_them_last(sequential 1..20 => OwnershipTest);
}
