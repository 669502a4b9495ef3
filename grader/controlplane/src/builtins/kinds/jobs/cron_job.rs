//! CronJobs: schedules of Jobs.

use super::spec;
use crate::builtins::fields::{at, has, text};
use crate::builtins::kinds::pod_spec::{not_negative, one_of};
use crate::builtins::kinds::workloads::warnings;
use crate::builtins::rules::Rules;
use crate::builtins::schedule::{Schedule, time_zone};
use crate::field_error::FieldError;
use crate::object;
use serde_json::Value;

pub(crate) struct CronJob;

impl Rules for CronJob {
    fn counts_generation(&self) -> bool {
        true
    }

    fn validate_create(&self, job: &Value) -> Vec<FieldError> {
        let mut errors = cron_spec(job, None);
        let name = object::name(job);
        if name.len() > 52 {
            errors.push(FieldError::invalid("metadata.name", name, "must be no more than 52 characters"));
        }
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        if subresource.is_some() { Vec::new() } else { cron_spec(new, Some(old)) }
    }

    fn warnings(&self, job: &Value, old: Option<&Value>) -> Vec<String> {
        let mut warnings = warnings(job, old, "spec.jobTemplate.spec.template");
        if old.is_some() && text(job, "/spec/schedule").contains("TZ") {
            warnings.push(
                "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see \
                 https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
                    .to_owned(),
            );
        }
        warnings
    }
}

fn cron_spec(job: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let spec = at(job, "/spec");
    let mut errors = Vec::new();
    match text(spec, "/schedule") {
        "" => errors.push(FieldError::required("spec.schedule", "")),
        schedule => {
            let mut refuse = |detail: &str| {
                errors.push(FieldError::invalid("spec.schedule", schedule, detail));
            };
            if let Err(detail) = Schedule::parse(schedule) {
                refuse(&detail);
            }
            let had_zone = old.is_some_and(|old| text(old, "/spec/schedule").contains("TZ"));
            if schedule.contains("TZ") && !had_zone {
                refuse("cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
            } else if schedule.contains("TZ") && has(spec, "timeZone") {
                refuse("cannot use both timeZone field and TZ or CRON_TZ in schedule");
            }
        }
    }
    let before = old.map(|old| at(old, "/spec/timeZone"));
    if has(spec, "timeZone") && before != Some(at(spec, "/timeZone")) {
        validate_time_zone(text(spec, "/timeZone"), &mut errors);
    }
    one_of(&mut errors, spec, "spec", "concurrencyPolicy", &["Allow", "Forbid", "Replace"]);
    for key in ["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        not_negative(&mut errors, spec, "spec", key);
    }
    let template = at(spec, "/jobTemplate/spec");
    if has(template, "manualSelector") && at(template, "/manualSelector") == true {
        let detail = "may not be set";
        errors.push(FieldError::forbidden("spec.jobTemplate.spec.manualSelector", detail));
    }
    if has(template, "selector") {
        let selector = at(template, "/selector").clone();
        let detail = "`selector` will be auto-generated";
        errors.push(FieldError::invalid("spec.jobTemplate.spec.selector", selector, detail));
    }
    spec::validate(template, "spec.jobTemplate.spec", &mut errors);
    errors
}

/// Names as the IANA database has them.
fn validate_time_zone(zone: &str, errors: &mut Vec<FieldError>) {
    let mut refuse = |detail: &str| errors.push(FieldError::invalid("spec.timeZone", zone, detail));
    if zone.is_empty() {
        return refuse("timeZone must be nil or non-empty string");
    }
    let is_part = |part: &str| {
        let known = |c: char| c.is_ascii_alphanumeric() || ".-_+".contains(c);
        (1..=14).contains(&part.len())
            && ![".", ".."].contains(&part)
            && !part.starts_with('-')
            && part.chars().all(known)
    };
    let unknown = format!("unknown time zone {zone}");
    if !zone.split('/').all(is_part) {
        return refuse(&unknown);
    }
    if zone.eq_ignore_ascii_case("Local") {
        refuse("timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones");
    }
    if time_zone(zone).is_none() {
        refuse(&unknown);
    }
}
