//! Jobs and CronJobs (pkg/apis/batch/validation/validation.go, pkg/registry/batch/job/strategy.go).

mod cron_job;
mod index_list;
mod policies;
mod spec;
mod status;

pub(super) use cron_job::CronJob;

use super::workloads::{immutable, template_labels, warnings};
use crate::builtins::fields::{at, has, list, list_mut, number, put, set, text};
use crate::builtins::names;
use crate::builtins::rules::Rules;
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
        selected_spec(spec, &mut errors);
        pod_names(job, &mut errors);
        errors
    }

    fn validate_update(&self, new: &Value, old: &Value, subresource: Option<&str>) -> Vec<FieldError> {
        if subresource.is_some() {
            return status::validate(new, old);
        }
        let spec = at(new, "/spec");
        // The spec is checked as that of a new job, and then again.
        let mut errors = self.validate_create(new);
        selected_spec(spec, &mut errors);
        if text(spec, "/completionMode") != "Indexed" {
            errors.extend(immutable(new, old, "completions"));
        } else if at(spec, "/completions") != at(old, "/spec/completions")
            && at(spec, "/completions") != at(spec, "/parallelism")
        {
            let detail = "can only be modified in tandem with spec.parallelism";
            errors.push(FieldError::invalid("spec.completions", at(spec, "/completions").clone(), detail));
        }
        template_update(new, old, &mut errors);
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
        let mut warnings = warnings(job, old, "spec.template");
        let is_above = |key: &str, most: i64| number(job, key).is_some_and(|value| value > most);
        let is_huge = is_above("/spec/completions", 100_000) && is_above("/spec/parallelism", 10_000);
        if is_huge && text(job, "/spec/completionMode") == "Indexed" {
            let text = "spec: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher \
                        than 10^4, Kubernetes might not be able to track completedIndexes when a big number of \
                        indexes fail";
            warnings.push(text.to_owned());
        }
        warnings
    }
}

/// Checks a spec that has a selector of its own, made up or not.
fn selected_spec(spec: &Value, errors: &mut Vec<FieldError>) {
    spec::validate(spec, "spec", errors);
    match at(spec, "/selector") {
        Value::Null => errors.push(FieldError::required("spec.selector", "")),
        selector => errors.extend(label::validate(selector, "spec.selector")),
    }
    template_labels(spec, errors);
}

/// Where its pods run and what they get may still be decided while a job is suspended and none of them is left.
fn template_update(new: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    let mut template = at(old, "/spec/template").clone();
    let wanted = at(new, "/spec/template");
    let status = at(old, "/status");
    let is_suspended = list(status, "/conditions")
        .iter()
        .any(|condition| condition["type"] == "Suspended" && condition["status"] == "True");
    let is_open = at(old, "/spec/suspend") == true
        && (!has(status, "startTime") || is_suspended)
        && number(status, "/active").unwrap_or_default() == 0;
    let (path, part) = if is_open {
        let spec = at(wanted, "/spec");
        for key in ["nodeSelector", "tolerations", "schedulingGates"] {
            set(&mut template["spec"], key, spec.get(key).cloned());
        }
        let affinity = at(spec, "/affinity/nodeAffinity");
        let mut kept = at(&template, "/spec/affinity").clone();
        if kept.is_object() || has(spec, "affinity") {
            if !kept.is_object() {
                kept = json!({});
            }
            set(&mut kept, "nodeAffinity", Some(affinity.clone()).filter(|affinity| !affinity.is_null()));
        }
        let is_gone = !has(spec, "affinity") && kept.as_object().is_none_or(|kept| kept.is_empty());
        set(&mut template["spec"], "affinity", Some(kept).filter(|_| !is_gone));
        for containers in ["/spec/containers", "/spec/initContainers"] {
            let wanted = list(wanted, containers);
            for (old, new) in list_mut(&mut template, containers).iter_mut().zip(wanted) {
                if old["name"] == new["name"] {
                    set(old, "resources", new.get("resources").cloned());
                }
            }
        }
        ("spec.template.spec", "/spec")
    } else {
        ("spec.template", "")
    };
    let wanted = at(wanted, part);
    if wanted != at(&template, part) {
        errors.push(FieldError::invalid(path, wanted.clone(), "field is immutable"));
    }
}

/// The pods of an indexed job are named after its indexes.
fn pod_names(job: &Value, errors: &mut Vec<FieldError>) {
    let completions = number(job, "/spec/completions").filter(|completions| *completions > 0);
    let Some(completions) = completions.filter(|_| text(job, "/spec/completionMode") == "Indexed") else {
        return;
    };
    let name = object::name(job);
    let longest = format!("{name}-{}", completions - 1);
    if !names::dns_label(&longest).is_empty() {
        let detail = format!("will not able to create pod with invalid DNS label: {longest}");
        errors.push(FieldError::invalid("metadata.name", name, detail));
    }
}

fn generated_labels(job: &Value, errors: &mut Vec<FieldError>) {
    let selector = at(job, "/spec/selector");
    if selector.is_null() {
        return;
    }
    let labels = at(job, "/spec/template/metadata/labels");
    let checks = UID_LABELS.map(|key| (key, object::uid(job))).into_iter();
    for (key, wanted) in checks.chain(NAME_LABELS.map(|key| (key, object::name(job)))) {
        let detail = format!("must be '{wanted}'");
        match labels.get(key).and_then(Value::as_str) {
            None => {
                errors.push(FieldError::required(format!("spec.template.metadata.labels[{key}]"), detail));
            }
            Some(found) if found != wanted => {
                let shown = labels.clone();
                errors.push(FieldError::invalid("spec.template.metadata.labels", shown, detail));
            }
            Some(_) => {}
        }
    }
    let expected = UID_LABELS.map(|key| json!({"matchLabels": {key: object::uid(job)}}));
    if !expected.contains(selector) {
        let detail = "`selector` not auto-generated";
        errors.push(FieldError::invalid("spec.selector", selector.clone(), detail));
    }
}
