//! PodDisruptionBudgets: what they allow.

use crate::cluster::{BUDGETS, Cluster, DEPLOYMENTS, deployment, seconds};
use serde_json::{Value, json};

fn budget(spec: Value) -> Value {
    let mut budget = json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "budget", "namespace": "default"}, "spec": spec,
    });
    budget["spec"]["selector"] = json!({"matchLabels": {"app": "web"}});
    budget
}

fn summary(cluster: &mut Cluster) -> String {
    let budget = cluster.get(&BUDGETS, "budget").expect("it was created");
    let status = &budget["status"];
    format!(
        "allowed {} healthy {}/{} of {}: {}",
        status["disruptionsAllowed"],
        status["currentHealthy"],
        status["desiredHealthy"],
        status["expectedPods"],
        status["conditions"][0]["reason"].as_str().unwrap_or_default(),
    )
}

#[test]
fn a_budget_counts_healthy_pods_against_what_it_wants() {
    let table = [
        (json!({"minAvailable": 2}), "allowed 1 healthy 3/2 of 3: SufficientPods"),
        (json!({"minAvailable": "50%"}), "allowed 1 healthy 3/2 of 3: SufficientPods"),
        (json!({"maxUnavailable": 0}), "allowed 0 healthy 3/3 of 3: InsufficientPods"),
        (json!({"maxUnavailable": "34%"}), "allowed 2 healthy 3/1 of 3: SufficientPods"),
    ];
    for (spec, expected) in table {
        let mut cluster = Cluster::new();
        cluster.create(&BUDGETS, budget(spec.clone()));
        cluster.pass(seconds(1));
        assert!(summary(&mut cluster).starts_with("allowed 0"), "{spec}");
        cluster.create(&DEPLOYMENTS, deployment(json!({})));
        cluster.pass(seconds(30));
        assert_eq!(summary(&mut cluster), expected, "{spec}");
        assert_eq!(cluster.plane.next_wake(), None);
    }
}
