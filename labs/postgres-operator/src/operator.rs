//! The reconcile loop.

use std::sync::Arc;

use futures::StreamExt;
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{Secret, Service},
};
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
    runtime::{
        Controller,
        controller::{self, Action},
        reflector::ObjectRef,
        watcher,
    },
};
use serde_json::json;

use crate::{
    Database, DatabaseStatus, Error, Phase,
    apply::{apply_children, read},
    backoff::Backoff,
    children,
    error::failed,
};

struct Context {
    client: Client,
    backoff: Backoff<ObjectRef<Database>>,
}

/// Runs the operator until the process ends.
///
/// # Errors
///
/// None: what goes wrong with one Database is logged and tried again.
pub async fn run(client: Client) -> anyhow::Result<()> {
    let children = watcher::Config::default().labels(children::LABEL_SELECTOR);
    let context = Arc::new(Context { client: client.clone(), backoff: Backoff::default() });
    Controller::new(Api::<Database>::all(client.clone()), watcher::Config::default())
        .owns(Api::<StatefulSet>::all(client.clone()), children.clone())
        .owns(Api::<Service>::all(client.clone()), children.clone())
        .owns(Api::<Secret>::all(client), children)
        .run(reconcile, retry_later, context)
        .for_each(async |result| match result {
            Ok((database, _)) => tracing::info!("{} is visited", database.name),
            // `retry_later` has told about it.
            Err(controller::Error::ReconcilerFailed(..)) => {}
            // A child went after its owner; nothing is left to do.
            Err(controller::Error::ObjectNotFound(_)) => {}
            Err(error) => tracing::warn!("{error}"),
        })
        .await;
    Ok(())
}

/// Brings one Database closer to what its spec asks for. Called again whenever it or a child of it changes.
async fn reconcile(database: Arc<Database>, context: Arc<Context>) -> Result<Action, Error> {
    if database.metadata.deletion_timestamp.is_some() {
        // The children carry owner references: Kubernetes deletes them. Creating them anew would be in its way.
        return Ok(Action::await_change());
    }
    apply_children(&context.client, &*database, &database.spec.postgres).await?;
    let stateful_set = read::<StatefulSet>(&context.client, &*database, &database.name_any()).await?;
    write_status(&context.client, &database, stateful_set).await?;

    context.backoff.succeeded(&ObjectRef::from_obj(&*database));
    Ok(Action::await_change())
}

fn retry_later(database: Arc<Database>, error: &Error, context: Arc<Context>) -> Action {
    let wait = context.backoff.failed(ObjectRef::from_obj(&*database));
    tracing::warn!("{}: {error}: {}; next try in {wait:?}", database.name_any(), error.cause());
    Action::requeue(wait)
}

async fn write_status(
    client: &Client,
    database: &Database,
    stateful_set: Option<StatefulSet>,
) -> Result<(), Error> {
    let seen = stateful_set.and_then(|stateful_set| stateful_set.status).unwrap_or_default();
    let ready = seen.ready_replicas.unwrap_or(0) >= database.spec.postgres.replicas;
    let status = DatabaseStatus {
        phase: Some(if ready { Phase::Ready } else { Phase::Provisioning }),
        ready: Some(ready),
        replicas: Some(seen.replicas),
        endpoint: Some(children::endpoint(database)),
        secret_name: Some(children::secret_name(database)),
    };
    if database.status.as_ref() == Some(&status) {
        return Ok(());
    }
    let name = database.name_any();
    let databases = Api::<Database>::namespaced(client.clone(), &database.namespace().unwrap_or_default());
    databases
        .patch_status(&name, &PatchParams::default(), &Patch::Merge(json!({ "status": status })))
        .await
        .map_err(failed::<Database>("write the status of", &name))
        .map(drop)
}
