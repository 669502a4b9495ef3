//! Jobs, with the node simulator ending their pods.

use crate::cluster::{Cluster, JOBS, PODS, seconds};
use serde_json::{Value, json};

fn job(spec: Value) -> Value {
    let mut job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "work", "namespace": "default"},
        "spec": {"template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "c", "image": "img:1"}],
        }}},
    });
    for (key, value) in spec.as_object().cloned().unwrap_or_default() {
        job["spec"][key] = value;
    }
    job
}

fn summary(cluster: &mut Cluster) -> String {
    let job = cluster.get(&JOBS, "work").expect("the Job is there");
    let number = |key: &str| job["status"][key].as_i64().unwrap_or_default();
    let conditions = job["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let conditions: Vec<&str> = conditions
        .iter()
        .filter(|condition| condition["status"] == "True")
        .filter_map(|condition| condition["type"].as_str())
        .collect();
    format!(
        "active {} succeeded {} failed {} {}",
        number("active"),
        number("succeeded"),
        number("failed"),
        conditions.join(" "),
    )
}

#[test]
fn a_job_runs_its_pods_to_completion() {
    let mut cluster = Cluster::new();
    cluster.create(&JOBS, job(json!({"completions": 3, "parallelism": 2})));
    cluster.pass(seconds(1));
    insta::assert_snapshot!(summary(&mut cluster), @"active 2 succeeded 0 failed 0");
    cluster.pass(seconds(30));
    insta::assert_snapshot!(summary(&mut cluster), @"active 0 succeeded 3 failed 0 SuccessCriteriaMet Complete");
    let pods = cluster.list(&PODS);
    assert!(pods.iter().all(|pod| pod["metadata"]["finalizers"].is_null()), "all are counted");
    assert_eq!(cluster.plane.next_wake(), None);
}

#[test]
fn an_indexed_job_has_a_pod_for_each_index() {
    let mut cluster = Cluster::new();
    cluster.create(&JOBS, job(json!({"completions": 3, "parallelism": 3, "completionMode": "Indexed"})));
    cluster.pass(seconds(1));
    let names: Vec<String> = cluster
        .list(&PODS)
        .iter()
        .filter_map(|pod| pod["spec"]["hostname"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(names, ["work-0", "work-1", "work-2"]);
    cluster.pass(seconds(30));
    let job = cluster.get(&JOBS, "work").expect("the Job is there");
    assert_eq!(job["status"]["completedIndexes"], "0-2");
}

#[test]
fn a_job_gives_up_after_too_many_failures() {
    let mut cluster = Cluster::new();
    cluster.create(&JOBS, job(json!({"backoffLimit": 1})));
    for _ in 0..2 {
        cluster.pass(seconds(1) + seconds(1) / 2);
        for pod in cluster.list(&PODS) {
            let name = pod["metadata"]["name"].as_str().unwrap_or_default();
            cluster.nodes.end("default", name, 1, cluster.now);
        }
        cluster.pass(seconds(10));
    }
    insta::assert_snapshot!(summary(&mut cluster), @"active 0 succeeded 0 failed 2 FailureTarget Failed");
}

#[test]
fn pods_of_a_deleted_job_do_not_wait_for_it() {
    let mut cluster = Cluster::new();
    cluster.create(&JOBS, job(json!({})));
    cluster.pass(seconds(1));
    cluster.delete(&JOBS, "work", json!({"propagationPolicy": "Background"}));
    cluster.pass(seconds(60));
    assert!(cluster.list(&PODS).is_empty());
}

#[test]
fn a_finished_job_goes_after_the_time_it_asks_for() {
    let mut cluster = Cluster::new();
    cluster.create(&JOBS, job(json!({"ttlSecondsAfterFinished": 60})));
    cluster.pass(seconds(30));
    insta::assert_snapshot!(summary(&mut cluster), @"active 0 succeeded 1 failed 0 SuccessCriteriaMet Complete");
    cluster.pass(seconds(60));
    assert!(cluster.list(&JOBS).is_empty());
    assert!(cluster.list(&PODS).is_empty());
}
