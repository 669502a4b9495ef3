//! HorizontalPodAutoscalers have two versions. They are kept as `autoscaling/v2`; `v1` knows the use of CPU alone and
//! carries everything else in annotations (pkg/apis/autoscaling/v1/conversion.go, pkg/apis/autoscaling/annotations.go).

mod behavior;
mod members;
mod metrics;

use crate::builtins;
use crate::builtins::fields::{at, list, text};
use crate::object;
use members::array;
use serde_json::{Map, Value, json};

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const CURRENT_METRICS: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
/// Everything that stands for a member of the other version.
const ANNOTATIONS: [&str; 6] = [
    METRICS,
    CURRENT_METRICS,
    CONDITIONS,
    BEHAVIOR,
    "autoscaling.alpha.kubernetes.io/scale-down-tolerance",
    "autoscaling.alpha.kubernetes.io/scale-up-tolerance",
];
/// What `v1` means when it says nothing about any metric.
const DEFAULT_CPU_UTILIZATION: i64 = 80;

/// From `autoscaling/v1` to `autoscaling/v2`. Annotations that cannot be read stand for nothing.
pub(super) fn to_v2(scaler: &mut Value) {
    let annotations = take_annotations(scaler);
    let carried = |key: &str| -> Option<Value> {
        let text = annotations.iter().find(|(known, _)| known == key)?.1.as_str()?;
        serde_json::from_str(text).ok()
    };
    let each = |key: &str, convert: fn(&Value) -> Value| -> Option<Vec<Value>> {
        let items = carried(key)?.as_array()?.iter().map(convert).collect();
        Some(items)
    };
    let (spec, status) = (scaler["spec"].take(), scaler["status"].take());
    let mut metrics = each(METRICS, metrics::metric_to_v2).unwrap_or_default();
    metrics.extend(spec.get("targetCPUUtilizationPercentage").filter(|target| !target.is_null()).map(cpu));
    if metrics.is_empty() {
        metrics.push(cpu(&DEFAULT_CPU_UTILIZATION.into()));
    }
    let current = status.get("currentCPUUtilizationPercentage").filter(|current| !current.is_null());
    let current = current.map(|current| {
        vec![json!({"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": current}}})]
    });
    let mut v2 = scaler.clone();
    v2["apiVersion"] = "autoscaling/v2".into();
    v2["spec"] = members(&spec, &["scaleTargetRef", "minReplicas", "maxReplicas"]);
    v2["spec"]["metrics"] = metrics.into();
    v2["status"] =
        members(&status, &["observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas"]);
    // What annotations say need not make sense: without them it does.
    let plain = v2.clone();
    if let Some(behavior) = carried(BEHAVIOR).and_then(|behavior| behavior::behavior_to_v2(&behavior)) {
        v2["spec"]["behavior"] = behavior;
    }
    if let Some(metrics) = each(CURRENT_METRICS, metrics::status_to_v2).or_else(|| current.clone()) {
        v2["status"]["currentMetrics"] = metrics.into();
    }
    if let Some(conditions) = carried(CONDITIONS).filter(Value::is_array) {
        v2["status"]["conditions"] = conditions;
    }
    if !has_form(&mut v2) {
        v2 = plain;
        let targets = spec.get("targetCPUUtilizationPercentage").filter(|target| !target.is_null());
        let default = DEFAULT_CPU_UTILIZATION.into();
        v2["spec"]["metrics"] = json!([cpu(targets.unwrap_or(&default))]);
        v2["status"]["currentMetrics"] = current.unwrap_or_default().into();
        has_form(&mut v2);
    }
    *scaler = v2;
}

/// From `autoscaling/v2` to `autoscaling/v1`.
pub(super) fn from_v2(scaler: &mut Value) {
    take_annotations(scaler);
    let (spec, status) = (scaler["spec"].take(), scaler["status"].take());
    let is_cpu = |metric: &&Value| is_resource(metric) && !utilization(metric, "target").is_null();
    let metrics = list(&spec, "/metrics");
    let others: Vec<String> =
        metrics.iter().filter(|metric| !is_cpu(metric)).map(metrics::metric_text).collect();
    let current = list(&status, "/currentMetrics");
    let conditions = list(&status, "/conditions");
    let carried = [
        (METRICS, array(&others)),
        (CURRENT_METRICS, array(&current.iter().map(metrics::status_text).collect::<Vec<_>>())),
        (CONDITIONS, array(&conditions.iter().map(metrics::condition_text).collect::<Vec<_>>())),
        (BEHAVIOR, spec.get("behavior").filter(|behavior| !behavior.is_null()).map(behavior::behavior_text)),
    ];
    for (key, text) in carried {
        if let Some(text) = text {
            let metadata = object::metadata_mut(scaler);
            let annotations = metadata.entry("annotations").or_insert_with(|| Map::new().into());
            annotations[key] = text.into();
        }
    }
    scaler["apiVersion"] = "autoscaling/v1".into();
    scaler["spec"] = members(&spec, &["scaleTargetRef", "minReplicas", "maxReplicas"]);
    if let Some(metric) = metrics.iter().find(is_cpu) {
        scaler["spec"]["targetCPUUtilizationPercentage"] = utilization(metric, "target").clone();
    }
    scaler["status"] =
        members(&status, &["observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas"]);
    let used = |metric: &&Value| is_resource(metric) && !utilization(metric, "current").is_null();
    if let Some(metric) = current.iter().rfind(used) {
        scaler["status"]["currentCPUUtilizationPercentage"] = utilization(metric, "current").clone();
    }
    has_form(scaler);
}

/// Gives an object the form of its version: quantities and zero values. False when it does not fit.
fn has_form(scaler: &mut Value) -> bool {
    let (api_version, kind) = (scaler["apiVersion"].take(), scaler["kind"].take());
    let version = if api_version == "autoscaling/v2" { "v2" } else { "v1" };
    let definition = builtins::definition_of("autoscaling", version, "HorizontalPodAutoscaler");
    let fits = definition.is_some_and(|definition| builtins::decode(definition, scaler).is_ok());
    scaler["apiVersion"] = api_version;
    scaler["kind"] = kind;
    fits
}

/// Takes away what stands for members of the other version.
pub(super) fn take_annotations(scaler: &mut Value) -> Vec<(String, Value)> {
    let metadata = object::metadata_mut(scaler);
    let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) else {
        return Vec::new();
    };
    let taken =
        ANNOTATIONS.iter().filter_map(|key| Some(((*key).to_owned(), annotations.remove(*key)?))).collect();
    if annotations.is_empty() {
        metadata.remove("annotations");
    }
    taken
}

fn members(of: &Value, names: &[&str]) -> Value {
    let present = names.iter().filter_map(|name| Some(((*name).to_owned(), of.get(*name)?.clone())));
    present.collect::<Map<String, Value>>().into()
}

/// The metric of how much CPU is used.
fn cpu(target: &Value) -> Value {
    let target = json!({"type": "Utilization", "averageUtilization": target});
    json!({"type": "Resource", "resource": {"name": "cpu", "target": target}})
}

/// Whether a metric, or its status, is about CPU.
fn is_resource(metric: &Value) -> bool {
    text(metric, "/type") == "Resource" && text(metric, "/resource/name") == "cpu"
}

/// `averageUtilization` of a metric of a resource, which has a `target`, or of its status, which has a `current`.
fn utilization<'a>(metric: &'a Value, side: &str) -> &'a Value {
    at(metric, &format!("/resource/{side}/averageUtilization"))
}
