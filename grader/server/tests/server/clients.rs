//! Ordinary clients: both versions of HTTP, connections that are kept, heads without bodies.

use crate::running::{ADMIN, Running, answer, read_to_end};
use controlplane_server::Limits;
use std::io::Write;

#[test]
fn a_connection_serves_many_requests_in_order() {
    let server = Running::new(Limits::default());
    let mut connection = server.connect();
    let request = |path: &str, connection: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {ADMIN}\r\nconnection: {connection}\r\n\r\n"
        )
    };
    let requests =
        [request("/readyz", "keep-alive"), request("/api/v1/namespaces/default", "close")].concat();
    connection.write_all(requests.as_bytes()).expect("the server listens");
    let read = read_to_end(&mut connection);
    assert_eq!(read.matches("HTTP/1.1 200 OK").count(), 2, "{read}");
    assert!(read.find("ok") < read.find(r#""name":"default""#), "{read}");
}

#[test]
fn http_2_is_spoken_with_whoever_asks_for_it() {
    let server = Running::new(Limits::default());
    let mut connection = server.connect_as(None, b"h2").expect("the server takes connections");
    connection
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .expect("the server listens");
    let mut frame = [0; 9];
    std::io::Read::read_exact(&mut connection, &mut frame).expect("a frame");
    assert_eq!(frame[3], 4, "the server's settings come first");
    assert_eq!(connection.conn.alpn_protocol(), Some(&b"h2"[..]));
}

#[test]
fn what_is_counted_can_be_read_by_those_who_may() {
    let server = Running::new(Limits::default());
    assert_eq!(server.administrator("GET", "/api/v1/namespaces/nobody", "").status, 404);
    let metrics = server.administrator("GET", "/metrics", "");
    for line in [
        "apiserver_request_total{code=\"404\",verb=\"GET\"} 1",
        "apiserver_longrunning_requests{verb=\"WATCH\"} 0",
        "apiserver_resource_objects{group=\"\",resource=\"namespaces\"} 4",
        "apiserver_flowcontrol_nominal_limit_seats{priority_level=\"workload-low\"} 245",
    ] {
        assert!(metrics.body.lines().any(|found| found == line), "{line} is not in {}", metrics.body);
    }
    assert_eq!(server.ask("GET", "/metrics", "", "").status, 403);
}

#[test]
fn paths_that_nobody_serves_and_methods_that_nobody_knows_are_refused() {
    let server = Running::new(Limits::default());
    let ask = |method: &str, path: &str| server.administrator(method, path, "").status;
    assert_eq!(ask("GET", "/nowhere"), 404);
    assert_eq!(ask("HEAD", "/readyz"), 200);
    assert_eq!(ask("TRACE", "/api/v1/namespaces"), 405);
    assert_eq!(ask("BREW", "/api/v1/namespaces"), 405);
    assert_eq!(ask("OPTIONS", "*"), 404);
    let answer = answer("HTTP/1.1 200 OK\r\n\r\nbody");
    assert_eq!((answer.status, answer.body.as_str()), (200, "body"));
}
