//! Who a client is, by certificate and by token.

use crate::running::{ADMIN, Running, ask};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use controlplane::Timestamp;
use controlplane_server::{Authority, Credentials, Limits};
use rcgen::{CertificateParams, DnType, KeyPair};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};

const NAMESPACES: &str = "/api/v1/namespaces";
const CREATE: &str = r#"{"metadata":{"name":"made"}}"#;

/// The client certificate in a kubeconfig.
pub(crate) fn administrator(server: &Running) -> Credentials {
    let field = |name: &str| {
        let line =
            server.kubeconfig.lines().find_map(|line| line.trim().strip_prefix(name)).expect("a field");
        let bytes = STANDARD.decode(line.trim()).expect("base64");
        String::from_utf8(bytes).expect("PEM")
    };
    Credentials { certificate: field("client-certificate-data:"), key: field("client-key-data:") }
}

fn status_with_certificate(server: &Running, credentials: &Credentials, headers: &str) -> u16 {
    let connection = server.connect_as(Some(credentials), b"http/1.1").expect("any certificate is let in");
    ask(connection, "POST", NAMESPACES, &format!("content-type: application/json\r\n{headers}"), CREATE)
        .status
}

#[test]
fn the_kubeconfig_is_the_administrators() {
    let server = Running::new(Limits::default());
    assert_eq!(status_with_certificate(&server, &administrator(&server), ""), 201);
}

#[test]
fn a_certificate_of_another_authority_is_a_wrong_credential() {
    let server = Running::new(Limits::default());
    let other = Authority::new(Timestamp::now()).expect("random numbers");
    let stranger = other.client("kubernetes-admin", "system:masters").expect("random numbers");
    assert_eq!(status_with_certificate(&server, &stranger, ""), 401);
    let token = "authorization: Bearer admin-token\r\n";
    assert_eq!(status_with_certificate(&server, &stranger, token), 201, "a good token counts");
}

#[test]
fn a_token_is_who_the_file_says_and_no_token_is_nobody() {
    let server = Running::new(Limits::default());
    let status = |headers: &str| server.ask("GET", "/api/v1/nodes", headers, "").status;
    assert_eq!(status("authorization: Bearer admin-token\r\n"), 200);
    assert_eq!(status("authorization: Bearer alice-token\r\n"), 403);
    assert_eq!(status("authorization: Bearer wrong\r\n"), 401);
    assert_eq!(status(""), 403);
    assert_eq!(server.ask("GET", "/readyz", "", "").status, 200);
}

#[test]
fn extension_servers_can_find_out_who_signs_client_certificates() {
    let server = Running::new(Limits::default());
    let path = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";
    let answer = server.administrator("GET", path, "");
    let config_map: Value = serde_json::from_str(&answer.body).expect("a ConfigMap");
    assert_eq!(config_map["data"], json!({"client-ca-file": server.certificate}));
}

/// What a client does that wants a certificate, and whoever approves it.
#[test]
fn an_approved_request_gives_a_certificate_that_the_server_knows() {
    const REQUESTS: &str = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
    let server = Running::with_controllers("certificatesigningrequest-signing");
    let key = KeyPair::generate().expect("random numbers");
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, "dave");
    parameters.distinguished_name.push(DnType::OrganizationName, "dev");
    let asked = parameters.serialize_request(&key).and_then(|asked| asked.pem()).expect("a request");
    let request = json!({
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": "dave"},
        "spec": {
            "request": STANDARD.encode(asked), "signerName": "kubernetes.io/kube-apiserver-client",
            "usages": ["client auth"],
        },
    });
    let created = server.administrator("POST", REQUESTS, &request.to_string());
    assert_eq!(created.status, 201, "{}", created.body);
    let mut approved: Value = serde_json::from_str(&created.body).expect("JSON");
    approved["status"]["conditions"] =
        json!([{"type": "Approved", "status": "True", "reason": "Test", "message": "fine"}]);
    let approval = format!("{REQUESTS}/dave/approval");
    assert_eq!(server.administrator("PUT", &approval, &approved.to_string()).status, 200);
    let signed = watched_certificate(&server, &format!("{REQUESTS}?watch=1"));
    let certificate = String::from_utf8(STANDARD.decode(signed).expect("base64")).expect("PEM");
    let dave = Credentials { certificate, key: key.serialize_pem() };
    let connection = server.connect_as(Some(&dave), b"http/1.1").expect("any certificate is let in");
    let review = r#"{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}"#;
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let answer = ask(connection, "POST", path, "content-type: application/json\r\n", review);
    let told: Value = serde_json::from_str(&answer.body).expect("JSON");
    let user = &told["status"]["userInfo"];
    assert_eq!((&user["username"], &user["groups"][0]), (&json!("dave"), &json!("dev")), "{told}");
}

/// The certificate in the first event that has one.
fn watched_certificate(server: &Running, path: &str) -> String {
    let mut connection = server.connect();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ADMIN}\r\n\r\n");
    connection.write_all(request.as_bytes()).expect("the server listens");
    let lines = BufReader::new(connection).lines().map(|line| line.expect("the watch goes on"));
    let mut events = lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    let certificate = |event: Value| event["object"]["status"]["certificate"].as_str().map(str::to_owned);
    events.find_map(certificate).expect("the server ends no watch")
}
