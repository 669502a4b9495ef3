//! Custom resources in other versions than the one they are kept in
//! (apiextensions-apiserver/pkg/apiserver/conversion, customresource_handler.go).
//!
//! Most resources look the same in every version, or the server itself knows how they differ:
//! [`Resource::present`] shows those. Where a definition names a webhook, that has to be asked, and this is the one
//! place that does. The verbs read and write through here; [`Backlog`] is the same for watches, whose events come when
//! no request is there to wait.

mod backlog;
mod checked;
mod review;

pub(crate) use backlog::{Backlog, pump};

use crate::admission;
use crate::api_server::ApiServer;
use crate::error::ApiError;
use crate::object;
use crate::object_size;
use crate::resources::{Custom, Resource};
use crate::store::{Change, Store};
use crate::webhooks::{self, WebhookCall};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::sync::Arc;

/// How long a conversion may take (apiextensions-apiserver/pkg/apiserver/conversion/webhook_converter.go).
const TIMEOUT: SignedDuration = SignedDuration::from_secs(30);

/// A stored object as the version of `resource` shows it; `revision` is that of the write that made it.
///
/// # Errors
/// 500 when the webhook fails, or that its answer is awaited.
pub(crate) fn show(
    server: &mut ApiServer,
    resource: &Resource,
    object: &Arc<Value>,
    revision: u64,
) -> Result<Arc<Value>, ApiError> {
    let mut shown = show_all(server, resource, vec![(object.clone(), revision)])?;
    Ok(shown.pop().unwrap_or_else(|| object.clone()))
}

/// Stored objects as the version of `resource` shows them, with the revisions of the writes that made them. A webhook is
/// asked once, about all of them.
///
/// # Errors
/// As [`show`].
pub(crate) fn show_all(
    server: &mut ApiServer,
    resource: &Resource,
    objects: Vec<(Arc<Value>, u64)>,
) -> Result<Vec<Arc<Value>>, ApiError> {
    let Some(custom) = resource.converted_by_webhook() else {
        return Ok(objects.iter().map(|(object, revision)| resource.present(object, *revision)).collect());
    };
    let desired = resource.api_version();
    let mut shown: Vec<Arc<Value>> =
        objects.iter().map(|(object, revision)| custom.as_kept(object, *revision)).collect();
    let others: Vec<usize> =
        (0..shown.len()).filter(|index| object::api_version(&shown[*index]) != desired).collect();
    let asked = others.iter().map(|index| (*shown[*index]).clone()).collect();
    for (index, converted) in others.iter().zip(convert(server, custom, asked, &desired)?) {
        shown[*index] = Arc::new(converted);
    }
    Ok(shown)
}

/// Changes as the version of `resource` shows them.
///
/// # Errors
/// As [`show`].
pub(crate) fn show_changes(
    server: &mut ApiServer,
    resource: &Resource,
    changes: Vec<Arc<Change>>,
) -> Result<Vec<Arc<Change>>, ApiError> {
    if resource.converted_by_webhook().is_none() {
        return Ok(changes);
    }
    let objects = |change: &Arc<Change>| {
        let revision = change.revision;
        let written = move |object: &Arc<Value>| object::resource_version(object).parse().unwrap_or(revision);
        let both = [change.old.clone(), change.new.clone()].into_iter().flatten();
        both.map(move |object| (object.clone(), written(&object))).collect::<Vec<_>>()
    };
    let mut shown = show_all(server, resource, changes.iter().flat_map(objects).collect())?.into_iter();
    let mut next = |object: &Option<Arc<Value>>| object.as_ref().and_then(|_| shown.next());
    let change = |change: &Arc<Change>| {
        let (old, new) = (next(&change.old), next(&change.new));
        Arc::new(Change { old, new, ..(**change).clone() })
    };
    Ok(changes.iter().map(change).collect())
}

/// An object that is about to be written or asked about, in the version of `target`, which is another one of its
/// resource.
///
/// # Errors
/// As [`show`].
pub(crate) fn at_version(
    server: &mut ApiServer,
    target: &Resource,
    object: &Value,
) -> Result<Value, ApiError> {
    if object.is_null() || object::api_version(object) == target.api_version() {
        return Ok(object.clone());
    }
    Ok((*show(server, target, &Arc::new(object.clone()), u64::MAX)?).clone())
}

/// An object that is ready to be stored.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// In the version that is kept.
    kept: Value,
    /// As its writer sees it, where a webhook has made that.
    shown: Option<Value>,
}

/// Makes a valid object ready to be stored. What it will look like to its writer is known then, too: nothing can be
/// asked after the write.
///
/// # Errors
/// As [`show`].
pub(crate) fn prepare(
    server: &mut ApiServer,
    resource: &Resource,
    object: Value,
) -> Result<Prepared, ApiError> {
    let custom = match resource.converted_by_webhook() {
        Some(custom) if object::api_version(&object) != custom.storage_version() => custom,
        _ => return Ok(Prepared { kept: resource.for_storage(object), shown: None }),
    };
    let stored = custom.storage_version();
    let mut kept = convert(server, custom, vec![object], stored)?.pop().unwrap_or_default();
    custom.fit_for_storage(&mut kept);
    let shown = convert(server, custom, vec![kept.clone()], &resource.api_version())?.pop();
    Ok(Prepared { kept, shown })
}

impl Prepared {
    /// Whether there is room for the object.
    ///
    /// # Errors
    /// 500 in etcd's words.
    pub(crate) fn check(&self, store: &Store) -> Result<(), ApiError> {
        object_size::check(&self.kept)?;
        object_size::check_space(store.weight())
    }

    /// Stores the object. The answer is what its writer sees.
    pub(crate) fn put(self, server: &mut ApiServer, resource: &Resource, now: Timestamp) -> Arc<Value> {
        let stored = server.store.put(&resource.storage, self.kept, now);
        match self.shown {
            None => resource.present(&stored, server.store.revision()),
            Some(mut shown) => {
                object::set_metadata(&mut shown, "resourceVersion", object::resource_version(&stored));
                Arc::new(shown)
            }
        }
    }

    /// What the writer would see if it was stored.
    pub(crate) fn into_shown(self, server: &ApiServer, resource: &Resource) -> Arc<Value> {
        match self.shown {
            None => resource.present(&Arc::new(self.kept), server.store.revision()),
            Some(shown) => Arc::new(shown),
        }
    }
}

/// What a webhook is asked.
struct Review<'a> {
    desired: &'a str,
    objects: Vec<Value>,
}

impl Review<'_> {
    /// Version and kind of what is converted, as Go shows them.
    fn from(&self) -> String {
        let first = self.objects.first().unwrap_or(&Value::Null);
        format!("{}, Kind={}", object::api_version(first), object::kind(first))
    }
}

/// Asks the webhook about all these objects at once.
fn convert(
    server: &mut ApiServer,
    custom: &Custom,
    mut objects: Vec<Value>,
    desired: &str,
) -> Result<Vec<Value>, ApiError> {
    if objects.is_empty() {
        return Ok(objects);
    }
    // A stored object learns its resourceVersion when it is read, after it was converted.
    let revisions: Vec<Option<Value>> =
        objects.iter_mut().map(|object| object::metadata_mut(object).remove("resourceVersion")).collect();
    let review = Review { desired, objects };
    let converted = ask(server, custom, &review)?;
    let (found, wanted) = (converted.len(), review.objects.len());
    if found != wanted {
        let from = review.from();
        let why = format!("conversion webhook for {from} returned {found} objects, expected {wanted}");
        return Err(ApiError::unexpected(why));
    }
    let finish = |((index, converted), revision): ((usize, Value), Option<Value>)| {
        let mut converted = checked::checked(&review, index, converted).map_err(ApiError::unexpected)?;
        if let Some(revision) = revision {
            object::set_metadata(&mut converted, "resourceVersion", revision);
        }
        custom.prune_to(desired, &mut converted);
        Ok(converted)
    };
    converted.into_iter().enumerate().zip(revisions).map(finish).collect()
}

fn ask(server: &mut ApiServer, custom: &Custom, review: &Review<'_>) -> Result<Vec<Value>, ApiError> {
    let webhook = &custom.spec()["conversion"]["webhook"];
    let failed =
        |why: String| ApiError::unexpected(format!("conversion webhook for {} failed: {why}", review.from()));
    let Some(version) = review::version(webhook) else {
        return Err(ApiError::unexpected("no supported conversion review versions"));
    };
    let query = format!("timeout={}s", TIMEOUT.as_secs());
    let (place, ca_bundle) =
        admission::webhook_target(server, &webhook["clientConfig"], &query).map_err(failed)?;
    let make = |uid: &str| WebhookCall {
        target: place.clone(),
        ca_bundle: ca_bundle.clone(),
        body: review::body(version, uid, review.desired, &review.objects).to_string().into(),
        timeout: TIMEOUT,
    };
    let ApiServer { calls, random, .. } = server;
    let (answer, uid) = calls.ask(random, make)?;
    let answered = webhooks::document(&answer, place.url());
    answered.and_then(|answered| review::converted(&answered, version, &uid)).map_err(failed)
}
