//! Whose rules are where: kept up to date with every write, so that a decision looks at the rules of its user and
//! nothing else (pkg/registry/rbac/validation/rule.go, `VisitRulesFor`).

use super::rules::PolicyRule;
use super::{CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, GROUP, ROLE_BINDINGS, ROLES};
use crate::access::{Attributes, Target, User};
use crate::go_text;
use crate::object;
use crate::store::Change;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A namespace, or the empty text for the whole cluster.
type Scope = String;

/// The roles and bindings of a cluster.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    roles: HashMap<(Scope, String), Arc<Vec<PolicyRule>>>,
    bindings: HashMap<Scope, Bindings>,
}

/// The bindings of one scope.
#[derive(Clone, Debug, Default)]
struct Bindings {
    by_name: BTreeMap<String, Arc<Binding>>,
    /// The names of the bindings that mention somebody.
    of: HashMap<Holder, BTreeSet<String>>,
}

/// Somebody who can have a role. A service account is the user it acts as.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Holder {
    User(String),
    Group(String),
}

#[derive(Clone, Debug)]
struct Binding {
    role: RoleReference,
    subjects: Vec<Subject>,
}

/// `roleRef`.
#[derive(Clone, Debug)]
pub(crate) struct RoleReference {
    pub(crate) kind: String,
    pub(crate) name: String,
}

#[derive(Clone, Debug)]
struct Subject {
    /// Nobody, when the subject is of a kind that means nobody.
    holder: Option<Holder>,
    /// As reasons show it: `User "alice"`, `ServiceAccount "name/namespace"`.
    shown: String,
}

/// The binding that allowed something.
#[derive(Debug)]
pub(crate) struct Grant<'a> {
    scope: &'a str,
    name: &'a str,
    binding: &'a Binding,
    subject: &'a Subject,
}

impl Index {
    /// Takes up one write.
    pub(crate) fn observe(&mut self, change: &Change) {
        if change.resource.group() != GROUP {
            return;
        }
        let object = change.object();
        let (scope, name) = (object::namespace(object).to_owned(), object::name(object).to_owned());
        if change.resource == CLUSTER_ROLES || change.resource == ROLES {
            match &change.new {
                Some(role) => {
                    self.roles.insert((scope, name), Arc::new(PolicyRule::parse_all(role)));
                }
                None => {
                    self.roles.remove(&(scope, name));
                }
            }
        } else if change.resource == CLUSTER_ROLE_BINDINGS || change.resource == ROLE_BINDINGS {
            let bindings = self.bindings.entry(scope.clone()).or_default();
            bindings.remove(&name);
            if let Some(binding) = &change.new {
                bindings.insert(name, Binding::parse(binding, &scope));
            } else if bindings.by_name.is_empty() {
                self.bindings.remove(&scope);
            }
        }
    }

    /// The binding that allows a request.
    ///
    /// # Errors
    /// What could not be found while looking, when nothing allows it.
    pub(crate) fn find(&self, attributes: &Attributes<'_>) -> Result<Grant<'_>, Vec<String>> {
        let namespace = match &attributes.target {
            Target::Resource(resource) => resource.namespace,
            Target::Path(_) => "",
        };
        let mut problems = Vec::new();
        for (grant, rules) in self.held(attributes.user, namespace) {
            match rules {
                Ok(rules) if rules.iter().any(|rule| rule.allows(attributes)) => return Ok(grant),
                Ok(_) => {}
                Err(problem) => problems.push(problem),
            }
        }
        Err(problems)
    }

    /// Every rule that a user has in a namespace (in the cluster, when it is empty), and what could not be found.
    pub(crate) fn rules_for(&self, user: &User, namespace: &str) -> (Vec<PolicyRule>, Vec<String>) {
        let (mut all, mut problems) = (Vec::new(), Vec::new());
        for (_, rules) in self.held(user, namespace) {
            match rules {
                Ok(rules) => all.extend(rules.iter().cloned()),
                Err(problem) => problems.push(problem),
            }
        }
        (all, problems)
    }

    /// The rules of a role that a binding in this scope means; none when there is no such role.
    pub(crate) fn role(&self, role: &RoleReference, scope: &str) -> Option<&Arc<Vec<PolicyRule>>> {
        let scope = match role.kind.as_str() {
            "Role" if scope.is_empty() => return None,
            "Role" => scope,
            _ => "",
        };
        self.roles.get(&(scope.to_owned(), role.name.clone()))
    }

    /// What a user has: bindings of the cluster first, then those of the namespace, each by name, with the rules of
    /// their roles or what is wrong with them.
    fn held<'a, 'u>(
        &'a self,
        user: &'u User,
        namespace: &'u str,
    ) -> impl Iterator<Item = (Grant<'a>, Result<&'a Arc<Vec<PolicyRule>>, String>)> + use<'a, 'u> {
        let scopes = ["", namespace];
        let scopes = scopes.into_iter().take(if namespace.is_empty() { 1 } else { 2 });
        scopes.flat_map(|scope| self.bindings.get_key_value(scope)).flat_map(move |(scope, bindings)| {
            let names: BTreeSet<&'a String> =
                holders(user).filter_map(|holder| bindings.of.get(&holder)).flatten().collect();
            let grants = names.into_iter().filter_map(move |name| {
                let (name, binding) = bindings.by_name.get_key_value(name)?;
                let subject = binding.subjects.iter().find(|subject| subject.means(user))?;
                Some(Grant { scope, name, binding, subject })
            });
            grants.map(|grant| {
                let rules = self.role(&grant.binding.role, grant.scope).ok_or_else(|| {
                    let RoleReference { kind, name } = &grant.binding.role;
                    format!("{}.{GROUP} {} not found", kind.to_lowercase(), go_text::quote(name))
                });
                (grant, rules)
            })
        })
    }
}

fn holders(user: &User) -> impl Iterator<Item = Holder> {
    let groups = user.groups.iter().map(|group| Holder::Group(group.clone()));
    std::iter::once(Holder::User(user.name.clone())).chain(groups)
}

impl Bindings {
    fn insert(&mut self, name: String, binding: Binding) {
        for holder in binding.subjects.iter().filter_map(|subject| subject.holder.clone()) {
            self.of.entry(holder).or_default().insert(name.clone());
        }
        self.by_name.insert(name, Arc::new(binding));
    }

    fn remove(&mut self, name: &str) {
        let Some(binding) = self.by_name.remove(name) else { return };
        for holder in binding.subjects.iter().filter_map(|subject| subject.holder.as_ref()) {
            if let Some(names) = self.of.get_mut(holder) {
                names.remove(name);
                if names.is_empty() {
                    self.of.remove(holder);
                }
            }
        }
    }
}

impl RoleReference {
    pub(crate) fn parse(binding: &Value) -> Self {
        let text = |pointer| binding.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        Self { kind: text("/roleRef/kind"), name: text("/roleRef/name") }
    }
}

impl Binding {
    fn parse(binding: &Value, scope: &str) -> Self {
        let subjects = binding.get("subjects").and_then(Value::as_array).into_iter().flatten();
        Self {
            role: RoleReference::parse(binding),
            subjects: subjects.map(|subject| Subject::parse(subject, scope)).collect(),
        }
    }
}

impl Subject {
    fn parse(subject: &Value, scope: &str) -> Self {
        let text = |key: &str| subject.get(key).and_then(Value::as_str).unwrap_or_default();
        let (kind, name) = (text("kind"), text("name"));
        // A service account that names no namespace is one of the binding's.
        let namespace = Some(text("namespace")).filter(|namespace| !namespace.is_empty()).unwrap_or(scope);
        let holder = match kind {
            "User" => Some(Holder::User(name.to_owned())),
            "Group" => Some(Holder::Group(name.to_owned())),
            "ServiceAccount" if !namespace.is_empty() => {
                Some(Holder::User(User::service_account(namespace, name, "").name))
            }
            _ => None,
        };
        let shown = match kind {
            "ServiceAccount" => format!("{kind} {}", go_text::quote(&format!("{name}/{namespace}"))),
            _ => format!("{kind} {}", go_text::quote(name)),
        };
        Self { holder, shown }
    }

    fn means(&self, user: &User) -> bool {
        match &self.holder {
            Some(Holder::User(name)) => *name == user.name,
            Some(Holder::Group(name)) => user.is_in(name),
            None => false,
        }
    }
}

impl Grant<'_> {
    /// Why something is allowed, in the words of Kubernetes.
    pub(crate) fn reason(&self) -> String {
        let (kind, name) = match self.scope {
            "" => ("ClusterRoleBinding", self.name.to_owned()),
            namespace => ("RoleBinding", format!("{}/{namespace}", self.name)),
        };
        let RoleReference { kind: role_kind, name: role } = &self.binding.role;
        format!(
            "RBAC: allowed by {kind} {} of {role_kind} {} to {}",
            go_text::quote(&name),
            go_text::quote(role),
            self.subject.shown
        )
    }
}
