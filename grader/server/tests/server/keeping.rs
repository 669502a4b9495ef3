//! A cluster that goes on where it was stopped.

use crate::identity::administrator;
use crate::running::{Running, ask};
use controlplane_server::Limits;
use std::path::PathBuf;

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";
const DEFINITION: &str = r#"{
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
        "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}]
    }
}"#;

fn file(folder: &tempfile::TempDir) -> Option<PathBuf> {
    Some(folder.path().join("cluster.json"))
}

fn revision(body: &str) -> u64 {
    let object: serde_json::Value = serde_json::from_str(body).expect("JSON");
    object["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok()).expect("a revision")
}

#[test]
fn objects_definitions_revisions_and_keys_are_still_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut first = Running::with_data(Limits::default(), file(&folder));
    assert_eq!(first.administrator("POST", DEFINITIONS, DEFINITION).status, 201);
    let widget = r#"{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"}}"#;
    assert_eq!(first.administrator("POST", WIDGETS, widget).status, 201);
    let made = first.administrator("POST", CONFIG_MAPS, r#"{"metadata":{"name":"a"},"data":{"x":"1.10"}}"#);
    let before = first.administrator("GET", &format!("{CONFIG_MAPS}/a"), "").body;
    let credentials = administrator(&first);
    let certificate = first.certificate.clone();
    first.stop();

    let second = Running::with_data(Limits::default(), file(&folder));
    assert_eq!(second.certificate, certificate);
    let connection = second.connect_as(Some(&credentials), b"http/1.1").expect("the old certificate is good");
    let after = ask(connection, "GET", &format!("{CONFIG_MAPS}/a"), "", "");
    assert_eq!((after.status, after.body), (200, before));
    assert_eq!(second.administrator("GET", &format!("{WIDGETS}/w"), "").status, 200);
    let next = second.administrator("POST", CONFIG_MAPS, r#"{"metadata":{"name":"b"}}"#);
    assert!(revision(&next.body) > revision(&made.body), "revisions go on: {}", next.body);
    let old = format!("{CONFIG_MAPS}?watch=1&resourceVersion=1");
    assert!(second.administrator("GET", &old, "").body.contains(r#""code":410"#), "there is no history");
}

#[test]
fn a_file_that_holds_no_cluster_is_refused_and_left_alone() {
    use controlplane_server::{Cluster, Settings, StartError};
    let folder = tempfile::tempdir().expect("a folder");
    for text in ["", "{", "[]", r#"{"schema":"grader.cluster/99"}"#, r#"{"schema":"grader.cluster/1"}"#] {
        let path = file(&folder).expect("a path");
        std::fs::write(&path, text).expect("a file");
        let settings = Settings {
            address: ([127, 0, 0, 1], 0).into(),
            controllers: controlplane::controllers::ControllerSet::none(),
            tokens: Default::default(),
            limits: Limits::default(),
            data: Some(path.clone()),
        };
        assert!(matches!(Cluster::new(settings), Err(StartError::Data { .. })), "{text}");
        assert_eq!(std::fs::read_to_string(&path).expect("the file"), text);
    }
}
