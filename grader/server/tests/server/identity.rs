//! Who a client is, by certificate and by token.

use crate::running::{Running, ask};
use controlplane::Timestamp;
use controlplane_server::{Authority, Credentials, Limits};

const NAMESPACES: &str = "/api/v1/namespaces";
const CREATE: &str = r#"{"metadata":{"name":"made"}}"#;

/// The client certificate in a kubeconfig.
pub(crate) fn administrator(server: &Running) -> Credentials {
    use base64::Engine;
    let field = |name: &str| {
        let line =
            server.kubeconfig.lines().find_map(|line| line.trim().strip_prefix(name)).expect("a field");
        let bytes = base64::engine::general_purpose::STANDARD.decode(line.trim()).expect("base64");
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
    let config_map: serde_json::Value = serde_json::from_str(&answer.body).expect("a ConfigMap");
    assert_eq!(config_map["data"], serde_json::json!({"client-ca-file": server.certificate}));
}
