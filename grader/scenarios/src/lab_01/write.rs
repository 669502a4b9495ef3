//! Exercise 4: writing the status, and only the status, and only when it changed.

use super::condition::{all_is_well, is, is_not_true, observed};
use crate::database::{DATABASES, SOON, create, pods_ready, status, upgrade};
use harness::{Check, Effect, Failure, Target, World, kinds};
use serde_json::{Value, json};
use std::time::Duration;

const TEN_MINUTES: Duration = Duration::from_secs(600);

/// Watches are opened again every five minutes, one for each kind; beyond some of those there is nothing to read.
const READS_AT_REST: usize = 40;

pub(super) fn only_through_the_subresource(world: &mut World) -> Result<(), Failure> {
    let namespace = world.namespace("shop")?;
    world.start_operator()?;
    let database = create(world, &namespace, 1)?;
    world.eventually("the Database is ready", SOON * 2, |world| all_is_well(world, &database))?;
    world.scale(&database, 2)?;
    world.eventually("the Database is ready", SOON * 2, |world| all_is_well(world, &database))?;
    let own = world.requests().filter(|record| record.is_write() && record.is_about(DATABASES));
    let wrong = own.filter(|record| record.address.subresource != "status").map(|record| record.line());
    match wrong.collect::<Vec<_>>().as_slice() {
        [] => Ok(()),
        [first, ..] => Err(Failure::new(
            "the operator writes Databases only through /status",
            format!("a write of the Database itself: {first}"),
        )),
    }
}

pub(super) fn rest(world: &mut World) -> Result<(), Failure> {
    let namespace = world.namespace("shop")?;
    world.start_operator()?;
    let replicas = world.random().between(1, 3) as u32;
    let database = create(world, &namespace, replicas)?;
    world.eventually("the Database is ready", SOON * 4, |world| all_is_well(world, &database))?;
    world.pass(SOON)?;
    let start = world.now_ms();
    world.quiet(TEN_MINUTES)?;
    let reads = world.requests_since(start).count();
    if reads > READS_AT_REST {
        let expected = format!("at most {READS_AT_REST} requests in ten minutes at rest");
        return Err(
            Failure::new(expected, format!("{reads} requests")).means("the operator polls; it has watches")
        );
    }
    world.restart_operator()?;
    world.quiet(TEN_MINUTES)?;
    all_is_well(world, &database).map_err(|seen| Failure::new("the Database is still ready", seen))
}

pub(super) fn foreign_conditions_stay(world: &mut World) -> Result<(), Failure> {
    let namespace = world.namespace("shop")?;
    world.start_operator()?;
    let database = create(world, &namespace, 1)?;
    world.eventually("the Database is ready", SOON * 2, |world| all_is_well(world, &database))?;
    let written = add_foreign_condition(world, &database)?;
    world.ready_pods_at_most(&namespace, Some(1));
    world.scale(&database, 2)?;
    world.eventually("Ready is not True", SOON, |world| is_not_true(world, &database, "Ready"))?;
    foreign_condition_stays(world, &database, &written)?;
    world.ready_pods_at_most(&namespace, None);
    world.eventually("the Database is ready", SOON * 2, |world| all_is_well(world, &database))?;
    foreign_condition_stays(world, &database, &written)?;
    world.restart_operator()?;
    world.pass(SOON)?;
    foreign_condition_stays(world, &database, &written)
}

pub(super) fn stale_view(world: &mut World) -> Result<(), Failure> {
    let namespace = world.namespace("shop")?;
    world.ready_pods_at_most(&namespace, Some(1));
    world.start_operator()?;
    let database = create(world, &namespace, 2)?;
    world.eventually("1 of 2 pods is ready", SOON, |world| pods_ready(world, &database, 1))?;
    world.eventually("Ready is not True", SOON, |world| is_not_true(world, &database, "Ready"))?;
    world.pass(SOON)?;
    world.tell("news about Databases reach the operator late");
    world.hold_watches(DATABASES);
    upgrade(world, &database, "postgres:17.4")?;
    let written = add_foreign_condition(world, &database)?;
    world.ready_pods_at_most(&namespace, None);
    world.eventually("2 of 2 pods are ready", SOON * 2, |world| pods_ready(world, &database, 2))?;
    world.pass(SOON)?;
    foreign_condition_stays(world, &database, &written)?;
    image_is(world, &database, "postgres:17.4")?;
    world.tell("the news arrive");
    world.release_watches(DATABASES);
    world.eventually("the status is about the newest generation", SOON * 4, |world| {
        observed(world, &database)
    })?;
    world.eventually("the Database is ready", SOON * 8, |world| all_is_well(world, &database))?;
    foreign_condition_stays(world, &database, &written)?;
    image_is(world, &database, "postgres:17.4")
}

pub(super) fn wiped_status(world: &mut World) -> Result<(), Failure> {
    let namespace = world.namespace("shop")?;
    world.start_operator()?;
    let database = create(world, &namespace, 1)?;
    world.eventually("the Database is ready", SOON * 2, |world| all_is_well(world, &database))?;
    world.pass(SOON)?;
    let before = status(world, &database);
    world.patch_status(&database, &json!({"status": null}))?;
    world.eventually("the status is complete again", SOON, |world| all_is_well(world, &database))?;
    let (old, new) = (before["endpoint"].clone(), status(world, &database)["endpoint"].clone());
    if old == new {
        return Ok(());
    }
    Err(Failure::new(format!("status.endpoint is {old} again"), format!("it is {new}")))
}

pub(super) fn a_hundred(world: &mut World) -> Result<(), Failure> {
    const DATABASE_COUNT: usize = 100;
    const WRITES_EACH: usize = 12;
    let namespace = world.namespace("shop")?;
    world.start_operator()?;
    let mut databases = Vec::new();
    for _ in 0..DATABASE_COUNT {
        databases.push(create(world, &namespace, 1)?);
    }
    world.eventually("all Databases are ready", SOON * 10, |world| {
        databases.iter().try_for_each(|database| is(world, database, "Ready", "True"))
    })?;
    world.pass(SOON)?;
    let status_writes = |record: &&harness::RequestRecord| {
        record.is_about(DATABASES) && record.is_write() && record.effect != Effect::Read
    };
    let writes = world.requests().filter(status_writes).count();
    let budget = DATABASE_COUNT * WRITES_EACH;
    if writes > budget {
        let expected = format!("at most {budget} status writes for {DATABASE_COUNT} Databases");
        return Err(Failure::new(expected, format!("{writes} status writes")));
    }
    world.quiet(Duration::from_secs(120))
}

/// Another tool's condition, written as that tool would: by server-side apply under its own name.
fn add_foreign_condition(world: &mut World, database: &Target) -> Result<Value, Failure> {
    let condition = json!({
        "type": "BackedUp",
        "status": "True",
        "reason": "Scheduled",
        "message": world.random().name("backup"),
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    });
    world.apply_status_as("backup-tool", database, json!({"status": {"conditions": [condition]}}))?;
    Ok(condition)
}

fn foreign_condition_stays(world: &World, database: &Target, written: &Value) -> Result<(), Failure> {
    let check: Check = match find_foreign(world, database) {
        Some(found) if found == *written => Ok(()),
        Some(found) => Err(format!("it is now {found}")),
        None => Err(format!("condition BackedUp of {database} is gone")),
    };
    let means = "the operator replaces the whole list instead of its own entries";
    check.map_err(|seen| {
        Failure::new("the backup tool's condition stays as it was written", seen).means(means)
    })
}

fn find_foreign(world: &World, database: &Target) -> Option<Value> {
    let status = status(world, database);
    status["conditions"].as_array()?.iter().find(|condition| condition["type"] == "BackedUp").cloned()
}

fn image_is(world: &World, database: &Target, image: &str) -> Result<(), Failure> {
    let seen = world.get(database).map(|object| object["spec"]["image"].clone()).unwrap_or_default();
    let container = world.get(&kinds::STATEFUL_SETS.named(&database.namespace, &database.name));
    match seen == image && container.is_some() {
        true => Ok(()),
        false => Err(Failure::new(format!("the user's spec.image is {image}"), format!("it is {seen}"))),
    }
}
