//! Pods: how far their containers are, in three words.

use super::printed::{Printed, condition};
use crate::builtins::fields::{at, list, number, text};
use crate::custom_resources::columns::age;
use crate::object;
use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) fn pod(pod: &Printed<'_>) -> Value {
    let summary = Summary::of(pod.object);
    let restarts = match summary.restarts.last {
        Some(last) if summary.restarts.count != 0 => {
            format!("{} ({} ago)", summary.restarts.count, age(last, pod.now))
        }
        _ => summary.restarts.count.to_string(),
    };
    json!([
        pod.name(),
        format!("{}/{}", summary.ready, summary.containers),
        summary.status,
        restarts,
        pod.age(),
        pod.text_or("/status/podIPs/0/ip", "<none>"),
        pod.text_or("/spec/nodeName", "<none>"),
        pod.text_or("/status/nominatedNodeName", "<none>"),
        readiness_gates(pod),
    ])
}

/// A pod that has come to its end says so in its row.
pub(super) fn conditions(pod: &Value) -> Value {
    let (reason, message) = match text(pod, "/status/phase") {
        "Succeeded" => ("Succeeded", "The pod has completed successfully."),
        "Failed" => ("Failed", "The pod failed."),
        _ => return Value::Null,
    };
    json!([{"type": "Completed", "status": "True", "reason": reason, "message": message}])
}

fn readiness_gates(pod: &Printed<'_>) -> String {
    let gates = pod.list("/spec/readinessGates");
    if gates.is_empty() {
        return "<none>".to_owned();
    }
    let open = gates.iter().filter(|gate| pod.is_true(text(gate, "/conditionType"))).count();
    format!("{open}/{}", gates.len())
}

/// How often containers were restarted, and when the last time was.
#[derive(Clone, Copy, Default)]
struct Restarts {
    count: i64,
    last: Option<Timestamp>,
}

impl Restarts {
    fn add(&mut self, container: &Value) {
        self.count += number(container, "/restartCount").unwrap_or_default();
        let finished = text(container, "/lastState/terminated/finishedAt").parse().ok();
        self.last = self.last.max(finished);
    }
}

struct Summary {
    ready: usize,
    containers: usize,
    status: String,
    restarts: Restarts,
}

impl Summary {
    fn of(pod: &Value) -> Self {
        let phase = text(pod, "/status/phase");
        let mut summary = Self {
            ready: 0,
            containers: list(pod, "/spec/containers").len() + sidecars(pod).count(),
            status: match text(pod, "/status/reason") {
                "" => phase.to_owned(),
                reason => reason.to_owned(),
            },
            restarts: Restarts::default(),
        };
        let conditions = list(pod, "/status/conditions");
        let gated = |condition: &Value| {
            condition["type"] == "PodScheduled" && condition["reason"] == "SchedulingGated"
        };
        if conditions.iter().any(gated) {
            summary.status = "SchedulingGated".to_owned();
        }
        let initialized =
            condition(conditions, "Initialized").is_some_and(|condition| condition["status"] == "True");
        let sidecar_restarts = summary.init_containers(pod);
        if sidecar_restarts.is_initialized || initialized {
            summary.restarts = sidecar_restarts.restarts;
            summary.containers(pod);
        }
        if object::is_deleting(pod) {
            if text(pod, "/status/reason") == "NodeLost" {
                summary.status = "Unknown".to_owned();
            } else if !matches!(phase, "Succeeded" | "Failed") {
                summary.status = "Terminating".to_owned();
            }
        }
        summary
    }

    /// Looks at the init containers up to the first one that is not done.
    fn init_containers(&mut self, pod: &Value) -> Sidecars {
        let mut of_sidecars = Restarts::default();
        let statuses = list(pod, "/status/initContainerStatuses");
        for (index, container) in statuses.iter().enumerate() {
            self.restarts.add(container);
            let is_sidecar = sidecars(pod).any(|sidecar| sidecar["name"] == container["name"]);
            if is_sidecar {
                of_sidecars.add(container);
            }
            let terminated = at(container, "/state/terminated");
            let waiting = text(container, "/state/waiting/reason");
            if terminated.is_object() && exit_code(terminated) == 0 {
                continue;
            }
            if is_sidecar && container["started"] == true {
                self.ready += usize::from(container["ready"] == true);
                continue;
            }
            self.status = if terminated.is_object() {
                format!("Init:{}", end(terminated))
            } else if !matches!(waiting, "" | "PodInitializing") {
                format!("Init:{waiting}")
            } else {
                format!("Init:{index}/{}", list(pod, "/spec/initContainers").len())
            };
            return Sidecars { is_initialized: false, restarts: of_sidecars };
        }
        Sidecars { is_initialized: true, restarts: of_sidecars }
    }

    /// The first container that has something to say decides.
    fn containers(&mut self, pod: &Value) {
        let mut running = false;
        let mut failure = None;
        for container in list(pod, "/status/containerStatuses").iter().rev() {
            self.restarts.add(container);
            let terminated = at(container, "/state/terminated");
            match text(container, "/state/waiting/reason") {
                "" if terminated.is_object() => {
                    self.status = end(terminated);
                    if exit_code(terminated) != 0 {
                        failure = Some(self.status.clone());
                    }
                }
                "" if container["ready"] == true && at(container, "/state/running").is_object() => {
                    running = true;
                    self.ready += 1;
                }
                "" => {}
                waiting => self.status = waiting.to_owned(),
            }
        }
        if self.status != "Completed" {
            return;
        }
        // One container has ended, but not the pod.
        let ready = condition(list(pod, "/status/conditions"), "Ready")
            .is_some_and(|condition| condition["status"] == "True");
        match failure {
            _ if running && ready => self.status = "Running".to_owned(),
            Some(failure) => self.status = failure,
            None if running => self.status = "NotReady".to_owned(),
            None => {}
        }
    }
}

struct Sidecars {
    /// No init container holds the others back.
    is_initialized: bool,
    restarts: Restarts,
}

/// Init containers that keep running.
fn sidecars(pod: &Value) -> impl Iterator<Item = &Value> {
    list(pod, "/spec/initContainers").iter().filter(|container| container["restartPolicy"] == "Always")
}

fn exit_code(terminated: &Value) -> i64 {
    number(terminated, "/exitCode").unwrap_or_default()
}

/// Why a container ended.
fn end(terminated: &Value) -> String {
    match (text(terminated, "/reason"), number(terminated, "/signal").unwrap_or_default()) {
        ("", 0) => format!("ExitCode:{}", exit_code(terminated)),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}
