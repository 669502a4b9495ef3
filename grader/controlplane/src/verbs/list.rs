//! GET of a collection: now, at a revision of the past, in pages
//! (apiserver/pkg/storage/etcd3/store.go, storage/cacher).

use super::page::Page;
use super::selection::Selection;
use crate::api_server::ApiServer;
use crate::conversion;
use crate::endpoint::query::{ListOptions, is_unset};
use crate::error::{ApiError, Cause};
use crate::field_error::FieldError;
use crate::go_text;
use crate::object;
use crate::patch;
use crate::resources::Resource;
use crate::store;
use crate::system_objects::component_statuses::{self, COMPONENT_STATUSES};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where the next page begins.
struct Token {
    /// `None` for the newest one.
    revision: Option<u64>,
    /// The key of the last object of the page before.
    place: String,
}

pub(crate) fn list(
    server: &mut ApiServer,
    resource: &Resource,
    namespace: Option<&str>,
    options: &ListOptions,
) -> Result<Page, ApiError> {
    let selection = Selection::parse(resource, options)?;
    if resource.storage == COMPONENT_STATUSES {
        return Ok(component_statuses::list(|status| selection.matches(resource, status)));
    }
    let token = Token::of(options)?;
    let revision = revision_to_list(server, token.as_ref(), options)?;
    let start = token.as_ref().map(|token| token.place.as_str());
    // Whoever takes any revision is answered from the cache, which has no pages; events are not cached.
    let from_cache = token.is_none() && options.resource_version == "0" && resource.kind != "Event";
    let limit = match from_cache || selection.is_for_one_object() {
        true => 0,
        false => usize::try_from(options.limit).unwrap_or(0),
    };
    let past;
    let converted;
    let mut rest: Box<dyn Iterator<Item = (&str, &Arc<Value>, u64)>> = if revision == server.store.revision()
    {
        let entries = server.store.entries(&resource.storage, namespace, start);
        Box::new(entries.map(|(place, stored)| (place, &stored.object, stored.revision)))
    } else {
        past = objects_at(server, resource, namespace, revision);
        let entries = past.iter().map(|(place, (object, written))| (&**place, object, *written));
        Box::new(entries.filter(move |(place, ..)| start.is_none_or(|start| *place > start)))
    };
    if resource.converted_by_webhook().is_some() {
        // What is selected by may look different in this version.
        let needed = if limit > 0 && selection.is_everything() { limit } else { usize::MAX };
        let owned = rest.map(|(place, object, written)| (place.to_owned(), object.clone(), written));
        let mut owned: Vec<(String, Arc<Value>, u64)> = owned.collect();
        let page = owned.iter().take(needed).map(|(_, object, written)| (object.clone(), *written)).collect();
        let shown = conversion::show_all(server, resource, page)?;
        for ((_, object, written), shown) in owned.iter_mut().zip(shown) {
            (*object, *written) = (shown, u64::MAX);
        }
        converted = owned;
        rest = Box::new(converted.iter().map(|(place, object, written)| (&**place, object, *written)));
    }
    let mut items = Vec::new();
    let mut next = None;
    let mut remaining = None;
    while let Some((place, object, written)) = rest.next() {
        if !selection.matches(resource, object) {
            continue;
        }
        items.push(resource.present(object, written));
        if limit > 0 && items.len() == limit {
            let left = rest.count();
            if left > 0 {
                next = Some(Token { revision: Some(revision), place: place.to_owned() }.encode());
                remaining = selection.is_everything().then_some(left);
            }
            break;
        }
    }
    Ok(Page { items, revision: Some(revision), next, remaining })
}

/// The revision whose objects are listed.
///
/// # Errors
/// 410 for one that is gone, 504 for one that is still to come.
fn revision_to_list(
    server: &ApiServer,
    token: Option<&Token>,
    options: &ListOptions,
) -> Result<u64, ApiError> {
    let current = server.store.revision();
    let revision = match token {
        // Without a revision the rest is listed as it is now.
        Some(token) => token.revision.unwrap_or(current),
        None => match parse_revision(&options.resource_version)? {
            Some(asked) if asked > current => return Err(too_large(asked, current)),
            Some(asked) if options.resource_version_match == "Exact" => asked,
            // A list from a revision on, limited, without more being said, is exact as well.
            Some(asked) if asked > 0 && options.limit > 0 && options.resource_version_match.is_empty() => {
                asked
            }
            _ => current,
        },
    };
    if revision >= server.store.compacted() {
        return Ok(revision);
    }
    Err(match token {
        Some(token) => {
            let rest = Token { revision: Some(current), place: token.place.clone() };
            ApiError::continue_expired(&rest.encode())
        }
        None => ApiError::expired("The resourceVersion for the provided list is too old."),
    })
}

type Snapshot = BTreeMap<Box<str>, (Arc<Value>, u64)>;

/// The objects as they were after the write of this number: what is now, with later changes undone.
fn objects_at(server: &ApiServer, resource: &Resource, namespace: Option<&str>, revision: u64) -> Snapshot {
    let key = |object: &Value| store::key(object::namespace(object), object::name(object));
    let mut objects: Snapshot = server
        .store
        .entries(&resource.storage, namespace, None)
        .map(|(place, stored)| (place.into(), (stored.object.clone(), stored.revision)))
        .collect();
    let later: Vec<_> = server.store.changes_after(revision).into_iter().flatten().collect();
    for change in later.into_iter().rev().filter(|change| change.resource == resource.storage) {
        let object = change.object();
        if namespace.is_some_and(|namespace| namespace != object::namespace(object)) {
            continue;
        }
        match &change.old {
            Some(old) => {
                let written = object::resource_version(old).parse().unwrap_or(change.revision);
                objects.insert(key(object), (old.clone(), written))
            }
            None => objects.remove(&key(object)),
        };
    }
    objects
}

/// The number in `resourceVersion`; none when it is not given.
///
/// # Errors
/// 400 in the words of Go's parser.
pub(crate) fn parse_revision(text: &str) -> Result<Option<u64>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|_| ApiError::bad_request(format!("invalid resource version: {}", malformed_revision(text))))
}

/// 500, which is what reading one object or a stream answers.
pub(crate) fn unreadable_revision(text: &str) -> ApiError {
    ApiError::unexpected(malformed_revision(text).to_string())
}

fn malformed_revision(text: &str) -> FieldError {
    let detail = format!("strconv.ParseUint: parsing {}: invalid syntax", go_text::quote(text));
    FieldError::invalid("resourceVersion", text, detail)
}

/// 504: the revision is still to come.
pub(crate) fn too_large(asked: u64, current: u64) -> ApiError {
    let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
    ApiError::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message, None)
        .with_cause(Cause {
            reason: "ResourceVersionTooLarge".into(),
            message: "Too large resource version".into(),
            field: String::new(),
        })
        .retry_after(1)
}

impl Token {
    /// The token of a request, if it goes on with a list.
    fn of(options: &ListOptions) -> Result<Option<Self>, ApiError> {
        if options.continue_token.is_empty() {
            return Ok(None);
        }
        let token = Self::parse(&options.continue_token)?;
        if !is_unset(&options.resource_version) {
            let text = "specifying resource version is not allowed when using continue";
            return Err(ApiError::bad_request(text));
        }
        Ok(Some(token))
    }

    fn encode(&self) -> String {
        let place = format!("{}\u{0}", self.place);
        let revision = self.revision.and_then(|revision| i64::try_from(revision).ok()).unwrap_or(-1);
        let token = json!({"v": "meta.k8s.io/v1", "rv": revision, "start": place});
        URL_SAFE_NO_PAD.encode(token.to_string())
    }

    fn parse(text: &str) -> Result<Self, ApiError> {
        let refuse = |why: &str| {
            ApiError::bad_request(format!("invalid continue token: continue key is not valid: {why}"))
        };
        let bytes = URL_SAFE_NO_PAD
            .decode(text.trim_end_matches('='))
            .map_err(|error| refuse(&go_text::illegal_base64(text, &error)))?;
        let token = patch::decode::decode(&bytes).map_err(|error| refuse(&error))?;
        let version = token["v"].as_str().unwrap_or_default();
        if version != "meta.k8s.io/v1" {
            return Err(refuse(&format!("server does not recognize this encoded version {version}")));
        }
        let place = token["start"].as_str().unwrap_or_default().trim_end_matches('\u{0}').to_owned();
        if place.is_empty() {
            return Err(refuse("encoded start key empty (version meta.k8s.io/v1)"));
        }
        match token["rv"].as_i64() {
            None | Some(0) => Err(refuse("incorrect encoded start resourceVersion (version meta.k8s.io/v1)")),
            Some(revision) => Ok(Self { revision: u64::try_from(revision).ok(), place }),
        }
    }
}
