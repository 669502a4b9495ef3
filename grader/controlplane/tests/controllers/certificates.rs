//! Requests for certificates that nobody needs any more.

use crate::cluster::{CERTIFICATE_REQUESTS, Cluster, seconds};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const HOUR: i64 = 3600;
const NAMES: [&str; 4] = ["waits", "approved", "issued", "denied"];

fn request(cluster: &mut Cluster, name: &str) {
    let pem = include_str!("../../src/controllers/certificates/request.pem");
    let request = json!({
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": name},
        "spec": {
            "request": STANDARD.encode(pem), "signerName": "example.com/signer", "usages": ["server auth"],
        },
    });
    cluster.create(&CERTIFICATE_REQUESTS, request);
}

fn decide(cluster: &mut Cluster, name: &str, verdict: &str) {
    let condition = json!({"type": verdict, "status": "True", "reason": "Test", "message": "because"});
    let patch = json!({"status": {"conditions": [condition]}});
    cluster.patch_through(&CERTIFICATE_REQUESTS, name, Some("approval"), &patch);
}

#[test]
fn old_requests_go_by_what_became_of_them() {
    let mut cluster = Cluster::without_node();
    for name in NAMES {
        request(&mut cluster, name);
    }
    decide(&mut cluster, "approved", "Approved");
    decide(&mut cluster, "issued", "Approved");
    decide(&mut cluster, "denied", "Denied");
    let certificate = STANDARD.encode(include_str!("../access/authority.pem"));
    cluster.patch_status(&CERTIFICATE_REQUESTS, "issued", json!({"status": {"certificate": certificate}}));
    let left_after = |hours: i64| {
        cluster.pass(seconds(hours * HOUR));
        NAMES
            .into_iter()
            .filter(|name| cluster.get(&CERTIFICATE_REQUESTS, name).is_some())
            .collect::<Vec<_>>()
    };
    let left: Vec<_> = [1, 1, 21, 3].map(left_after).into();
    assert_eq!(left, [NAMES.to_vec(), vec!["waits", "approved"], vec!["waits", "approved"], vec![]]);
    assert_eq!(cluster.plane.next_wake(), None, "nothing is left to look at");
}

#[test]
fn nobody_signs_without_an_authority() {
    let mut cluster = Cluster::without_node();
    request(&mut cluster, "waits");
    decide(&mut cluster, "waits", "Approved");
    cluster.pass(seconds(60));
    let request = cluster.get(&CERTIFICATE_REQUESTS, "waits").expect("it is kept");
    assert_eq!(request["status"].get("certificate").unwrap_or(&Value::Null), &Value::Null);
}
