//! Acting as somebody else: the headers `Impersonate-*`
//! (apiserver/pkg/endpoints/filters/impersonation/constrained_impersonation.go, mode.go).
//!
//! Whoever may `impersonate` a user, group, uid or extra value gets everything that identity may do. The verbs
//! `impersonate:MODE` give it for chosen requests only, which `impersonate-on:MODE:VERB` names. A mode that fits is
//! tried before the unconstrained verb, and of several refusals the first one is told.

use super::attributes::{Attributes, RequestAttributes, ResourceAttributes};
use super::control::AccessControl;
use super::user::{self, User};
use crate::builtins::domain_path;
use crate::error::ApiError;
use crate::field_error;
use crate::go_text;
use crate::routing;
use http::HeaderMap;
use std::borrow::Cow;
use std::collections::BTreeMap;

const USER: &str = "impersonate-user";
const UID: &str = "impersonate-uid";
const GROUP: &str = "impersonate-group";
const EXTRA_PREFIX: &str = "impersonate-extra-";
const AUTHENTICATION: &str = "authentication.k8s.io";
/// From so many values on it is asked first whether all may be impersonated.
const MANY: usize = 4;

/// A way to be allowed to impersonate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    AssociatedNode,
    ArbitraryNode,
    ServiceAccount,
    UserInfo,
    Legacy,
}

const MODES: [Mode; 5] =
    [Mode::AssociatedNode, Mode::ArbitraryNode, Mode::ServiceAccount, Mode::UserInfo, Mode::Legacy];

/// Whether a request asks for it at all.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    headers.keys().any(|key| key.as_str().starts_with("impersonate-"))
}

/// The user that a request is carried out as.
///
/// # Errors
/// 400 for other headers without a user's name, 403 for who may not.
pub(super) fn impersonate(
    control: &AccessControl,
    headers: &HeaderMap,
    requester: &User,
    request: &RequestAttributes<'_>,
) -> Result<Option<User>, ApiError> {
    let wanted = read(headers);
    if wanted.name.is_empty() {
        if wanted == User::default() {
            return Ok(None);
        }
        return Err(ApiError::bad_request(format!(
            "requested {} without impersonating a user name",
            syntax(&wanted)
        )));
    }
    let mut refusal = None;
    for mode in MODES.into_iter().filter(|mode| mode.fits(&wanted, requester)) {
        match (Attempt { control, requester, mode }).check(&wanted, request) {
            Ok(user) => return Ok(Some(user)),
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    Err(refusal.unwrap_or_else(|| ApiError::unexpected("all impersonation modes failed")))
}

fn read(headers: &HeaderMap) -> User {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let one = |name: &str| headers.get(name).map(text).unwrap_or_default();
    let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        if let Some(key) = name.as_str().strip_prefix(EXTRA_PREFIX) {
            let key = routing::percent_decode(key).map_or_else(|| key.to_owned(), Cow::into_owned);
            extra.entry(key).or_default().push(text(value));
        }
    }
    User { name: one(USER), uid: one(UID), groups: headers.get_all(GROUP).iter().map(text).collect(), extra }
}

/// A user as Go's `%#v` prints it.
fn syntax(user: &User) -> String {
    let list = |values: &[String]| {
        let quoted: Vec<String> = values.iter().map(|value| go_text::quote(value)).collect();
        format!("[]string{{{}}}", quoted.join(", "))
    };
    let groups = if user.groups.is_empty() { "[]string(nil)".to_owned() } else { list(&user.groups) };
    let extra = match user.extra.is_empty() {
        true => "map[string][]string(nil)".to_owned(),
        false => {
            let entry =
                |(key, values): (&String, &Vec<String>)| format!("{}:{}", go_text::quote(key), list(values));
            let entries: Vec<String> = user.extra.iter().map(entry).collect();
            format!("map[string][]string{{{}}}", entries.join(", "))
        }
    };
    format!(
        "&user.DefaultInfo{{Name:{}, UID:{}, Groups:{groups}, Extra:{extra}}}",
        go_text::quote(&user.name),
        go_text::quote(&user.uid)
    )
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::AssociatedNode => "associated-node",
            Self::ArbitraryNode => "arbitrary-node",
            Self::ServiceAccount => "serviceaccount",
            Self::UserInfo => "user-info",
            Self::Legacy => "",
        }
    }

    fn verb(self) -> String {
        match self {
            Self::Legacy => "impersonate".to_owned(),
            mode => format!("impersonate:{}", mode.name()),
        }
    }

    fn fits(self, wanted: &User, requester: &User) -> bool {
        let only_name = wanted.uid.is_empty() && wanted.groups.is_empty() && wanted.extra.is_empty();
        let node = user::node_of(&wanted.name);
        let is_account = user::service_account_of(&wanted.name).is_some();
        match self {
            Self::AssociatedNode => {
                let own = requester.extra.get("authentication.kubernetes.io/node-name").map(Vec::as_slice);
                let from_pod = user::service_account_of(&requester.name).is_some();
                only_name && from_pod && node.is_some_and(|node| own == Some(&[node.to_owned()][..]))
            }
            Self::ArbitraryNode => only_name && node.is_some(),
            Self::ServiceAccount => only_name && is_account,
            Self::UserInfo => node.is_none() && !is_account,
            Self::Legacy => true,
        }
    }
}

/// One mode, tried for one requester.
struct Attempt<'a> {
    control: &'a AccessControl,
    requester: &'a User,
    mode: Mode,
}

impl Attempt<'_> {
    fn check(&self, wanted: &User, request: &RequestAttributes<'_>) -> Result<User, ApiError> {
        if self.is_constrained() {
            let verb = format!("impersonate-on:{}:{}", self.mode.name(), request.verb);
            self.control.check(&request.by(self.requester, &verb))?;
        }
        let mut actual = wanted.clone();
        self.check_name(wanted, &mut actual)?;
        if !wanted.uid.is_empty() {
            self.may(AUTHENTICATION, "uids", "", &wanted.uid)?;
        }
        self.check_groups(wanted)?;
        self.check_extra(wanted)?;
        let group = match actual.name.as_str() {
            user::ANONYMOUS => Some(user::UNAUTHENTICATED),
            _ if !actual.is_in(user::UNAUTHENTICATED) => Some(user::AUTHENTICATED),
            _ => None,
        };
        if let Some(group) = group.filter(|group| !actual.is_in(group)) {
            actual.groups.push(group.to_owned());
        }
        Ok(actual)
    }

    fn is_constrained(&self) -> bool {
        self.mode != Mode::Legacy
    }

    /// The group of users and groups: constrained modes have found a better one.
    fn group(&self) -> &'static str {
        if self.is_constrained() { AUTHENTICATION } else { "" }
    }

    fn check_name(&self, wanted: &User, actual: &mut User) -> Result<(), ApiError> {
        if let Some(node) = user::node_of(&wanted.name).filter(|_| self.is_constrained()) {
            actual.groups = vec!["system:nodes".to_owned()];
            let name = if self.mode == Mode::AssociatedNode { "*" } else { node };
            return self.may(self.group(), "nodes", "", name);
        }
        if let Some((namespace, name)) = user::service_account_of(&wanted.name) {
            if wanted.groups.is_empty() {
                actual.groups = user::service_account_groups(namespace);
            }
            let resource = ResourceAttributes {
                group: self.group(),
                resource: "serviceaccounts",
                namespace,
                name,
                ..ResourceAttributes::default()
            };
            let verb = self.mode.verb();
            return self.control.check(&Attributes::of_resource(self.requester, &verb, resource));
        }
        self.may(self.group(), "users", "", &wanted.name)
    }

    fn check_groups(&self, wanted: &User) -> Result<(), ApiError> {
        if self.is_constrained() {
            let refuse = |name: &str, why: &str| {
                let resource = ResourceAttributes {
                    group: self.group(),
                    resource: "groups",
                    name,
                    ..ResourceAttributes::default()
                };
                Attributes::of_resource(self.requester, &self.mode.verb(), resource).forbidden(why)
            };
            if wanted.groups.iter().any(String::is_empty) {
                return Err(refuse("", "impersonating the empty string group is not allowed"));
            }
            if wanted.is_in(user::MASTERS) {
                let why = "impersonating the system:masters group is not allowed";
                return Err(refuse(user::MASTERS, why));
            }
            let many = wanted.groups.len() >= MANY;
            if many && self.may(self.group(), "groups", "", "*").is_ok() {
                return Ok(());
            }
        }
        wanted.groups.iter().try_for_each(|group| self.may(self.group(), "groups", "", group))
    }

    fn check_extra(&self, wanted: &User) -> Result<(), ApiError> {
        if self.is_constrained() && !wanted.extra.is_empty() {
            if let Some(why) = bad_extra(&wanted.extra) {
                let resource = ResourceAttributes {
                    group: AUTHENTICATION,
                    resource: "userextras",
                    ..ResourceAttributes::default()
                };
                return Err(
                    Attributes::of_resource(self.requester, &self.mode.verb(), resource).forbidden(&why)
                );
            }
            let values: usize = wanted.extra.values().map(Vec::len).sum();
            let many = wanted.extra.len() >= MANY || values >= MANY;
            if many && self.may(AUTHENTICATION, "userextras", "*", "*").is_ok() {
                return Ok(());
            }
        }
        for (key, values) in &wanted.extra {
            for value in values {
                self.may(AUTHENTICATION, "userextras", key, value)?;
            }
        }
        Ok(())
    }

    fn may(&self, group: &str, resource: &str, subresource: &str, name: &str) -> Result<(), ApiError> {
        let resource = ResourceAttributes { group, resource, subresource, name, namespace: "" };
        self.control.check(&Attributes::of_resource(self.requester, &self.mode.verb(), resource))
    }
}

/// What constrained modes object to in extra values.
fn bad_extra(extra: &BTreeMap<String, Vec<String>>) -> Option<String> {
    extra.iter().find_map(|(key, values)| {
        if key.is_empty() {
            return Some("impersonating the empty string key in extra is not allowed".to_owned());
        }
        let errors = domain_path::validate("extra.key", key);
        if !errors.is_empty() {
            let errors = field_error::aggregate(&errors);
            return Some(format!("impersonating an invalid key in extra is not allowed: {errors}"));
        }
        if *key != key.to_lowercase() {
            let key = go_text::quote(key);
            return Some(format!("impersonating a non-lowercase key in extra is not allowed: {key}"));
        }
        values
            .iter()
            .any(String::is_empty)
            .then(|| "impersonating the empty string value in extra is not allowed".to_owned())
    })
}
