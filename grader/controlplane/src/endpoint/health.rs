//! Health of the server (apiserver/pkg/server/healthz/healthz.go). All that is checked is there from the start and
//! cannot fail, for the store is this process's memory.

use super::query::Query;
use super::respond;
use crate::request::{Request, Response};
use http::StatusCode;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// What kube-apiserver has to do once before it is ready, in its order. Monitors look for these names.
const STARTED: [&str; 31] = [
    "poststarthook/start-apiserver-admission-initializer",
    "poststarthook/generic-apiserver-start-informers",
    "poststarthook/priority-and-fairness-config-consumer",
    "poststarthook/priority-and-fairness-filter",
    "poststarthook/storage-object-count-tracker-hook",
    "poststarthook/start-apiextensions-informers",
    "poststarthook/start-apiextensions-controllers",
    "poststarthook/crd-informer-synced",
    "poststarthook/start-system-namespaces-controller",
    "poststarthook/peer-endpoint-reconciler-controller",
    "poststarthook/start-cluster-authentication-info-controller",
    "poststarthook/start-kube-apiserver-identity-lease-controller",
    "poststarthook/start-kube-apiserver-identity-lease-garbage-collector",
    "poststarthook/storage-readiness",
    "poststarthook/start-legacy-token-tracking-controller",
    "poststarthook/start-service-ip-repair-controllers",
    "poststarthook/rbac/bootstrap-roles",
    "poststarthook/scheduling/bootstrap-system-priority-classes",
    "poststarthook/priority-and-fairness-config-producer",
    "poststarthook/bootstrap-controller",
    "poststarthook/start-kubernetes-service-cidr-controller",
    "poststarthook/aggregator-reload-proxy-client-cert",
    "poststarthook/start-kube-aggregator-informers",
    "poststarthook/apiservice-status-local-available-controller",
    "poststarthook/apiservice-status-remote-available-controller",
    "poststarthook/apiservice-registration-controller",
    "poststarthook/apiservice-discovery-controller",
    "poststarthook/kube-apiserver-autoregistration",
    "autoregister-completion",
    "poststarthook/apiservice-openapi-controller",
    "poststarthook/apiservice-openapiv3-controller",
];

const NAMES: [&str; 3] = ["healthz", "livez", "readyz"];

/// What is checked under one of the names, in order.
fn checks(name: &str) -> impl Iterator<Item = &'static str> {
    let (first, last): (&[_], &[_]) = match name {
        "readyz" => (&["ping", "log", "etcd", "etcd-readiness", "informer-sync"], &["shutdown"]),
        _ => (&["ping", "log", "loopback-serving-certificate", "etcd"], &[]),
    };
    first.iter().chain(&STARTED).chain(last).copied()
}

/// All checks, or one of them; nothing for other paths.
pub(super) fn answer(request: &Request, path: &str) -> Option<Response> {
    let path = path.strip_prefix('/')?;
    let (name, check) = path.split_once('/').unwrap_or((path, ""));
    if !NAMES.contains(&name) {
        return None;
    }
    if !check.is_empty() {
        let ok = || respond::bytes(StatusCode::OK, "text/plain; charset=utf-8", "ok".into());
        return checks(name).any(|known| known == check).then(ok);
    }
    let query = Query::parse(&request.query);
    if query.get("verbose").is_none() {
        return Some(respond::text(StatusCode::OK, "ok"));
    }
    let line = |check: &str| match query.all("exclude").contains(&check) {
        true => format!("[+]{check} excluded: ok\n"),
        false => format!("[+]{check} ok\n"),
    };
    let lines: String = checks(name).map(line).collect();
    Some(respond::text(StatusCode::OK, format!("{lines}{name} check passed\n")))
}

/// The checks and their results as metrics.
pub(super) fn metrics() -> String {
    let checked = NAMES.iter().flat_map(|name| checks(name).map(move |check| (check, *name)));
    let mut text =
        "# HELP kubernetes_healthcheck [STABLE] This metric records the result of a single healthcheck.\n\
                    # TYPE kubernetes_healthcheck gauge\n"
            .to_owned();
    for (check, name) in checked.collect::<BTreeSet<_>>() {
        let _ = writeln!(text, "kubernetes_healthcheck{{name=\"{check}\",type=\"{name}\"}} 1");
    }
    text
}

/// The path of each check, and of all together.
pub(super) fn paths() -> impl Iterator<Item = String> {
    let of = |name: &'static str| {
        let each = checks(name).map(move |check| format!("/{name}/{check}"));
        std::iter::once(format!("/{name}")).chain(each)
    };
    NAMES.into_iter().flat_map(of)
}
