//! What a request is about, as rules see it, and the text that refuses it (apiserver/pkg/endpoints/request/
//! requestinfo.go, apiserver/pkg/endpoints/handlers/responsewriters/errors.go).

use super::user::User;
use crate::endpoint::query::Query;
use crate::error::{ApiError, Details};
use crate::go_text;
use crate::request::Request;
use crate::routing::{ResourcePath, Route};
use crate::selector::field::FieldSelector;
use crate::store::ResourceId;
use http::StatusCode;
use std::borrow::Cow;

/// Who wants to do what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attributes<'a> {
    pub(crate) user: &'a User,
    /// As rules name it: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`, or the
    /// method in lower case outside of the API.
    pub(crate) verb: &'a str,
    pub(crate) target: Target<'a>,
}

/// To what.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target<'a> {
    Resource(ResourceAttributes<'a>),
    /// A path outside of the API's resources.
    Path(&'a str),
}

/// Which resource; what is not named is empty.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ResourceAttributes<'a> {
    pub(crate) group: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) subresource: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
}

impl<'a> Attributes<'a> {
    pub(crate) fn of_resource(user: &'a User, verb: &'a str, resource: ResourceAttributes<'a>) -> Self {
        Self { user, verb, target: Target::Resource(resource) }
    }

    /// 403; `reason` is what the authorizer has to say, if anything.
    pub(crate) fn forbidden(&self, reason: &str) -> ApiError {
        let (user, verb) = (go_text::quote(&self.user.name), self.verb);
        let why = match self.target {
            Target::Path(path) => format!("User {user} cannot {verb} path {}", go_text::quote(path)),
            Target::Resource(attributes) => {
                let ResourceAttributes { group, resource, subresource, namespace, .. } = attributes;
                let part = if subresource.is_empty() { String::new() } else { format!("/{subresource}") };
                let place = match namespace {
                    "" => "at the cluster scope".to_owned(),
                    namespace => format!("in the namespace {}", go_text::quote(namespace)),
                };
                format!(
                    "User {user} cannot {verb} resource {} in API group {} {place}",
                    go_text::quote(&format!("{resource}{part}")),
                    go_text::quote(group)
                )
            }
        };
        // Nothing in an error may look like HTML.
        let mut why = why.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        if !reason.is_empty() {
            why = format!("{why}: {reason}");
        }
        match self.target {
            Target::Path(_) => {
                let details = Some(Details::default());
                ApiError::new(StatusCode::FORBIDDEN, "Forbidden", format!("forbidden: {why}"), details)
            }
            Target::Resource(ResourceAttributes { group, resource, name, .. }) => {
                ApiError::forbidden(&ResourceId::new(group.to_owned(), resource.to_owned()), name, &why)
            }
        }
    }
}

/// What a request is about, before it is known who sends it.
#[derive(Debug)]
pub(crate) struct RequestAttributes<'a> {
    pub(crate) verb: Cow<'static, str>,
    about: About<'a>,
}

#[derive(Debug)]
enum About<'a> {
    Resource {
        path: &'a ResourcePath,
        /// The name that a field selector demands.
        selected: Option<String>,
    },
    Path(&'a str),
}

impl<'a> RequestAttributes<'a> {
    pub(crate) fn of(request: &'a Request, route: &'a Route) -> Self {
        let Route::Resource(path) = route else {
            let verb = request.method.as_str().to_ascii_lowercase().into();
            return Self { verb, about: About::Path(&request.path) };
        };
        let query = || Query::parse(&request.query);
        let verb = path.verb(&request.method);
        let lists = verb == "list";
        let verb = if lists && query().flag("watch") == Some(true) { "watch" } else { verb };
        let selector = || FieldSelector::parse(query().text("fieldSelector")).ok();
        let named = |selector: FieldSelector| selector.exact_name().map(str::to_owned);
        let selected =
            (lists && request.query.contains("fieldSelector")).then(|| selector().and_then(named)).flatten();
        Self { verb: verb.into(), about: About::Resource { path, selected } }
    }

    pub(crate) fn by<'b>(&'b self, user: &'b User, verb: &'b str) -> Attributes<'b> {
        let target = match &self.about {
            About::Path(path) => Target::Path(path),
            About::Resource { path, selected } => {
                let text = |part: &'b Option<String>| part.as_deref().unwrap_or_default();
                // A namespace lies in itself, whatever is asked of it.
                let own = if path.resource == "namespaces" { text(&path.name) } else { "" };
                Target::Resource(ResourceAttributes {
                    group: &path.group,
                    resource: &path.resource,
                    subresource: text(&path.subresource),
                    namespace: path.namespace.as_deref().unwrap_or(own),
                    name: path.name.as_deref().or(selected.as_deref()).unwrap_or_default(),
                })
            }
        };
        Attributes { user, verb, target }
    }
}
