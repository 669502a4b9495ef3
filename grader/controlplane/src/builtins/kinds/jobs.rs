//! Jobs and CronJobs (pkg/apis/batch/validation/validation.go, pkg/registry/batch/job/strategy.go).

use super::pod_spec::{self, not_negative, one_of};
use super::workloads::{immutable, name_warnings, template_labels};
use crate::builtins::fields::{at, has, list, number, put, set, text};
use crate::builtins::rules::Rules;
use crate::builtins::schedule::{Schedule, time_zone};
use crate::field_error::FieldError;
use crate::object;
use crate::selector::label;
use serde_json::{Value, json};

const UID_LABELS: [&str; 2] = ["controller-uid", "batch.kubernetes.io/controller-uid"];
const NAME_LABELS: [&str; 2] = ["job-name", "batch.kubernetes.io/job-name"];

pub(super) struct Job;

impl Rules for Job {
    fn counts_generation(&self) -> bool {
        true
    }

    fn default_propagation(&self) -> Option<&'static str> {
        Some("Orphan")
    }

    fn prepare_for_create(&self, job: &mut Value) {
        set(job, "status", None);
        if at(job, "/spec/manualSelector") == true {
            return;
        }
        // A job without labels of its own has its template's (pkg/apis/batch/v1/defaults.go), later ones included.
        let shared = at(job, "/metadata/labels").is_object()
            && at(job, "/metadata/labels") == at(job, "/spec/template/metadata/labels");
        // The job's pods are told from others by its uid.
        let (name, uid) = (object::name(job).to_owned(), object::uid(job).to_owned());
        let labels = NAME_LABELS.map(|key| (key, &name)).into_iter().chain(UID_LABELS.map(|key| (key, &uid)));
        for (key, value) in labels {
            if at(job, "/spec/template/metadata/labels").get(key).is_none() {
                put(job, &["spec", "template", "metadata", "labels", key], value.as_str());
            }
        }
        if at(job, "/spec/selector/matchLabels").get(UID_LABELS[1]).is_none() {
            put(job, &["spec", "selector", "matchLabels", UID_LABELS[1]], uid);
        }
        if shared {
            let labels = at(job, "/spec/template/metadata/labels").clone();
            put(job, &["metadata", "labels"], labels);
        }
    }

    fn validate_create(&self, job: &Value) -> Vec<FieldError> {
        let spec = at(job, "/spec");
        let mut errors = Vec::new();
        if at(spec, "/manualSelector") != true {
            generated_labels(job, &mut errors);
        }
        validate_spec(spec, "spec", &mut errors);
        match at(spec, "/selector") {
            Value::Null => errors.push(FieldError::required("spec.selector", "")),
            selector => errors.extend(label::validate(selector, "spec.selector")),
        }
        template_labels(spec, &mut errors);
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        if subresource.is_some() {
            return Vec::new();
        }
        let mut errors = Vec::new();
        let spec = at(new, "/spec");
        validate_spec(spec, "spec", &mut errors);
        template_labels(spec, &mut errors);
        // An indexed job may be made longer or shorter together with its parallelism.
        let elastic = text(spec, "/completionMode") == "Indexed"
            && number(spec, "/completions") == number(spec, "/parallelism");
        if !elastic {
            errors.extend(immutable(new, old, "completions"));
        }
        let suspended = at(old, "/spec/suspend") == true && !has(at(old, "/status"), "startTime");
        let template = |job: &Value| {
            let mut template = at(job, "/spec/template").clone();
            if suspended {
                // Where and with what its pods run may be decided until the job starts.
                for key in ["nodeSelector", "affinity", "tolerations", "schedulingGates"] {
                    set(&mut template["spec"], key, None);
                }
                for key in ["labels", "annotations"] {
                    set(&mut template["metadata"], key, None);
                }
            }
            template
        };
        if template(new) != template(old) {
            let shown = at(new, "/spec/template").clone();
            errors.push(FieldError::invalid("spec.template", shown, "field is immutable"));
        }
        let fixed = [
            "selector",
            "completionMode",
            "podFailurePolicy",
            "backoffLimitPerIndex",
            "managedBy",
            "successPolicy",
        ];
        errors.extend(fixed.into_iter().filter_map(|key| immutable(new, old, key)));
        errors
    }

    fn warnings(&self, job: &Value, old: Option<&Value>) -> Vec<String> {
        name_warnings(job, old)
    }
}

pub(super) struct CronJob;

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
        let mut warnings = name_warnings(job, old);
        if old.is_some() && text(job, "/spec/schedule").contains("TZ") {
            warnings.push(
                "CRON_TZ or TZ used in spec.schedule is not officially supported, see \
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
    validate_spec(template, "spec.jobTemplate.spec", &mut errors);
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

fn generated_labels(job: &Value, errors: &mut Vec<FieldError>) {
    let labels = at(job, "/spec/template/metadata/labels");
    let checks = UID_LABELS.map(|key| (key, object::uid(job))).into_iter();
    for (key, wanted) in checks.chain(NAME_LABELS.map(|key| (key, object::name(job)))) {
        let found = labels.get(key).and_then(Value::as_str).unwrap_or_default();
        if found != wanted {
            let detail = format!("must be '{wanted}'");
            let shown = labels.clone();
            errors.push(FieldError::invalid("spec.template.metadata.labels", shown, detail));
        }
    }
    let selector = at(job, "/spec/selector");
    let expected = UID_LABELS.map(|key| json!({"matchLabels": {key: object::uid(job)}}));
    if !expected.contains(selector) {
        let detail = "`selector` not auto-generated";
        errors.push(FieldError::invalid("spec.selector", selector.clone(), detail));
    }
}

fn validate_spec(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
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
    let indexed = text(spec, "/completionMode") == "Indexed";
    match text(spec, "/completionMode") {
        "" | "NonIndexed" => {
            for key in ["backoffLimitPerIndex", "maxFailedIndexes"] {
                if let Some(value) = number(spec, &format!("/{key}")) {
                    let detail = "requires indexed completion mode";
                    errors.push(FieldError::invalid(format!("{path}.{key}"), value, detail));
                }
            }
        }
        "Indexed" => {
            if !has(spec, "completions") {
                let detail = "when completion mode is Indexed";
                errors.push(FieldError::required(format!("{path}.completions"), detail));
            }
        }
        mode => {
            let known = ["NonIndexed", "Indexed"];
            errors.push(FieldError::not_supported(format!("{path}.completionMode"), mode, known));
        }
    }
    if has(spec, "successPolicy") && !indexed {
        let policy = at(spec, "/successPolicy").clone();
        let detail = "requires indexed completion mode";
        errors.push(FieldError::invalid(format!("{path}.successPolicy"), policy, detail));
    }
    errors.extend(pod_spec::validate_template(at(spec, "/template"), &format!("{path}.template")));
    let restart_path = format!("{path}.template.spec.restartPolicy");
    match text(spec, "/template/spec/restartPolicy") {
        "" | "Always" => {
            errors.push(FieldError::required(restart_path, "valid values: \"OnFailure\", \"Never\""));
        }
        "Never" => {}
        "OnFailure" if !list(spec, "/podFailurePolicy/rules").is_empty() => {
            let detail = "only \"Never\" is supported when podFailurePolicy is specified";
            errors.push(FieldError::invalid(restart_path, "OnFailure", detail));
        }
        "OnFailure" => {}
        policy => errors.push(FieldError::not_supported(restart_path, policy, ["OnFailure", "Never"])),
    }
}
