//! A pod's status as scheduler and kubelet write it.

use super::controls::KILLED;
use crate::controllers::{fields, pods};
use crate::object;
use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) const HOST_ADDRESS: &str = "192.168.0.2";

/// The scheduler has found a node.
pub(crate) fn scheduled(pod: &Value, now: Timestamp) -> Value {
    let mut status = pod["status"].clone();
    set_condition(&mut status, pod, now, "PodScheduled", State::True);
    status
}

/// The scheduler has found none.
pub(super) fn unschedulable(pod: &Value, why: String, now: Timestamp) -> Value {
    let mut status = pod["status"].clone();
    set_condition(&mut status, pod, now, "PodScheduled", State::False("Unschedulable", why));
    status
}

/// The kubelet has taken the pod; no container runs yet.
pub(super) fn creating(pod: &Value, address: String, now: Timestamp) -> Value {
    let mut status = pod["status"].clone();
    let host_network = fields::flag(pod, "/spec/hostNetwork");
    let address = if host_network { HOST_ADDRESS.to_owned() } else { address };
    status["phase"] = "Pending".into();
    status["hostIP"] = HOST_ADDRESS.into();
    status["hostIPs"] = json!([{"ip": HOST_ADDRESS}]);
    status["podIP"] = address.clone().into();
    status["podIPs"] = json!([{"ip": address}]);
    status["startTime"] = object::time(now).into();
    let waiting = json!({"waiting": {"reason": "ContainerCreating"}});
    set_containers(&mut status, pod, &waiting, false);
    set_init_containers(&mut status, pod, now);
    set_conditions(&mut status, pod, now, Containers::Created);
    status
}

/// The containers run; those that had ended have been restarted.
pub(super) fn running(pod: &Value, ready: bool, now: Timestamp) -> Value {
    let mut status = pod["status"].clone();
    status["phase"] = "Running".into();
    let state = json!({"running": {"startedAt": object::time(now)}});
    set_containers(&mut status, pod, &state, ready);
    set_conditions(&mut status, pod, now, Containers::Running { ready });
    status
}

/// The kubelet has seen what a running pod asks for since: other resources, more containers.
pub(super) fn adapted(pod: &Value, now: Timestamp) -> Value {
    let mut status = pod["status"].clone();
    let statuses = status.get_mut("containerStatuses").and_then(Value::as_array_mut);
    for container in statuses.into_iter().flatten().filter(|status| !status["state"]["running"].is_null()) {
        let mut wanted = fields::items(pod, "/spec/containers").iter();
        if let Some(wanted) = wanted.find(|wanted| wanted["name"] == container["name"]) {
            allot(container, wanted);
        }
    }
    let mut ephemeral = fields::items(&status, "/ephemeralContainerStatuses").to_vec();
    for container in fields::items(pod, "/spec/ephemeralContainers") {
        if ephemeral.iter().any(|known| known["name"] == container["name"]) {
            continue;
        }
        let (name, image) = (fields::text(container, "/name"), fields::text(container, "/image"));
        ephemeral.push(json!({
            "name": name, "image": image, "imageID": format!("simulated://{image}"),
            "containerID": format!("simulated://{}/{name}/0", object::uid(pod)),
            "ready": false, "restartCount": 0, "lastState": {},
            "state": {"running": {"startedAt": object::time(now)}},
        }));
    }
    if !ephemeral.is_empty() {
        status["ephemeralContainerStatuses"] = ephemeral.into();
    }
    status["observedGeneration"] = object::generation(pod).into();
    status
}

/// A container has what it asks for.
fn allot(status: &mut Value, container: &Value) {
    let resources = &container["resources"];
    status["resources"] = if resources.is_object() { resources.clone() } else { json!({}) };
    let requests = Some(resources["requests"].clone()).filter(Value::is_object);
    crate::strategy::set(status, "allocatedResources", requests);
}

/// The readiness probe has answered.
pub(super) fn probed(pod: &Value, ready: bool, now: Timestamp) -> Value {
    let mut status = pod["status"].clone();
    let runs = |container: &Value| !container["state"]["running"].is_null();
    let statuses = status.get_mut("containerStatuses").and_then(Value::as_array_mut);
    let mut all_run = true;
    for container in statuses.into_iter().flatten() {
        all_run &= runs(container);
        container["ready"] = (ready && runs(container)).into();
    }
    set_conditions(&mut status, pod, now, Containers::Running { ready: ready && all_run });
    status
}

/// The containers have exited; the phase says whether they will run again.
pub(super) fn ended(pod: &Value, exit_code: i32, now: Timestamp) -> Value {
    let again = match fields::text(pod, "/spec/restartPolicy") {
        "Never" => false,
        "OnFailure" => exit_code != 0,
        _ => true,
    };
    let mut status = terminated(pod, exit_code, now);
    if !again {
        status["phase"] = if exit_code == 0 { "Succeeded" } else { "Failed" }.into();
    }
    set_conditions(&mut status, pod, now, Containers::Ended { succeeded: !again && exit_code == 0 });
    status
}

/// The pod was told to stop, and did; one that did not run yet has failed (`TerminatePod` in
/// `pkg/kubelet/status/status_manager.go`).
pub(super) fn stopped(pod: &Value, now: Timestamp) -> Value {
    let succeeded = pods::phase(pod) == "Running";
    let mut status = terminated(pod, if succeeded { 0 } else { KILLED }, now);
    status["phase"] = if succeeded { "Succeeded" } else { "Failed" }.into();
    set_conditions(&mut status, pod, now, Containers::Ended { succeeded });
    status
}

fn terminated(pod: &Value, exit_code: i32, now: Timestamp) -> Value {
    let mut status = pod["status"].clone();
    let reason = if exit_code == 0 { "Completed" } else { "Error" };
    let statuses = status.get_mut("containerStatuses").and_then(Value::as_array_mut);
    for container in statuses.into_iter().flatten() {
        let started = match &container["state"]["running"]["startedAt"] {
            Value::Null => object::time(now).into(),
            started => started.clone(),
        };
        container["state"] = json!({"terminated": {
            "exitCode": exit_code, "reason": reason, "startedAt": started, "finishedAt": object::time(now),
            "containerID": container["containerID"],
        }});
        container["ready"] = false.into();
        container["started"] = false.into();
    }
    status
}

/// Gives all containers one state. A container that has ended before starts anew and is counted.
fn set_containers(status: &mut Value, pod: &Value, state: &Value, ready: bool) {
    let runs = !state["running"].is_null();
    let before = status["containerStatuses"].take();
    let containers = fields::items(pod, "/spec/containers").iter().map(|container| {
        let (name, image) = (fields::text(container, "/name"), fields::text(container, "/image"));
        let old = before.as_array().into_iter().flatten().find(|old| old["name"] == name);
        let ended = old.map(|old| &old["state"]["terminated"]).filter(|ended| !ended.is_null());
        let restarts = old.and_then(|old| old["restartCount"].as_i64()).unwrap_or_default();
        let restarts = restarts + i64::from(ended.is_some());
        let last = match (ended, old) {
            (Some(ended), _) => json!({"terminated": ended}),
            (None, Some(old)) => old["lastState"].clone(),
            (None, None) => json!({}),
        };
        let mut status = json!({
            "name": name, "image": image, "imageID": "", "ready": ready, "started": runs,
            "restartCount": restarts, "state": state, "lastState": last,
        });
        if runs {
            status["imageID"] = format!("simulated://{image}").into();
            status["containerID"] = format!("simulated://{}/{name}/{restarts}", object::uid(pod)).into();
            allot(&mut status, container);
        }
        status
    });
    let containers: Vec<Value> = containers.collect();
    status["containerStatuses"] = containers.into();
}

/// Init containers have done their work as soon as the others are created; those that restart always run on.
fn set_init_containers(status: &mut Value, pod: &Value, now: Timestamp) {
    let containers = fields::items(pod, "/spec/initContainers");
    if containers.is_empty() {
        return;
    }
    let time = object::time(now);
    let statuses = containers.iter().map(|container| {
        let (name, image) = (fields::text(container, "/name"), fields::text(container, "/image"));
        let id = format!("simulated://{}/{name}/0", object::uid(pod));
        let runs = container["restartPolicy"] == "Always";
        let state = if runs {
            json!({"running": {"startedAt": time}})
        } else {
            json!({"terminated": {
                "exitCode": 0, "reason": "Completed", "startedAt": time, "finishedAt": time, "containerID": id,
            }})
        };
        json!({
            "name": name, "image": image, "imageID": format!("simulated://{image}"), "containerID": id,
            "ready": true, "started": runs, "restartCount": 0, "state": state, "lastState": {},
        })
    });
    let statuses: Vec<Value> = statuses.collect();
    status["initContainerStatuses"] = statuses.into();
}

/// What the conditions are about.
#[derive(Clone, Copy)]
enum Containers {
    Created,
    Running { ready: bool },
    Ended { succeeded: bool },
}

/// What a condition says.
#[derive(Clone)]
enum State {
    True,
    /// Reason and message, either may be empty.
    False(&'static str, String),
}

/// All conditions that a kubelet writes, in its order.
fn set_conditions(status: &mut Value, pod: &Value, now: Timestamp, containers: Containers) {
    let names =
        fields::items(pod, "/spec/containers").iter().map(|container| fields::text(container, "/name"));
    let names: Vec<&str> = names.collect();
    let ready = match containers {
        Containers::Running { ready: true } => State::True,
        Containers::Ended { succeeded: true } => State::False("PodCompleted", String::new()),
        _ => {
            let message = format!("containers with unready status: [{}]", names.join(" "));
            State::False("ContainersNotReady", message)
        }
    };
    let sandbox = match containers {
        Containers::Running { .. } => State::True,
        _ => State::False("", String::new()),
    };
    let pod_ready = match &ready {
        State::True => gates(pod),
        State::False(..) => ready.clone(),
    };
    set_condition(status, pod, now, "PodReadyToStartContainers", sandbox);
    set_condition(status, pod, now, "Initialized", State::True);
    set_condition(status, pod, now, "Ready", pod_ready);
    set_condition(status, pod, now, "ContainersReady", ready);
    set_condition(status, pod, now, "PodScheduled", State::True);
    status["observedGeneration"] = object::generation(pod).into();
}

/// A pod may have readiness gates: conditions that somebody else sets.
fn gates(pod: &Value) -> State {
    for gate in fields::items(pod, "/spec/readinessGates") {
        let kind = fields::text(gate, "/conditionType");
        match fields::condition(pod, kind) {
            Some(condition) if condition["status"] == "True" => {}
            Some(_) => {
                let message = format!("the status of pod readiness gate {kind:?} is not \"True\"");
                return State::False("ReadinessGatesNotReady", message);
            }
            None => {
                let message =
                    format!("corresponding condition of pod readiness gate {kind:?} does not exist.");
                return State::False("ReadinessGatesNotReady", message);
            }
        }
    }
    State::True
}

/// Sets a condition. Its time moves only with its status.
fn set_condition(status: &mut Value, pod: &Value, now: Timestamp, kind: &str, state: State) {
    let mut condition = json!({
        "type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": object::time(now),
        "observedGeneration": object::generation(pod),
    });
    if let State::False(reason, message) = state {
        condition["status"] = "False".into();
        for (key, text) in [("reason", reason), ("message", message.as_str())] {
            if !text.is_empty() {
                condition[key] = text.into();
            }
        }
    }
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    let Some(conditions) = status["conditions"].as_array_mut() else { return };
    match conditions.iter_mut().find(|old| old["type"] == kind) {
        Some(old) => {
            if old["status"] == condition["status"] {
                condition["lastTransitionTime"] = old["lastTransitionTime"].clone();
            }
            *old = condition;
        }
        None => conditions.push(condition),
    }
}
