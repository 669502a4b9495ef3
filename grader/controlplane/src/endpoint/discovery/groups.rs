//! The groups that are served, and their versions (apimachinery/pkg/version/helpers.go).

use crate::api_server::ApiServer;
use crate::builtins;
use crate::resources::api_version;
use serde_json::{Value, json};
use std::cmp::Reverse;

/// One API group.
pub(super) struct Group<'a> {
    pub(super) name: &'a str,
    /// Preferred first.
    pub(super) versions: Vec<&'a str>,
}

/// Built-in groups in the order of a real server, then the groups of definitions by name.
pub(super) fn of(server: &ApiServer) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let builtin = builtins::resources().iter().map(|resource| (resource.group, resource.version));
    let mut add = |name, version| match groups.iter_mut().find(|group| group.name == name) {
        Some(group) if group.versions.contains(&version) => {}
        Some(group) => group.versions.push(version),
        None => groups.push(Group { name, versions: vec![version] }),
    };
    builtin.for_each(|(name, version)| add(name, version));
    let custom = server.resources.all().filter(|resource| resource.is_custom());
    custom.for_each(|resource| add(resource.id.group(), &resource.version));
    for group in &mut groups {
        group.versions.sort_by_key(|version| Reverse(priority(version)));
    }
    groups
}

/// Whether this is a group of Kubernetes itself.
pub(super) fn is_built_in(group: &str) -> bool {
    builtins::resources().iter().any(|resource| resource.group == group)
}

/// Stable versions before beta before alpha, newer before older.
fn priority(version: &str) -> (u8, u32, u32) {
    let Some(rest) = version.strip_prefix('v') else { return (0, 0, 0) };
    let digits = |text: &str| text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (major, rest) = rest.split_at(digits(rest));
    let Ok(major) = major.parse() else { return (0, 0, 0) };
    match rest {
        "" => (3, major, 0),
        _ => {
            let stage = if rest.starts_with("beta") { 2 } else { 1 };
            let minor = rest.trim_start_matches("beta").trim_start_matches("alpha").parse().unwrap_or(0);
            (stage, major, minor)
        }
    }
}

impl Group<'_> {
    /// The group as a list of groups has it.
    pub(super) fn document(&self) -> Value {
        let version =
            |version: &&str| json!({"groupVersion": api_version(self.name, version), "version": version});
        json!({
            "name": self.name,
            "versions": self.versions.iter().map(version).collect::<Value>(),
            "preferredVersion": self.versions.first().map(version),
        })
    }
}
