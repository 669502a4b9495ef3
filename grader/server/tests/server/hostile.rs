//! Malformed, oversized, deep, slow and truncated requests: an error of Kubernetes or a closed connection, and nobody
//! else notices.

use crate::running::{ADMIN, Running, answer, read_to_end};
use controlplane_server::Limits;
use socket2::SockRef;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
/// For tests in which a limit has to be met.
const SHORT: Duration = Duration::from_millis(50);

fn config_map(name: &str) -> String {
    format!(r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}"}}}}"#)
}

#[test]
fn what_is_no_tls_is_closed() {
    let server = Running::new(Limits::default());
    for nonsense in ["GET / HTTP/1.1\r\n\r\n", "\0\0\0\0", "\x16\x03\x01\u{7f}\u{7f}", "hello\n"] {
        let mut socket = TcpStream::connect(server.address).expect("the server takes connections");
        socket.write_all(nonsense.as_bytes()).expect("the server listens");
        socket.shutdown(Shutdown::Write).expect("a socket");
        let mut read = Vec::new();
        // A reset is a way to close.
        let _ = socket.read_to_end(&mut read);
    }
    assert!(server.is_well());
}

#[test]
fn what_is_no_http_is_refused_or_closed() {
    let server = Running::new(Limits::default());
    let table = [
        "\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "GET /api HTTP/9.9\r\n\r\n",
        "GET /api HTTP/1.1\r\nno colon\r\n\r\n",
        "GET /api HTTP/1.1\r\nhost: a\r\nx: \0\r\n\r\n",
        "GET /a b c HTTP/1.1\r\nhost: a\r\n\r\n",
        "POST /api HTTP/1.1\r\nhost: a\r\ncontent-length: many\r\n\r\n",
        "POST /api HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "POST /api HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        "POST /api HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        "\u{1}\u{2}\u{3}\u{4}\r\n\r\n",
    ];
    for request in table {
        let mut connection = server.connect();
        connection.write_all(request.as_bytes()).expect("the server listens");
        connection.sock.shutdown(Shutdown::Write).expect("a socket");
        let status = answer(&read_to_end(&mut connection)).status;
        assert!(matches!(status, 0 | 400..=499 | 504..=505), "{request:?} was answered with {status}");
        assert!(server.is_well(), "{request:?}");
    }
}

#[test]
fn http_2_frames_that_make_no_sense_end_their_connection_alone() {
    let server = Running::new(Limits::default());
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let table: [&[u8]; 4] = [
        // The largest length there is, of an unknown kind.
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        // Headers on stream 0.
        &[0, 0, 1, 1, 4, 0, 0, 0, 0, 0x82],
        // Headers that are no HPACK.
        &[0, 0, 4, 1, 4, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff],
        // A window update by nothing.
        &[0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ];
    for frames in table {
        let mut connection = server.connect_as(None, b"h2").expect("the server takes connections");
        connection.write_all(&[&preface[..], &settings, frames].concat()).expect("the server listens");
        connection.sock.shutdown(Shutdown::Write).expect("a socket");
        read_to_end(&mut connection);
        assert!(server.is_well(), "{frames:?}");
    }
}

#[test]
fn oversized_heads_and_bodies_are_refused() {
    let server = Running::new(Limits::default());
    let long = "x".repeat(2 << 20);
    let answer = server.ask("GET", "/readyz", &format!("x-long: {long}\r\n"), "");
    assert!(matches!(answer.status, 0 | 431), "{}", answer.status);
    let answer = server.ask("GET", &format!("/{}", "x".repeat(100_000)), "", "");
    assert!(matches!(answer.status, 0 | 414), "{}", answer.status);

    let padding = " ".repeat(3 << 20);
    let answer = server.administrator("POST", CONFIG_MAPS, &format!("{padding}{}", config_map("a")));
    assert_eq!(answer.status, 413);
    assert!(answer.body.contains(r#""reason":"RequestEntityTooLarge""#), "{}", answer.body);
    let fits = " ".repeat((3 << 20) - config_map("a").len());
    assert_eq!(server.administrator("POST", CONFIG_MAPS, &format!("{fits}{}", config_map("a"))).status, 201);
    assert!(server.is_well());
}

#[test]
fn deep_bodies_are_refused() {
    let server = Running::new(Limits::default());
    let depth = 500_000;
    let arrays = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let objects = format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    let named = |deep: &str| config_map("a").replace("}}", &format!("}},\"data\":{deep}}}"));
    let post = |content: &str, body: &str| {
        let headers = format!("authorization: Bearer {ADMIN}\r\ncontent-type: {content}\r\n");
        server.ask("POST", CONFIG_MAPS, &headers, body).status
    };
    for body in [&arrays, &objects, &named(&arrays), &named(&objects)] {
        assert_eq!(post("application/json", body), 400);
        assert_eq!(post("application/yaml", body), 400);
    }
    let patch = |content: &str, body: &str| {
        let headers = format!("authorization: Bearer {ADMIN}\r\ncontent-type: {content}\r\n");
        server.ask("PATCH", &format!("{CONFIG_MAPS}/kube-root-ca.crt?fieldManager=a"), &headers, body).status
    };
    for kind in ["merge-patch+json", "json-patch+json", "strategic-merge-patch+json", "apply-patch+yaml"] {
        let status = patch(&format!("application/{kind}"), &objects);
        assert!(matches!(status, 400 | 404), "{kind}: {status}");
    }
    assert!(server.is_well());
}

#[test]
fn as_deep_as_an_object_may_be_it_can_be_kept_and_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = Some(folder.path().join("cluster.json"));
    let mut server = Running::with_data(Limits::default(), file.clone());
    let definition = r#"{
        "metadata": {"name": "boxes.example.com"},
        "spec": {
            "group": "example.com", "scope": "Cluster", "names": {"plural": "boxes", "kind": "Box"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": true
            }}}]
        }
    }"#;
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    assert_eq!(server.administrator("POST", definitions, definition).status, 201);
    let boxes = |depth: usize| {
        let inside = format!("{}1{}", r#"{"a":"#.repeat(depth - 1), "}".repeat(depth - 1));
        format!(r#"{{"apiVersion":"example.com/v1","kind":"Box","metadata":{{"name":"b"}},"a":{inside}}}"#)
    };
    let path = "/apis/example.com/v1/boxes";
    assert_eq!(server.administrator("POST", path, &boxes(101)).status, 400);
    assert_eq!(server.administrator("POST", path, &boxes(100)).status, 201);
    let sent = server.administrator("GET", &format!("{path}/b"), "").body;
    assert_eq!(server.administrator("PUT", &format!("{path}/b"), &sent).status, 200);
    server.stop();
    let again = Running::with_data(Limits::default(), file);
    assert_eq!(again.administrator("GET", &format!("{path}/b"), "").body, sent);
}

#[test]
fn bodies_full_of_mistakes_are_answered_like_others() {
    let server = Running::new(Limits::default());
    let unknown: String = (0..40_000).map(|index| format!(r#""x{index}":1,"#)).collect();
    let repeated: String = (0..30_000).map(|index| format!(r#""x{index}":1,"x{index}":2,"#)).collect();
    let below_long_key = format!(r#""{}":{{{repeated}"z":1}},"#, "k".repeat(100_000));
    for (index, mistakes) in [unknown, repeated, below_long_key].into_iter().enumerate() {
        let body = config_map(&format!("m{index}")).replacen('{', &format!("{{{mistakes}"), 1);
        assert_eq!(server.administrator("POST", CONFIG_MAPS, &body).status, 201);
        let strict = format!("{CONFIG_MAPS}?fieldValidation=Strict");
        assert_eq!(server.administrator("POST", &strict, &body).status, 400);
        let patch =
            format!("authorization: Bearer {ADMIN}\r\ncontent-type: application/merge-patch+json\r\n");
        assert_eq!(server.ask("PATCH", &format!("{CONFIG_MAPS}/m{index}"), &patch, &body).status, 200);
    }
    assert!(server.is_well());
}

#[test]
fn long_lists_take_no_longer_than_they_must() {
    let server = Running::new(Limits::default());
    let listed =
        |count: usize, item: &dyn Fn(usize) -> String| (0..count).map(item).collect::<Vec<_>>().join(",");
    let keys = listed(30_000, &|index| format!(r#""not a key {index}":"""#));
    let body = format!(r#"{{"metadata":{{"name":"keys"}},"data":{{{keys}}}}}"#);
    assert_eq!(server.administrator("POST", CONFIG_MAPS, &body).status, 422);
    for controller in ["true", "false"] {
        let owners = listed(20_000, &|index| {
            let uid = index / 2;
            format!(
                r#"{{"apiVersion":"v1","kind":"Pod","name":"p","uid":"u{uid}","controller":{controller}}}"#
            )
        });
        let body = format!(r#"{{"metadata":{{"name":"owned","ownerReferences":[{owners}]}}}}"#);
        let expected = if controller == "true" { 422 } else { 201 };
        assert_eq!(server.administrator("POST", CONFIG_MAPS, &body).status, expected);
    }
    let finalizers = listed(20_000, &|index| format!(r#""example.com/f{index}""#));
    let patch = |kind: &str, body: &str| {
        let headers = format!("authorization: Bearer {ADMIN}\r\ncontent-type: application/{kind}+json\r\n");
        server.ask("PATCH", &format!("{CONFIG_MAPS}/owned"), &headers, body).status
    };
    let strategic = format!(r#"{{"metadata":{{"finalizers":[{finalizers}]}}}}"#);
    assert_eq!(patch("strategic-merge-patch", &strategic), 200);
    assert_eq!(patch("strategic-merge-patch", &strategic), 200);
    assert_eq!(patch("merge-patch", r#"{"metadata":{"finalizers":null}}"#), 200);
    let doubling =
        listed(60, &|index| format!(r#"{{"op":"copy","from":"/metadata","path":"/metadata/x{index}"}}"#));
    assert_eq!(patch("json-patch", &format!("[{doubling}]")), 422);
    assert!(server.is_well());
}

#[test]
fn deep_and_broken_queries_are_refused() {
    let server = Running::new(Limits::default());
    for query in [
        format!("labelSelector={}", "(".repeat(20_000)),
        format!("labelSelector=a+in+({})", "x,".repeat(10_000)),
        format!("fieldSelector={}", "%5C".repeat(10_000)),
        "labelSelector=%zz".into(),
        "limit=99999999999999999999999".into(),
        "continue=%00%ff".into(),
        "resourceVersion=-1".into(),
        "watch=1&timeoutSeconds=-5".into(),
        "watch=1&timeoutSeconds=99999999999999999999".into(),
    ] {
        let status = server.administrator("GET", &format!("{CONFIG_MAPS}?{query}"), "").status;
        assert!((200..500).contains(&status), "{status}: {:.60}", query);
    }
    assert!(server.is_well());
}

#[test]
fn times_without_end_are_taken_for_what_they_are() {
    let server = Running::new(Limits::default());
    let pod = r#"{"metadata":{"name":"p"},"spec":{"nodeName":"n","containers":[{"name":"c","image":"i"}]}}"#;
    let namespace = "/api/v1/namespaces/default";
    let account = r#"{"metadata":{"name":"default"}}"#;
    assert_eq!(server.administrator("POST", &format!("{namespace}/serviceaccounts"), account).status, 201);
    for seconds in [i64::MAX, i64::MIN, 1 << 40] {
        server.administrator("POST", &format!("{namespace}/pods"), pod);
        let options = format!(r#"{{"gracePeriodSeconds":{seconds}}}"#);
        let answer = server.administrator("DELETE", &format!("{namespace}/pods/p"), &options);
        assert_eq!(answer.status, 200, "{seconds}: {}", answer.body);
    }
    let watch = format!("{namespace}/pods?watch=1&timeoutSeconds=-{}", i64::MAX);
    assert_eq!(server.administrator("GET", &watch, "").status, 200);
    assert!(server.is_well());
}

#[test]
fn truncated_requests_change_nothing() {
    let server = Running::new(Limits::default());
    let body = config_map("half");
    let whole = format!(
        "POST {CONFIG_MAPS} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {ADMIN}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    for length in (1..whole.len()).step_by(7) {
        let mut connection = server.connect();
        connection.write_all(&whole.as_bytes()[..length]).expect("the server listens");
        connection.conn.send_close_notify();
        connection.flush().expect("the server listens");
        let status = answer(&read_to_end(&mut connection)).status;
        assert!(matches!(status, 0 | 400), "after {length} bytes: {status}");
    }
    assert_eq!(server.administrator("GET", &format!("{CONFIG_MAPS}/half"), "").status, 404);
}

#[test]
fn slow_heads_are_closed_and_slow_bodies_time_out() {
    let server = Running::new(Limits { head: SHORT, body: SHORT, handshake: SHORT, ..Limits::default() });
    let mut silent = TcpStream::connect(server.address).expect("the server takes connections");
    assert_eq!(read_to_end(&mut silent), "", "no handshake");

    let mut connection = server.connect();
    connection.write_all(b"GET /readyz HTTP/1.1\r\nhost:").expect("the server listens");
    assert!(matches!(answer(&read_to_end(&mut connection)).status, 0 | 408));

    let mut connection = server.connect();
    let head = format!("POST {CONFIG_MAPS} HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{{");
    connection.write_all(head.as_bytes()).expect("the server listens");
    let answer = answer(&read_to_end(&mut connection));
    assert_eq!(answer.status, 504);
    assert!(answer.body.contains(r#""reason":"Timeout""#), "{}", answer.body);
}

#[test]
fn slow_clients_keep_nobody_waiting() {
    let server = Running::new(Limits::default());
    let slow: Vec<_> = (0..100)
        .map(|_| {
            let mut connection = server.connect();
            let head = format!("POST {CONFIG_MAPS} HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{{");
            connection.write_all(head.as_bytes()).expect("the server listens");
            connection
        })
        .collect();
    assert!(server.is_well());
    drop(slow);
}

#[test]
fn a_watch_that_nobody_reads_is_ended_and_others_go_on() {
    let server = Running::new(Limits::default());
    let watch = |path: &str| {
        let mut connection = server.connect();
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer {ADMIN}\r\n\r\n"
        );
        connection.write_all(head.as_bytes()).expect("the server listens");
        connection
    };
    let mut lazy = watch(&format!("{CONFIG_MAPS}?watch=1"));
    // The system would keep some megabytes for a reader, too.
    SockRef::from(&lazy.sock).set_recv_buffer_size(64 << 10).expect("a socket");
    let mut first = [0; 1];
    lazy.read_exact(&mut first).expect("the head of the answer");

    let large = "x".repeat(900_000);
    let object = |index: usize| {
        format!(r#"{{"metadata":{{"name":"large"}},"data":{{"index":"{index}","text":"{large}"}}}}"#)
    };
    assert_eq!(server.administrator("POST", CONFIG_MAPS, &object(0)).status, 201);
    let total = 24;
    for index in 1..total {
        let path = format!("{CONFIG_MAPS}/large");
        assert_eq!(server.administrator("PUT", &path, &object(index)).status, 200);
    }
    let read = read_to_end(&mut lazy);
    let events = read.matches(r#""index":"#).count();
    assert!((1..total).contains(&events), "{events} of {total} events came before the watch was ended");
    assert!(server.is_well());
}

/// A small generator, so that a failure can be repeated.
fn scramble(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

#[test]
fn damaged_requests_never_break_the_server() {
    let server = Running::new(Limits::default());
    let body = config_map("a");
    let whole = format!(
        "PATCH {CONFIG_MAPS}/a?fieldManager=m&force=true HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {ADMIN}\r\n\
         content-type: application/apply-patch+yaml\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut state = 7;
    for round in 0..300 {
        let mut damaged = whole.clone().into_bytes();
        for _ in 0..=round % 4 {
            let at = scramble(&mut state) as usize % damaged.len();
            damaged[at] = scramble(&mut state) as u8;
        }
        let mut connection = server.connect();
        connection.write_all(&damaged).expect("the server listens");
        connection.conn.send_close_notify();
        connection.flush().expect("the server listens");
        let answer = answer(&read_to_end(&mut connection));
        assert!(!answer.body.contains("panic"), "round {round}: {}", answer.body);
    }
    assert!(server.is_well());
}
