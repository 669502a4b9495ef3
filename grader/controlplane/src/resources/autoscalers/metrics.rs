//! Metrics, their values and conditions, as annotations of `v1` have them.

use super::members::{Member, always, compact, leaf, ordered};
use crate::builtins::fields::text;
use crate::go_text;
use serde_json::{Value, json};

pub(super) fn metric_to_v2(metric: &Value) -> Value {
    let is_zero = |quantity: &Value| quantity.is_null() || *quantity == "0" || *quantity == 0;
    each_source(metric, |source, metric| match source {
        "resource" | "containerResource" => {
            let (utilization, average) = (&metric["targetAverageUtilization"], &metric["targetAverageValue"]);
            let kind = if utilization.is_null() { "AverageValue" } else { "Utilization" };
            json!({
                "name": metric["name"], "container": metric["container"],
                "target": {"type": kind, "averageUtilization": utilization, "averageValue": average},
            })
        }
        "pods" => json!({
            "metric": {"name": metric["metricName"], "selector": metric["selector"]},
            "target": {"type": "AverageValue", "averageValue": quantity(&metric["targetAverageValue"])},
        }),
        "object" => {
            let (value, average) = (&metric["targetValue"], &metric["averageValue"]);
            let kind = if average.is_null() { "Value" } else { "AverageValue" };
            let value = match average {
                Value::Null => quantity(value),
                _ if is_zero(value) => Value::Null,
                _ => value.clone(),
            };
            json!({
                "describedObject": metric["target"],
                "metric": {"name": metric["metricName"], "selector": metric["selector"]},
                "target": {"type": kind, "value": value, "averageValue": average},
            })
        }
        _ => {
            let (value, average) = (&metric["targetValue"], &metric["targetAverageValue"]);
            let kind = if value.is_null() { "AverageValue" } else { "Value" };
            json!({
                "metric": {"name": metric["metricName"], "selector": metric["metricSelector"]},
                "target": {"type": kind, "value": value, "averageValue": average},
            })
        }
    })
}

pub(super) fn status_to_v2(metric: &Value) -> Value {
    each_source(metric, |source, metric| match source {
        "resource" | "containerResource" => json!({
            "name": metric["name"], "container": metric["container"],
            "current": {
                "averageUtilization": metric["currentAverageUtilization"],
                "averageValue": quantity(&metric["currentAverageValue"]),
            },
        }),
        "pods" => json!({
            "metric": {"name": metric["metricName"], "selector": metric["selector"]},
            "current": {"averageValue": quantity(&metric["currentAverageValue"])},
        }),
        "object" => json!({
            "describedObject": metric["target"],
            "metric": {"name": metric["metricName"], "selector": metric["selector"]},
            "current": {"value": quantity(&metric["currentValue"]), "averageValue": metric["averageValue"]},
        }),
        _ => json!({
            "metric": {"name": metric["metricName"], "selector": metric["metricSelector"]},
            "current": {
                "value": quantity(&metric["currentValue"]), "averageValue": metric["currentAverageValue"],
            },
        }),
    })
}

/// A quantity that `v1` always has.
fn quantity(value: &Value) -> Value {
    if value.is_null() { "0".into() } else { value.clone() }
}

/// The sources of metrics, in the order of Go's struct.
const SOURCES: [&str; 5] = ["object", "pods", "resource", "containerResource", "external"];

fn each_source(metric: &Value, convert: impl Fn(&str, &Value) -> Value) -> Value {
    let mut converted = json!({"type": metric["type"]});
    for source in SOURCES {
        if let Some(found) = metric.get(source).filter(|found| found.is_object()) {
            converted[source] = convert(source, found);
        }
    }
    compact(converted)
}

fn selector(value: &Value) -> Option<String> {
    let members = [
        ("matchLabels", leaf(&value["matchLabels"])),
        ("matchExpressions", leaf(&value["matchExpressions"])),
    ];
    (!value.is_null()).then(|| ordered(&members))
}

fn reference(value: &Value) -> Option<String> {
    let text = |key: &str| go_text::json(&text(value, &format!("/{key}")).into());
    let members = [
        ("kind", Some(text("kind"))),
        ("name", Some(text("name"))),
        ("apiVersion", leaf(&value["apiVersion"])),
    ];
    Some(ordered(&members))
}

/// Where a metric keeps its amounts, and what annotations call them.
struct Side {
    key: &'static str,
    value: &'static str,
    average: &'static str,
    utilization: &'static str,
    /// How an amount is written that a target need not have.
    maybe: fn(&Value) -> Option<String>,
}

const TARGET: Side = Side {
    key: "target",
    value: "targetValue",
    average: "targetAverageValue",
    utilization: "targetAverageUtilization",
    maybe: leaf,
};
const CURRENT: Side = Side {
    key: "current",
    value: "currentValue",
    average: "currentAverageValue",
    utilization: "currentAverageUtilization",
    maybe: always,
};

pub(super) fn metric_text(metric: &Value) -> String {
    side_text(metric, &TARGET)
}

pub(super) fn status_text(metric: &Value) -> String {
    side_text(metric, &CURRENT)
}

fn side_text(metric: &Value, side: &Side) -> String {
    each_text(metric, |source, metric| {
        let amounts = &metric[side.key];
        let (value, average) = (&amounts["value"], &amounts["averageValue"]);
        let (name, labels) = (leaf(&metric["metric"]["name"]), selector(&metric["metric"]["selector"]));
        match source {
            "resource" | "containerResource" => ordered(&[
                ("name", leaf(&metric["name"])),
                (side.utilization, leaf(&amounts["averageUtilization"])),
                (side.average, (side.maybe)(average)),
                ("container", leaf(&metric["container"])),
            ]),
            "pods" => ordered(&[("metricName", name), (side.average, always(average)), ("selector", labels)]),
            "object" => ordered(&[
                ("target", reference(&metric["describedObject"])),
                ("metricName", name),
                (side.value, always(value)),
                ("selector", labels),
                ("averageValue", leaf(average)),
            ]),
            _ => ordered(&[
                ("metricName", name),
                ("metricSelector", labels),
                (side.value, (side.maybe)(value)),
                (side.average, leaf(average)),
            ]),
        }
    })
}

fn each_text(metric: &Value, text_of: impl Fn(&str, &Value) -> String) -> String {
    let mut members: Vec<Member<'_>> = vec![("type", leaf(&metric["type"]))];
    for source in SOURCES {
        let found = metric.get(source).filter(|found| found.is_object());
        members.push((source, found.map(|found| text_of(source, found))));
    }
    ordered(&members)
}

pub(super) fn condition_text(condition: &Value) -> String {
    ordered(&[
        ("type", leaf(&condition["type"])),
        ("status", leaf(&condition["status"])),
        ("lastTransitionTime", Some(go_text::json(&condition["lastTransitionTime"]))),
        ("reason", leaf(&condition["reason"])),
        ("message", leaf(&condition["message"])),
    ])
}
