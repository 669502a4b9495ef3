//! What the server serves: built-in resources and those that CustomResourceDefinitions define, in one type.

mod autoscalers;
mod custom;
mod events;
mod forms;
mod registry;
pub(crate) mod scale;

pub use custom::Custom;
pub(crate) use registry::Registry;

use crate::builtins::{self, BuiltinResource};
use crate::object;
use crate::schema::Schema;
use crate::selector::field::FieldLabels;
use crate::store::ResourceId;
use forms::Form;
use serde_json::Value;
use std::sync::Arc;

/// CustomResourceDefinitions.
pub const CRDS: ResourceId = ResourceId::known("apiextensions.k8s.io", "customresourcedefinitions");
/// Namespaces.
pub const NAMESPACES: ResourceId = ResourceId::known("", "namespaces");
/// Pods.
pub const PODS: ResourceId = ResourceId::known("", "pods");

/// Subresources that connect to what runs in the cluster.
const CONNECTIONS: [&str; 4] = ["attach", "exec", "portforward", "proxy"];

/// One resource at one version.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Group and plural as in the path.
    pub id: ResourceId,
    /// Where its objects are kept; another resource's id when two share their objects.
    pub storage: ResourceId,
    /// The served version.
    pub version: String,
    /// The kind of one object.
    pub kind: String,
    /// The kind of a list.
    pub list_kind: String,
    /// The singular name, lower case.
    pub singular: String,
    /// kubectl's short names.
    pub short_names: Vec<String>,
    /// kubectl's groups of resources, e.g. `all`.
    pub categories: Vec<String>,
    /// Lives in a namespace.
    pub namespaced: bool,
    /// Sorted, as discovery shows them.
    pub verbs: Vec<String>,
    /// What is served below an object.
    pub subresources: Vec<Subresource>,
    /// Where its rules come from.
    pub nature: Nature,
}

/// What is served below an object.
#[derive(Clone, Debug)]
pub struct Subresource {
    /// The last part of the path.
    pub name: String,
    /// The group of what is read and written, where it differs from the resource's.
    pub group: Option<String>,
    /// Its version, where it differs.
    pub version: Option<String>,
    /// Its kind.
    pub kind: String,
    /// Sorted, as discovery shows them.
    pub verbs: Vec<String>,
}

/// Where the rules of a resource come from.
#[derive(Clone, Debug)]
pub enum Nature {
    /// A type of Kubernetes itself.
    BuiltIn(&'static BuiltinResource),
    /// A version of a CustomResourceDefinition.
    Custom(Arc<Custom>),
}

impl Resource {
    /// `apiVersion` of its objects.
    pub fn api_version(&self) -> String {
        api_version(self.id.group(), &self.version)
    }

    /// Defined by a CustomResourceDefinition.
    pub fn is_custom(&self) -> bool {
        matches!(self.nature, Nature::Custom(_))
    }

    /// What is served below an object under this name.
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|subresource| subresource.name == name)
    }

    /// Whether requests for this subresource are connections through the API server.
    pub(crate) fn connects(&self, subresource: Option<&str>) -> bool {
        !self.is_custom() && subresource.is_some_and(|name| CONNECTIONS.contains(&name))
    }

    /// Has `/status`, so that the main path leaves status alone.
    pub fn has_status(&self) -> bool {
        self.subresource("status").is_some()
    }

    /// Whether this verb is served on the resource itself.
    pub fn allows(&self, verb: &str) -> bool {
        self.verbs.iter().any(|known| known == verb)
    }

    /// The structure of its objects.
    pub fn schema(&self) -> Arc<Schema> {
        match &self.nature {
            Nature::BuiltIn(resource) => builtins::schema(resource.group, resource.version, resource.kind),
            Nature::Custom(custom) => custom.version().schema.clone(),
        }
    }

    /// The fields that a field selector may name.
    pub fn field_labels(&self) -> FieldLabels<'_> {
        match &self.nature {
            Nature::BuiltIn(resource) => FieldLabels::of_builtin(resource.group, resource.kind),
            Nature::Custom(custom) => {
                FieldLabels::Custom { namespaced: self.namespaced, paths: &custom.selectable_fields }
            }
        }
    }

    /// An object as this version shows it. `revision` is that of the write that made it: an object older than its
    /// definition gets the defaults that have come since. What only a webhook can convert stays in the version that it is
    /// kept in: see [`crate::conversion::show`].
    pub(crate) fn present(&self, object: &Arc<Value>, revision: u64) -> Arc<Value> {
        let api_version = self.api_version();
        match &self.nature {
            Nature::BuiltIn(_) if object::api_version(object) == api_version => object.clone(),
            Nature::BuiltIn(_) => {
                let mut shown = self.internal((**object).clone());
                if let Some(form) = self.form() {
                    (form.from_kept)(&mut shown);
                }
                shown["apiVersion"] = api_version.into();
                Arc::new(shown)
            }
            Nature::Custom(custom) => custom.present(object, revision, &api_version),
        }
    }

    /// What converts its objects between versions, when the server cannot do it: see [`crate::conversion`].
    pub(crate) fn converted_by_webhook(&self) -> Option<&Custom> {
        match &self.nature {
            Nature::Custom(custom) if custom.is_converted_by_webhook() => Some(custom),
            _ => None,
        }
    }

    fn form(&self) -> Option<&'static Form> {
        forms::of(self.id.group(), &self.version, self.id.resource())
    }

    /// Its objects are kept in another form: as those of another version, or of another resource.
    pub(crate) fn has_other_form(&self) -> bool {
        self.form().is_some()
    }

    /// The version in which its objects are kept, and which the rules of its kind are about.
    pub(crate) fn internal_version(&self) -> &str {
        self.form().map_or(&self.version, |form| form.kept)
    }

    /// An object of this or of the kept version in the form that the rules of its kind are about.
    pub(crate) fn internal(&self, mut object: Value) -> Value {
        let kept = api_version(self.storage.group(), self.internal_version());
        let own = forms_of(&object, self);
        if let Some(form) = own.filter(|_| object::api_version(&object) != kept) {
            (form.to_kept)(&mut object);
        }
        object
    }

    /// An object that was sent, as every reader of this version will see it.
    pub(crate) fn normalized(&self, mut object: Value) -> Value {
        forms::normalize(self.id.group(), &self.version, self.id.resource(), &mut object);
        object
    }

    /// An object as it is kept.
    pub(crate) fn for_storage(&self, mut object: Value) -> Value {
        if let Nature::Custom(custom) = &self.nature {
            custom.convert_for_storage(&mut object);
        }
        object
    }
}

/// The form that an object of this resource has.
fn forms_of(object: &Value, resource: &Resource) -> Option<&'static Form> {
    let (group, version) = object::api_version(object).split_once('/')?;
    forms::of(group, version, resource.id.resource())
}

/// `group/version`, or the version alone for the core group.
pub fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}
