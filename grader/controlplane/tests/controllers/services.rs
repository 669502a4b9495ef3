//! Endpoints and EndpointSlices of Services.

use crate::cluster::{Cluster, DEPLOYMENTS, ENDPOINT_SLICES, ENDPOINTS, SERVICES, deployment, seconds};
use serde_json::{Value, json};

fn service(spec: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "web", "namespace": "default", "labels": {"team": "a"}}, "spec": spec,
    })
}

/// `ready+not ready` of the Endpoints, then of each EndpointSlice.
fn counts(cluster: &mut Cluster) -> String {
    let length = |value: &Value| value.as_array().map_or(0, Vec::len);
    let endpoints = cluster.get(&ENDPOINTS, "web");
    let endpoints = endpoints.map_or("none".to_owned(), |endpoints| {
        let subset = &endpoints["subsets"][0];
        format!("{}+{}", length(&subset["addresses"]), length(&subset["notReadyAddresses"]))
    });
    let slices = cluster.list(&ENDPOINT_SLICES);
    let slices = slices.iter().map(|slice| {
        let endpoints = slice["endpoints"].as_array().cloned().unwrap_or_default();
        let ready = endpoints.iter().filter(|endpoint| endpoint["conditions"]["ready"] == true).count();
        format!("{ready}+{}", endpoints.len() - ready)
    });
    format!("{endpoints}, {}", slices.collect::<Vec<_>>().join(" "))
}

#[test]
fn endpoints_follow_the_pods_of_a_service() {
    let mut cluster = Cluster::new();
    let spec = json!({"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]});
    cluster.create(&SERVICES, service(spec));
    cluster.pass(seconds(1));
    assert_eq!(counts(&mut cluster), "0+0, 0+0");
    cluster.create(&DEPLOYMENTS, deployment(json!({"replicas": 2})));
    cluster.pass(seconds(10));
    assert_eq!(counts(&mut cluster), "2+0, 2+0");
    let slices = cluster.list(&ENDPOINT_SLICES);
    insta::assert_json_snapshot!(slices[0]["metadata"]["labels"], @r#"
    {
      "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
      "kubernetes.io/service-name": "web",
      "team": "a"
    }
    "#);
    assert_eq!(slices[0]["ports"], json!([{"name": "", "port": 8080, "protocol": "TCP"}]));
    let name = slices[0]["endpoints"][0]["targetRef"]["name"].as_str().unwrap_or_default().to_owned();
    cluster.nodes.fail("default", &name, cluster.now);
    cluster.pass(seconds(1));
    assert_eq!(counts(&mut cluster), "1+1, 1+1");
    cluster.patch(&DEPLOYMENTS, "web", json!({"spec": {"replicas": 0}}));
    cluster.pass(seconds(60));
    assert_eq!(counts(&mut cluster), "0+0, 0+0");
    cluster.delete(&SERVICES, "web", Value::Null);
    cluster.pass(seconds(10));
    assert_eq!(counts(&mut cluster), "none, ");
    assert_eq!(cluster.plane.next_wake(), None);
}

#[test]
fn endpoints_written_by_hand_are_mirrored() {
    let mut cluster = Cluster::new();
    cluster.create(&SERVICES, service(json!({"ports": [{"port": 80}]})));
    cluster.create(
        &ENDPOINTS,
        json!({
            "apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "web", "namespace": "default"},
            "subsets": [{"addresses": [{"ip": "10.1.2.3"}], "ports": [{"port": 80}]}],
        }),
    );
    cluster.pass(seconds(1));
    let slices = cluster.list(&ENDPOINT_SLICES);
    assert_eq!(slices.len(), 1);
    assert_eq!(slices[0]["endpoints"], json!([{"addresses": ["10.1.2.3"], "conditions": {"ready": true}}]));
    cluster.delete(&ENDPOINTS, "web", Value::Null);
    cluster.pass(seconds(1));
    assert!(cluster.list(&ENDPOINT_SLICES).is_empty());
}
