//! A webhook that somebody outside calls: requests wait, and so do the events of watches.

use crate::world::{CRDS, V1, V2, convert, definition, events, plane, request, respond, review, v1, v2};
use controlplane::controllers::{ControllerSet, Settings, start};
use controlplane::store::ResourceId;
use controlplane::webhooks::Webhooks;
use controlplane::{ControlPlane, Options, Reply, Response, Timestamp};
use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// The answer of a request whose calls are all answered, with how many there were.
fn answered(plane: &mut ControlPlane, method: Method, path: &str, body: &Value) -> (Response, usize) {
    let mut reply = plane.handle(&request(method, path, body), NOW);
    let mut calls = 0;
    loop {
        match reply {
            Reply::Complete(response) | Reply::Watch { head: response, .. } => return (response, calls),
            Reply::Call(pending) => {
                calls += 1;
                let answer = respond(&convert(&review(&pending.call)));
                reply = plane.resume(*pending, answer, NOW);
            }
            Reply::Later(_) => panic!("nothing is asked about the future"),
        }
    }
}

fn driven() -> ControlPlane {
    let mut plane = plane(Webhooks::ByDriver);
    answered(&mut plane, Method::POST, CRDS, &definition(&["v1"]));
    plane
}

#[test]
fn a_request_goes_on_with_what_the_webhook_has_answered() {
    let mut plane = driven();
    let cases = [
        (Method::POST, V2.to_owned(), v2("a", "h", "1"), 2),
        (Method::GET, format!("{V2}/a"), Value::Null, 1),
        (Method::GET, format!("{V1}/a"), Value::Null, 0),
        (Method::PATCH, format!("{V2}/a"), json!({"spec": {"port": "2"}}), 3),
        (Method::GET, V2.to_owned(), Value::Null, 1),
        (Method::GET, format!("{V2}?watch=true"), Value::Null, 1),
        (Method::DELETE, format!("{V2}/a"), Value::Null, 1),
    ];
    for (method, path, body, calls) in cases {
        let (response, made) = answered(&mut plane, method.clone(), &path, &body);
        assert!(response.status.is_success(), "{method} {path}: {:?}", response.body);
        assert_eq!(made, calls, "{method} {path}");
    }
}

#[test]
fn events_come_in_order_when_their_conversions_are_there() {
    let mut plane = driven();
    answered(&mut plane, Method::GET, &format!("{V2}?watch=true"), &Value::Null);
    answered(&mut plane, Method::POST, V1, &v1("a", "h:1"));
    let calls = plane.take_calls();
    assert_eq!((calls.len(), events(&mut plane)), (1, Vec::new()));
    // What comes while the webhook thinks is asked about afterwards.
    for (name, host_port) in [("b", "h:2"), ("c", "h:3")] {
        answered(&mut plane, Method::POST, V1, &v1(name, host_port));
    }
    assert_eq!((plane.take_calls().len(), plane.next_wake().is_none_or(|wake| wake > NOW)), (0, true));
    let mut told = Vec::new();
    let mut waiting = calls;
    while let Some((id, call)) = waiting.pop() {
        plane.answer_call(&id, respond(&convert(&review(&call))));
        assert_eq!(plane.next_wake(), Some(NOW), "there is something to do at once");
        plane.advance(NOW);
        told.push(events(&mut plane));
        waiting = plane.take_calls();
    }
    insta::assert_debug_snapshot!(told);
}

#[test]
fn a_webhook_is_asked_about_a_hundred_changes_at_a_time() {
    let mut plane = driven();
    answered(&mut plane, Method::GET, &format!("{V2}?watch=true"), &Value::Null);
    for number in 0..251 {
        answered(&mut plane, Method::POST, V1, &v1(&format!("g-{number}"), "h:1"));
    }
    let mut told = Vec::new();
    while let Some((id, call)) = plane.take_calls().pop() {
        plane.answer_call(&id, respond(&convert(&review(&call))));
        plane.advance(NOW);
        told.push(events(&mut plane).len());
    }
    assert_eq!(told, [1, 100, 100, 50]);
}

#[test]
fn watches_wait_for_a_webhook_no_longer_than_the_history_is_kept() {
    let every = SignedDuration::from_secs(20);
    let options = Options { webhooks: Webhooks::ByDriver, compaction: Some(every), ..Options::default() };
    let mut plane = ControlPlane::new(options);
    answered(&mut plane, Method::POST, CRDS, &definition(&["v1"]));
    answered(&mut plane, Method::GET, &format!("{V2}?watch=true"), &Value::Null);
    answered(&mut plane, Method::GET, &format!("{V1}?watch=true"), &Value::Null);
    answered(&mut plane, Method::POST, V1, &v1("a", "h:1"));
    let (id, call) = plane.take_calls().pop().expect("the webhook is asked");
    plane.advance(NOW + every);
    assert_eq!(events(&mut plane), [r#"ADDED example.com/v1 a {"hostPort":"h:1"}"#]);
    plane.advance(NOW + every + every);
    let frames = plane.take_frames();
    let [(_, frame)] = frames.as_slice() else { panic!("one watch is told, not {frames:?}") };
    let event: Value = serde_json::from_slice(frame).expect("frames are JSON");
    assert_eq!((&event["type"], &event["object"]["code"]), (&json!("ERROR"), &json!(410)));
    assert_eq!(plane.take_ended().len(), 1);
    // What the webhook says now is nobody's any more.
    plane.answer_call(&id, respond(&convert(&review(&call))));
    plane.advance(NOW + every + every);
    assert_eq!(events(&mut plane), Vec::<String>::new());
}

#[test]
fn controllers_need_no_webhook_to_clean_up() {
    const GADGETS: ResourceId = ResourceId::known("example.com", "gadgets");
    const NAMESPACES: ResourceId = ResourceId::known("", "namespaces");
    let mut plane = ControlPlane::new(Options {
        webhooks: Webhooks::ByDriver,
        controllers: start(&ControllerSet::all(), &Settings::default()).controllers,
        ..Options::default()
    });
    answered(&mut plane, Method::POST, CRDS, &definition(&["v1"]));
    let mut now = NOW;
    let mut settle = |plane: &mut ControlPlane| {
        for _ in 0..500 {
            now += SignedDuration::from_millis(20);
            plane.advance(now);
            assert!(plane.take_calls().is_empty(), "nobody needs another version");
        }
    };
    let owner = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owner"}});
    let (response, _) = answered(&mut plane, Method::POST, "/api/v1/namespaces/default/configmaps", &owner);
    let owner: Value = serde_json::from_slice(&response.body).expect("an object");
    let mut owned = v2("owned", "h", "1");
    owned["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"],
    }]);
    answered(&mut plane, Method::POST, V2, &owned);
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "gone"}});
    answered(&mut plane, Method::POST, "/api/v1/namespaces", &namespace);
    answered(&mut plane, Method::POST, &V2.replace("default", "gone"), &v2("a", "h", "1"));
    assert_eq!(plane.list(&GADGETS, None).len(), 2);
    answered(&mut plane, Method::DELETE, "/api/v1/namespaces/default/configmaps/owner", &Value::Null);
    answered(&mut plane, Method::DELETE, "/api/v1/namespaces/gone", &Value::Null);
    settle(&mut plane);
    assert_eq!(plane.list(&GADGETS, None).len(), 0);
    assert!(plane.get(&NAMESPACES, "", "gone").is_none());
}
