//! The spec of a Job, alone or in a CronJob.

use super::policies;
use crate::builtins::domain_path;
use crate::builtins::fields::{at, has, number, text};
use crate::builtins::kinds::pod_spec::{self, not_negative};
use crate::field_error::FieldError;
use serde_json::Value;

const MOST_PARALLELISM: i64 = 100_000;
const MOST_FAILED_INDEXES: i64 = 100_000;
/// Jobs with more completions than these must limit more.
const MANY_COMPLETIONS: i64 = 100_000;
const LIMIT_FOR_MANY: i64 = 10_000;
const LONGEST_MANAGER: usize = 63;

/// Checks all but the selector.
pub(super) fn validate(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for key in [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ] {
        not_negative(errors, spec, path, key);
    }
    if has(spec, "maxFailedIndexes") && !has(spec, "backoffLimitPerIndex") {
        let detail = "when maxFailedIndexes is specified";
        errors.push(FieldError::required(format!("{path}.backoffLimitPerIndex"), detail));
    }
    if let Some(manager) = at(spec, "/managedBy").as_str() {
        let path = format!("{path}.managedBy");
        errors.extend(domain_path::validate(&path, manager));
        if manager.len() > LONGEST_MANAGER {
            errors.push(FieldError::too_long(path, LONGEST_MANAGER));
        }
    }
    let is_indexed = text(spec, "/completionMode") == "Indexed";
    match text(spec, "/completionMode") {
        "" | "NonIndexed" => {
            for key in ["backoffLimitPerIndex", "maxFailedIndexes"] {
                if let Some(value) = number(spec, &format!("/{key}")) {
                    let detail = "requires indexed completion mode";
                    errors.push(FieldError::invalid(format!("{path}.{key}"), value, detail));
                }
            }
        }
        "Indexed" => indexed(spec, path, errors),
        mode => {
            let known = ["NonIndexed", "Indexed"];
            errors.push(FieldError::not_supported(format!("{path}.completionMode"), mode, known));
        }
    }
    policies::on_failure(spec, path, errors);
    if has(spec, "successPolicy") {
        if is_indexed {
            policies::on_success(spec, path, errors);
        } else {
            let policy = policies::shown(at(spec, "/successPolicy"));
            let detail = "requires indexed completion mode";
            errors.push(FieldError::invalid(format!("{path}.successPolicy"), policy, detail));
        }
    }
    replacement(spec, path, errors);
    errors.extend(pod_spec::validate_template(at(spec, "/template"), &format!("{path}.template")));
    restart_policy(spec, path, errors);
}

fn indexed(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let completions = number(spec, "/completions");
    let failed = number(spec, "/maxFailedIndexes");
    if completions.is_none() {
        let detail = "when completion mode is Indexed";
        errors.push(FieldError::required(format!("{path}.completions"), detail));
    }
    let at_most = |errors: &mut Vec<FieldError>, key: &str, most: i64, when: &str| {
        if let Some(value) = number(spec, &format!("/{key}")).filter(|value| *value > most) {
            let detail = format!("must be less than or equal to {most}{when}");
            errors.push(FieldError::invalid(format!("{path}.{key}"), value, detail));
        }
    };
    at_most(errors, "parallelism", MOST_PARALLELISM, " when completion mode is Indexed");
    if let (Some(completions), Some(failed)) = (completions, failed)
        && failed > completions
    {
        let detail = "must be less than or equal to completions";
        errors.push(FieldError::invalid(format!("{path}.maxFailedIndexes"), failed, detail));
    }
    at_most(errors, "maxFailedIndexes", MOST_FAILED_INDEXES, "");
    let are_many = completions.is_some_and(|completions| completions > MANY_COMPLETIONS);
    if are_many && has(spec, "backoffLimitPerIndex") {
        if failed.is_none() {
            let detail = format!("must be specified when completions is above {MANY_COMPLETIONS}");
            errors.push(FieldError::required(format!("{path}.maxFailedIndexes"), detail));
        }
        let when =
            format!(" when completions are above {MANY_COMPLETIONS} and used with backoff limit per index");
        at_most(errors, "parallelism", LIMIT_FOR_MANY, &when);
        at_most(errors, "maxFailedIndexes", LIMIT_FOR_MANY, &when);
    }
}

/// With a policy for failures, a pod is only replaced when it has failed.
fn replacement(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let Some(policy) = at(spec, "/podReplacementPolicy").as_str() else { return };
    let known: &[&str] =
        if has(spec, "podFailurePolicy") { &["Failed"] } else { &["Failed", "TerminatingOrFailed"] };
    if !known.contains(&policy) {
        errors.push(FieldError::not_supported(format!("{path}.podReplacementPolicy"), policy, known));
    }
}

fn restart_policy(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let path = format!("{path}.template.spec.restartPolicy");
    match text(spec, "/template/spec/restartPolicy") {
        "" | "Always" => errors.push(FieldError::required(path, "valid values: \"OnFailure\", \"Never\"")),
        "OnFailure" if has(spec, "podFailurePolicy") => {
            let detail = "only \"Never\" is supported when podFailurePolicy is specified";
            errors.push(FieldError::invalid(path, "OnFailure", detail));
        }
        "Never" | "OnFailure" => {}
        policy => errors.push(FieldError::not_supported(path, policy, ["OnFailure", "Never"])),
    }
}
