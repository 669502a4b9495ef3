//! Nodes (pkg/registry/core/node/strategy.go, plugin/pkg/admission/nodetaint).

use crate::builtins::fields::{list, put, text};
use crate::builtins::rules::{Cluster, Rules};
use crate::error::ApiError;
use serde_json::{Value, json};

const NOT_READY: &str = "node.kubernetes.io/not-ready";

pub(super) struct Node;

impl Rules for Node {
    /// Nothing is scheduled to a node before it is known to be ready.
    fn admit(&self, new: &mut Value, old: Option<&Value>, _: &mut dyn Cluster) -> Result<(), ApiError> {
        let mut taints = list(new, "/spec/taints").to_vec();
        let tainted =
            taints.iter().any(|t| text(t, "/key") == NOT_READY && text(t, "/effect") == "NoSchedule");
        if old.is_none() && !tainted {
            taints.push(json!({"key": NOT_READY, "effect": "NoSchedule"}));
            put(new, &["spec", "taints"], taints);
        }
        Ok(())
    }

    /// Kubelets write status and all when they register.
    fn prepare_for_create(&self, _node: &mut Value) {}
}
