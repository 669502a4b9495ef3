//! GET of a collection with `watch=true` (apiserver/pkg/storage/cacher).

use super::list::{too_large, unreadable_revision};
use super::selection::Selection;
use crate::api_server::ApiServer;
use crate::conversion;
use crate::endpoint::query::{ListOptions, is_unset};
use crate::endpoint::represent::Representation;
use crate::error::ApiError;
use crate::request::WatchId;
use crate::resources::Resource;
use crate::store::{Change, Compacted};
use crate::watches::Watch;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::sync::Arc;

/// How long a watch lives when the client does not say: upstream draws from 30 to 60 minutes.
const DEFAULT_TIMEOUT: SignedDuration = SignedDuration::from_mins(30);

/// Opens a watch.
///
/// # Errors
/// Options that make no sense, selectors that cannot be read. History that is gone or still to come is not
/// among them: the watch opens and says so in an ERROR event.
pub(crate) fn watch(
    server: &mut ApiServer,
    resource: &Arc<Resource>,
    namespace: Option<&str>,
    options: &ListOptions,
    representation: Representation,
    now: Timestamp,
) -> Result<WatchId, ApiError> {
    let selection = Selection::parse(resource, options)?;
    let from: u64 = match options.resource_version.as_str() {
        "" => 0,
        text => text.parse().map_err(|_| unreadable_revision(text))?,
    };
    let timeout = options.timeout_seconds.filter(|seconds| *seconds != 0);
    let timeout = timeout.map_or(DEFAULT_TIMEOUT, |seconds| SignedDuration::from_secs(seconds.max(0)));
    let initial = options.send_initial_events.unwrap_or(is_unset(&options.resource_version));
    let current = server.store.revision();
    let is_early = initial && from > current;
    let begins_now = options.send_initial_events == Some(false) && is_unset(&options.resource_version);
    let present = if initial && !is_early { present(server, resource, namespace)? } else { Vec::new() };
    let past = if initial || begins_now { Ok(Vec::new()) } else { past(server, resource, from)? };
    let id = server.watches.open(Watch::new(
        resource.clone(),
        namespace.map(Into::into),
        selection,
        representation,
        from.max(if is_unset(&options.resource_version) { current } else { 0 }),
        options.allow_bookmarks,
        now,
        now.saturating_add(timeout).unwrap_or(Timestamp::MAX),
    ));
    if is_early {
        server.watches.send_error(id, &too_large(from, current));
        server.watches.finish(id);
        return Ok(id);
    }
    if initial {
        for (object, revision) in present {
            server.watches.send_initial(id, &object, revision);
        }
        server.watches.set_start(id, server.store.revision());
        if options.send_initial_events == Some(true) && options.allow_bookmarks {
            server.watches.send_initial_end(id, server.store.revision());
        }
        return Ok(id);
    }
    match past {
        Ok(changes) => changes.iter().for_each(|change| server.watches.replay(id, change)),
        Err(Compacted) => {
            let compacted = server.store.compacted();
            let error = ApiError::too_old(from, compacted);
            server.watches.send_error(id, &error);
            server.watches.finish(id);
        }
    }
    Ok(id)
}

/// What is there when the watch begins, with the revisions of the writes that made it.
fn present(
    server: &mut ApiServer,
    resource: &Resource,
    namespace: Option<&str>,
) -> Result<Vec<(Arc<Value>, u64)>, ApiError> {
    let stored = server.store.list(&resource.storage, namespace);
    let stored: Vec<(Arc<Value>, u64)> =
        stored.map(|stored| (stored.object.clone(), stored.revision)).collect();
    if resource.converted_by_webhook().is_none() {
        return Ok(stored);
    }
    let shown = conversion::show_all(server, resource, stored)?;
    Ok(shown.into_iter().map(|object| (object, u64::MAX)).collect())
}

/// What has changed since the watch says that it begins.
fn past(
    server: &mut ApiServer,
    resource: &Resource,
    from: u64,
) -> Result<Result<Vec<Arc<Change>>, Compacted>, ApiError> {
    let changes = match server.store.changes_after(from) {
        Ok(changes) => changes.filter(|change| change.resource == resource.storage).cloned().collect(),
        Err(Compacted) => return Ok(Err(Compacted)),
    };
    Ok(Ok(conversion::show_changes(server, resource, changes)?))
}
