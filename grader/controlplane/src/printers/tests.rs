//! Rows are compared with those that a real API server printed of the same objects; `record.py` in `tests/tables`
//! asks such a server again.

use crate::endpoint::table::{self, IncludeObject};
use crate::resources::Registry;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Deserialize)]
struct Probe {
    resource: String,
    now: String,
    object: Value,
    cells: Value,
    #[serde(default)]
    conditions: Value,
}

/// The cells and the conditions of one row.
fn printed(resource: &str, object: &Value, now: Timestamp) -> (Value, Value) {
    let (api_version, plural) = resource.split_once(' ').expect("a version and a plural");
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let registry = Registry::default();
    let resource = registry.find(group, version, plural).expect("a built-in resource");
    let mut row = table::row(resource, object, IncludeObject::None, "meta.k8s.io/v1", now);
    (row["cells"].take(), row.get("conditions").cloned().unwrap_or_default())
}

#[test]
fn objects_are_printed_as_by_a_real_server() {
    let mut misses = Vec::new();
    for line in include_str!("../../tests/tables/cells.jsonl").lines() {
        let probe: Probe = serde_json::from_str(line).expect("a probe");
        let now = jiff::fmt::rfc2822::parse(&probe.now).expect("a date").timestamp();
        let actual = printed(&probe.resource, &probe.object, now);
        if actual != (probe.cells.clone(), probe.conditions.clone()) {
            misses.push(format!("{}\n  expected {}\n  actual   {}", probe.resource, probe.cells, actual.0));
        }
    }
    assert!(misses.is_empty(), "{} misses\n{}", misses.len(), misses.join("\n"));
}

#[test]
fn a_job_takes_until_its_end_or_until_now() {
    let now = "2026-01-01T01:00:00Z".parse().expect("a time");
    let check = |status: Value, shown: [&str; 3]| {
        let mut status = status;
        status["succeeded"] = 1.into();
        let job = json!({"metadata": {"name": "j"}, "spec": {"completions": 1}, "status": status});
        let (cells, _) = printed("batch/v1 jobs", &job, now);
        assert_eq!([&cells[1], &cells[2], &cells[3]], shown);
    };
    let complete = json!([{"type": "Suspended", "status": "False"}, {"type": "Complete", "status": "True"}]);
    check(
        json!({"startTime": "2026-01-01T00:00:00Z", "completionTime": "2026-01-01T00:01:30Z", "conditions": complete}),
        ["Complete", "1/1", "90s"],
    );
    check(json!({"startTime": "2026-01-01T00:00:00Z"}), ["Running", "1/1", "60m"]);
    check(json!({"conditions": [{"type": "Suspended", "status": "True"}]}), ["Suspended", "1/1", ""]);
}

#[test]
fn a_signing_request_says_how_far_it_is() {
    let check = |status: Value, shown: &str| {
        let request = json!({"metadata": {"name": "r"}, "spec": {"signerName": "s", "expirationSeconds": 7200}, "status": status});
        let (cells, _) =
            printed("certificates.k8s.io/v1 certificatesigningrequests", &request, Timestamp::UNIX_EPOCH);
        assert_eq!(cells, json!(["r", "<unknown>", "s", "", "120m", shown]));
    };
    check(json!({}), "Pending");
    check(json!({"conditions": [{"type": "Approved"}], "certificate": "AA=="}), "Approved,Issued");
    check(
        json!({"conditions": [{"type": "Approved"}, {"type": "Denied"}, {"type": "Failed"}]}),
        "Denied,Failed",
    );
}
