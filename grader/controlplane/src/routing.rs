//! From paths to what they name (apiserver/pkg/endpoints/request/requestinfo.go).

use http::Method;
use std::borrow::Cow;

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/api`: the versions of the core group.
    CoreVersions,
    /// `/apis`: all named groups.
    Groups,
    /// `/apis/{group}`.
    Group(String),
    /// `/api/{version}` (group empty) or `/apis/{group}/{version}`: the resources of one version.
    GroupVersion { group: String, version: String },
    /// Everything below a version.
    Resource(ResourcePath),
    /// Anything else: version, health, OpenAPI, or nothing.
    Other(String),
}

/// The parts of a path below a version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ResourcePath {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) namespace: Option<String>,
    pub(crate) resource: String,
    pub(crate) name: Option<String>,
    pub(crate) subresource: Option<String>,
    /// The old way to ask for a watch: `/api/v1/watch/…`, of one object as well.
    pub(crate) watched: bool,
    /// More parts than any resource has, but for what a proxy passes on; mostly empty.
    pub(crate) subpath: String,
}

impl ResourcePath {
    /// What a request to this path does, as discovery and rules name it. That a list is to be a watch may also be said
    /// in the query.
    pub(crate) fn verb(&self, method: &Method) -> &'static str {
        match (method.as_str(), self.name.is_some()) {
            _ if self.watched => "watch",
            ("GET" | "HEAD", true) => "get",
            ("GET" | "HEAD", false) => "list",
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", true) => "delete",
            ("DELETE", false) => "deletecollection",
            _ => "",
        }
    }
}

/// Takes a path apart. `None` for percent signs that encode nothing.
pub(crate) fn route(path: &str) -> Option<Route> {
    // As Go does: an encoded slash is a slash like others.
    let path = percent_decode(path)?;
    let inner = path.strip_prefix('/').unwrap_or(&path);
    let parts: Vec<&str> = inner.strip_suffix('/').unwrap_or(inner).split('/').collect();
    let route = match parts.as_slice() {
        ["api"] => Route::CoreVersions,
        ["api", version] => Route::GroupVersion { group: String::new(), version: (*version).into() },
        ["api", version, rest @ ..] => Route::Resource(resource_path("", version, rest)),
        ["apis"] => Route::Groups,
        ["apis", group] => Route::Group((*group).into()),
        ["apis", group, version] => {
            Route::GroupVersion { group: (*group).into(), version: (*version).into() }
        }
        ["apis", group, version, rest @ ..] => Route::Resource(resource_path(group, version, rest)),
        _ => Route::Other(format!("/{}", parts.join("/"))),
    };
    Some(route)
}

fn resource_path(group: &str, version: &str, parts: &[&str]) -> ResourcePath {
    let (watched, parts) = match parts {
        ["watch", rest @ ..] if !rest.is_empty() => (true, rest),
        _ => (false, parts),
    };
    let (namespace, parts) = match parts {
        // A namespace is also an object, with subresources of its own.
        ["namespaces", _] | ["namespaces", _, "status" | "finalize"] => (None, parts),
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some((*namespace).to_owned()), rest),
        _ => (None, parts),
    };
    let part = |index: usize| parts.get(index).map(|part| (*part).to_owned());
    ResourcePath {
        group: group.to_owned(),
        version: version.to_owned(),
        namespace,
        resource: part(0).unwrap_or_default(),
        name: part(1),
        subresource: part(2),
        watched,
        subpath: parts.get(3..).unwrap_or_default().join("/"),
    }
}

/// Undoes percent encoding; `None` when a `%` is not followed by two hexadecimal digits or the bytes are no UTF-8.
pub(crate) fn percent_decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(text.into());
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            decoded.push((high * 16 + low) as u8);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_what_kubernetes_says() {
        let path =
            |group: &str, namespace: Option<&str>, resource: &str, name: Option<&str>, sub: Option<&str>| {
                Route::Resource(ResourcePath {
                    group: group.into(),
                    version: "v1".into(),
                    namespace: namespace.map(Into::into),
                    resource: resource.into(),
                    name: name.map(Into::into),
                    subresource: sub.map(Into::into),
                    watched: false,
                    subpath: String::new(),
                })
            };
        let cases = [
            ("/api", Route::CoreVersions),
            ("/apis", Route::Groups),
            ("/apis/apps", Route::Group("apps".into())),
            ("/api/v1", Route::GroupVersion { group: "".into(), version: "v1".into() }),
            ("/api/v1/namespaces", path("", None, "namespaces", None, None)),
            ("/api/v1/namespaces/a", path("", None, "namespaces", Some("a"), None)),
            ("/api/v1/namespaces/a/finalize", path("", None, "namespaces", Some("a"), Some("finalize"))),
            ("/api/v1/namespaces/a/pods", path("", Some("a"), "pods", None, None)),
            ("/apis/apps/v1/namespaces/a/x/b/scale", path("apps", Some("a"), "x", Some("b"), Some("scale"))),
            ("/api/v1/pods", path("", None, "pods", None, None)),
            ("/api/v1/nodes/a%2Eb", path("", None, "nodes", Some("a.b"), None)),
            ("/api/v1/nodes/a%2Fstatus", path("", None, "nodes", Some("a"), Some("status"))),
            ("/healthz", Route::Other("/healthz".into())),
            ("//api", Route::Other("//api".into())),
        ];
        for (text, expected) in cases {
            assert_eq!(route(text), Some(expected), "{text}");
        }
        assert_eq!(route("/api/v1/nodes/a%zz"), None);
        let Some(Route::Resource(watched)) = route("/apis/apps/v1/watch/namespaces/a/deployments/b") else {
            panic!("a path of a resource");
        };
        let expected = path("apps", Some("a"), "deployments", Some("b"), None);
        assert_eq!(Route::Resource(ResourcePath { watched: false, ..watched.clone() }), expected);
        assert_eq!((watched.watched, watched.verb(&Method::GET)), (true, "watch"));
    }
}
