//! Deletion of namespaces (pkg/controller/namespace/deletion/namespaced_resources_deleter.go).

use super::conditions::Findings;
use crate::controllers::known::{NAMESPACES, PODS};
use crate::controllers::work_queue::{WorkQueue, later};
use crate::controllers::{Api, Controller, fields};
use crate::error::ApiError;
use crate::object;
use crate::store::{Change, ResourceId};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The pause before the content of a deleted namespace is touched: creations that raced with the deletion settle.
const PAUSE: SignedDuration = SignedDuration::from_secs(5);
/// How long finalizers are expected to take.
const FINALIZER_ESTIMATE: i64 = 15;
/// The token of this controller in `spec.finalizers`.
const FINALIZER: &str = "kubernetes";

/// Empties deleted namespaces, then lets them go.
///
/// # Guarantees
/// Everything namespaced goes, custom resources included: pods first, the rest when they are gone. What has
/// finalizers is waited for; the namespace's conditions say what is left.
#[derive(Debug, Default)]
pub struct NamespaceLifecycle {
    queue: WorkQueue<String>,
}

/// What is left of one resource.
struct Remains {
    count: usize,
    /// Seconds until they may be gone.
    estimate: i64,
    finalizers: BTreeMap<String, usize>,
}

impl NamespaceLifecycle {
    /// A controller that has seen nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// # Errors
    /// A write that must be tried again. `Ok(Some(seconds))` means that content is left for about that long.
    fn sync(api: &mut Api<'_>, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(namespace) = api.get(&NAMESPACES, None, name) else { return Ok(None) };
        if !object::is_deleting(&namespace) || fields::items(&namespace, "/spec/finalizers").is_empty() {
            return Ok(None);
        }
        let mut findings = Findings::default();
        let estimate = delete_content(api, &namespace, &mut findings);
        let namespace = findings.write(api, namespace)?;
        if estimate > 0 {
            return Ok(Some(estimate));
        }
        if findings.has_failures() {
            return Err(ApiError::unexpected("failed to delete all content of the namespace"));
        }
        finalize(api, &namespace)?;
        Ok(None)
    }
}

impl Controller for NamespaceLifecycle {
    fn name(&self) -> &'static str {
        "namespace-controller"
    }

    fn observe(&mut self, change: &Change) {
        if change.resource == NAMESPACES
            && let Some(namespace) = &change.new
            && object::is_deleting(namespace)
        {
            self.queue.add(object::name(namespace).to_owned(), later(change.at, PAUSE));
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        while let Some(name) = self.queue.pop(now) {
            match Self::sync(api, &name) {
                Ok(None) => self.queue.forget(&name),
                Ok(Some(estimate)) => self.queue.add(name, later(now, fields::seconds(estimate / 2 + 1))),
                Err(error) if error.is_not_found() => self.queue.forget(&name),
                Err(_) => self.queue.retry(name, now),
            }
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.queue.next_wake()
    }
}

/// Deletes what is in the namespace; the answer is how many seconds the rest may need.
fn delete_content(api: &mut Api<'_>, namespace: &Value, findings: &mut Findings) -> i64 {
    let pods = delete_all(api, &PODS, namespace, findings);
    if pods.count > 0 {
        // Pods may still need their configuration to end well: the rest goes after them. Upstream does not count them
        // as remaining content.
        return pods.estimate;
    }
    let mut estimate = 0;
    for (resource, namespaced) in api.resources() {
        if !namespaced || resource == PODS {
            continue;
        }
        let remains = delete_all(api, &resource, namespace, findings);
        estimate = estimate.max(remains.estimate);
        if remains.count > 0 {
            findings.remaining(&resource, remains.count, remains.finalizers);
        }
    }
    estimate
}

fn delete_all(
    api: &mut Api<'_>,
    resource: &ResourceId,
    namespace: &Value,
    findings: &mut Findings,
) -> Remains {
    let name = object::name(namespace);
    let found = api.list(resource, Some(name));
    let estimate = if *resource == PODS { grace(&found, namespace, api.now()) } else { 0 };
    // The collector must not add its orphan finalizer to what goes anyway.
    let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"});
    for item in &found {
        if let Err(error) = api.delete(resource, Some(name), object::name(item), &options)
            && !error.is_not_found()
        {
            findings.failure(error.message());
        }
    }
    if found.is_empty() {
        return Remains { count: 0, estimate: 0, finalizers: BTreeMap::new() };
    }
    let left = api.list(resource, Some(name));
    let mut finalizers = BTreeMap::new();
    for finalizer in left.iter().flat_map(|item| object::finalizers(item)) {
        *finalizers.entry(finalizer.to_owned()).or_default() += 1;
    }
    let estimate = match (left.is_empty(), estimate, finalizers.is_empty()) {
        (true, _, _) => 0,
        (false, 0, false) => FINALIZER_ESTIMATE,
        (false, 0, true) => {
            findings.unexpected(name, resource, left.first().map_or("", |item| object::api_version(item)));
            0
        }
        (false, seconds, _) => seconds,
    };
    Remains { count: left.len(), estimate, finalizers }
}

/// The longest grace period of the pods that still run; 0 when it has passed since the namespace's deletion.
fn grace(pods: &[std::sync::Arc<Value>], namespace: &Value, now: Timestamp) -> i64 {
    let running =
        |pod: &&std::sync::Arc<Value>| !matches!(fields::text(pod, "/status/phase"), "Succeeded" | "Failed");
    let graces =
        pods.iter().filter(running).filter_map(|pod| fields::int(pod, "/spec/terminationGracePeriodSeconds"));
    let longest = graces.max().unwrap_or_default();
    let deleted = fields::time(namespace, "/metadata/deletionTimestamp").unwrap_or(now);
    if now.duration_since(deleted) >= fields::seconds(longest) { 0 } else { longest }
}

fn finalize(api: &mut Api<'_>, namespace: &Value) -> Result<(), ApiError> {
    let mut finalized = namespace.clone();
    if let Some(finalizers) = finalized.pointer_mut("/spec/finalizers").and_then(Value::as_array_mut) {
        finalizers.retain(|finalizer| finalizer != FINALIZER);
    }
    api.update_subresource(&NAMESPACES, finalized, "finalize").map(drop)
}
