//! One custom resource object through concurrent writes, status, finalizers and deletion.
//!
//! The model is a handful of fields and the rules of the API conventions: a write names the version that it replaces,
//! a changed spec is a new generation, status has a path of its own, finalizers hold a deleted object.

use crate::cluster::{Answer, MERGE, send};
use controlplane::{ControlPlane, Options, Timestamp};
use http::{Method, StatusCode};
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const FOLDER: &str = "/apis/example.com/v1/namespaces/default/widgets";
const NAME: &str = "one";

#[derive(Clone, Debug, PartialEq)]
struct Widget {
    size: u8,
    ready: Option<u8>,
    finalizers: BTreeSet<&'static str>,
    generation: u64,
    deleting: bool,
    /// How many writes made it what it is, over all its lives.
    version: u64,
    life: u64,
}

#[derive(Clone, Debug, Default)]
struct Model {
    widget: Option<Widget>,
    writes: u64,
    lives: u64,
    /// What the last step must be answered with.
    expected: StatusCode,
}

/// Which version of the object a writer believes it replaces.
#[derive(Clone, Copy, Debug)]
enum Seen {
    Current,
    Older,
    Unsaid,
}

#[derive(Clone, Copy, Debug)]
enum Precondition {
    None,
    Uid,
    OtherUid,
    Version,
    OlderVersion,
}

#[derive(Clone, Debug)]
enum Step {
    Create { size: u8, ready: Option<u8>, finalizers: BTreeSet<&'static str> },
    Replace { seen: Seen, size: u8, ready: Option<u8>, finalizers: BTreeSet<&'static str> },
    ReplaceStatus { seen: Seen, size: u8, ready: u8 },
    Patch { size: u8, ready: u8 },
    PatchStatus { size: u8, ready: u8 },
    PatchFinalizers { finalizers: BTreeSet<&'static str> },
    Delete { precondition: Precondition },
}

impl Model {
    fn answer(&mut self, status: StatusCode) {
        self.expected = status;
    }

    /// A write on the object as it is; what stays the same is no write.
    fn change(&mut self, change: impl FnOnce(&mut Widget)) {
        let Some(old) = self.widget.clone() else { return self.answer(StatusCode::NOT_FOUND) };
        let mut new = old.clone();
        change(&mut new);
        if new.deleting && !new.finalizers.is_subset(&old.finalizers) {
            return self.answer(StatusCode::UNPROCESSABLE_ENTITY);
        }
        self.answer(StatusCode::OK);
        if new == old {
            return;
        }
        new.generation += u64::from(new.size != old.size);
        self.writes += 1;
        new.version = self.writes;
        self.widget = (!new.deleting || !new.finalizers.is_empty()).then_some(new);
    }

    /// Whether a writer that saw this version may go on.
    fn replaces(&mut self, seen: Seen) -> bool {
        let refusal = match (seen, &self.widget) {
            (_, None) => StatusCode::NOT_FOUND,
            (Seen::Current, _) => return true,
            (Seen::Older, _) => StatusCode::CONFLICT,
            (Seen::Unsaid, _) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        self.answer(refusal);
        false
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Step> {
        let seen = || prop_oneof![4 => Just(Seen::Current), 1 => Just(Seen::Older), 1 => Just(Seen::Unsaid)];
        let finalizers = || {
            let names = vec!["example.com/a", "example.com/b"];
            prop::sample::subsequence(names, 0..=2).prop_map(BTreeSet::from_iter)
        };
        let precondition = prop::sample::select(vec![
            Precondition::None,
            Precondition::None,
            Precondition::Uid,
            Precondition::OtherUid,
            Precondition::Version,
            Precondition::OlderVersion,
        ]);
        let ready = || prop::option::of(0..2_u8);
        prop_oneof![
            3 => (0..2_u8, ready(), finalizers())
                .prop_map(|(size, ready, finalizers)| Step::Create { size, ready, finalizers }),
            3 => (seen(), 0..2_u8, ready(), finalizers()).prop_map(
                |(seen, size, ready, finalizers)| Step::Replace { seen, size, ready, finalizers }
            ),
            2 => (seen(), 0..2_u8, 0..2_u8)
                .prop_map(|(seen, size, ready)| Step::ReplaceStatus { seen, size, ready }),
            2 => (0..2_u8, 0..2_u8).prop_map(|(size, ready)| Step::Patch { size, ready }),
            2 => (0..2_u8, 0..2_u8).prop_map(|(size, ready)| Step::PatchStatus { size, ready }),
            3 => finalizers().prop_map(|finalizers| Step::PatchFinalizers { finalizers }),
            2 => precondition.prop_map(|precondition| Step::Delete { precondition }),
        ]
        .boxed()
    }

    fn apply(mut model: Self, step: &Step) -> Self {
        match step {
            Step::Create { .. } if model.widget.is_some() => model.answer(StatusCode::CONFLICT),
            Step::Create { size, finalizers, .. } => {
                model.writes += 1;
                model.lives += 1;
                model.widget = Some(Widget {
                    size: *size,
                    ready: None,
                    finalizers: finalizers.clone(),
                    generation: 1,
                    deleting: false,
                    version: model.writes,
                    life: model.lives,
                });
                model.answer(StatusCode::CREATED);
            }
            Step::Replace { seen, size, finalizers, .. } => {
                if model.replaces(*seen) {
                    model.change(|widget| {
                        widget.size = *size;
                        widget.finalizers = finalizers.clone();
                    });
                }
            }
            Step::ReplaceStatus { seen, ready, .. } => {
                if model.replaces(*seen) {
                    model.change(|widget| widget.ready = Some(*ready));
                }
            }
            Step::Patch { size, .. } => model.change(|widget| widget.size = *size),
            Step::PatchStatus { ready, .. } => model.change(|widget| widget.ready = Some(*ready)),
            Step::PatchFinalizers { finalizers } => {
                model.change(|widget| widget.finalizers = finalizers.clone());
            }
            Step::Delete { precondition } => {
                let status = match (&model.widget, precondition) {
                    (None, _) => StatusCode::NOT_FOUND,
                    (_, Precondition::OtherUid | Precondition::OlderVersion) => StatusCode::CONFLICT,
                    _ => StatusCode::OK,
                };
                model.answer(status);
                if status == StatusCode::OK
                    && let Some(mut widget) = model.widget.take()
                {
                    if widget.finalizers.is_empty() {
                        model.writes += 1;
                    } else {
                        if !widget.deleting {
                            model.writes += 1;
                            widget.version = model.writes;
                            widget.deleting = true;
                            widget.generation += 1;
                        }
                        model.widget = Some(widget);
                    }
                }
            }
        }
        model
    }
}

struct Cluster {
    plane: ControlPlane,
    base: u64,
    /// Uids of the lives so far.
    uids: Vec<String>,
}

impl Cluster {
    fn send(&mut self, method: Method, target: &str, content_type: &'static str, body: &Value) -> Answer {
        send(&mut self.plane, Timestamp::UNIX_EPOCH, method, target, content_type, body)
    }

    fn live(&mut self) -> Value {
        let (status, object) =
            self.send(Method::GET, &format!("{FOLDER}/{NAME}"), "application/json", &Value::Null);
        if status == StatusCode::OK { object } else { Value::Null }
    }
}

fn widget(size: u8, ready: Option<u8>, finalizers: &BTreeSet<&str>) -> Value {
    let mut object = json!({
        "apiVersion": "example.com/v1", "kind": "Widget",
        "metadata": {"name": NAME, "finalizers": finalizers}, "spec": {"size": size},
    });
    if let Some(ready) = ready {
        object["status"] = json!({"ready": ready});
    }
    object
}

/// Says which version a writer has seen.
fn mark(object: &mut Value, live: &Value, seen: Seen) {
    match seen {
        Seen::Current => object["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone(),
        Seen::Older => object["metadata"]["resourceVersion"] = "1".into(),
        Seen::Unsaid => {}
    }
}

struct LifecycleTest;

impl StateMachineTest for LifecycleTest {
    type SystemUnderTest = Cluster;
    type Reference = Model;

    fn init_test(_: &Model) -> Cluster {
        let mut cluster = Cluster { plane: ControlPlane::new(Options::default()), base: 0, uids: Vec::new() };
        let definition = json!({
            "metadata": {"name": "widgets.example.com"},
            "spec": {
                "group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
                "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}}, "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                }}],
            },
        });
        let folder = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        let (status, _) = cluster.send(Method::POST, folder, "application/json", &definition);
        assert_eq!(status, StatusCode::CREATED);
        cluster.base = cluster.plane.revision();
        cluster
    }

    fn apply(mut cluster: Cluster, model: &Model, step: Step) -> Cluster {
        let item = format!("{FOLDER}/{NAME}");
        let status_item = format!("{item}/status");
        let live = cluster.live();
        let (status, answer) = match &step {
            Step::Create { size, ready, finalizers } => {
                cluster.send(Method::POST, FOLDER, "application/json", &widget(*size, *ready, finalizers))
            }
            Step::Replace { seen, size, ready, finalizers } => {
                let mut object = widget(*size, *ready, finalizers);
                mark(&mut object, &live, *seen);
                cluster.send(Method::PUT, &item, "application/json", &object)
            }
            Step::ReplaceStatus { seen, size, ready } => {
                let mut object = widget(*size, Some(*ready), &BTreeSet::new());
                mark(&mut object, &live, *seen);
                cluster.send(Method::PUT, &status_item, "application/json", &object)
            }
            Step::Patch { size, ready } => {
                let patch = json!({"spec": {"size": size}, "status": {"ready": ready}});
                cluster.send(Method::PATCH, &item, MERGE, &patch)
            }
            Step::PatchStatus { size, ready } => {
                let patch = json!({"spec": {"size": size}, "status": {"ready": ready}});
                cluster.send(Method::PATCH, &status_item, MERGE, &patch)
            }
            Step::PatchFinalizers { finalizers } => {
                cluster.send(Method::PATCH, &item, MERGE, &json!({"metadata": {"finalizers": finalizers}}))
            }
            Step::Delete { precondition } => {
                let preconditions = match precondition {
                    Precondition::None => json!({}),
                    Precondition::Uid => json!({"uid": live["metadata"]["uid"]}),
                    Precondition::OtherUid => json!({"uid": "of-another-life"}),
                    Precondition::Version => json!({"resourceVersion": live["metadata"]["resourceVersion"]}),
                    Precondition::OlderVersion => json!({"resourceVersion": "1"}),
                };
                let options = json!({"preconditions": preconditions});
                cluster.send(Method::DELETE, &item, "application/json", &options)
            }
        };
        assert_eq!(status, model.expected, "{answer}");
        let uid = cluster.live()["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        if let Some(widget) = &model.widget {
            if cluster.uids.len() < widget.life as usize {
                assert!(!cluster.uids.contains(&uid), "a uid is used twice");
                cluster.uids.push(uid);
            } else {
                assert_eq!(cluster.uids.last(), Some(&uid));
            }
            assert_eq!(shown(&cluster.live(), cluster.base), expected(widget));
        } else {
            assert_eq!(uid, "");
        }
        assert_eq!(cluster.plane.revision() - cluster.base, model.writes);
        cluster
    }
}

fn shown(object: &Value, base: u64) -> Value {
    let metadata = &object["metadata"];
    let revision: u64 = metadata["resourceVersion"].as_str().unwrap_or_default().parse().unwrap_or(0);
    json!({
        "size": object["spec"]["size"], "ready": object["status"]["ready"],
        "finalizers": metadata["finalizers"].as_array().cloned().unwrap_or_default(),
        "generation": metadata["generation"], "version": revision - base,
        "deleting": !metadata["deletionTimestamp"].is_null(),
    })
}

fn expected(widget: &Widget) -> Value {
    let Widget { size, ready, finalizers, generation, deleting, version, life: _ } = widget;
    json!({
        "size": size, "ready": ready, "finalizers": finalizers, "generation": generation, "version": version,
        "deleting": deleting,
    })
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn an_object_lives_and_dies_by_the_rules(sequential 1..40 => LifecycleTest);
}
