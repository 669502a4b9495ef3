//! Jobs in stories that a real kube-controller-manager lived through: `job_stories.json` says what is done and what
//! could be seen after each step, `job_stories.py` in this folder records it again.

use crate::cluster::{Cluster, EVENTS, JOBS, PODS, seconds};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

#[derive(Debug, Deserialize)]
struct Story {
    name: String,
    spec: Map<String, Value>,
    steps: Vec<Step>,
    /// Before the first step and after each.
    seen: Vec<Value>,
}

/// One thing that somebody does; a kubelet, mostly.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Step {
    spec: Option<Value>,
    wait: Option<i64>,
    delete: bool,
    index: Option<i64>,
    pods: Option<usize>,
    phase: Option<String>,
    exit: i64,
    restarts: i64,
    conditions: Vec<Value>,
}

#[test]
fn jobs_fare_as_under_a_real_controller_manager() {
    let stories: Vec<Story> = serde_json::from_str(include_str!("job_stories.json")).expect("stories");
    let mut misses = Vec::new();
    for story in stories {
        let mut cluster = Cluster::without_collector();
        let mut job = json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "work", "namespace": "default"},
            "spec": {"template": {"spec": {
                "restartPolicy": "Never", "containers": [{"name": "c", "image": "img:1"}],
            }}},
        });
        job["spec"].as_object_mut().expect("a spec").extend(story.spec.clone());
        cluster.create(&JOBS, job);
        cluster.pass(seconds(3));
        for number in 0..story.seen.len() {
            if let Some(step) = number.checked_sub(1).and_then(|number| story.steps.get(number)) {
                act(&mut cluster, step);
                cluster.pass(seconds(3));
            }
            let (expected, actual) = (&story.seen[number], seen(&mut cluster));
            if *expected != actual {
                misses.push(format!("{} after step {number}\n{expected:#}\n{actual:#}", story.name));
                break;
            }
        }
    }
    assert!(misses.is_empty(), "{} misses: expected, actual\n{}", misses.len(), misses.join("\n"));
}

fn act(cluster: &mut Cluster, step: &Step) {
    if let Some(spec) = &step.spec {
        return cluster.patch(&JOBS, "work", json!({"spec": spec}));
    }
    if let Some(wait) = step.wait {
        return cluster.pass(seconds(wait));
    }
    let mut pods = cluster.list(&PODS);
    pods.retain(|pod| ["Pending", "Running"].iter().any(|phase| pod["status"]["phase"] == *phase));
    pods.retain(|pod| step.index.is_none_or(|index| index_of(pod) == index.to_string()));
    pods.sort_by_key(|pod| index_of(pod).to_owned());
    for pod in pods.into_iter().take(step.pods.unwrap_or(1)) {
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        if step.delete {
            cluster.delete(&PODS, name, Value::Null);
        } else {
            let status = status_of(step, cluster.now);
            cluster.patch_status(&PODS, name, json!({"status": status}));
        }
    }
}

fn index_of(pod: &Value) -> &str {
    pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"].as_str().unwrap_or_default()
}

/// What a kubelet would say of a pod in this state.
fn status_of(step: &Step, now: Timestamp) -> Value {
    let now = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let ended = if step.exit == 0 { "Succeeded" } else { "Failed" };
    let phase = step.phase.as_deref().unwrap_or(ended);
    let ready = phase == "Running";
    let state = if ready {
        json!({"running": {"startedAt": now}})
    } else {
        json!({"terminated": {"exitCode": step.exit, "startedAt": now, "finishedAt": now}})
    };
    let mut conditions = step.conditions.clone();
    conditions.push(json!({"type": "Ready", "status": if ready { "True" } else { "False" }}));
    for condition in &mut conditions {
        condition["lastTransitionTime"] = now.clone().into();
    }
    json!({
        "phase": phase, "startTime": now, "conditions": conditions,
        "containerStatuses": [{
            "name": "c", "image": "img:1", "imageID": "", "ready": ready, "started": ready,
            "restartCount": step.restarts, "state": state,
        }],
    })
}

/// The Job's status, its pods and its events, without what differs from time to time.
fn seen(cluster: &mut Cluster) -> Value {
    let job = cluster.get(&JOBS, "work").expect("the Job is there");
    let mut status = job["status"].clone();
    for key in ["startTime", "completionTime"] {
        if !status[key].is_null() {
            status[key] = "*".into();
        }
    }
    let conditions = status.get_mut("conditions").and_then(Value::as_array_mut);
    for condition in conditions.into_iter().flatten().filter_map(Value::as_object_mut) {
        condition.retain(|key, _| !["lastProbeTime", "lastTransitionTime"].contains(&key.as_str()));
        let message = condition["message"].as_str().map(plain);
        condition.insert("message".into(), message.into());
    }
    let mut pods: Vec<Value> = cluster.list(&PODS).iter().map(pod).collect();
    pods.sort_by_key(Value::to_string);
    let mut events = Vec::new();
    for event in cluster.list(&EVENTS) {
        let text = |key: &str| event[key].as_str().unwrap_or_default();
        let line = format!("{} {}: {}", text("type"), text("reason"), plain(text("message")));
        events.extend((0..event["count"].as_i64().unwrap_or(1)).map(|_| line.clone()));
    }
    events.sort();
    let mut seen = json!({"pods": pods, "events": events});
    if status.is_object() {
        seen["status"] = status;
    }
    seen
}

fn pod(pod: &Arc<Value>) -> Value {
    let metadata = &pod["metadata"];
    let annotations = metadata["annotations"].as_object().into_iter().flatten();
    let annotations: Map<String, Value> = annotations
        .map(|(key, value)| (key.split('/').next_back().unwrap_or_default().to_owned(), value.clone()))
        .collect();
    json!({
        "phase": pod["status"]["phase"], "deleting": metadata["deletionTimestamp"].is_string(),
        "tracked": metadata["finalizers"].is_array(), "annotations": annotations,
    })
}

/// A text whose pods have no random ends.
fn plain(text: &str) -> String {
    let word = |word: &str| match word.rsplit_once('-') {
        Some((start, end)) if start.trim_start_matches("default/").starts_with("work") && end.len() == 5 => {
            format!("{start}-*")
        }
        _ => word.to_owned(),
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}
