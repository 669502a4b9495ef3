//! Exercise 1: conditions and observedGeneration in the status type.

use super::condition::{all_is_well, find, is, is_not_true, observed};
use crate::database::{SOON, create, generation, status, upgrade};
use harness::{Failure, World};
use http::Method;
use serde_json::json;
use std::time::Duration;

pub(super) fn first_visit(world: &mut World) -> Result<(), Failure> {
    let namespace = world.namespace("shop")?;
    world.ready_pods_at_most(&namespace, Some(0));
    world.start_operator()?;
    let replicas = world.random().between(1, 4) as u32;
    let database = create(world, &namespace, replicas)?;
    world.eventually("Ready is False or Unknown, and there", SOON, |world| {
        is_not_true(world, &database, "Ready")
    })?;
    world.eventually("Progressing is True", SOON, |world| is(world, &database, "Progressing", "True"))?;
    world.eventually("the status is about the newest generation", SOON, |world| observed(world, &database))
}

pub(super) fn conditions_are_a_map(world: &mut World) -> Result<(), Failure> {
    let namespace = world.namespace("shop")?;
    world.start_operator()?;
    let database = create(world, &namespace, 1)?;
    world.eventually("Ready is True", SOON * 4, |world| is(world, &database, "Ready", "True"))?;
    let (time, type_) = ("2026-01-01T00:00:00Z", "Archived");
    let entry = |status| {
        let (reason, message) = ("Tested", "a test");
        json!({"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": time})
    };
    let twice = json!({"status": {"conditions": [entry("True"), entry("False")]}});
    world.tell(format!("somebody writes two conditions of type {type_} into the status of {database}"));
    let uri = format!("{}/status", database.path());
    let answer = world.request(Method::PATCH, &uri, "application/merge-patch+json", &twice);
    if answer.status.as_u16() == 422 {
        return Ok(());
    }
    let seen = format!("the API answers {}", answer.status);
    let means = "the definition of Database does not say that conditions are a map keyed by type";
    Err(Failure::new("the API refuses the second condition of a type", seen).means(means))
}

pub(super) fn observed_generation_follows(world: &mut World) -> Result<(), Failure> {
    let namespace = world.namespace("shop")?;
    world.start_operator()?;
    let database = create(world, &namespace, 2)?;
    world.eventually("the Database is ready", SOON * 4, |world| all_is_well(world, &database))?;
    for image in ["postgres:17.1", "postgres:17.2"] {
        let before = status(world, &database)["observedGeneration"].as_i64();
        upgrade(world, &database, image)?;
        world.eventually("the status is about the newest generation", SOON, |world| {
            observed(world, &database)
        })?;
        world.stays("observedGeneration neither falls nor runs ahead", Duration::from_secs(60), |world| {
            let seen = status(world, &database)["observedGeneration"].as_i64();
            let newest = Some(generation(world, &database));
            if before <= seen && seen <= newest { Ok(()) } else { Err(format!("it is {seen:?}")) }
        })?;
    }
    find(world, &database, "Ready").map(drop).map_err(|seen| Failure::new("Ready is well-formed", seen))
}
