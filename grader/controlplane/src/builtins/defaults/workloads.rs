//! Defaults of the groups apps and batch (pkg/apis/{apps,batch}/v1/defaults.go).

use super::Default;
use crate::builtins::fields::{at, default_to, has, text};
use serde_json::{Value, json};

pub(super) fn of(name: &str) -> Option<Default> {
    Some(match name {
        "apps.v1.Deployment" => deployment,
        "apps.v1.StatefulSet" => stateful_set,
        "apps.v1.DaemonSet" => daemon_set,
        "apps.v1.ReplicaSet" => |set| default_to(&mut set["spec"], "replicas", 1),
        "batch.v1.Job" => job,
        "batch.v1.CronJob" => cron_job,
        "batch.v1.PodFailurePolicyOnPodConditionsPattern" => |pattern| default_to(pattern, "status", "True"),
        _ => return None,
    })
}

fn deployment(deployment: &mut Value) {
    let spec = &mut deployment["spec"];
    default_to(spec, "replicas", 1);
    default_to(spec, "revisionHistoryLimit", 10);
    default_to(spec, "progressDeadlineSeconds", 600);
    let strategy = &mut spec["strategy"];
    default_to(strategy, "type", "RollingUpdate");
    if text(strategy, "/type") == "RollingUpdate" {
        default_to(strategy, "rollingUpdate", json!({}));
        default_to(&mut strategy["rollingUpdate"], "maxUnavailable", "25%");
        default_to(&mut strategy["rollingUpdate"], "maxSurge", "25%");
    }
}

fn stateful_set(set: &mut Value) {
    let spec = &mut set["spec"];
    default_to(spec, "podManagementPolicy", "OrderedReady");
    default_to(spec, "replicas", 1);
    default_to(spec, "revisionHistoryLimit", 10);
    default_to(spec, "persistentVolumeClaimRetentionPolicy", json!({}));
    default_to(&mut spec["persistentVolumeClaimRetentionPolicy"], "whenDeleted", "Retain");
    default_to(&mut spec["persistentVolumeClaimRetentionPolicy"], "whenScaled", "Retain");
    let strategy = &mut spec["updateStrategy"];
    if !has(strategy, "type") {
        default_to(strategy, "type", "RollingUpdate");
        default_to(strategy, "rollingUpdate", json!({}));
    }
    if text(strategy, "/type") == "RollingUpdate" && has(strategy, "rollingUpdate") {
        default_to(&mut strategy["rollingUpdate"], "partition", 0);
    }
}

fn daemon_set(set: &mut Value) {
    let spec = &mut set["spec"];
    default_to(spec, "revisionHistoryLimit", 10);
    let strategy = &mut spec["updateStrategy"];
    default_to(strategy, "type", "RollingUpdate");
    if text(strategy, "/type") == "RollingUpdate" {
        default_to(strategy, "rollingUpdate", json!({}));
        default_to(&mut strategy["rollingUpdate"], "maxUnavailable", 1);
        default_to(&mut strategy["rollingUpdate"], "maxSurge", 0);
    }
}

fn job(job: &mut Value) {
    let labels = at(job, "/spec/template/metadata/labels").clone();
    if labels.is_object() {
        default_to(&mut job["metadata"], "labels", labels);
    }
    let spec = &mut job["spec"];
    if !has(spec, "parallelism") {
        default_to(spec, "completions", 1);
    }
    // With a parallelism of its own a job without completions is a work queue.
    default_to(spec, "parallelism", 1);
    let retries = if has(spec, "backoffLimitPerIndex") { i32::MAX } else { 6 };
    default_to(spec, "backoffLimit", retries);
    default_to(spec, "completionMode", "NonIndexed");
    default_to(spec, "suspend", false);
    default_to(spec, "manualSelector", false);
    let replacement = if has(spec, "podFailurePolicy") { "Failed" } else { "TerminatingOrFailed" };
    default_to(spec, "podReplacementPolicy", replacement);
}

fn cron_job(job: &mut Value) {
    let spec = &mut job["spec"];
    default_to(spec, "concurrencyPolicy", "Allow");
    default_to(spec, "suspend", false);
    default_to(spec, "successfulJobsHistoryLimit", 3);
    default_to(spec, "failedJobsHistoryLimit", 1);
}
