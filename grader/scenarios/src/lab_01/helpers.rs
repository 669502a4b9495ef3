//! Exercise 2: the helpers that find and set conditions.

use super::condition::{Condition, all_is_well, find, is, is_not_true};
use crate::database::{SOON, create, pods_ready, status};
use harness::{Check, Failure, Target, World};
use jiff::Timestamp;
use std::time::Duration;

const THREE_MINUTES: Duration = Duration::from_secs(180);

pub(super) fn message_does_not_move_time(world: &mut World) -> Result<(), Failure> {
    let namespace = world.namespace("shop")?;
    world.ready_pods_at_most(&namespace, Some(0));
    world.start_operator()?;
    let database = create(world, &namespace, 3)?;
    world.eventually("Ready is False or Unknown, and there", SOON, |world| {
        is_not_true(world, &database, "Ready")
    })?;
    world.pass(THREE_MINUTES)?;
    for ready in 1..=2 {
        let before = ready_condition(world, &database)?;
        world.ready_pods_at_most(&namespace, Some(ready));
        let pods = i64::from(ready);
        world.eventually("one more pod is ready", SOON * 2, |world| pods_ready(world, &database, pods))?;
        world.stays("lastTransitionTime stays while the status of Ready does", THREE_MINUTES, |world| {
            let now = find(world, &database, "Ready")?;
            if now.status != before.status || now.since == before.since {
                return Ok(());
            }
            let (old, new) = (before.since, now.since);
            Err(format!(
                "Ready is {} as before, but its lastTransitionTime went from {old} to {new}",
                now.status
            ))
        })?;
    }
    Ok(())
}

pub(super) fn transitions_move_time(world: &mut World) -> Result<(), Failure> {
    let namespace = world.namespace("shop")?;
    world.ready_pods_at_most(&namespace, Some(0));
    world.start_operator()?;
    let database = create(world, &namespace, 2)?;
    world.eventually("Ready is False or Unknown, and there", SOON, |world| {
        is_not_true(world, &database, "Ready")
    })?;
    // All or none: whoever has not got to counting yet, in exercise 3, is right about these.
    for (pods, wanted) in [(None, "True"), (Some(0), "False"), (None, "True")] {
        world.pass(THREE_MINUTES)?;
        let changed = wall_clock(world);
        world.ready_pods_at_most(&namespace, pods);
        world.eventually(&format!("Ready is {wanted}"), SOON * 2, |world| {
            is(world, &database, "Ready", wanted)
        })?;
        let (now, since) = (wall_clock(world), ready_condition(world, &database)?.since);
        // Times in conditions have whole seconds, and so may be up to one second earlier than what they tell.
        let earliest = Timestamp::from_second(changed.as_second()).unwrap_or(changed);
        if since < earliest || since > now {
            let expected = format!("Ready became {wanted} between {earliest} and {now}");
            return Err(Failure::new(expected, format!("its lastTransitionTime is {since}")));
        }
    }
    Ok(())
}

pub(super) fn always_well_formed(world: &mut World) -> Result<(), Failure> {
    let namespace = world.namespace("shop")?;
    world.start_operator()?;
    let database = create(world, &namespace, 1)?;
    world.eventually("the Database is ready", SOON * 4, |world| all_is_well(world, &database))?;
    let mut sizes = [2, 3, 4];
    world.random().shuffle(&mut sizes);
    for replicas in sizes {
        world.scale(&database, replicas)?;
        world.stays("every condition is there once and well-formed", SOON, |world| {
            well_formed(world, &database)
        })?;
        world.restart_operator()?;
        world.stays("every condition is there once and well-formed", SOON, |world| {
            well_formed(world, &database)
        })?;
    }
    world.eventually("the Database is ready", SOON * 4, |world| all_is_well(world, &database))
}

/// Every condition there is, the operator's or not, is well-formed and there once.
fn well_formed(world: &World, database: &Target) -> Check {
    let list = status(world, database)["conditions"].as_array().cloned().unwrap_or_default();
    for type_ in list.iter().filter_map(|condition| condition["type"].as_str()) {
        let condition = find(world, database, type_)?;
        let (since, now) = (condition.since, wall_clock(world));
        if since > now {
            return Err(format!(
                "the lastTransitionTime of {type_} is {since}, which is yet to come (now {now})"
            ));
        }
    }
    find(world, database, "Ready").and(find(world, database, "Progressing")).map(drop)
}

fn ready_condition(world: &World, database: &Target) -> Result<Condition, Failure> {
    find(world, database, "Ready").map_err(|seen| Failure::new("condition Ready is there", seen))
}

fn wall_clock(world: &World) -> Timestamp {
    world.wall_clock()
}
