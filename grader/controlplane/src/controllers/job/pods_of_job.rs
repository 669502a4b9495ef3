//! The pods of a Job, with an index each where the Job is Indexed (pkg/controller/job/indexed_job_utils.go).

use super::indexes::Indexes;
use super::progress::{Progress, replaces_ended_pods_only};
use super::{KIND, TRACKING, index_failures};
use crate::controllers::{Api, known::PODS};
use crate::controllers::{fields, owners, pods, unless_gone};
use crate::error::ApiError;
use crate::object;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

const INDEX: &str = "batch.kubernetes.io/job-completion-index";
const INDEX_VARIABLE: &str = "JOB_COMPLETION_INDEX";
/// The random end of a name needs the rest of 63 characters.
const LONGEST_PREFIX: usize = 58;

pub(super) fn is_indexed(job: &Value) -> bool {
    job["spec"]["completionMode"] == "Indexed"
}

/// The pod's index; nothing for a pod without one that the Job has.
pub(super) fn index_within(job: &Value, pod: &Value) -> Option<i64> {
    let completions = fields::int(job, "/spec/completions").unwrap_or_default();
    let index: Option<i64> = fields::annotation(pod, INDEX).parse().ok();
    index.filter(|index| (0..completions).contains(index))
}

/// The pod is not counted yet.
pub(super) fn is_tracked(pod: &Value) -> bool {
    object::finalizers(pod).any(|finalizer| finalizer == TRACKING)
}

/// The pod is counted, or is not to be, and may go.
///
/// # Errors
/// What the API server answers.
pub(super) fn untrack(api: &mut Api<'_>, pod: &Value) -> Result<(), ApiError> {
    let left: Vec<&str> = object::finalizers(pod).filter(|finalizer| *finalizer != TRACKING).collect();
    let patch = json!({"metadata": {"uid": object::uid(pod), "finalizers": left}});
    let namespace = owners::namespace_of(pod);
    unless_gone(api.merge_patch(&PODS, namespace, object::name(pod), None, &patch)).map(drop)
}

/// The `count` lowest indexes for which a pod is to be made.
pub(super) fn pending_indexes(
    job: &Value,
    pods: &[Arc<Value>],
    progress: &Progress,
    count: usize,
) -> Vec<i64> {
    let blocks = |pod: &&Arc<Value>| {
        let is_leaving = object::is_deleting(pod) && !pods::is_finished(pod);
        pods::is_active(pod) || (is_leaving && replaces_ended_pods_only(job))
    };
    let taken: Indexes = pods.iter().filter(blocks).filter_map(|pod| index_within(job, pod)).collect();
    let taken = progress.and_over(&taken);
    let completions = fields::int(job, "/spec/completions").unwrap_or_default();
    taken.missing(completions).take(count).collect()
}

/// The running pods that are too many: those without an index of their own, then as many more as it takes to have
/// removed `at_least`, those first that have done the least.
pub(super) fn surplus(job: &Value, active: &[Arc<Value>], at_least: usize) -> Vec<Arc<Value>> {
    let mut left: Vec<&Arc<Value>> = active.iter().collect();
    left.sort_by_cached_key(|pod| {
        let is_scheduled = !fields::text(pod, "/spec/nodeName").is_empty();
        let is_running = pods::phase(pod) == "Running";
        (is_scheduled, is_running, pods::is_ready(pod), object::name(pod).to_owned())
    });
    let mut surplus = Vec::new();
    if is_indexed(job) {
        let mut seen = BTreeSet::new();
        // The one that has done the most keeps the index.
        let (keep, remove): (Vec<_>, Vec<_>) = left
            .into_iter()
            .rev()
            .partition(|pod| index_within(job, pod).is_some_and(|index| seen.insert(index)));
        surplus.extend(remove.into_iter().rev().cloned());
        left = keep.into_iter().rev().collect();
    }
    let more = at_least.saturating_sub(surplus.len());
    surplus.extend(left.into_iter().take(more).cloned());
    surplus
}

/// A new pod, which replaces the failed one that its index has.
pub(super) fn new(job: &Value, index: Option<i64>, replaced: Option<&Value>) -> Value {
    let mut pod = pods::from_template(&job["spec"]["template"], job, KIND.reference(job));
    let is_tracked = is_tracked(&pod);
    let metadata = object::metadata_mut(&mut pod);
    match metadata.entry("finalizers").or_insert_with(|| json!([])).as_array_mut() {
        Some(finalizers) if !is_tracked => finalizers.push(TRACKING.into()),
        _ => {}
    }
    let Some(index) = index else { return pod };
    let name = object::name(job);
    let suffix = format!("-{index}-");
    let room = LONGEST_PREFIX.saturating_sub(suffix.len());
    let prefix = if name.len() > room { name.get(..room).unwrap_or(name) } else { name };
    metadata.insert("generateName".into(), format!("{prefix}{suffix}").into());
    for part in ["annotations", "labels"] {
        let entries = metadata.entry(part).or_insert_with(|| json!({}));
        entries[INDEX] = index.to_string().into();
    }
    if fields::int(job, "/spec/backoffLimitPerIndex").is_some() {
        for (annotation, number) in index_failures::annotations(job, replaced) {
            metadata["annotations"][annotation] = number.into();
        }
    }
    pod["spec"]["hostname"] = format!("{name}-{index}").into();
    for containers in ["initContainers", "containers"] {
        let list = pod["spec"].get_mut(containers).and_then(Value::as_array_mut);
        list.into_iter().flatten().for_each(tell_index);
    }
    pod
}

/// A container learns its index from a variable, unless it sets one of that name itself.
fn tell_index(container: &mut Value) {
    let path = format!("metadata.labels['{INDEX}']");
    let variable = json!({"name": INDEX_VARIABLE, "valueFrom": {"fieldRef": {"fieldPath": path}}});
    match container["env"].as_array_mut() {
        Some(env) if env.iter().any(|variable| variable["name"] == INDEX_VARIABLE) => {}
        Some(env) => env.push(variable),
        None => container["env"] = json!([variable]),
    }
}
