//! Exercise 5: errors in conditions, and the way back.

use super::condition::{all_is_well, find, is, is_not_raised, is_not_true};
use crate::database::{AFTER_BACK_OFF, SOON, create, generation, stateful_set, status};
use harness::{Failure, Fault, Kind, Verb, World, kinds};
use serde_json::json;
use std::time::Duration;

const RESOURCE_QUOTAS: Kind = Kind::namespaced("", "v1", "ResourceQuota", "resourcequotas");

pub(super) fn quota(world: &mut World) -> Result<(), Failure> {
    let namespace = world.namespace("shop")?;
    let quota = RESOURCE_QUOTAS.named(&namespace, "no-stateful-sets");
    world.create(&quota, json!({"spec": {"hard": {"count/statefulsets.apps": "0"}}}))?;
    // A quota counts from the moment its controller has looked at the namespace.
    world.eventually("the quota is in force", SOON, |world| {
        let hard = world.get(&quota).map(|object| object["status"]["hard"].clone()).unwrap_or_default();
        if hard["count/statefulsets.apps"] == "0" { Ok(()) } else { Err(format!("status.hard is {hard}")) }
    })?;
    world.start_operator()?;
    let database = create(world, &namespace, 1)?;
    world.eventually("Failed is True", SOON * 2, |world| is(world, &database, "Failed", "True"))?;
    world.eventually("Ready is there and not True", SOON, |world| is_not_true(world, &database, "Ready"))?;
    let message = find(world, &database, "Failed").map(|failed| failed.message).unwrap_or_default();
    if !message.to_lowercase().contains("statefulset") {
        let seen = format!("its message is “{message}”");
        return Err(Failure::new("the message of Failed names the StatefulSet that cannot be created", seen));
    }
    let reason = reason_of_failed(world, &database);
    world.stays("Failed keeps one reason while the cause is the same", AFTER_BACK_OFF / 2, |world| {
        is(world, &database, "Failed", "True")?;
        let now = reason_of_failed(world, &database);
        if now == reason { Ok(()) } else { Err(format!("its reason went from {reason} to {now}")) }
    })?;
    world.patch(&quota, &json!({"spec": {"hard": {"count/statefulsets.apps": "5"}}}))?;
    world.eventually("Failed is no longer True", AFTER_BACK_OFF, |world| {
        find(world, &database, "Ready")?;
        is_not_raised(world, &database, "Failed")
    })?;
    world.eventually("the Database is ready", SOON * 2, |world| all_is_well(world, &database))
}

pub(super) fn api_trouble(world: &mut World) -> Result<(), Failure> {
    const TROUBLE: Duration = Duration::from_secs(180);
    /// An operator that waits one second after every failure, for ever, needs more than twice as many.
    const TRIES: usize = 80;
    let namespace = world.namespace("shop")?;
    world.start_operator()?;
    let database = create(world, &namespace, 1)?;
    world.eventually("the Database is ready", SOON * 2, |world| all_is_well(world, &database))?;
    world.pass(SOON)?;
    world.tell("from now on, every write of a StatefulSet fails with 500");
    let fault = world.inject(Fault::status(500).on(Verb::WRITES, kinds::STATEFUL_SETS));
    let start = world.now_ms();
    world.scale(&database, 2)?;
    world.stays("the conditions are there all the time", TROUBLE, |world| {
        find(world, &database, "Ready").and(find(world, &database, "Progressing")).map(drop)
    })?;
    let tries =
        world.requests_since(start).filter(|r| r.is_write() && r.is_about(kinds::STATEFUL_SETS)).count();
    if tries == 0 || tries > TRIES {
        let expected = format!("between 1 and {TRIES} tries in three minutes, further and further apart");
        return Err(Failure::new(expected, format!("{tries} tries to write {}", stateful_set(&database))));
    }
    let raised = is(world, &database, "Failed", "True");
    raised.map_err(|seen| Failure::new("Failed is True while nothing can be written", seen))?;
    let (observed, newest) =
        (status(world, &database)["observedGeneration"].as_i64(), generation(world, &database));
    if observed >= Some(newest) {
        let expected =
            format!("status.observedGeneration is below {newest} while its children are not written");
        return Err(Failure::new(expected, format!("it is {}", observed.unwrap_or_default())));
    }
    world.tell("the trouble is over");
    world.lift(fault);
    world.eventually("the Database is ready", AFTER_BACK_OFF, |world| all_is_well(world, &database))
}

fn reason_of_failed(world: &World, database: &harness::Target) -> String {
    let object = world.get(database).map(|object| object["status"]["conditions"].clone()).unwrap_or_default();
    let failed = object.as_array().and_then(|list| list.iter().find(|c| c["type"] == "Failed").cloned());
    failed.and_then(|failed| failed["reason"].as_str().map(str::to_owned)).unwrap_or_default()
}
