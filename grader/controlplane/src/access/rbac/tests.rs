use super::bootstrap;
use super::escalation::{break_down, rule_covers};
use super::index::Index;
use super::rules::PolicyRule;
use super::{CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES};
use crate::access::{Attributes, ResourceAttributes, Target, User};
use crate::random::Random;
use crate::store::{ResourceId, Store};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn resource<'a>(
    user: &'a User,
    verb: &'a str,
    path: &'a str,
    namespace: &'a str,
    name: &'a str,
) -> Attributes<'a> {
    let (group, path) = path.split_once(':').unwrap_or(("", path));
    let (resource, subresource) = path.split_once('/').unwrap_or((path, ""));
    Attributes::of_resource(user, verb, ResourceAttributes { group, resource, subresource, namespace, name })
}

#[test]
fn rules_allow_what_they_name() {
    let user = User::default();
    let rule = |rule: Value| PolicyRule::parse(&rule);
    let pods =
        |resources: &[&str]| rule(json!({"apiGroups": [""], "resources": resources, "verbs": ["get"]}));
    for (rule, verb, path, name, allowed) in [
        (pods(&["pods"]), "get", "pods", "a", true),
        (pods(&["pods"]), "list", "pods", "", false),
        (pods(&["pods"]), "get", "apps:pods", "a", false),
        (pods(&["pods"]), "get", "pods/log", "a", false),
        (pods(&["pods/log"]), "get", "pods/log", "a", true),
        (pods(&["pods/log"]), "get", "pods", "a", false),
        (pods(&["pods/*"]), "get", "pods/log", "a", false),
        (pods(&["*/log"]), "get", "pods/log", "a", true),
        (pods(&["*/log"]), "get", "log", "a", false),
        (pods(&["*"]), "get", "pods/log", "a", true),
        (
            rule(json!({"apiGroups": ["*"], "resources": ["pods"], "verbs": ["*"]})),
            "x",
            "apps:pods",
            "",
            true,
        ),
        (
            rule(json!({"apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"], "verbs": ["get"]})),
            "get",
            "pods",
            "a",
            true,
        ),
        (
            rule(json!({"apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"], "verbs": ["get"]})),
            "get",
            "pods",
            "",
            false,
        ),
    ] {
        let attributes = resource(&user, verb, path, "n", name);
        assert_eq!(rule.allows(&attributes), allowed, "{rule:?} {verb} {path} {name:?}");
    }
    let urls = rule(json!({"nonResourceURLs": ["/healthz", "/apis/*"], "verbs": ["get"]}));
    for (path, allowed) in [("/healthz", true), ("/healthz/etcd", false), ("/apis/", true), ("/apis", false)]
    {
        let attributes = Attributes { user: &user, verb: "get", target: Target::Path(path) };
        assert_eq!(urls.allows(&attributes), allowed, "{path}");
    }
}

#[test]
fn rights_cover_rights() {
    let rule = |resources: &[&str], names: &[&str], verbs: &[&str]| {
        PolicyRule::parse(
            &json!({"apiGroups": [""], "resources": resources, "resourceNames": names, "verbs": verbs}),
        )
    };
    for (held, wanted, covered) in [
        (rule(&["pods"], &[], &["get", "list"]), rule(&["pods"], &[], &["get"]), true),
        (rule(&["pods"], &[], &["get"]), rule(&["pods"], &[], &["get", "list"]), false),
        (rule(&["pods"], &[], &["get"]), rule(&["pods"], &["a"], &["get"]), true),
        (rule(&["pods"], &["a"], &["get"]), rule(&["pods"], &[], &["get"]), false),
        (rule(&["pods"], &["a", "b"], &["get"]), rule(&["pods"], &["b"], &["get"]), true),
        (rule(&["*"], &[], &["*"]), rule(&["pods/log", "secrets"], &[], &["watch"]), true),
        (rule(&["*/scale"], &[], &["get"]), rule(&["deployments/scale"], &[], &["get"]), true),
        (rule(&["*/scale"], &[], &["get"]), rule(&["deployments"], &[], &["get"]), false),
    ] {
        let covers = break_down(&wanted).iter().all(|wanted| rule_covers(&held, wanted));
        assert_eq!(covers, covered, "{held:?} {wanted:?}");
    }
}

/// A cluster with its index, kept up to date as the server does.
#[derive(Default)]
struct Cluster {
    store: Store,
    index: Index,
}

impl Cluster {
    fn catch_up(&mut self) {
        for change in self.store.take_fresh() {
            self.index.observe(&change);
        }
    }

    fn put(&mut self, id: &ResourceId, object: Value) {
        self.store.put(id, object, Timestamp::UNIX_EPOCH);
        self.catch_up();
    }

    fn reason(&self, attributes: &Attributes<'_>) -> Result<String, Vec<String>> {
        self.index.find(attributes).map(|grant| grant.reason())
    }

    /// The same question answered by looking at everything that is stored.
    fn naive(&self, attributes: &Attributes<'_>) -> bool {
        let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let Target::Resource(ResourceAttributes { namespace, .. }) = attributes.target else { return false };
        let scopes = [(CLUSTER_ROLE_BINDINGS, ""), (ROLE_BINDINGS, namespace)];
        scopes.iter().any(|(id, scope)| {
            if *id == ROLE_BINDINGS && scope.is_empty() {
                return false;
            }
            self.store.list(id, Some(scope)).any(|stored| {
                let binding = &stored.object;
                let applies = binding["subjects"].as_array().is_some_and(|subjects| {
                    subjects.iter().any(|subject| match text(subject, "kind").as_str() {
                        "User" => text(subject, "name") == attributes.user.name,
                        "Group" => attributes.user.groups.contains(&text(subject, "name")),
                        _ => {
                            let own = text(subject, "namespace");
                            let namespace = if own.is_empty() { (*scope).to_owned() } else { own };
                            let name = format!("system:serviceaccount:{namespace}:{}", text(subject, "name"));
                            !namespace.is_empty() && name == attributes.user.name
                        }
                    })
                });
                let role = match text(&binding["roleRef"], "kind").as_str() {
                    "Role" => self.store.get(&ROLES, scope, &text(&binding["roleRef"], "name")),
                    _ => self.store.get(&CLUSTER_ROLES, "", &text(&binding["roleRef"], "name")),
                };
                applies
                    && role.is_some_and(|role| {
                        PolicyRule::parse_all(&role.object).iter().any(|rule| rule.allows(attributes))
                    })
            })
        })
    }
}

#[test]
fn a_new_cluster_allows_what_a_real_one_allows() {
    let mut cluster = Cluster::default();
    bootstrap::load(&mut cluster.store, &mut Random::new(1), Timestamp::UNIX_EPOCH);
    cluster.catch_up();
    let alice = User::new("alice", ["system:authenticated"]);
    let scheduler = User::new("system:kube-scheduler", ["system:authenticated"]);
    let deployments = User::service_account("kube-system", "deployment-controller", "");
    let review = "authorization.k8s.io:selfsubjectaccessreviews";
    assert_eq!(
        cluster.reason(&resource(&alice, "create", review, "", "")).as_deref(),
        Ok(
            "RBAC: allowed by ClusterRoleBinding \"system:basic-user\" of ClusterRole \"system:basic-user\" to Group \
            \"system:authenticated\""
        )
    );
    assert_eq!(
        cluster.reason(&resource(&scheduler, "list", "pods", "", "")).as_deref(),
        Ok(
            "RBAC: allowed by ClusterRoleBinding \"system:kube-scheduler\" of ClusterRole \"system:kube-scheduler\" to \
            User \"system:kube-scheduler\""
        )
    );
    assert_eq!(
        cluster.reason(&resource(&deployments, "list", "pods", "kube-system", "")).as_deref(),
        Ok("RBAC: allowed by ClusterRoleBinding \"system:controller:deployment-controller\" of ClusterRole \
            \"system:controller:deployment-controller\" to ServiceAccount \"deployment-controller/kube-system\"")
    );
    assert_eq!(cluster.reason(&resource(&alice, "list", "pods", "", "")), Err(Vec::new()));
}

#[test]
fn a_binding_without_its_role_is_a_problem_until_the_role_comes() {
    let mut cluster = Cluster::default();
    let alice = User::new("alice", ["dev"]);
    let list = resource(&alice, "list", "pods", "a", "");
    cluster.put(
        &ROLE_BINDINGS,
        json!({
            "metadata": {"name": "b", "namespace": "a"}, "roleRef": {"kind": "Role", "name": "r"},
            "subjects": [{"kind": "Group", "name": "dev"}],
        }),
    );
    let missing = vec!["role.rbac.authorization.k8s.io \"r\" not found".to_owned()];
    assert_eq!(cluster.reason(&list), Err(missing.clone()));
    cluster.put(
        &ROLES,
        json!({
            "metadata": {"name": "r", "namespace": "a"},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}],
        }),
    );
    assert_eq!(
        cluster.reason(&list).as_deref(),
        Ok("RBAC: allowed by RoleBinding \"b/a\" of Role \"r\" to Group \"dev\"")
    );
    cluster.store.remove(&ROLES, "a", "r", Timestamp::UNIX_EPOCH);
    cluster.catch_up();
    assert_eq!(cluster.reason(&list), Err(missing));
}

/// One write of a story: which kind of object, where, its name, and what is in it; nothing removes it.
type Step = (usize, &'static str, &'static str, Option<Value>);

fn step() -> impl Strategy<Value = Step> {
    let name = || prop_oneof![Just("x"), Just("y"), Just("z")];
    let rule = (prop_oneof![Just("get"), Just("*")], prop_oneof![Just("pods"), Just("pods/log"), Just("*")])
        .prop_map(|(verb, resource)| json!({"apiGroups": [""], "resources": [resource], "verbs": [verb]}));
    let role = prop::collection::vec(rule, 0..3).prop_map(|rules| json!({"rules": rules}));
    let subject = (
        prop_oneof![Just("User"), Just("Group"), Just("ServiceAccount")],
        name(),
        prop_oneof![Just(""), Just("a")],
    )
        .prop_map(|(kind, name, namespace)| json!({"kind": kind, "name": name, "namespace": namespace}));
    let binding = (
        prop_oneof![Just("Role"), Just("ClusterRole")],
        name(),
        prop::collection::vec(subject, 0..4),
    )
        .prop_map(
            |(kind, name, subjects)| json!({"roleRef": {"kind": kind, "name": name}, "subjects": subjects}),
        );
    (0..4usize, prop_oneof![Just("a"), Just("b")], name(), prop::option::weighted(0.8, (role, binding)))
        .prop_map(|(kind, namespace, name, content)| {
            let content = content.map(|(role, binding)| if kind < 2 { role } else { binding });
            (kind, namespace, name, content)
        })
}

proptest! {
    #[test]
    fn the_index_decides_as_a_look_at_everything_does(steps in prop::collection::vec(step(), 0..40)) {
        let kinds = [CLUSTER_ROLES, ROLES, CLUSTER_ROLE_BINDINGS, ROLE_BINDINGS];
        let mut cluster = Cluster::default();
        for (kind, namespace, name, content) in steps {
            let namespace = if kind % 2 == 0 { "" } else { namespace };
            match content {
                Some(mut object) => {
                    let metadata = BTreeMap::from([("name", name), ("namespace", namespace)]);
                    object["metadata"] = json!(metadata);
                    cluster.put(&kinds[kind], object);
                }
                None => {
                    cluster.store.remove(&kinds[kind], namespace, name, Timestamp::UNIX_EPOCH);
                    cluster.catch_up();
                }
            }
        }
        let mut users = vec![User::new("x", ["y"]), User::new("y", ["x", "z"]), User::default()];
        users.push(User::service_account("a", "x", ""));
        users.push(User::service_account("b", "y", ""));
        for user in &users {
            for verb in ["get", "list"] {
                for path in ["pods", "pods/log", "secrets"] {
                    for namespace in ["", "a", "b", "c"] {
                        let attributes = resource(user, verb, path, namespace, "");
                        prop_assert_eq!(cluster.index.find(&attributes).is_ok(), cluster.naive(&attributes));
                    }
                }
            }
        }
    }
}

#[test]
fn a_rule_is_as_many_rights_as_it_breaks_down_into() {
    for rule in [
        json!({}),
        json!({"verbs": ["get", "list"], "nonResourceURLs": ["/a", "/b", "/c"]}),
        json!({"verbs": ["get", "list"], "apiGroups": ["", "apps"], "resources": ["pods", "nodes", "jobs"]}),
        json!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["a", "b"]}),
    ] {
        let parsed = PolicyRule::parse(&rule);
        assert_eq!(parsed.rights(), break_down(&parsed).len(), "{rule}");
    }
    let many = vec!["x"; 1 << 20];
    let rule = json!({"verbs": many, "apiGroups": many, "resources": many, "resourceNames": many});
    assert_eq!(PolicyRule::parse(&rule).rights(), usize::MAX);
}
