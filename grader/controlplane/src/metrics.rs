//! What the control plane counts of itself, in the text format of Prometheus and under the names of kube-apiserver
//! (apiserver/pkg/endpoints/metrics/metrics.go). Only what is measured is there.

use crate::access::PRIORITY_LEVELS;
use crate::api_server::ApiServer;
use crate::priority_levels::{self, Seats};
use crate::request::{Reply, Request};
use crate::routing::Route;
use http::Method;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// How many requests were answered, by verb and status.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requests {
    answered: BTreeMap<(&'static str, u16), u64>,
}

impl Requests {
    /// Counts one request, unless it is still waiting for something.
    pub(crate) fn count(&mut self, request: &Request, route: Option<&Route>, reply: &Reply) {
        let (verb, status) = match reply {
            Reply::Complete(response) => (verb(&request.method, route), response.status),
            Reply::Watch { head, .. } => ("WATCH", head.status),
            Reply::Later(_) | Reply::Call(_) => return,
        };
        *self.answered.entry((verb, status.as_u16())).or_default() += 1;
    }
}

/// Methods that nobody knows are one verb: a client must not be able to make up as many as it likes.
fn verb(method: &Method, route: Option<&Route>) -> &'static str {
    let is_collection = matches!(route, Some(Route::Resource(path)) if path.name.is_none());
    match method.as_str() {
        "GET" if is_collection => "LIST",
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" if is_collection => "DELETECOLLECTION",
        "DELETE" => "DELETE",
        _ => "other",
    }
}

/// All of it, as text.
pub(crate) fn text(server: &ApiServer) -> String {
    let mut text = String::new();
    let mut family = |name: &str, kind: &str, help: &str, samples: Vec<(String, u64)>| {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in samples {
            let _ = writeln!(text, "{name}{{{labels}}} {value}");
        }
    };
    let requests = server.requests.answered.iter();
    family(
        "apiserver_request_total",
        "counter",
        "[STABLE] Counter of apiserver requests broken out for each verb and HTTP response code.",
        requests.map(|((verb, code), count)| (format!("code=\"{code}\",verb=\"{verb}\""), *count)).collect(),
    );
    family(
        "apiserver_longrunning_requests",
        "gauge",
        "[STABLE] Gauge of all active long-running apiserver requests broken out by verb.",
        vec![("verb=\"WATCH\"".to_owned(), server.watches.open_count() as u64)],
    );
    let resources = server.store.counts();
    family(
        "apiserver_resource_objects",
        "gauge",
        "[ALPHA] Number of stored objects at the time of last check split by kind.",
        resources
            .map(|(id, count)| {
                (format!("group=\"{}\",resource=\"{}\"", id.group(), id.resource()), count as u64)
            })
            .collect(),
    );
    let levels = server.store.list(&PRIORITY_LEVELS, None).map(|stored| stored.object.clone());
    let levels = priority_levels::seats(&levels.collect::<Vec<_>>());
    let of_levels = |count: fn(&Seats) -> u64| {
        levels.iter().map(|seats| (format!("priority_level=\"{}\"", seats.level), count(seats))).collect()
    };
    family(
        "apiserver_flowcontrol_nominal_limit_seats",
        "gauge",
        "[BETA] Nominal number of execution seats configured for each priority level",
        of_levels(|seats| seats.nominal),
    );
    family(
        "apiserver_flowcontrol_lower_limit_seats",
        "gauge",
        "[ALPHA] Configured lower bound on number of execution seats available to each priority level",
        of_levels(|seats| seats.lower),
    );
    family(
        "apiserver_flowcontrol_upper_limit_seats",
        "gauge",
        "[ALPHA] Configured upper bound on number of execution seats available to each priority level",
        of_levels(|seats| seats.upper),
    );
    text
}
