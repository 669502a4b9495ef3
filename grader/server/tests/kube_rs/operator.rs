//! An operator: a custom resource, a controller that owns ConfigMaps, a finalizer, a status, Events.

use crate::cluster::{eventually, in_time, refusal, story};
use futures::StreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, ObjectReference};
use k8s_openapi::api::events::v1;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::controller::{Action, Controller};
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::runtime::finalizer::{self, finalizer};
use kube::runtime::wait::{await_condition, conditions};
use kube::runtime::watcher;
use kube::{Api, Client, CustomResource, CustomResourceExt, Resource, ResourceExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const FINALIZER: &str = "kube-rs-client.example.com/cleanup";

/// A ConfigMap with a text.
#[derive(Clone, CustomResource, Debug, Deserialize, JsonSchema, Serialize)]
#[kube(
    group = "kube-rs-client.example.com",
    version = "v1",
    kind = "Note",
    namespaced,
    status = "NoteStatus",
    scale(spec_replicas_path = ".spec.copies", status_replicas_path = ".status.copies"),
    validation = Rule::new("self.spec.text != 'forbidden'").message("that text is forbidden")
)]
struct NoteSpec {
    text: String,
    #[serde(default)]
    #[schemars(range(min = 0, max = 9))]
    copies: i32,
}

/// What the operator did.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
struct NoteStatus {
    copies: i32,
}

struct Context {
    client: Client,
    recorder: Recorder,
}

async fn reconcile(note: Arc<Note>, context: Arc<Context>) -> Result<Action, finalizer::Error<kube::Error>> {
    let namespace = note.namespace().unwrap_or_default();
    let notes: Api<Note> = Api::namespaced(context.client.clone(), &namespace);
    finalizer(&notes, FINALIZER, note, |event| async {
        match event {
            finalizer::Event::Apply(note) => keep(&note, &context, &namespace).await,
            finalizer::Event::Cleanup(note) => {
                record(&note, &context, "Removed").await?;
                Ok(Action::await_change())
            }
        }
    })
    .await
}

async fn keep(note: &Note, context: &Context, namespace: &str) -> kube::Result<Action> {
    let maps: Api<ConfigMap> = Api::namespaced(context.client.clone(), namespace);
    let data: serde_json::Map<_, _> =
        (0..note.spec.copies).map(|i| (i.to_string(), note.spec.text.clone().into())).collect();
    let child = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": note.name_any(), "ownerReferences": [note.controller_owner_ref(&())]},
        "data": data,
    });
    let parameters = PatchParams::apply("notes").force();
    maps.patch(&note.name_any(), &parameters, &Patch::Apply(child)).await?;
    if note.status.as_ref().is_none_or(|status| status.copies != note.spec.copies) {
        record(note, context, "Copied").await?;
        let notes: Api<Note> = Api::namespaced(context.client.clone(), namespace);
        let status = Patch::Merge(json!({"status": {"copies": note.spec.copies}}));
        notes.patch_status(&note.name_any(), &PatchParams::default(), &status).await?;
    }
    Ok(Action::await_change())
}

async fn record(note: &Note, context: &Context, reason: &str) -> kube::Result<()> {
    let event = Event {
        type_: EventType::Normal,
        reason: reason.to_owned(),
        note: Some(note.spec.text.clone()),
        action: "Reconcile".to_owned(),
        secondary: None,
    };
    context.recorder.publish(&event, &note.object_ref(&())).await
}

async fn define(client: &Client) -> Api<CustomResourceDefinition> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    definitions.create(&PostParams::default(), &Note::crd()).await.expect("a definition");
    let established =
        await_condition(definitions.clone(), Note::crd_name(), conditions::is_crd_established());
    in_time("the definition is established", established).await.expect("established");
    definitions
}

async fn refuse_what_the_schema_forbids(notes: &Api<Note>) {
    for (text, copies) in [("forbidden", 1), ("hello", 10), ("hello", -1)] {
        let note = Note::new("bad", NoteSpec { text: text.to_owned(), copies });
        assert_eq!(refusal(notes.create(&PostParams::default(), &note).await), 422, "{text} {copies}");
    }
}

#[test]
fn an_operator_lives_through_the_life_of_a_note() {
    story(|client, namespace| async move {
        let definitions = define(&client).await;
        let notes: Api<Note> = Api::namespaced(client.clone(), &namespace);
        let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &namespace);
        refuse_what_the_schema_forbids(&notes).await;

        let reporter = Reporter { controller: "notes".to_owned(), instance: None };
        let recorder = Recorder::new(client.clone(), reporter);
        let context = Arc::new(Context { client: client.clone(), recorder });
        let controller = Controller::new(notes.clone(), watcher::Config::default())
            .owns(maps.clone(), watcher::Config::default())
            .run(reconcile, |_, _, _| Action::requeue(Duration::from_millis(100)), context);
        let controller = tokio::spawn(controller.for_each(|_| std::future::ready(())));

        let copies = async |wanted: usize| {
            let child = maps.get_opt("n").await.expect("an answer");
            child.is_some_and(|child| child.data.unwrap_or_default().len() == wanted)
        };
        let note = Note::new("n", NoteSpec { text: "hello".to_owned(), copies: 2 });
        let created = notes.create(&PostParams::default(), &note).await.expect("created");
        eventually("the operator makes a ConfigMap", async || copies(2).await).await;
        let child = maps.get("n").await.expect("a ConfigMap");
        assert_eq!(child.owner_references()[0].uid, created.uid().expect("a uid"));
        eventually("the status says so", async || {
            let note = notes.get("n").await.expect("a Note");
            note.finalizers() == [FINALIZER] && note.status.is_some_and(|status| status.copies == 2)
        })
        .await;
        assert_eq!(notes.get_status("n").await.expect("a status").metadata.generation, Some(1));

        let scale = Patch::Merge(json!({"spec": {"replicas": 5}}));
        notes.patch_scale("n", &PatchParams::default(), &scale).await.expect("scaled");
        eventually("the ConfigMap follows the scale", async || copies(5).await).await;
        maps.delete("n", &DeleteParams::default()).await.expect("deleted");
        eventually("the ConfigMap comes back", async || copies(5).await).await;

        notes.delete("n", &DeleteParams::default()).await.expect("deleted");
        let uid = created.uid().expect("a uid");
        let deleted = await_condition(notes.clone(), "n", conditions::is_deleted(&uid));
        in_time("the Note is gone", deleted).await.expect("deleted");
        eventually("its ConfigMap is collected", async || {
            maps.get_opt("n").await.expect("an answer").is_none()
        })
        .await;
        expect_events(&client, &namespace, &note.object_ref(&())).await;
        controller.abort();
        definitions.delete(Note::crd_name(), &DeleteParams::default()).await.expect("deleted");
    });
}

async fn expect_events(client: &Client, namespace: &str, about: &ObjectReference) {
    let events: Api<v1::Event> = Api::namespaced(client.clone(), namespace);
    let all = events.list(&ListParams::default()).await.expect("Events");
    let mut reasons: Vec<String> = all
        .iter()
        .filter(|event| event.regarding.as_ref().is_some_and(|seen| seen.kind == about.kind))
        .filter_map(|event| event.reason.clone())
        .collect();
    reasons.sort();
    reasons.dedup();
    assert_eq!(reasons, ["Copied", "Removed"]);
}
