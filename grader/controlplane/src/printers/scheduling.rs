//! Who comes first: priorities and leases.

use super::printed::Printed;
use serde_json::{Value, json};

pub(super) fn priority_class(class: &Printed<'_>) -> Value {
    json!([
        class.name(),
        class.number("/value"),
        class.flag("/globalDefault"),
        class.age(),
        class.text("/preemptionPolicy"),
    ])
}

pub(super) fn lease(lease: &Printed<'_>) -> Value {
    json!([lease.name(), lease.text("/spec/holderIdentity"), lease.age()])
}
