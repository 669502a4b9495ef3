//! Exercise 3: conditions derived from what the StatefulSet reports.

use super::condition::{all_is_well, find, is, is_not_true};
use crate::database::{SOON, create, create_named, generation, pods_ready, upgrade};
use harness::{Check, Failure, Target, World};
use std::time::Duration;

/// Long enough that an operator which guesses has guessed by then.
const A_MINUTE: Duration = Duration::from_secs(60);

pub(super) fn ready_follows_pods(world: &mut World) -> Result<(), Failure> {
    let namespace = world.namespace("shop")?;
    world.ready_pods_at_most(&namespace, Some(0));
    world.start_operator()?;
    let database = create(world, &namespace, 3)?;
    for pods in [0, 1] {
        world.ready_pods_at_most(&namespace, Some(pods));
        let ready = i64::from(pods);
        world.eventually(&format!("{pods} of 3 pods are ready"), SOON, |world| {
            pods_ready(world, &database, ready)
        })?;
        world.eventually("Ready is False or Unknown, and there", SOON, |world| {
            is_not_true(world, &database, "Ready")
        })?;
        world.stays("Ready is not True", A_MINUTE, |world| is_not_true(world, &database, "Ready"))?;
    }
    world.ready_pods_at_most(&namespace, None);
    world.eventually("the Database is ready", SOON * 2, |world| all_is_well(world, &database))
}

pub(super) fn scaling(world: &mut World) -> Result<(), Failure> {
    let namespace = world.namespace("shop")?;
    world.start_operator()?;
    let database = create(world, &namespace, 1)?;
    world.eventually("the Database is ready", SOON * 2, |world| all_is_well(world, &database))?;
    world.ready_pods_at_most(&namespace, Some(2));
    world.scale(&database, 3)?;
    world.eventually("Progressing is True", SOON, |world| is(world, &database, "Progressing", "True"))?;
    world.eventually("2 of 3 pods are ready", SOON * 2, |world| pods_ready(world, &database, 2))?;
    world.eventually("Ready is not True", SOON, |world| is_not_true(world, &database, "Ready"))?;
    world.stays("Ready is not True", A_MINUTE, |world| is_not_true(world, &database, "Ready"))?;
    world.ready_pods_at_most(&namespace, None);
    world.eventually("the Database is ready", SOON * 2, |world| all_is_well(world, &database))?;
    world.scale(&database, 1)?;
    world.eventually("1 pod is left", SOON * 2, |world| pods_ready(world, &database, 1))?;
    world.eventually("the Database is ready", SOON * 2, |world| all_is_well(world, &database))
}

/// The waits are no multiple of a minute, so that an operator which looks once a minute is not looking just then.
pub(super) fn lost_replica(world: &mut World) -> Result<(), Failure> {
    let namespace = world.namespace("shop")?;
    world.start_operator()?;
    let database = create(world, &namespace, 3)?;
    world.eventually("the Database is ready", SOON * 4, |world| all_is_well(world, &database))?;
    world.pass(A_MINUTE * 3 / 2)?;
    world.ready_pods_at_most(&namespace, Some(2));
    world.eventually("2 of 3 pods are ready", SOON, |world| pods_ready(world, &database, 2))?;
    world.eventually("Ready is False", Duration::from_secs(5), |world| {
        is(world, &database, "Ready", "False")
    })?;
    world.pass(A_MINUTE * 3 / 2)?;
    world.ready_pods_at_most(&namespace, None);
    world.eventually("3 of 3 pods are ready", SOON, |world| pods_ready(world, &database, 3))?;
    world.eventually("Ready is True", Duration::from_secs(5), |world| is(world, &database, "Ready", "True"))
}

pub(super) fn unobserved_stateful_set(world: &mut World) -> Result<(), Failure> {
    let namespace = world.namespace("shop")?;
    world.start_operator()?;
    let database = create(world, &namespace, 2)?;
    world.eventually("the Database is ready", SOON * 2, |world| all_is_well(world, &database))?;
    // Slower than the wait below is long: its status is about the old generation until then.
    world.delay_controller("statefulset-controller", A_MINUTE);
    upgrade(world, &database, "postgres:17.3")?;
    let newest = generation(world, &database);
    world.stays("Ready is not True for a generation that nobody has observed", SOON, |world| {
        not_ready_for(world, &database, newest)
    })?;
    world.delay_controller("statefulset-controller", Duration::ZERO);
    world.eventually("the Database is ready", SOON * 8, |world| all_is_well(world, &database))
}

/// Ready is not True, or its truth is about an older generation.
fn not_ready_for(world: &World, database: &Target, generation: i64) -> Check {
    let ready = find(world, database, "Ready")?;
    if ready.status == "True" && ready.observed_generation == Some(generation) {
        let observed = "while the StatefulSet's observedGeneration is behind its generation";
        return Err(format!("Ready is True with observedGeneration {generation}, {observed}"));
    }
    Ok(())
}

pub(super) fn databases_do_not_mix(world: &mut World) -> Result<(), Failure> {
    let (here, there) = (world.namespace("shop")?, world.namespace("shop")?);
    world.ready_pods_at_most(&there, Some(1));
    world.start_operator()?;
    let name = world.random().name("db");
    let first = create_named(world, &here, &name, 2)?;
    let same_name = create_named(world, &there, &name, 2)?;
    let neighbour = create(world, &here, 1)?;
    for database in [&first, &neighbour] {
        world.eventually(&format!("{database} is ready"), SOON * 4, |world| all_is_well(world, database))?;
    }
    world.stays(&format!("{same_name} is not ready"), A_MINUTE, |world| {
        is_not_true(world, &same_name, "Ready")
    })?;
    for database in [&first, &neighbour] {
        all_is_well(world, database).map_err(|seen| Failure::new(format!("{database} is ready"), seen))?;
    }
    Ok(())
}

pub(super) fn changes_while_down(world: &mut World) -> Result<(), Failure> {
    let namespace = world.namespace("shop")?;
    world.start_operator()?;
    let database = create(world, &namespace, 2)?;
    world.eventually("the Database is ready", SOON * 4, |world| all_is_well(world, &database))?;
    world.stop_operator();
    world.ready_pods_at_most(&namespace, Some(1));
    world.scale(&database, 3)?;
    world.pass(A_MINUTE)?;
    world.start_operator()?;
    world.eventually("Ready is not True", SOON, |world| is_not_true(world, &database, "Ready"))?;
    world.eventually("Progressing is True", SOON, |world| is(world, &database, "Progressing", "True"))?;
    world.stop_operator();
    world.ready_pods_at_most(&namespace, None);
    world.pass(A_MINUTE)?;
    world.start_operator()?;
    world.eventually("the Database is ready", SOON * 4, |world| all_is_well(world, &database))
}
