//! Names for what scenarios act upon.

use serde_json::Value;
use std::fmt;

/// A resource of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// The API group; empty for the core group.
    pub group: &'static str,
    /// The version.
    pub version: &'static str,
    /// The kind, e.g. `StatefulSet`.
    pub kind: &'static str,
    /// The plural in paths, e.g. `statefulsets`.
    pub plural: &'static str,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

impl Kind {
    /// A resource whose objects live in namespaces.
    pub const fn namespaced(
        group: &'static str,
        version: &'static str,
        kind: &'static str,
        plural: &'static str,
    ) -> Kind {
        Kind { group, version, kind, plural, namespaced: true }
    }

    /// A resource whose objects belong to the cluster.
    pub const fn cluster(
        group: &'static str,
        version: &'static str,
        kind: &'static str,
        plural: &'static str,
    ) -> Kind {
        Kind { group, version, kind, plural, namespaced: false }
    }

    /// One object of it. The namespace of a cluster's object is ignored.
    pub fn named(self, namespace: &str, name: &str) -> Target {
        let namespace = if self.namespaced { namespace.to_owned() } else { String::new() };
        Target { kind: self, namespace, name: name.to_owned() }
    }

    /// `group/version`, as in `apiVersion`.
    pub fn api_version(&self) -> String {
        match self.group {
            "" => self.version.to_owned(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// The path of the collection, in one namespace or in all.
    pub fn path(&self, namespace: Option<&str>) -> String {
        let root = match self.group {
            "" => format!("/api/{}", self.version),
            group => format!("/apis/{group}/{}", self.version),
        };
        match namespace {
            Some(namespace) if self.namespaced => format!("{root}/namespaces/{namespace}/{}", self.plural),
            _ => format!("{root}/{}", self.plural),
        }
    }
}

/// One object of the API, whether it exists or not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// Its resource.
    pub kind: Kind,
    /// Its namespace; empty for a cluster's object.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Target {
    /// The object's path.
    pub fn path(&self) -> String {
        let namespace = self.kind.namespaced.then_some(self.namespace.as_str());
        format!("{}/{}", self.kind.path(namespace), self.name)
    }

    /// An object as JSON with its `apiVersion`, `kind`, name and namespace, and these further fields.
    pub fn object(&self, fields: Value) -> Value {
        let mut object = match fields {
            Value::Object(fields) => fields,
            _ => Default::default(),
        };
        object.insert("apiVersion".into(), self.kind.api_version().into());
        object.insert("kind".into(), self.kind.kind.into());
        let metadata = object.entry("metadata").or_insert_with(|| Value::Object(Default::default()));
        metadata["name"] = self.name.as_str().into();
        if self.kind.namespaced {
            metadata["namespace"] = self.namespace.as_str().into();
        }
        Value::Object(object)
    }
}

/// As people say it: `StatefulSet shop/orders`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_str() {
            "" => write!(f, "{} {}", self.kind.kind, self.name),
            namespace => write!(f, "{} {namespace}/{}", self.kind.kind, self.name),
        }
    }
}

/// The built-in resources that scenarios use most.
#[allow(missing_docs, reason = "each is the resource it is named after")]
pub mod kinds {
    use super::Kind;

    pub const CONFIG_MAPS: Kind = Kind::namespaced("", "v1", "ConfigMap", "configmaps");
    pub const CUSTOM_RESOURCE_DEFINITIONS: Kind =
        Kind::cluster("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions");
    pub const EVENTS: Kind = Kind::namespaced("events.k8s.io", "v1", "Event", "events");
    pub const LEASES: Kind = Kind::namespaced("coordination.k8s.io", "v1", "Lease", "leases");
    pub const NAMESPACES: Kind = Kind::cluster("", "v1", "Namespace", "namespaces");
    pub const NODES: Kind = Kind::cluster("", "v1", "Node", "nodes");
    pub const PERSISTENT_VOLUME_CLAIMS: Kind =
        Kind::namespaced("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims");
    pub const PODS: Kind = Kind::namespaced("", "v1", "Pod", "pods");
    pub const SECRETS: Kind = Kind::namespaced("", "v1", "Secret", "secrets");
    pub const SERVICES: Kind = Kind::namespaced("", "v1", "Service", "services");
    pub const STATEFUL_SETS: Kind = Kind::namespaced("apps", "v1", "StatefulSet", "statefulsets");
}
