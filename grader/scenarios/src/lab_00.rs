//! Lab 00: the tour. The operator is complete; these scenarios show that the machine is ready, and what a verdict is.

use crate::database::{DATABASES, SOON, create, pods_ready, stateful_set, status};
use harness::{Check, Failure, Scenario, Suite, Target, World, kinds};
use serde_json::json;
use std::time::Duration;

pub(crate) static SUITE: Suite = Suite { lab: "lab-00", scenarios: SCENARIOS };

const SCENARIOS: &[Scenario] = &[
    Scenario {
        id: "00.01",
        title: "A Database gets a Secret, a Service and a StatefulSet",
        exercise: 0,
        points: 40,
        story: "A user creates a Database. The operator makes a Secret, a headless Service and a StatefulSet that \
                belong to it; when the pods are up, the status says so.",
        rule: "Children carry an owner reference to the object they were made for, so that deleting it deletes them.",
        lesson: "",
        crash_consistent: true,
        virtual_time_only: false,
        run: children,
    },
    Scenario {
        id: "00.02",
        title: "Scaling the Database scales its StatefulSet",
        exercise: 0,
        points: 30,
        story: "A user scales a Database with `kubectl scale`. The StatefulSet follows; the password stays.",
        rule: "The scale subresource writes spec.replicas; a Secret is generated once.",
        lesson: "",
        crash_consistent: true,
        virtual_time_only: false,
        run: scaling,
    },
    Scenario {
        id: "00.03",
        title: "At rest nothing is written, and deleting leaves nothing behind",
        exercise: 0,
        points: 30,
        story: "Nothing changes for ten minutes: the operator writes nothing. Then the Database is deleted, and with \
                it go its children.",
        rule: "Reconciling is comparing; the garbage collector follows owner references.",
        lesson: "",
        crash_consistent: false,
        virtual_time_only: true,
        run: rest_and_delete,
    },
];

fn children(world: &mut World) -> Result<(), Failure> {
    let namespace = world.namespace("shop")?;
    world.start_operator()?;
    let replicas = world.random().between(1, 3) as u32;
    let database = create(world, &namespace, replicas)?;
    world.eventually("Secret, Service and StatefulSet belong to it", SOON, |world| {
        children_of(&database).iter().try_for_each(|child| owned(world, &database, child))
    })?;
    world.eventually("status.ready is true", SOON * 4, |world| ready(world, &database))
}

fn scaling(world: &mut World) -> Result<(), Failure> {
    let namespace = world.namespace("shop")?;
    world.start_operator()?;
    let database = create(world, &namespace, 1)?;
    world.eventually("status.ready is true", SOON * 2, |world| ready(world, &database))?;
    let [secret, ..] = children_of(&database);
    let password = world.get(&secret).map(|object| object["data"]["password"].clone());
    world.scale(&database, 3)?;
    world.eventually("3 pods are ready", SOON * 2, |world| pods_ready(world, &database, 3))?;
    world.eventually("status.ready is true", SOON, |world| ready(world, &database))?;
    if world.get(&secret).map(|object| object["data"]["password"].clone()) == password {
        return Ok(());
    }
    Err(Failure::new("the password stays the same", "the Secret has another password"))
}

fn rest_and_delete(world: &mut World) -> Result<(), Failure> {
    let namespace = world.namespace("shop")?;
    world.start_operator()?;
    let database = create(world, &namespace, 2)?;
    world.eventually("status.ready is true", SOON * 2, |world| ready(world, &database))?;
    world.pass(SOON)?;
    world.quiet(Duration::from_secs(600))?;
    world.delete_with(&database, &json!({"propagationPolicy": "Background"}))?;
    world.eventually("the Database and its children are gone", SOON * 2, |world| {
        let mut all = vec![database.clone()];
        all.extend(children_of(&database));
        match all.iter().find(|target| world.get(target).is_some()) {
            Some(left) => Err(format!("{left} is still there")),
            None => Ok(()),
        }
    })
}

fn children_of(database: &Target) -> [Target; 3] {
    let (namespace, name) = (&database.namespace, &database.name);
    let secret = kinds::SECRETS.named(namespace, &format!("{name}-credentials"));
    [secret, kinds::SERVICES.named(namespace, name), stateful_set(database)]
}

/// The child exists, and its controller is the Database that exists now.
fn owned(world: &World, database: &Target, child: &Target) -> Check {
    let Some(object) = world.get(child) else { return Err(format!("there is no {child}")) };
    let uid = world.get(database).map(|owner| owner["metadata"]["uid"].clone()).unwrap_or_default();
    let owners = object["metadata"]["ownerReferences"].as_array().cloned().unwrap_or_default();
    let kind = DATABASES.kind;
    match owners.iter().any(|o| o["uid"] == uid && o["kind"] == kind && o["controller"] == true) {
        true => Ok(()),
        false => Err(format!("{child} has no owner reference with controller=true to {database}")),
    }
}

fn ready(world: &World, database: &Target) -> Check {
    let status = status(world, database);
    if status["ready"] == true { Ok(()) } else { Err(format!("the status is {status}")) }
}
