//! Failures of one index of a Job, which its pods carry on in annotations
//! (pkg/controller/job/indexed_job_utils.go).

use super::failure_policy::{self, Action};
use super::progress::is_failed;
use crate::controllers::fields;
use serde_json::Value;

/// Failures that count.
const COUNTED: &str = "batch.kubernetes.io/job-index-failure-count";
/// Failures that the Job's policy ignores.
const IGNORED: &str = "batch.kubernetes.io/job-index-ignored-failure-count";

fn number(pod: &Value, annotation: &str) -> i64 {
    let number = fields::annotation(pod, annotation).parse::<i32>().unwrap_or_default();
    i64::from(number.max(0))
}

/// All failures before this pod, the ignored ones included.
pub(super) fn total(pod: &Value) -> i64 {
    number(pod, COUNTED) + number(pod, IGNORED)
}

/// The pod has failed and its index is not tried again: a rule says so, or `limit` failures came before.
pub(super) fn ends_index(job: &Value, pod: &Value, limit: i64) -> bool {
    is_failed(job, pod)
        && match failure_policy::action(job, pod) {
            Action::FailIndex => true,
            Action::Ignore => false,
            Action::Count | Action::FailJob(_) => number(pod, COUNTED) >= limit,
        }
}

/// The annotations of the pod that takes the place of `replaced`, or of the first pod of an index.
pub(super) fn annotations(job: &Value, replaced: Option<&Value>) -> Vec<(&'static str, String)> {
    let (mut counted, mut ignored) = (0, 0);
    if let Some(replaced) = replaced {
        counted = number(replaced, COUNTED);
        ignored = number(replaced, IGNORED);
        match failure_policy::action(job, replaced) {
            Action::Ignore => ignored += 1,
            _ => counted += 1,
        }
    }
    let mut annotations = vec![(COUNTED, counted.to_string())];
    if ignored > 0 {
        annotations.push((IGNORED, ignored.to_string()));
    }
    annotations
}
