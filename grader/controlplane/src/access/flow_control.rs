//! To which flow a request belongs (apiserver/pkg/util/flowcontrol/rule.go, apiserver/pkg/server/filters/
//! priority-and-fairness.go). Nobody has to wait here; answers say it all the same.

use super::attributes::{Attributes, ResourceAttributes, Target};
use super::user::{self, User};
use crate::object;
use crate::store::{Change, ResourceId};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

pub(crate) const FLOW_SCHEMAS: ResourceId = ResourceId::known("flowcontrol.apiserver.k8s.io", "flowschemas");
pub(crate) const PRIORITY_LEVELS: ResourceId =
    ResourceId::known("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations");
const FLOW_SCHEMA_UID: HeaderName = HeaderName::from_static("x-kubernetes-pf-flowschema-uid");
const PRIORITY_LEVEL_UID: HeaderName = HeaderName::from_static("x-kubernetes-pf-prioritylevel-uid");
const ALL: &str = "*";

/// The flow schemas of a cluster, in the order in which they are tried: by precedence, then by name.
#[derive(Clone, Debug, Default)]
pub(super) struct FlowControl {
    schemas: BTreeMap<(i64, String), FlowSchema>,
    precedences: HashMap<String, i64>,
    levels: HashMap<String, HeaderValue>,
}

/// The flow schema that a request belongs to, and its priority level, by their uids.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    schema: HeaderValue,
    level: HeaderValue,
}

#[derive(Clone, Debug)]
struct FlowSchema {
    uid: HeaderValue,
    level: String,
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    subjects: Vec<Subject>,
    resources: Vec<ResourceRule>,
    paths: Vec<PathRule>,
}

#[derive(Clone, Debug)]
enum Subject {
    User(String),
    Group(String),
    /// All of a namespace: the part that their users' names begin with.
    ServiceAccounts(String),
}

#[derive(Clone, Debug)]
struct ResourceRule {
    verbs: Vec<String>,
    groups: Vec<String>,
    resources: Vec<String>,
    namespaces: Vec<String>,
    cluster_scope: bool,
}

#[derive(Clone, Debug)]
struct PathRule {
    verbs: Vec<String>,
    paths: Vec<String>,
}

impl Flow {
    /// Says it in the head of an answer.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        headers.insert(FLOW_SCHEMA_UID, self.schema.clone());
        headers.insert(PRIORITY_LEVEL_UID, self.level.clone());
    }
}

impl FlowControl {
    /// Takes up one write.
    pub(super) fn observe(&mut self, change: &Change) {
        let name = object::name(change.object()).to_owned();
        if change.resource == PRIORITY_LEVELS {
            match change.new.as_deref().and_then(uid) {
                Some(uid) => self.levels.insert(name, uid),
                None => self.levels.remove(&name),
            };
        } else if change.resource == FLOW_SCHEMAS {
            if let Some(precedence) = self.precedences.remove(&name) {
                self.schemas.remove(&(precedence, name.clone()));
            }
            if let Some((precedence, schema)) = change.new.as_deref().and_then(FlowSchema::parse) {
                self.precedences.insert(name.clone(), precedence);
                self.schemas.insert((precedence, name), schema);
            }
        }
    }

    /// Whether there are no flow schemas.
    pub(super) fn is_empty(&self) -> bool {
        self.schemas.is_empty()
    }

    /// The flow that a request belongs to; none in a cluster without flow schemas. One whose priority level does not exist
    /// is passed over.
    pub(super) fn flow(&self, attributes: &Attributes<'_>) -> Option<Flow> {
        self.schemas.values().find_map(|schema| {
            let level = self.levels.get(&schema.level)?.clone();
            let matches = schema.rules.iter().any(|rule| rule.matches(attributes));
            matches.then(|| Flow { schema: schema.uid.clone(), level })
        })
    }
}

impl FlowSchema {
    fn parse(schema: &Value) -> Option<(i64, Self)> {
        let spec = &schema["spec"];
        let rules = spec["rules"].as_array().into_iter().flatten().map(Rule::parse).collect();
        let level = text(&spec["priorityLevelConfiguration"]["name"]);
        Some((spec["matchingPrecedence"].as_i64()?, Self { uid: uid(schema)?, level, rules }))
    }
}

impl Rule {
    fn parse(rule: &Value) -> Self {
        let each = |key: &str| rule[key].as_array().into_iter().flatten();
        Self {
            subjects: each("subjects").filter_map(Subject::parse).collect(),
            resources: each("resourceRules").map(ResourceRule::parse).collect(),
            paths: each("nonResourceRules").map(PathRule::parse).collect(),
        }
    }

    fn matches(&self, attributes: &Attributes<'_>) -> bool {
        self.subjects.iter().any(|subject| subject.is(attributes.user))
            && match &attributes.target {
                Target::Resource(asked) => {
                    self.resources.iter().any(|rule| rule.matches(attributes.verb, asked))
                }
                Target::Path(path) => self.paths.iter().any(|rule| rule.matches(attributes.verb, path)),
            }
    }
}

impl Subject {
    fn parse(subject: &Value) -> Option<Self> {
        Some(match subject["kind"].as_str()? {
            "User" => Self::User(text(&subject["user"]["name"])),
            "Group" => Self::Group(text(&subject["group"]["name"])),
            "ServiceAccount" => {
                let account = &subject["serviceAccount"];
                let (namespace, name) = (text(&account["namespace"]), text(&account["name"]));
                match name.as_str() {
                    ALL => Self::ServiceAccounts(user::service_account_name(&namespace, "")),
                    name => Self::User(user::service_account_name(&namespace, name)),
                }
            }
            _ => return None,
        })
    }

    fn is(&self, user: &User) -> bool {
        match self {
            Self::User(name) => name == ALL || *name == user.name,
            Self::Group(name) => name == ALL || user.groups.contains(name),
            Self::ServiceAccounts(prefix) => user.name.starts_with(prefix),
        }
    }
}

impl ResourceRule {
    fn parse(rule: &Value) -> Self {
        Self {
            verbs: texts(&rule["verbs"]),
            groups: texts(&rule["apiGroups"]),
            resources: texts(&rule["resources"]),
            namespaces: texts(&rule["namespaces"]),
            cluster_scope: rule["clusterScope"].as_bool().unwrap_or_default(),
        }
    }

    fn matches(&self, verb: &str, asked: &ResourceAttributes<'_>) -> bool {
        let is_named = |known: &String| match (known.split_once('/'), asked.subresource) {
            (None, "") => known == asked.resource,
            (Some((resource, part)), subresource) => resource == asked.resource && part == subresource,
            (None, _) => false,
        };
        has(&self.verbs, verb)
            && has(&self.groups, asked.group)
            && self.resources.iter().any(|known| known == ALL || is_named(known))
            && match asked.namespace {
                "" => self.cluster_scope,
                namespace => has(&self.namespaces, namespace),
            }
    }
}

impl PathRule {
    fn parse(rule: &Value) -> Self {
        Self { verbs: texts(&rule["verbs"]), paths: texts(&rule["nonResourceURLs"]) }
    }

    fn matches(&self, verb: &str, path: &str) -> bool {
        // What a path names holds for what is below it, with or without a star.
        let is_below = |known: &String| {
            let known = known.strip_suffix(ALL).unwrap_or(known);
            let below = path.strip_prefix(known.strip_suffix('/').unwrap_or(known));
            below.is_some_and(|below| below.starts_with('/'))
        };
        has(&self.verbs, verb)
            && self.paths.iter().any(|known| known == ALL || known == path || is_below(known))
    }
}

fn has(known: &[String], wanted: &str) -> bool {
    known.iter().any(|known| known == ALL || known == wanted)
}

fn uid(object: &Value) -> Option<HeaderValue> {
    object["metadata"]["uid"].as_str().and_then(|uid| uid.parse().ok())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(values: &Value) -> Vec<String> {
    values.as_array().into_iter().flatten().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::store::Store;
    use crate::system_objects::bootstrap;
    use jiff::Timestamp;

    /// The name of the schema that a request belongs to, among those that every cluster begins with.
    fn flow(attributes: &Attributes<'_>) -> String {
        let (mut store, mut flows) = (Store::default(), FlowControl::default());
        bootstrap::load(&mut store, &mut Random::new(1), Timestamp::UNIX_EPOCH);
        for change in store.take_fresh() {
            flows.observe(&change);
        }
        let found = flows.flow(attributes).expect("a schema for everything").schema;
        let mut schemas = store.list(&FLOW_SCHEMAS, None);
        let schema = schemas.find(|schema| uid(&schema.object).as_ref() == Some(&found));
        object::name(&schema.expect("one of those").object).to_owned()
    }

    #[test]
    fn requests_belong_to_the_first_schema_that_matches() {
        let authenticated = "system:authenticated";
        let account = |namespace: &str| User::service_account(namespace, "builder", "").authenticated();
        let manager = User::new("system:kube-controller-manager", [authenticated]);
        let node = User::new("system:node:a", ["system:nodes", authenticated]);
        let lease = |namespace| ResourceAttributes {
            group: "coordination.k8s.io",
            resource: "leases",
            namespace,
            ..ResourceAttributes::default()
        };
        let pods = ResourceAttributes { resource: "pods", ..ResourceAttributes::default() };
        let resource = Target::Resource;
        for (user, verb, target, expected) in [
            (&User::administrator(), "get", Target::Path("/version"), "exempt"),
            (&User::new("alice", [authenticated]), "get", Target::Path("/version"), "global-default"),
            (&User::anonymous(), "get", Target::Path("/healthz"), "probes"),
            (&User::anonymous(), "get", Target::Path("/healthz/etcd"), "probes"),
            (&User::anonymous(), "get", Target::Path("/healthzz"), "global-default"),
            (&manager, "update", resource(lease("kube-system")), "system-leader-election"),
            (&manager, "list", resource(pods), "kube-controller-manager"),
            (&node, "update", resource(lease("kube-node-lease")), "system-node-high"),
            (&node, "list", resource(pods), "system-nodes"),
            (&account("kube-system"), "list", resource(pods), "kube-system-service-accounts"),
            (&account("default"), "list", resource(pods), "service-accounts"),
        ] {
            assert_eq!(flow(&Attributes { user, verb, target }), expected, "{user:?} {verb} {target:?}");
        }
    }
}
