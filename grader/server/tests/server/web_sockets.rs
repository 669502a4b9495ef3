//! Watches over WebSocket, as fabric8's client for Java asks for them.

use crate::running::{ADMIN, Connection, Running, read_to_end};
use controlplane_server::Limits;
use std::io::{Read, Write};

const WATCH: &str = "/api/v1/namespaces?watch=true&fieldSelector=metadata.name%3Dmade";
const CREATE: &str = r#"{"metadata":{"name":"made"}}"#;
const KEY: &str = "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const ORIGIN: &str = "origin: https://localhost\r\n";

/// Asks for a WebSocket, with these headers beside what all have.
fn ask(server: &Running, path: &str, headers: &str) -> (Connection, String) {
    let mut connection = server.connect();
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ADMIN}\r\n\
         connection: Upgrade\r\nupgrade: websocket\r\n{headers}\r\n"
    );
    connection.write_all(request.as_bytes()).expect("the server reads");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte).expect("an answer");
        head.extend(byte);
    }
    (connection, String::from_utf8(head).expect("text").to_ascii_lowercase())
}

/// One frame: its opcode and its payload.
fn frame(connection: &mut Connection) -> (u8, Vec<u8>) {
    let mut head = [0; 2];
    connection.read_exact(&mut head).expect("a frame");
    assert_eq!(head[0] & 0xf0, 0x80, "every message is one frame");
    let length = match head[1] {
        126 => {
            let mut length = [0; 2];
            connection.read_exact(&mut length).expect("a length");
            u16::from_be_bytes(length).into()
        }
        short => usize::from(short),
    };
    let mut payload = vec![0; length];
    connection.read_exact(&mut payload).expect("a payload");
    (head[0] & 0x0f, payload)
}

#[test]
fn each_event_is_a_message_until_the_client_says_goodbye() {
    let server = Running::new(Limits::default());
    let (mut connection, head) = ask(&server, WATCH, &format!("{KEY}{ORIGIN}"));
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    assert!(head.contains("\r\nsec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"), "{head}");

    assert_eq!(server.administrator("POST", "/api/v1/namespaces", CREATE).status, 201);
    let (opcode, event) = frame(&mut connection);
    let event: serde_json::Value = serde_json::from_slice(&event).expect("one event");
    assert_eq!(
        (opcode, &event["type"], &event["object"]["metadata"]["name"]),
        (1, &"ADDED".into(), &"made".into())
    );

    connection.write_all(&[0x89, 0x81, 0, 0, 0, 0, b'?']).expect("the server reads");
    assert_eq!(frame(&mut connection), (10, b"?".to_vec()), "a ping is answered");
    connection.write_all(&[0x88, 0x80, 0, 0, 0, 0]).expect("the server reads");
    assert_eq!(frame(&mut connection), (8, vec![3, 232]), "so is a goodbye");
    assert_eq!(read_to_end(&mut connection), "");
}

#[test]
fn the_end_of_a_watch_is_a_goodbye() {
    let server = Running::new(Limits::default());
    let (mut connection, _) = ask(&server, &format!("{WATCH}&timeoutSeconds=1"), &format!("{KEY}{ORIGIN}"));
    assert_eq!(frame(&mut connection), (8, vec![3, 232]));
}

#[test]
fn handshakes_that_lack_something_are_refused() {
    let server = Running::new(Limits::default());
    for (headers, expected) in [
        (KEY.to_owned(), "http/1.1 403 "),
        (ORIGIN.to_owned(), "http/1.1 400 "),
        (format!("{KEY}{ORIGIN}sec-websocket-protocol: one, two\r\n"), "http/1.1 400 "),
        (format!("{ORIGIN}{}", KEY.replace("13", "8")), "http/1.1 400 "),
    ] {
        let (_, head) = ask(&server, WATCH, &headers);
        assert!(head.starts_with(expected), "{headers}: {head}");
    }
}

#[test]
fn what_is_no_watch_stays_a_plain_answer() {
    let server = Running::new(Limits::default());
    for (path, expected) in
        [("/api/v1/namespaces", "http/1.1 200 "), ("/api/v1/nothing?watch=true", "http/1.1 404 ")]
    {
        let (_, head) = ask(&server, path, &format!("{KEY}{ORIGIN}"));
        assert!(head.starts_with(expected), "{path}: {head}");
    }
}
