//! Resources that CustomResourceDefinitions define.

use super::{Nature, Resource, Subresource};
use crate::custom_resources::{CustomDefinition, CustomVersion, scale::ScalePaths};
use crate::object;
use crate::schema::defaulting;
use crate::schema::pruning::{self, PruneOptions};
use crate::store::{ResourceId, Stored};
use serde_json::Value;
use std::sync::Arc;

/// One version of a CustomResourceDefinition, as requests are served from.
#[derive(Clone, Debug)]
pub struct Custom {
    /// The parsed definition, shared by all its versions.
    definition: Arc<CustomDefinition>,
    /// Which of its versions this is.
    index: usize,
    /// The `spec` that it was parsed from.
    spec: Arc<Value>,
    /// `apiVersion` of what is stored.
    storage_version: String,
    /// The revision of the write that made the schemas what they are: older objects are defaulted on read.
    schema_revision: u64,
    /// `jsonPath` of each selectable field.
    pub selectable_fields: Vec<String>,
    /// The definition is being deleted.
    pub terminating: bool,
}

impl Custom {
    /// The version of this resource.
    pub fn version(&self) -> &CustomVersion {
        &self.definition.versions[self.index]
    }

    /// The version of this `apiVersion`, if there is one.
    pub fn sibling(&self, api_version: &str) -> Option<&CustomVersion> {
        let (group, version) = api_version.split_once('/')?;
        self.definition.version(version).filter(|_| group == self.definition.group)
    }

    /// `/scale`, when the version has it.
    pub fn scale(&self) -> Option<&ScalePaths> {
        self.version().scale.as_ref()
    }

    /// The `spec` of the definition.
    pub(crate) fn spec(&self) -> &Value {
        &self.spec
    }

    /// `apiVersion` of what is stored.
    pub fn storage_version(&self) -> &str {
        &self.storage_version
    }

    /// This version is the one that objects are kept in.
    pub fn is_stored(&self) -> bool {
        self.version().storage
    }

    /// A webhook converts between the versions.
    pub(crate) fn is_converted_by_webhook(&self) -> bool {
        self.spec["conversion"]["strategy"] == "Webhook"
    }

    /// An object that was written at `revision`, in the version that it is kept in: without what that does not know any
    /// more, with the defaults that have come since.
    pub(crate) fn as_kept(&self, object: &Arc<Value>, revision: u64) -> Arc<Value> {
        let Some(version) = self.sibling(object::api_version(object)) else { return object.clone() };
        if revision >= self.schema_revision {
            return object.clone();
        }
        let mut kept = (**object).clone();
        pruning::prune(&version.schema, &mut kept, PruneOptions::Resource);
        defaulting::apply_defaults(&version.schema, &mut kept);
        Arc::new(kept)
    }

    /// Drops what the version of this `apiVersion` does not know.
    pub(crate) fn prune_to(&self, api_version: &str, object: &mut Value) {
        if let Some(version) = self.sibling(api_version) {
            pruning::prune(&version.schema, object, PruneOptions::Resource);
        }
    }

    /// Fills in the status of a new object, which lost the one that it came with: every reader would see this default.
    pub(crate) fn default_status(&self, object: &mut Value) {
        let schema = &self.version().schema;
        if schema.properties.get("status").is_some_and(|status| status.default.is_some()) {
            defaulting::apply_defaults(schema, object);
        }
    }

    /// Makes an object that was converted to the stored version one of that version: every reader would see it pruned,
    /// and with these defaults.
    pub(crate) fn fit_for_storage(&self, object: &mut Value) {
        if let Some(stored) = self.sibling(&self.storage_version) {
            pruning::prune(&stored.schema, object, PruneOptions::Resource);
            defaulting::apply_defaults(&stored.schema, object);
        }
    }

    /// Versions differ in nothing but what their schemas know.
    pub(super) fn convert_for_storage(&self, object: &mut Value) {
        if object::api_version(object) == self.storage_version {
            return;
        }
        object["apiVersion"] = self.storage_version.as_str().into();
        self.fit_for_storage(object);
    }

    pub(super) fn present(&self, object: &Arc<Value>, revision: u64, api_version: &str) -> Arc<Value> {
        let kept = self.as_kept(object, revision);
        if object::api_version(object) == api_version || self.is_converted_by_webhook() {
            return kept;
        }
        let mut shown = (*kept).clone();
        shown["apiVersion"] = api_version.into();
        self.prune_to(api_version, &mut shown);
        Arc::new(shown)
    }
}

/// The resources of a definition; none before it is established. `known` is one of them as served until now: an
/// unchanged spec is not parsed again.
pub(super) fn served(stored: &Stored, known: Option<&Custom>) -> Vec<Arc<Resource>> {
    let crd = &stored.object;
    let unchanged = known.filter(|known| *known.spec == crd["spec"]);
    // A definition that was stored has been validated: it parses.
    let Ok(definition) = CustomDefinition::from_crd_sharing(crd, unchanged.map(|known| &*known.definition))
    else {
        return Vec::new();
    };
    if !definition.established {
        return Vec::new();
    }
    let schema_revision = match (known, unchanged) {
        (_, Some(unchanged)) => unchanged.schema_revision,
        (Some(_), None) => stored.revision,
        (None, None) => 0,
    };
    let definition = Arc::new(definition);
    let id = ResourceId::new(definition.group.clone(), definition.plural.clone());
    let spec = unchanged.map_or_else(|| Arc::new(crd["spec"].clone()), |known| known.spec.clone());
    let stored_in = definition.storage_version().map(|version| version.name.as_str()).unwrap_or_default();
    let storage_version = super::api_version(&definition.group, stored_in);
    let resource = |index: usize, version: &CustomVersion| Resource {
        id: id.clone(),
        storage: id.clone(),
        version: version.name.clone(),
        kind: definition.kind.clone(),
        list_kind: definition.list_kind.clone(),
        singular: definition.singular.clone(),
        short_names: definition.short_names.clone(),
        categories: definition.categories.clone(),
        namespaced: definition.namespaced,
        verbs: verbs(object::is_deleting(crd)),
        subresources: subresources(version, &definition.kind),
        nature: Nature::Custom(Arc::new(Custom {
            definition: definition.clone(),
            index,
            spec: spec.clone(),
            storage_version: storage_version.clone(),
            schema_revision,
            selectable_fields: version
                .selectable_fields
                .iter()
                .map(|(label, _)| format!(".{label}"))
                .collect(),
            terminating: object::is_deleting(crd),
        })),
    };
    let versions = definition.versions.iter().enumerate().filter(|(_, version)| version.served);
    versions.map(|(index, version)| Arc::new(resource(index, version))).collect()
}

/// A definition on its way out shows that nothing can be made or changed any more.
fn verbs(terminating: bool) -> Vec<String> {
    let verbs: &[&str] = if terminating {
        &["delete", "deletecollection", "get", "list", "watch"]
    } else {
        &["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]
    };
    verbs.iter().map(|verb| (*verb).to_owned()).collect()
}

fn subresources(version: &CustomVersion, kind: &str) -> Vec<Subresource> {
    let verbs = || ["get", "patch", "update"].map(str::to_owned).to_vec();
    let status = Subresource {
        name: "status".into(),
        group: None,
        version: None,
        kind: kind.to_owned(),
        verbs: verbs(),
    };
    let scale = Subresource {
        name: "scale".into(),
        group: Some("autoscaling".into()),
        version: Some("v1".into()),
        kind: "Scale".into(),
        verbs: verbs(),
    };
    let present = [(version.has_status, status), (version.scale.is_some(), scale)];
    present.into_iter().filter(|(present, _)| *present).map(|(_, subresource)| subresource).collect()
}
