//! One rule of a role, and what it allows (pkg/apis/rbac/v1/evaluation_helpers.go).

use crate::access::{Attributes, ResourceAttributes, Target};
use crate::go_text;
use serde_json::{Map, Value};

const ALL: &str = "*";

/// A PolicyRule. An empty list of resource names means every name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PolicyRule {
    pub(crate) verbs: Vec<String>,
    pub(crate) api_groups: Vec<String>,
    pub(crate) resources: Vec<String>,
    pub(crate) resource_names: Vec<String>,
    pub(crate) non_resource_urls: Vec<String>,
}

impl PolicyRule {
    pub(crate) fn parse(rule: &Value) -> Self {
        let texts = |key: &str| {
            let list = rule.get(key).and_then(Value::as_array);
            list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Self {
            verbs: texts("verbs"),
            api_groups: texts("apiGroups"),
            resources: texts("resources"),
            resource_names: texts("resourceNames"),
            non_resource_urls: texts("nonResourceURLs"),
        }
    }

    /// Every right that there is.
    pub(crate) fn everything() -> [Self; 2] {
        let all = || vec![ALL.to_owned()];
        [
            Self { verbs: all(), api_groups: all(), resources: all(), ..Self::default() },
            Self { verbs: all(), non_resource_urls: all(), ..Self::default() },
        ]
    }

    /// The rules of a Role or ClusterRole.
    pub(crate) fn parse_all(role: &Value) -> Vec<Self> {
        role.get("rules").and_then(Value::as_array).into_iter().flatten().map(Self::parse).collect()
    }

    pub(crate) fn allows(&self, attributes: &Attributes<'_>) -> bool {
        if !has(&self.verbs, ALL) && !has(&self.verbs, attributes.verb) {
            return false;
        }
        match attributes.target {
            Target::Path(path) => self.non_resource_urls.iter().any(|url| url_covers(url, path)),
            Target::Resource(ResourceAttributes { group, resource, subresource, name, .. }) => {
                (has(&self.api_groups, ALL) || has(&self.api_groups, group))
                    && self.resources.iter().any(|rule| resource_matches(rule, resource, subresource))
                    && (self.resource_names.is_empty() || has(&self.resource_names, name))
            }
        }
    }

    /// How many rights it is, of one verb on one thing each.
    pub(super) fn rights(&self) -> usize {
        let lists = [&self.api_groups, &self.resources, &self.verbs].map(Vec::len);
        let of_resources = lists.into_iter().fold(self.resource_names.len().max(1), usize::saturating_mul);
        of_resources.saturating_add(self.non_resource_urls.len().saturating_mul(self.verbs.len()))
    }

    /// As messages show it: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`.
    pub(super) fn compact_string(&self) -> String {
        let parts = [
            ("APIGroups", &self.api_groups),
            ("Resources", &self.resources),
            ("NonResourceURLs", &self.non_resource_urls),
            ("ResourceNames", &self.resource_names),
            ("Verbs", &self.verbs),
        ];
        let parts = parts.into_iter().filter(|(_, values)| !values.is_empty());
        let parts: Vec<String> = parts.map(|(name, values)| format!("{name}:{}", quoted(values))).collect();
        format!("{{{}}}", parts.join(", "))
    }

    /// The rule as a ResourceRule or NonResourceRule shows it, empty members left out.
    pub(crate) fn to_value(&self, members: &[&str]) -> Value {
        let all = [
            ("verbs", &self.verbs),
            ("apiGroups", &self.api_groups),
            ("resources", &self.resources),
            ("resourceNames", &self.resource_names),
            ("nonResourceURLs", &self.non_resource_urls),
        ];
        let shown = all.into_iter().filter(|(key, values)| members.contains(key) && !values.is_empty());
        Value::Object(
            shown.map(|(key, values)| (key.to_owned(), values.clone().into())).collect::<Map<_, _>>(),
        )
    }
}

/// A list of texts as `%q` prints it.
pub(crate) fn quoted(values: &[String]) -> String {
    let quoted: Vec<String> = values.iter().map(|value| go_text::quote(value)).collect();
    format!("[{}]", quoted.join(" "))
}

pub(super) fn has(set: &[String], value: &str) -> bool {
    set.iter().any(|member| member == value)
}

/// Whether a resource of a rule (`pods`, `pods/log`, `*/scale`, `*`) means this one.
fn resource_matches(rule: &str, resource: &str, subresource: &str) -> bool {
    if rule == ALL {
        return true;
    }
    if subresource.is_empty() {
        return rule == resource;
    }
    rule.split_once('/').is_some_and(|(of, part)| part == subresource && (of == ALL || of == resource))
}

/// Whether a URL of a rule (`/healthz`, `/apis/*`, `*`) means this path.
pub(super) fn url_covers(url: &str, path: &str) -> bool {
    url == path || (url.ends_with('*') && path.starts_with(url.trim_end_matches('*')))
}
