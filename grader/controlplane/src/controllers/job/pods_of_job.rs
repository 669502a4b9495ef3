//! The pods of a Job, with an index each where the Job is Indexed (pkg/controller/job/indexed_job_utils.go).

use super::{KIND, TRACKING};
use crate::controllers::{fields, pods};
use crate::object;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

const INDEX: &str = "batch.kubernetes.io/job-completion-index";

pub(super) fn is_indexed(job: &Value) -> bool {
    job["spec"]["completionMode"] == "Indexed"
}

/// The pod's index; nothing for a pod without one.
pub(super) fn index(pod: &Value) -> Option<i64> {
    fields::annotation(pod, INDEX).parse().ok()
}

/// The indexes for which a pod is missing, the lowest first; none for a Job without indexes.
pub(super) fn free_indexes(
    job: &Value,
    completed: &BTreeSet<i64>,
    active: &[Arc<Value>],
) -> impl Iterator<Item = i64> + use<> {
    let count = if is_indexed(job) { fields::int(job, "/spec/completions").unwrap_or_default() } else { 0 };
    let mut taken: BTreeSet<i64> = active.iter().filter_map(|pod| index(pod)).collect();
    taken.extend(completed);
    (0..count).filter(move |index| !taken.contains(index))
}

pub(super) fn new(job: &Value, index: Option<i64>) -> Value {
    let mut pod = pods::from_template(&job["spec"]["template"], job, KIND.reference(job));
    let metadata = object::metadata_mut(&mut pod);
    match metadata.entry("finalizers").or_insert_with(|| json!([])).as_array_mut() {
        Some(finalizers) => finalizers.push(TRACKING.into()),
        None => drop(metadata.insert("finalizers".into(), json!([TRACKING]))),
    }
    let Some(index) = index else { return pod };
    let name = format!("{}-{index}", object::name(job));
    metadata.insert("generateName".into(), format!("{name}-").into());
    for part in ["annotations", "labels"] {
        let entries = metadata.entry(part).or_insert_with(|| json!({}));
        entries[INDEX] = index.to_string().into();
    }
    pod["spec"]["hostname"] = name.into();
    for containers in ["initContainers", "containers"] {
        let list = pod["spec"].get_mut(containers).and_then(Value::as_array_mut);
        for container in list.into_iter().flatten() {
            let path = format!("metadata.labels['{INDEX}']");
            let variable =
                json!({"name": "JOB_COMPLETION_INDEX", "valueFrom": {"fieldRef": {"fieldPath": path}}});
            match container["env"].as_array_mut() {
                Some(env) => env.push(variable),
                None => container["env"] = json!([variable]),
            }
        }
    }
    pod
}

/// `0-2,5`: how statuses list indexes.
pub(super) fn list(indexes: &BTreeSet<i64>) -> String {
    let mut ranges: Vec<(i64, i64)> = Vec::new();
    for &index in indexes {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == index => *last = index,
            _ => ranges.push((index, index)),
        }
    }
    let text = |(first, last): &(i64, i64)| match last - first {
        0 => first.to_string(),
        1 => format!("{first},{last}"),
        _ => format!("{first}-{last}"),
    };
    ranges.iter().map(text).collect::<Vec<_>>().join(",")
}

/// The other way round; what is no number is left out.
pub(super) fn parse(list: &str) -> BTreeSet<i64> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse::<i64>().ok()?..=last.parse::<i64>().ok()?)
    };
    list.split(',').filter_map(range).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_listed_in_ranges() {
        for (indexes, text) in
            [(vec![], ""), (vec![3], "3"), (vec![0, 1], "0,1"), (vec![0, 1, 2, 5], "0-2,5")]
        {
            let indexes: BTreeSet<i64> = indexes.into_iter().collect();
            assert_eq!(list(&indexes), text);
            assert_eq!(parse(text), indexes);
        }
    }
}
