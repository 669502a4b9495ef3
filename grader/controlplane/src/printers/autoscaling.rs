//! Scaling by hand and by itself.

use super::printed::{Printed, quantity, shortened};
use crate::builtins::fields::{at, number, text};
use serde_json::{Value, json};

pub(super) fn scale(scale: &Printed<'_>) -> Value {
    json!([scale.name(), scale.number("/spec/replicas"), scale.number("/status/replicas"), scale.age()])
}

pub(super) fn horizontal_pod_autoscaler(autoscaler: &Printed<'_>) -> Value {
    let minimum = autoscaler.at("/spec/minReplicas").as_i64();
    json!([
        autoscaler.name(),
        format!(
            "{}/{}",
            autoscaler.text("/spec/scaleTargetRef/kind"),
            autoscaler.text("/spec/scaleTargetRef/name")
        ),
        targets(autoscaler),
        minimum.map_or_else(|| "<unset>".to_owned(), |minimum| minimum.to_string()),
        autoscaler.number("/spec/maxReplicas"),
        autoscaler.number("/status/currentReplicas"),
        autoscaler.age(),
    ])
}

fn targets(autoscaler: &Printed<'_>) -> String {
    let current = autoscaler.list("/status/currentMetrics");
    let metrics = autoscaler.list("/spec/metrics").iter().enumerate();
    let shown: Vec<String> =
        metrics.map(|(index, metric)| target(metric, current.get(index).unwrap_or(&Value::Null))).collect();
    if shown.is_empty() { "<none>".to_owned() } else { shortened(&shown, 2, ", ") }
}

/// What is measured and what it should be, e.g. `cpu: 12%/80%`.
fn target(metric: &Value, status: &Value) -> String {
    let (source, named, otherwise) = match text(metric, "/type") {
        "External" => ("external", false, "value"),
        "Object" => ("object", false, "value"),
        "Pods" => ("pods", false, "averageValue"),
        "Resource" => ("resource", true, "averageUtilization"),
        "ContainerResource" => ("containerResource", true, "averageUtilization"),
        _ => return "<unknown type>".to_owned(),
    };
    let wanted = at(metric, &format!("/{source}/target"));
    let current = at(status, &format!("/{source}/current"));
    let measured = |key: &str| match current.get(key) {
        Some(value) if !value.is_null() => quantity(value),
        _ => "<unknown>",
    };
    let average = wanted.get("averageValue").filter(|value| !value.is_null());
    let shown = match (average, otherwise) {
        (Some(average), _) => {
            let suffix = if otherwise == "value" { " (avg)" } else { "" };
            format!("{}/{}{suffix}", measured("averageValue"), quantity(average))
        }
        (None, "averageUtilization") => format!(
            "{}/{}",
            percentage(number(current, "/averageUtilization"), "<unknown>"),
            percentage(number(wanted, "/averageUtilization"), "<auto>")
        ),
        (None, key) => format!("{}/{}", measured(key), quantity(at(wanted, &format!("/{key}")))),
    };
    match named {
        true => format!("{}: {shown}", text(metric, &format!("/{source}/name"))),
        false => shown,
    }
}

fn percentage(percent: Option<i64>, none: &str) -> String {
    percent.map_or_else(|| none.to_owned(), |percent| format!("{percent}%"))
}
