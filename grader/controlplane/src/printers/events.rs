//! Events, in their core form.

use super::printed::{Printed, since};
use crate::builtins::fields::number;
use serde_json::{Value, json};

pub(super) fn event(event: &Printed<'_>) -> Value {
    let seen = |pointer: &str, otherwise: String| match event.text(pointer) {
        "" => otherwise,
        time => since(time, event.now),
    };
    let first = seen("/firstTimestamp", event.since("/eventTime"));
    let series = event.at("/series");
    let (last, count) = match series.is_null() {
        true => (seen("/lastTimestamp", first.clone()), event.number("/count").max(1)),
        false => (event.since("/series/lastObservedTime"), number(series, "/count").unwrap_or_default()),
    };
    let kind = event.text("/involvedObject/kind").to_lowercase();
    let object = match event.text("/involvedObject/name") {
        "" => kind,
        name => format!("{kind}/{name}"),
    };
    json!([
        last,
        event.text("/type"),
        event.text("/reason"),
        object,
        event.text("/involvedObject/fieldPath"),
        source(event),
        event.text("/message").trim(),
        first,
        count,
        event.name(),
    ])
}

/// Who reported it, and from where.
fn source(event: &Printed<'_>) -> String {
    let component = event.text_or("/source/component", event.text("/reportingComponent"));
    match event.text_or("/source/host", event.text("/reportingInstance")) {
        "" => component.to_owned(),
        instance => format!("{component}, {instance}"),
    }
}
