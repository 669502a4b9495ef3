//! What requests in the other version get.

use crate::world::{Fault, V1, V2, World, v1, v2};
use http::Method;
use serde_json::{Value, json};

const REVIEWS: [&str; 2] = ["v1", "v1beta1"];

#[test]
fn every_verb_speaks_the_version_of_its_path() {
    let mut world = World::new(&REVIEWS);
    let one = format!("{V2}/a");
    let shown = |object: &Value| (object["apiVersion"].clone(), object["spec"].clone());
    let in_v2 = |host: &str, port: &str| (json!("example.com/v2"), json!({"host": host, "port": port}));
    let created = world.ok(Method::POST, V2, &v2("a", "h", "1"));
    assert_eq!(shown(&created), in_v2("h", "1"));
    assert_eq!(created["metadata"]["managedFields"][0]["apiVersion"], "example.com/v2");
    let kept = world.ok(Method::GET, &format!("{V1}/a"), &Value::Null);
    assert_eq!(shown(&kept), (json!("example.com/v1"), json!({"hostPort": "h:1"})));
    assert_eq!(kept["metadata"], created["metadata"]);
    let read = world.ok(Method::GET, &one, &Value::Null);
    assert_eq!(read, created);

    let mut changed = read;
    changed["spec"]["port"] = "2".into();
    let updated = world.ok(Method::PUT, &one, &changed);
    assert_eq!((shown(&updated), &updated["metadata"]["generation"]), (in_v2("h", "2"), &json!(2)));
    let patched = world.ok(Method::PATCH, &one, &json!({"spec": {"port": "3"}}));
    assert_eq!((shown(&patched), &patched["metadata"]["generation"]), (in_v2("h", "3"), &json!(3)));
    let again = world.ok(Method::PATCH, &one, &json!({"spec": {"port": "3"}}));
    assert_eq!(again, patched, "nothing has changed");
    let applied = json!({"apiVersion": "example.com/v2", "kind": "Gadget", "spec": {"port": "4"}});
    let applied = world.ok(Method::PATCH, &format!("{one}?fieldManager=m&force=true"), &applied);
    assert_eq!(shown(&applied), in_v2("h", "4"));
    let status = world.ok(Method::PATCH, &format!("{one}/status"), &json!({"status": {"p": 1}}));
    assert_eq!((shown(&status), &status["status"]), (in_v2("h", "4"), &json!({"p": 1})));
    assert_eq!(status["metadata"]["generation"], applied["metadata"]["generation"]);

    let held = world.ok(Method::PATCH, &one, &json!({"metadata": {"finalizers": ["example.com/hold"]}}));
    assert_eq!(shown(&held), in_v2("h", "4"));
    let deleted = world.ok(Method::DELETE, &one, &Value::Null);
    assert_eq!(
        (shown(&deleted), deleted["metadata"]["deletionTimestamp"].is_string()),
        (in_v2("h", "4"), true)
    );
    assert_eq!(world.ok(Method::GET, &one, &Value::Null), deleted);
    world.ok(Method::PATCH, &one, &json!({"metadata": {"finalizers": null}}));
    assert_eq!(world.answer(Method::GET, &one, &Value::Null).0, 404);
}

#[test]
fn a_list_is_one_review() {
    let mut world = World::new(&REVIEWS);
    for (name, host_port) in [("a", "h:1"), ("b", "h:2"), ("c", "h:3")] {
        world.ok(Method::POST, V1, &v1(name, host_port));
    }
    assert_eq!(world.asked(), [], "nobody wanted another version than the stored one");
    let list = world.ok(Method::GET, V2, &Value::Null);
    let ports: Vec<&Value> =
        list["items"].as_array().into_iter().flatten().map(|item| &item["spec"]["port"]).collect();
    assert_eq!(ports, ["1", "2", "3"]);
    let asked = |names: &str| [("example.com/v2".to_owned(), names.to_owned())];
    assert_eq!(world.asked(), asked("a,b,c"));
    let page = world.ok(Method::GET, &format!("{V2}?limit=2"), &Value::Null);
    assert_eq!((page["items"].as_array().map(Vec::len), world.asked()), (Some(2), asked("a,b").to_vec()));
    let token = page["metadata"]["continue"].as_str().expect("there is more");
    let rest = world.ok(Method::GET, &format!("{V2}?limit=2&continue={token}"), &Value::Null);
    assert_eq!((&rest["items"][0]["spec"]["port"], world.asked()), (&json!("3"), asked("c").to_vec()));
    world.ok(Method::GET, V1, &Value::Null);
    assert_eq!(world.asked(), []);
    world.ok(Method::DELETE, V2, &Value::Null);
    assert_eq!(world.ok(Method::GET, V1, &Value::Null)["items"], json!([]));
}

#[test]
fn what_a_webhook_gets_wrong_fails_the_request() {
    let converted = "conversion webhook for example.com/v1, Kind=Gadget";
    let cases: [(Fault, &str); 24] = [
        (
            |a| *a = Value::Null,
            r#" failed: Post "https://example.com/convert?timeout=30s": connection refused"#,
        ),
        (
            |a| *a = json!(500),
            r#" failed: an error on the server ("unknown") has prevented the request from succeeding"#,
        ),
        (|a| *a = json!(404), " failed: the server could not find the requested resource"),
        (
            |a| *a = json!({}),
            " failed: expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got /, Kind=",
        ),
        (|a| a["response"] = Value::Null, " failed: no response provided"),
        (|a| a["response"]["result"] = json!({"status": "Failed", "message": "no way"}), " failed: no way"),
        (
            |a| a["response"]["result"] = json!({"status": "Failed"}),
            " failed: response.result.status was 'Failed', not 'Success'",
        ),
        (|a| a["response"]["result"] = Value::Null, " failed: response.result.status was '', not 'Success'"),
        (|a| a["response"]["convertedObjects"] = json!([]), " returned 0 objects, expected 1"),
        (
            |a| {
                let twice = a["response"]["convertedObjects"][0].clone();
                a["response"]["convertedObjects"] = json!([twice, twice]);
            },
            " returned 2 objects, expected 1",
        ),
        (
            |a| a["response"]["convertedObjects"][0]["apiVersion"] = "example.com/v1".into(),
            " returned invalid object at index 0: invalid groupVersion (expected example.com/v2, received example.com/v1)",
        ),
        (
            |a| a["response"]["convertedObjects"][0]["apiVersion"] = Value::Null,
            " returned invalid object at index 0: invalid groupVersion (expected example.com/v2, received )",
        ),
        (
            |a| a["response"]["convertedObjects"][0]["kind"] = "Bar".into(),
            " returned invalid object at index 0: invalid kind (expected Gadget, received Bar)",
        ),
        (
            |a| a["response"]["convertedObjects"][0]["metadata"]["name"] = "b".into(),
            " returned invalid object: must have the same name: a != b",
        ),
        (
            |a| a["response"]["convertedObjects"][0]["metadata"]["namespace"] = "b".into(),
            " returned invalid object: must have the same namespace: default != b",
        ),
        (
            |a| a["response"]["convertedObjects"][0]["metadata"] = json!("x"),
            " returned invalid object: must have the same name: a != ",
        ),
        (
            |a| a["response"]["convertedObjects"][0]["metadata"]["labels"] = json!({"n!w": "l"}),
            " returned invalid metadata: metadata.labels: Invalid value: \"n!w\": name part must consist of alphanumeric \
             characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or \
             'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
        ),
        (
            |a| a["response"]["convertedObjects"][0]["metadata"]["labels"] = json!({"n": 1}),
            " returned invalid metadata: metadata.labels[n] must be a string, but is int64 in converted object",
        ),
        (
            |a| a["response"]["convertedObjects"][0]["metadata"]["annotations"] = json!({"n": 1}),
            " returned invalid metadata: metadata.annotations[n] must be a string, but is int64 in converted object",
        ),
        // What follows is no mistake.
        (|a| a["response"]["convertedObjects"][0]["metadata"]["generation"] = 7.into(), ""),
        (|a| a["response"]["convertedObjects"][0]["metadata"]["finalizers"] = json!(["a.b/c"]), ""),
        (|a| a["response"]["convertedObjects"][0]["metadata"]["labels"] = json!({"x": "q"}), ""),
        (|a| a["response"]["convertedObjects"][0]["spec"]["unknown"] = 1.into(), ""),
        (|a| a["response"]["convertedObjects"][0]["unknown"] = 1.into(), ""),
    ];
    let mut world = World::new(&REVIEWS);
    world.ok(Method::POST, V1, &v1("a", "h:1"));
    let right = world.ok(Method::GET, &format!("{V2}/a"), &Value::Null);
    for (fault, text) in cases {
        world.fail(fault);
        let (status, body) = world.answer(Method::GET, &format!("{V2}/a"), &Value::Null);
        if text.is_empty() {
            assert_eq!((status, &body), (200, &right));
            continue;
        }
        let expected = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": format!("{converted}{text}"), "code": 500,
        });
        assert_eq!((status, body), (500, expected));
    }
}

#[test]
fn labels_and_annotations_are_the_webhooks_to_convert() {
    let mut world = World::new(&REVIEWS);
    world.ok(Method::POST, V1, &v1("a", "h:1"));
    world.fail(|answer| {
        let metadata = &mut answer["response"]["convertedObjects"][0]["metadata"];
        metadata["labels"] = json!({"new": "l"});
        metadata["annotations"] = json!({"new": "a"});
    });
    let shown = world.ok(Method::GET, &format!("{V2}/a"), &Value::Null);
    let metadata = &shown["metadata"];
    assert_eq!((&metadata["labels"], &metadata["annotations"]), (&json!({"new": "l"}), &json!({"new": "a"})));
    let (_, list) = world.answer(Method::GET, &format!("{V2}?labelSelector=new%3Dl"), &Value::Null);
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "lists select what they show");
}

#[test]
fn older_reviews_are_not_checked_for_their_kind_and_uid() {
    let mut world = World::new(&["v1beta1", "v1"]);
    world.ok(Method::POST, V1, &v1("a", "h:1"));
    world.fail(|answer| {
        answer["response"]["uid"] = "another".into();
        answer["kind"] = "Other".into();
    });
    world.ok(Method::GET, &format!("{V2}/a"), &Value::Null);
    let mut strict = World::new(&["v1"]);
    strict.ok(Method::POST, V1, &v1("a", "h:1"));
    strict.fail(|answer| answer["response"]["uid"] = "another".into());
    let (status, body) = strict.answer(Method::GET, &format!("{V2}/a"), &Value::Null);
    let message = body["message"].as_str().unwrap_or_default();
    assert_eq!((status, message.ends_with(r#", got "another""#)), (500, true), "{message}");
}

#[test]
fn nothing_is_stored_while_the_webhook_fails() {
    let mut world = World::new(&REVIEWS);
    world.ok(Method::POST, V1, &v1("a", "h:1"));
    let before = world.plane.revision();
    world.fail(|answer| *answer = json!(500));
    let one = format!("{V2}/a");
    let apply = json!({"apiVersion": "example.com/v2", "kind": "Gadget", "metadata": {"name": "n"}, "spec": {"port": "4"}});
    for (method, path, body) in [
        (Method::POST, V2, v2("b", "h", "1")),
        // Whether there is such an object already is looked at after the conversion.
        (Method::POST, V2, v2("a", "h", "1")),
        (Method::PATCH, &one, json!({"spec": {"port": "3"}})),
        (Method::PATCH, &format!("{one}/status"), json!({"status": {"p": 1}})),
        (Method::PATCH, &format!("{V2}/n?fieldManager=m"), apply),
        (Method::DELETE, &one, Value::Null),
        (Method::DELETE, V2, Value::Null),
        (Method::GET, V2, Value::Null),
    ] {
        let (status, answer) = world.answer(method, path, &body);
        let text = answer["message"].as_str().unwrap_or_default();
        assert_eq!(
            (status, text.starts_with("conversion webhook for example.com/v")),
            (500, true),
            "{answer}"
        );
    }
    assert_eq!(world.plane.revision(), before);
    world.ok(Method::DELETE, &format!("{V1}/a"), &Value::Null);
    assert_eq!(world.answer(Method::GET, &one, &Value::Null).0, 404);
}

#[test]
fn what_is_already_there_in_the_version_needs_no_webhook() {
    let mut world = World::new(&REVIEWS);
    world.ok(Method::POST, V1, &v1("a", "h:1"));
    world.fail(|answer| *answer = json!(500));
    let one = format!("{V1}/a");
    world.ok(Method::PATCH, &one, &json!({"spec": {"hostPort": "h:2"}}));
    world.ok(Method::GET, V1, &Value::Null);
    world.ok(Method::DELETE, &one, &Value::Null);
    assert_eq!(world.asked(), []);
}

#[test]
fn watches_get_every_event_in_their_version() {
    let mut world = World::new(&REVIEWS);
    world.ok(Method::POST, V1, &v1("a", "h:1"));
    for path in [format!("{V2}?watch=true"), format!("{V1}?watch=true")] {
        world.plane.handle(
            &crate::world::request(Method::GET, &path, &Value::Null),
            controlplane::Timestamp::UNIX_EPOCH,
        );
    }
    let first = world.events();
    world.ok(Method::PATCH, &format!("{V1}/a"), &json!({"spec": {"hostPort": "h:2"}}));
    world.ok(Method::PATCH, &format!("{V2}/a"), &json!({"spec": {"port": "3"}}));
    world.ok(Method::DELETE, &format!("{V1}/a"), &Value::Null);
    insta::assert_snapshot!([first, world.events()].concat().join("\n"));
}

#[test]
fn a_watch_waits_while_the_webhook_fails() {
    let mut world = World::new(&REVIEWS);
    let mut now = controlplane::Timestamp::UNIX_EPOCH;
    let watch = crate::world::request(
        Method::GET,
        &format!("{V2}?watch=true&allowWatchBookmarks=true"),
        &Value::Null,
    );
    world.plane.handle(&watch, now);
    let beginning = world.events();
    assert!(matches!(&beginning[..], [end] if end.starts_with("BOOKMARK")), "{beginning:?}");
    world.fail(|answer| *answer = json!(500));
    world.ok(Method::POST, V1, &v1("a", "h:1"));
    world.ok(Method::POST, V1, &v1("b", "h:2"));
    let first = world.plane.take_frames();
    assert!(first.is_empty(), "{first:?}");
    // A bookmark would say that the client knows what it was not told.
    for _ in 0..100 {
        now += jiff::SignedDuration::from_secs(1);
        world.plane.advance(now);
    }
    let bookmarks = world.events();
    assert!(bookmarks.iter().all(|event| event.starts_with("BOOKMARK")), "{bookmarks:?}");
    world.repair();
    world.ok(Method::POST, V1, &v1("c", "h:3"));
    now += jiff::SignedDuration::from_secs(1);
    world.plane.advance(now);
    insta::assert_snapshot!(world.events().join("\n"));
}
