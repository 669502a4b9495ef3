//! Users: people, machines and service accounts alike are a name in some groups
//! (apiserver/pkg/authentication/user, authentication/serviceaccount/util.go).

use crate::builtins::names;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The group of those who may do everything.
pub(crate) const MASTERS: &str = "system:masters";
pub(crate) const AUTHENTICATED: &str = "system:authenticated";
pub(crate) const UNAUTHENTICATED: &str = "system:unauthenticated";
pub(crate) const ANONYMOUS: &str = "system:anonymous";
const SERVICE_ACCOUNT_PREFIX: &str = "system:serviceaccount:";
const NODE_PREFIX: &str = "system:node:";
/// Says in `extra` which credential the user came with.
pub(crate) const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

/// Somebody who is known to the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The name that texts and rules use.
    pub name: String,
    /// A stable id; may be empty.
    pub uid: String,
    /// The groups that the user is in.
    pub groups: Vec<String>,
    /// What else is known about the user, by key.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// A user without a uid.
    pub fn new<G: Into<String>>(name: impl Into<String>, groups: impl IntoIterator<Item = G>) -> Self {
        Self { name: name.into(), groups: groups.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// The user that a client certificate names: the common name and the organizations of its subject.
    /// `sha256` is the fingerprint of the certificate's DER form in lower-case hexadecimal digits.
    pub fn from_certificate(common_name: &str, organizations: Vec<String>, sha256: &str) -> Self {
        let extra = [(CREDENTIAL_ID.to_owned(), vec![format!("X509SHA256={sha256}")])];
        Self { extra: extra.into(), ..Self::new(common_name, organizations) }
    }

    /// The user that a ServiceAccount acts as.
    pub fn service_account(namespace: &str, name: &str, uid: &str) -> Self {
        Self {
            uid: uid.to_owned(),
            ..Self::new(service_account_name(namespace, name), service_account_groups(namespace))
        }
    }

    pub(crate) fn administrator() -> Self {
        Self::new("admin", [MASTERS, AUTHENTICATED])
    }

    pub(crate) fn anonymous() -> Self {
        Self::new(ANONYMOUS, [UNAUTHENTICATED])
    }

    /// The server itself, which may do everything.
    pub(crate) fn server() -> Self {
        Self::new("system:apiserver", [MASTERS, AUTHENTICATED])
    }

    pub(crate) fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|member_of| member_of == group)
    }

    /// Known by credentials, and therefore in a group that says so.
    pub(crate) fn authenticated(mut self) -> Self {
        if !self.is_in(AUTHENTICATED) && !self.is_in(UNAUTHENTICATED) {
            self.groups.push(AUTHENTICATED.to_owned());
        }
        self
    }

    /// `authentication.k8s.io/v1` UserInfo, empty members left out.
    pub(crate) fn to_value(&self) -> Value {
        let mut info = Map::new();
        for (key, text) in [("username", &self.name), ("uid", &self.uid)] {
            if !text.is_empty() {
                info.insert(key.into(), text.as_str().into());
            }
        }
        if !self.groups.is_empty() {
            info.insert("groups".into(), self.groups.clone().into());
        }
        if !self.extra.is_empty() {
            let extra = self.extra.iter().map(|(key, values)| (key.clone(), values.clone().into()));
            info.insert("extra".into(), Value::Object(extra.collect()));
        }
        info.into()
    }
}

/// The name of the user that a service account acts as.
pub(crate) fn service_account_name(namespace: &str, name: &str) -> String {
    format!("{SERVICE_ACCOUNT_PREFIX}{namespace}:{name}")
}

/// The groups of every service account of a namespace.
pub(crate) fn service_account_groups(namespace: &str) -> Vec<String> {
    vec!["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")]
}

/// Namespace and name of the service account that a user name belongs to.
pub(crate) fn service_account_of(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(SERVICE_ACCOUNT_PREFIX)?.split_once(':')?;
    let valid = names::dns_label(namespace).is_empty() && names::dns_subdomain(name).is_empty();
    valid.then_some((namespace, name))
}

/// The node that a user name belongs to.
pub(crate) fn node_of(user: &str) -> Option<&str> {
    user.strip_prefix(NODE_PREFIX).filter(|name| names::dns_subdomain(name).is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_tell_service_accounts_and_nodes() {
        for (user, account) in [
            ("system:serviceaccount:a:b", Some(("a", "b"))),
            ("system:serviceaccount:a:b.c", Some(("a", "b.c"))),
            ("system:serviceaccount:a.b:c", None),
            ("system:serviceaccount:a:b:c", None),
            ("system:serviceaccount:a", None),
            ("system:serviceaccount::b", None),
            ("alice", None),
        ] {
            assert_eq!(service_account_of(user), account, "{user}");
        }
        assert_eq!(node_of("system:node:a.b"), Some("a.b"));
        assert_eq!(node_of("system:node:A"), None);
        assert_eq!(node_of("system:nodes"), None);
    }
}
