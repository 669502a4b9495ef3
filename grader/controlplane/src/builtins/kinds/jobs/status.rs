//! Which statuses a Job may have, whoever writes them (pkg/registry/batch/job/strategy.go,
//! getStatusValidationOptions). A rule only speaks when something that it looks at has changed.

use super::index_list;
use crate::builtins::fields::{at, list, number, text};
use crate::field_error::{FieldError, FieldErrorKind};
use serde_json::Value;
use std::collections::BTreeSet;

/// A status before and after a write.
struct Change<'a> {
    new: &'a Value,
    old: &'a Value,
    errors: Vec<FieldError>,
}

/// Checks a write of a Job's status.
pub(super) fn validate(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut change = Change { new, old, errors: Vec::new() };
    change.counts();
    change.uncounted();
    change.end();
    change.indexes();
    change.conditions();
    change.errors
}

impl Change<'_> {
    fn status(&self, key: &str) -> &Value {
        at(self.new, "/status").get(key).unwrap_or(&Value::Null)
    }

    fn count(&self, key: &str) -> i64 {
        self.status(key).as_i64().unwrap_or_default()
    }

    fn has_changed(&self, key: &str) -> bool {
        self.status(key) != at(self.old, "/status").get(key).unwrap_or(&Value::Null)
    }

    fn is(&self, condition: &str) -> bool {
        is_true(self.new, condition)
    }

    fn was(&self, condition: &str) -> bool {
        is_true(self.old, condition)
    }

    fn turned(&self, condition: &str) -> bool {
        self.is(condition) != self.was(condition)
    }

    fn is_over(&self) -> bool {
        self.is("Complete") || self.is("Failed")
    }

    fn end_changed(&self) -> bool {
        self.is_over() != (self.was("Complete") || self.was("Failed"))
    }

    fn refuse(&mut self, key: &str, detail: &str) {
        let value = self.status(key).clone();
        self.errors.push(FieldError::invalid(format!("status.{key}"), value, detail));
    }

    fn refuse_conditions(&mut self, detail: &str) {
        let kind = FieldErrorKind::Invalid;
        self.errors.push(FieldError::new(kind, "status.conditions", None, detail));
    }

    fn require(&mut self, key: &str, detail: &str) {
        self.errors.push(FieldError::required(format!("status.{key}"), detail));
    }

    fn counts(&mut self) {
        for key in ["active", "succeeded", "failed", "ready", "terminating"] {
            if self.count(key) < 0 {
                self.refuse(key, "must be greater than or equal to 0");
            }
        }
        let over = self.is_over();
        for key in ["active", "terminating"] {
            if over && self.count(key) > 0 && (self.end_changed() || self.has_changed(key)) {
                self.refuse(key, &format!("{key}>0 is invalid for finished job"));
            }
        }
        if self.count("ready") > self.count("active")
            && (self.has_changed("ready") || self.has_changed("active"))
        {
            self.refuse("ready", "cannot set more ready pods than active");
        }
        // An Indexed Job that got shorter forgets what succeeded beyond its end.
        let shrinks = is_indexed(self.new)
            && number(self.new, "/spec/completions") == number(self.new, "/spec/parallelism");
        for (key, may_fall) in [("failed", false), ("succeeded", shrinks)] {
            let before = number(self.old, &format!("/status/{key}")).unwrap_or_default();
            if !may_fall && self.count(key) < before {
                self.refuse(key, &format!("cannot decrease the {key} counter"));
            }
        }
    }

    fn uncounted(&mut self) {
        let key = "uncountedTerminatedPods";
        let pods = self.status(key).clone();
        let mut seen = BTreeSet::new();
        let lists = ["succeeded", "failed"].map(|name| (name, list(&pods, &format!("/{name}"))));
        for (name, uids) in lists {
            for (number, uid) in uids.iter().filter_map(Value::as_str).enumerate() {
                let field = format!("status.{key}.{name}[{number}]");
                if uid.is_empty() {
                    self.errors.push(FieldError::invalid(field, uid, "must not be empty"));
                } else if !seen.insert(uid) {
                    self.errors.push(FieldError::duplicate(field, uid));
                }
            }
        }
        let some = lists.iter().any(|(_, uids)| !uids.is_empty());
        if self.is_over() && some && (self.end_changed() || self.has_changed(key)) {
            self.refuse(key, "must be empty for finished job");
        }
    }

    /// When the Job started and ended.
    fn end(&mut self) {
        let (start, end) = ("startTime", "completionTime");
        let (started, ended) = (self.status(start).clone(), self.status(end).clone());
        if self.turned("Complete") || self.has_changed(end) {
            match (self.is("Complete"), ended.is_null()) {
                (false, false) => {
                    self.refuse(end, "cannot set completionTime when there is no Complete=True condition");
                }
                (true, true) => self.require(end, "completionTime is required for Complete jobs"),
                _ => {}
            }
        }
        let is_before = matches!((started.as_str(), ended.as_str()), (Some(start), Some(end)) if end < start);
        if is_before && (self.has_changed(start) || self.has_changed(end)) {
            self.refuse(end, "must be equal to or after `startTime`");
        }
        if !ended.is_null() && !at(self.old, "/status/completionTime").is_null() && self.has_changed(end) {
            self.refuse(end, "field is immutable");
        }
        let never_ran =
            at(self.new, "/spec/suspend") == true && number(self.new, "/spec/completions") == Some(0);
        if self.is_over()
            && started.is_null()
            && (self.end_changed() || self.has_changed(start))
            && !never_ran
        {
            self.require(start, "startTime is required for finished job");
        }
        let resumes = self.was("Suspended") && has_condition(self.new, "Suspended", "False");
        let is_moved = !at(self.old, "/status/startTime").is_null() && self.has_changed(start);
        if is_moved && !resumes && at(self.new, "/spec/suspend") != true {
            self.refuse(start, "field is immutable for unsuspended job once set");
        }
    }

    fn indexes(&mut self) {
        let completions = number(self.new, "/spec/completions");
        let limits_by_index = number(self.new, "/spec/backoffLimitPerIndex").is_some();
        let (completed, failed) = ("completedIndexes", "failedIndexes");
        let checks = [
            (completed, self.has_changed(completed), true),
            (failed, self.has_changed(failed), limits_by_index),
        ];
        for (key, has_changed, is_meant) in checks {
            let Some(completions) = completions.filter(|_| has_changed && is_meant) else { continue };
            let indexes = self.status(key).as_str().unwrap_or_default();
            if let Err(error) = index_list::count(indexes, completions) {
                self.refuse(key, &format!("error parsing {key}: {error}"));
            }
        }
        let some_completed = !text(self.new, "/status/completedIndexes").is_empty();
        if self.has_changed(completed) && some_completed && !is_indexed(self.new) {
            self.refuse(completed, "cannot set non-empty completedIndexes when non-indexed completion mode");
        }
        if self.has_changed(failed) && !self.status(failed).is_null() && !limits_by_index {
            self.refuse(failed, "cannot set non-null failedIndexes when backoffLimitPerIndex is null");
        }
        if (self.has_changed(failed) || self.has_changed(completed))
            && let Some(completions) = completions
            && let (Some(done), Some(given_up)) =
                (self.status(completed).as_str(), self.status(failed).as_str())
            && let Some(index) = index_list::first_overlap(done, given_up, completions)
        {
            self.refuse(failed, &format!("failedIndexes and completedIndexes overlap at index: {index}"));
        }
    }

    fn conditions(&mut self) {
        let (complete, failed) = (self.is("Complete"), self.is("Failed"));
        let (criteria_met, failure_target) = (self.is("SuccessCriteriaMet"), self.is("FailureTarget"));
        let mut refusals = Vec::new();
        if complete && failed && (self.turned("Complete") || self.turned("Failed")) {
            refusals.push("cannot set Complete=True and Failed=true conditions");
        }
        if complete && failure_target && (self.turned("Complete") || self.turned("FailureTarget")) {
            refusals.push("cannot set Complete=True and FailureTarget=true conditions");
        }
        if failed && !failure_target && (self.turned("Failed") || self.has_changed("failedIndexes")) {
            refusals.push("cannot set Failed=True condition without the FailureTarget=true condition");
        }
        if complete && !criteria_met && (self.turned("Complete") || self.turned("SuccessCriteriaMet")) {
            refusals.push("cannot set Complete=True condition without the SuccessCriteriaMet=true condition");
        }
        if criteria_met && failed {
            refusals.push("cannot set SuccessCriteriaMet=True and Failed=true conditions");
        }
        if criteria_met && failure_target {
            refusals.push("cannot set SuccessCriteriaMet=True and FailureTarget=true conditions");
        }
        if at(self.new, "/spec/successPolicy").is_object() && complete && !criteria_met {
            let detail = "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True";
            refusals.push(detail);
        }
        for detail in refusals {
            self.refuse_conditions(detail);
        }
        for kind in ["Failed", "Complete", "FailureTarget"] {
            if self.was(kind) && !self.is(kind) {
                self.refuse_conditions(&format!("cannot disable the terminal {kind}=True condition"));
            }
        }
        if self.was("SuccessCriteriaMet") && !criteria_met {
            self.refuse_conditions("cannot disable the SuccessCriteriaMet=True condition");
        }
        if self.was("Complete") && !self.was("SuccessCriteriaMet") && criteria_met {
            let detail = "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions";
            self.refuse_conditions(detail);
        }
    }
}

fn is_indexed(job: &Value) -> bool {
    text(job, "/spec/completionMode") == "Indexed"
}

fn is_true(job: &Value, condition: &str) -> bool {
    has_condition(job, condition, "True")
}

fn has_condition(job: &Value, kind: &str, status: &str) -> bool {
    list(job, "/status/conditions")
        .iter()
        .any(|condition| condition["type"] == kind && condition["status"] == status)
}
