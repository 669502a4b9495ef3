//! The table of built-in resources: what discovery says about them.

use std::sync::LazyLock;

/// One built-in resource of one API version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltinResource {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// API version, e.g. `v1`.
    pub version: &'static str,
    /// Name in URLs, e.g. `pods`.
    pub plural: &'static str,
    /// Name of one, e.g. `pod`.
    pub singular: &'static str,
    /// Kind, e.g. `Pod`.
    pub kind: &'static str,
    /// Short names of kubectl, e.g. `po`.
    pub short_names: Vec<&'static str>,
    /// Categories of kubectl, e.g. `all`.
    pub categories: Vec<&'static str>,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
    /// Verbs of the resource itself, sorted.
    pub verbs: Vec<&'static str>,
    /// Hash of the storage version, as discovery shows it; empty for resources that are not stored.
    pub storage_version_hash: &'static str,
    /// What is served below an object, sorted by name.
    pub subresources: Vec<BuiltinSubresource>,
}

/// One subresource of a built-in resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltinSubresource {
    /// Last part of the URL, e.g. `status`.
    pub name: &'static str,
    /// Group of [`Self::kind`] where discovery names it because it differs from the resource's.
    pub group: Option<&'static str>,
    /// Version of [`Self::kind`] where discovery names it.
    pub version: Option<&'static str>,
    /// What is read and written, e.g. `Scale`.
    pub kind: &'static str,
    /// Verbs of the subresource, sorted.
    pub verbs: Vec<&'static str>,
}

impl BuiltinResource {
    /// `v1`, `apps/v1`: what `apiVersion` says.
    pub fn api_version(&self) -> String {
        match self.group {
            "" => self.version.to_owned(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// The subresource of this name, if there is one.
    pub fn subresource(&self, name: &str) -> Option<&BuiltinSubresource> {
        self.subresources.iter().find(|s| s.name == name)
    }
}

/// All built-in resources, in the order of the real server's discovery: `v1` first, then groups by priority,
/// resources by name.
pub fn resources() -> &'static [BuiltinResource] {
    static RESOURCES: LazyLock<Vec<BuiltinResource>> =
        LazyLock::new(|| parse(include_str!("../../data/resources.txt")));
    &RESOURCES
}

/// The built-in resource that a URL names, if there is one.
pub fn resource(group: &str, version: &str, plural: &str) -> Option<&'static BuiltinResource> {
    resources().iter().find(|r| r.group == group && r.version == version && r.plural == plural)
}

/// A line of the file: `GROUP/VERSION NAME[/SUBRESOURCE] KIND SCOPE KEY=VALUE...`; subresources follow their
/// resource. Written by `data/refresh.py`.
fn parse(text: &'static str) -> Vec<BuiltinResource> {
    let mut resources: Vec<BuiltinResource> = Vec::new();
    for line in text.lines() {
        let mut words = line.split(' ');
        let (Some(group_version), Some(name), Some(kind), Some(scope)) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        let (group, version) = split_group_version(group_version);
        let values: Vec<(&str, &str)> = words.filter_map(|word| word.split_once('=')).collect();
        let value = |key: &str| values.iter().find(|(k, _)| *k == key).map_or("", |(_, v)| *v);
        let list = |key: &str| value(key).split(',').filter(|v| !v.is_empty()).collect::<Vec<_>>();
        match name.split_once('/') {
            None => resources.push(BuiltinResource {
                group,
                version,
                plural: name,
                singular: value("singular"),
                kind,
                short_names: list("short"),
                categories: list("categories"),
                namespaced: scope == "namespaced",
                verbs: list("verbs"),
                storage_version_hash: value("hash"),
                subresources: Vec::new(),
            }),
            Some((plural, subresource)) => {
                let other = Some(value("of")).filter(|of| !of.is_empty()).map(split_group_version);
                let parent = resources
                    .iter_mut()
                    .rev()
                    .find(|r| r.plural == plural && r.group == group && r.version == version);
                if let Some(parent) = parent {
                    parent.subresources.push(BuiltinSubresource {
                        name: subresource,
                        group: other.map(|(group, _)| group),
                        version: other.map(|(_, version)| version),
                        kind,
                        verbs: list("verbs"),
                    });
                }
            }
        }
    }
    resources
}

fn split_group_version(group_version: &'static str) -> (&'static str, &'static str) {
    group_version.split_once('/').unwrap_or(("", group_version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_knows_pods_and_their_evictions() {
        let pods = resource("", "v1", "pods").unwrap();
        assert_eq!((pods.kind, pods.singular, pods.namespaced), ("Pod", "pod", true));
        assert_eq!(pods.short_names, ["po"]);
        assert_eq!(pods.categories, ["all"]);
        let eviction = pods.subresource("eviction").unwrap();
        assert_eq!(
            (eviction.group, eviction.version, eviction.kind),
            (Some("policy"), Some("v1"), "Eviction")
        );
        assert_eq!(resource("apps", "v1", "statefulsets").unwrap().api_version(), "apps/v1");
    }

    #[test]
    fn every_line_of_the_table_is_understood() {
        let lines = include_str!("../../data/resources.txt").lines().count();
        let parsed: usize = resources().iter().map(|r| 1 + r.subresources.len()).sum();
        assert_eq!(lines, parsed);
    }
}
