//! What a terminating namespace says about its content (pkg/controller/namespace/deletion/status_condition_utils.go).

use crate::controllers::Api;
use crate::controllers::known::NAMESPACES;
use crate::error::ApiError;
use crate::object;
use crate::store::ResourceId;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Type, and reason and message while all is well; in the order in which they are written.
const CONDITIONS: [(&str, &str, &str); 5] = [
    ("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
    (
        "NamespaceDeletionGroupVersionParsingFailure",
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ),
    (
        "NamespaceDeletionContentFailure",
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
    ("NamespaceContentRemaining", "ContentRemoved", "All content successfully removed"),
    ("NamespaceFinalizersRemaining", "ContentHasNoFinalizers", "All content-preserving finalizers finished"),
];

/// What one pass over the content has shown.
#[derive(Debug, Default)]
pub(super) struct Findings {
    failures: Vec<String>,
    remaining: Vec<String>,
    finalizers: BTreeMap<String, usize>,
}

impl Findings {
    /// Something could not be deleted.
    pub(super) fn failure(&mut self, message: &str) {
        self.failures.push(message.to_owned());
    }

    /// Something was deleted, has no finalizers, and is still there.
    pub(super) fn unexpected(&mut self, namespace: &str, resource: &ResourceId, api_version: &str) {
        let version = api_version.rsplit('/').next().unwrap_or_default();
        self.failures.push(format!(
            "unexpected items still remain in namespace: {namespace} for gvr: {}/{version}, Resource={}",
            resource.group(),
            resource.resource(),
        ));
    }

    /// Objects of a resource are left.
    pub(super) fn remaining(
        &mut self,
        resource: &ResourceId,
        count: usize,
        finalizers: BTreeMap<String, usize>,
    ) {
        // The dot is there for the core group, too.
        let (name, group) = (resource.resource(), resource.group());
        self.remaining.push(format!("{name}.{group} has {count} resource instances"));
        for (finalizer, count) in finalizers {
            *self.finalizers.entry(finalizer).or_default() += count;
        }
    }

    pub(super) fn has_failures(&self) -> bool {
        !self.failures.is_empty()
    }

    /// Writes the conditions when they say something new; the answer is the namespace as it is then.
    pub(super) fn write(&self, api: &mut Api<'_>, namespace: Arc<Value>) -> Result<Arc<Value>, ApiError> {
        let now = object::time(api.now());
        let mut written = (*namespace).clone();
        let status = &mut written["status"]["conditions"];
        if !status.is_array() {
            *status = json!([]);
        }
        let Some(conditions) = status.as_array_mut() else { return Ok(namespace) };
        for (kind, reason, message) in CONDITIONS {
            let (status, reason, message) = match self.problem(kind) {
                Some((reason, message)) => ("True", reason, message),
                None => ("False", reason, message.to_owned()),
            };
            match conditions.iter_mut().find(|condition| condition["type"] == kind) {
                Some(condition) => {
                    if condition["status"] != status {
                        condition["lastTransitionTime"] = now.clone().into();
                    }
                    condition["status"] = status.into();
                    condition["reason"] = reason.into();
                    condition["message"] = message.into();
                }
                None => conditions.push(json!({
                    "type": kind, "status": status, "lastTransitionTime": now, "reason": reason, "message": message,
                })),
            }
        }
        if written == *namespace {
            return Ok(namespace);
        }
        api.update_status(&NAMESPACES, written)
    }

    fn problem(&self, kind: &str) -> Option<(&'static str, String)> {
        let sorted = |mut texts: Vec<String>| {
            texts.sort();
            texts.join(", ")
        };
        match kind {
            "NamespaceDeletionContentFailure" if self.has_failures() => {
                let (count, texts) = (self.failures.len(), sorted(self.failures.clone()));
                let message = format!("Failed to delete all resource types, {count} remaining: {texts}");
                Some(("ContentDeletionFailed", message))
            }
            "NamespaceContentRemaining" if !self.remaining.is_empty() => {
                let texts = sorted(self.remaining.clone());
                Some(("SomeResourcesRemain", format!("Some resources are remaining: {texts}")))
            }
            "NamespaceFinalizersRemaining" if !self.finalizers.is_empty() => {
                let texts = self
                    .finalizers
                    .iter()
                    .map(|(name, count)| format!("{name} in {count} resource instances"));
                let texts = sorted(texts.collect());
                let message = format!("Some content in the namespace has finalizers remaining: {texts}");
                Some(("SomeFinalizersRemain", message))
            }
            _ => None,
        }
    }
}
