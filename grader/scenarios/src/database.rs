//! The `Database` that every lab is about, as a scenario sees it: made by a user, read from the API.

use harness::{Check, Failure, Kind, Target, World, kinds};
use serde_json::{Value, json};
use std::time::Duration;

/// The custom resource of the course.
pub(crate) const DATABASES: Kind = Kind::namespaced("database.example.com", "v1", "Database", "databases");

/// How long an operator may take for what needs no waiting: a few requests. Generous, because another order of
/// requests is nobody's mistake, but far below every period of polling that would hide a missing watch.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// How long an operator may take where its own back-off after a failure is part of the story.
pub(crate) const AFTER_BACK_OFF: Duration = Duration::from_secs(10 * 60);

/// A user creates a Database with a random name in this namespace.
pub(crate) fn create(world: &mut World, namespace: &str, replicas: u32) -> Result<Target, Failure> {
    let name = world.random().name("db");
    create_named(world, namespace, &name, replicas)
}

/// A user creates a Database of that name.
pub(crate) fn create_named(
    world: &mut World,
    namespace: &str,
    name: &str,
    replicas: u32,
) -> Result<Target, Failure> {
    let database = DATABASES.named(namespace, name);
    let (user, shop) = (world.random().name("user"), world.random().name("shop"));
    let spec = json!({
        "replicas": replicas,
        "storage": {"size": "1Gi"},
        "databaseName": shop,
        "username": user,
    });
    world.create(&database, json!({"spec": spec}))?;
    Ok(database)
}

/// A new image for a Database, which its pods have to be replaced for.
pub(crate) fn upgrade(world: &mut World, database: &Target, image: &str) -> Result<(), Failure> {
    world.patch(database, &json!({"spec": {"image": image}})).map(drop)
}

/// The StatefulSet that runs it, by the contract named like the Database.
pub(crate) fn stateful_set(database: &Target) -> Target {
    kinds::STATEFUL_SETS.named(&database.namespace, &database.name)
}

/// The Database's `metadata.generation`.
pub(crate) fn generation(world: &World, database: &Target) -> i64 {
    world.get(database).and_then(|object| object["metadata"]["generation"].as_i64()).unwrap_or_default()
}

/// The StatefulSet has so many ready pods, and says so about its newest generation.
pub(crate) fn pods_ready(world: &World, database: &Target, ready: i64) -> Check {
    let target = stateful_set(database);
    let Some(object) = world.get(&target) else { return Err(format!("there is no {target}")) };
    let seen = object["status"]["readyReplicas"].as_i64().unwrap_or_default();
    let observed = object["status"]["observedGeneration"] == object["metadata"]["generation"];
    match (observed, seen == ready) {
        (true, true) => Ok(()),
        (true, false) => Err(format!("{target} has {seen} ready pods")),
        (false, _) => Err(format!("{target} is not observed yet by its controller")),
    }
}

/// The status of a Database; null when it has none.
pub(crate) fn status(world: &World, database: &Target) -> Value {
    world.get(database).map(|object| object["status"].clone()).unwrap_or_default()
}
