//! CronJobs: when their Jobs come, and which of them stay.

use crate::cluster::{CRON_JOBS, Cluster, JOBS, seconds};
use serde_json::{Value, json};

fn cron_job(spec: Value) -> Value {
    let mut job = json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "tick", "namespace": "default"},
        "spec": {"schedule": "*/1 * * * *", "jobTemplate": {"spec": {"template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "c", "image": "img:1"}],
        }}}}},
    });
    for (key, value) in spec.as_object().cloned().unwrap_or_default() {
        job["spec"][key] = value;
    }
    job
}

fn active(cluster: &mut Cluster) -> Vec<String> {
    let job = cluster.get(&CRON_JOBS, "tick").expect("it was created");
    let active = job["status"]["active"].as_array().cloned().unwrap_or_default();
    active.iter().filter_map(|job| job["name"].as_str().map(str::to_owned)).collect()
}

#[test]
fn a_job_comes_every_minute_and_the_history_is_limited() {
    let mut cluster = Cluster::new();
    cluster.create(&CRON_JOBS, cron_job(json!({"successfulJobsHistoryLimit": 2})));
    cluster.pass(seconds(52));
    // 2026-01-01T00:01:00Z is minute 29453761 of the Unix time.
    assert_eq!(cluster.names(&JOBS), ["tick-29453761"]);
    assert_eq!(active(&mut cluster), ["tick-29453761"]);
    cluster.pass(seconds(300));
    assert_eq!(active(&mut cluster), ["tick-29453766"]);
    cluster.pass(seconds(30));
    assert_eq!(cluster.names(&JOBS), ["tick-29453765", "tick-29453766"]);
    let job = cluster.get(&CRON_JOBS, "tick").expect("it was created");
    assert_eq!(job["status"]["lastScheduleTime"], "2026-01-01T00:06:00Z");
    assert!(job["status"]["lastSuccessfulTime"].is_string());
}

#[test]
fn policies_decide_what_happens_while_a_job_still_runs() {
    let table = [
        ("Allow", vec!["tick-29453761", "tick-29453762"]),
        ("Forbid", vec!["tick-29453761"]),
        ("Replace", vec!["tick-29453762"]),
    ];
    for (policy, expected) in table {
        let mut cluster = Cluster::without_node();
        cluster.create(&CRON_JOBS, cron_job(json!({"concurrencyPolicy": policy})));
        cluster.pass(seconds(115));
        assert_eq!(cluster.names(&JOBS), expected, "{policy}");
        assert_eq!(active(&mut cluster), expected, "{policy}");
    }
}

#[test]
fn a_suspended_cron_job_rests() {
    let mut cluster = Cluster::new();
    cluster.create(&CRON_JOBS, cron_job(json!({"suspend": true})));
    cluster.pass(seconds(600));
    assert!(cluster.names(&JOBS).is_empty());
    assert_eq!(cluster.plane.next_wake(), None);
}

#[test]
fn schedules_follow_their_time_zone() {
    let mut cluster = Cluster::new();
    cluster.create(&CRON_JOBS, cron_job(json!({"schedule": "30 9 * * *", "timeZone": "Asia/Tokyo"})));
    cluster.pass(seconds(3600));
    let jobs = cluster.list(&JOBS);
    let stamp = &jobs[0]["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"];
    assert_eq!(stamp, "2026-01-01T09:30:00+09:00");
}
