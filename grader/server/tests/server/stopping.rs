//! The end of a server.

use crate::running::{ADMIN, Running, read_to_end};
use controlplane_server::Limits;
use std::io::{Read, Write};
use std::net::TcpStream;

#[test]
fn a_stop_ends_watches_after_their_last_event_and_closes_the_socket() {
    let mut server = Running::new(Limits::default());
    let mut watch = server.connect();
    let head = format!(
        "GET /api/v1/namespaces?watch=1 HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {ADMIN}\r\n\r\n"
    );
    watch.write_all(head.as_bytes()).expect("the server listens");
    watch.read_exact(&mut [0; 1]).expect("the head of the answer");
    let idle = server.connect();

    server.administrator("POST", "/api/v1/namespaces", r#"{"metadata":{"name":"last"}}"#);
    server.stop();

    let read = read_to_end(&mut watch);
    assert!(read.contains(r#""name":"last""#), "{read}");
    assert!(read.ends_with("0\r\n\r\n"), "the stream ends, it does not break off: {read}");
    assert!(TcpStream::connect(server.address).is_err(), "nobody listens any more");
    drop(idle);
}
