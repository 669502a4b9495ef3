//! The table of everything that is served now.

use super::custom;
use super::{CRDS, Custom, Nature, Resource, Subresource};
use crate::builtins::{self, BuiltinResource};
use crate::custom_resources::status;
use crate::object;
use crate::store::{ResourceId, Store};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

/// By group, version and plural.
type Table = Vec<Arc<Resource>>;

/// Every resource that is served now. Built-in ones are shared by all control planes of the process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registry {
    custom: Table,
    /// What definitions are served as, by their names.
    served: BTreeMap<String, Vec<Arc<Resource>>>,
    /// The definitions whose status may have to change.
    unsettled: BTreeSet<String>,
    /// The definitions that are being deleted while objects of theirs are left.
    terminating: BTreeSet<String>,
}

static BUILTINS: LazyLock<Table> =
    LazyLock::new(|| table(builtins::resources().iter().map(|resource| Arc::new(builtin(resource)))));

/// The built-in resources at their first version: controllers look them up for everything they do.
static PREFERRED: LazyLock<HashMap<&ResourceId, &Arc<Resource>>> =
    LazyLock::new(|| BUILTINS.iter().rev().map(|resource| (&resource.id, resource)).collect());

fn table(resources: impl Iterator<Item = Arc<Resource>>) -> Table {
    let mut table: Table = resources.collect();
    table.sort_by(|a, b| key(a).cmp(&key(b)));
    table
}

fn key(resource: &Resource) -> (&str, &str, &str) {
    (resource.id.group(), &resource.version, resource.id.resource())
}

fn builtin(resource: &'static BuiltinResource) -> Resource {
    let id = ResourceId::known(resource.group, resource.plural);
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    // Events of both groups are the same objects.
    let storage = match (resource.group, resource.plural) {
        ("events.k8s.io", "events") => ResourceId::known("", "events"),
        _ => id.clone(),
    };
    Resource {
        id,
        storage,
        version: resource.version.to_owned(),
        kind: resource.kind.to_owned(),
        list_kind: format!("{}List", resource.kind),
        singular: resource.singular.to_owned(),
        short_names: texts(&resource.short_names),
        categories: texts(&resource.categories),
        namespaced: resource.namespaced,
        verbs: texts(&resource.verbs),
        subresources: resource
            .subresources
            .iter()
            .map(|subresource| Subresource {
                name: subresource.name.to_owned(),
                group: subresource.group.map(str::to_owned),
                version: subresource.version.map(str::to_owned),
                kind: subresource.kind.to_owned(),
                verbs: texts(&subresource.verbs),
            })
            .collect(),
        nature: Nature::BuiltIn(resource),
    }
}

fn custom_of(resource: &Resource) -> Option<&Custom> {
    match &resource.nature {
        Nature::Custom(custom) => Some(custom),
        Nature::BuiltIn(_) => None,
    }
}

impl Registry {
    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Resource>> {
        let wanted = (group, version, plural);
        [&*BUILTINS, &self.custom].into_iter().find_map(|table| {
            let at = table.binary_search_by(|resource| key(resource).cmp(&wanted)).ok()?;
            Some(&table[at])
        })
    }

    /// Everything that is served: built-in resources first, then by group, version and plural.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Resource>> {
        BUILTINS.iter().chain(&self.custom)
    }

    /// The resources of a group, those of its first version first.
    fn of_group(&self, group: &str) -> impl Iterator<Item = &Arc<Resource>> {
        [&*BUILTINS, &self.custom].into_iter().flat_map(move |table| {
            let start = table.partition_point(|resource| resource.id.group() < group);
            table[start..].iter().take_while(move |resource| resource.id.group() == group)
        })
    }

    /// Whether any resource of this version of the group is served.
    pub(crate) fn serves(&self, group: &str, version: &str) -> bool {
        self.of_group(group).any(|resource| resource.version == version)
    }

    /// As [`serves`](Self::serves), because a definition says so.
    pub(crate) fn serves_custom(&self, group: &str, version: &str) -> bool {
        self.of_group(group).any(|resource| resource.version == version && resource.is_custom())
    }

    /// The resource at the version that the server itself prefers.
    pub(crate) fn preferred(&self, id: &ResourceId) -> Option<&Arc<Resource>> {
        if let Some(resource) = PREFERRED.get(id) {
            return Some(resource);
        }
        let versions = self.of_group(id.group()).filter(|resource| resource.id.resource() == id.resource());
        versions.min_by_key(|resource| custom_of(resource).is_some_and(|custom| !custom.is_stored()))
    }

    /// The same objects in other forms: other versions, or another group's.
    pub(crate) fn sharing(&self, resource: &Resource) -> Vec<Arc<Resource>> {
        let is_this = |other: &Resource| other.id == resource.id && other.version == resource.version;
        let same = self.all().filter(|other| other.storage == resource.storage && !is_this(other));
        same.cloned().collect()
    }

    /// The resource of a group's kind, at any version.
    pub(crate) fn by_kind(&self, group: &str, kind: &str) -> Option<&Arc<Resource>> {
        self.of_group(group).find(|resource| resource.kind == kind)
    }

    /// The resources that keep objects, each once, with whether they are namespaced.
    pub(crate) fn stored(&self) -> Vec<(ResourceId, bool)> {
        let stored = self.all().filter(|resource| resource.allows("list") && resource.allows("delete"));
        let each: BTreeMap<ResourceId, bool> =
            stored.map(|resource| (resource.storage.clone(), resource.namespaced)).collect();
        each.into_iter().collect()
    }

    /// The definitions whose status may have to change, by name.
    pub(crate) fn unsettled(&self) -> impl Iterator<Item = &str> {
        self.unsettled.iter().map(String::as_str)
    }

    /// The definitions that are being deleted while objects of theirs are left, by name.
    pub(crate) fn terminating(&self) -> impl Iterator<Item = &str> {
        self.terminating.iter().map(String::as_str)
    }

    /// Serves what the CustomResourceDefinition of this name defines now, and nothing when it is gone. The others do not
    /// matter: what one costs does not grow with their number.
    pub(crate) fn take_up(&mut self, store: &Store, name: &str) {
        let before = self.served.remove(name).unwrap_or_default();
        self.unsettled.remove(name);
        self.terminating.remove(name);
        for resource in &before {
            if let Ok(at) = self.place(resource) {
                self.custom.remove(at);
            }
        }
        let Some(stored) = store.get(&CRDS, "", name) else { return };
        let resources = custom::served(stored, before.first().and_then(|resource| custom_of(resource)));
        for resource in &resources {
            match self.place(resource) {
                Ok(at) => self.custom[at] = resource.clone(),
                Err(at) => self.custom.insert(at, resource.clone()),
            }
        }
        if !status::is_settled(&stored.object) {
            self.unsettled.insert(name.to_owned());
        }
        if !resources.is_empty() && object::is_deleting(&stored.object) {
            self.terminating.insert(name.to_owned());
        }
        self.served.insert(name.to_owned(), resources);
    }

    fn place(&self, resource: &Resource) -> Result<usize, usize> {
        self.custom.binary_search_by(|known| key(known).cmp(&key(resource)))
    }
}
