//! GET of a collection with `watch=true` (apiserver/pkg/storage/cacher).

use super::list::{Selection, malformed_revision};
use crate::api_server::ApiServer;
use crate::endpoint::query::{ListOptions, is_unset};
use crate::endpoint::represent::Representation;
use crate::error::ApiError;
use crate::request::WatchId;
use crate::resources::Resource;
use crate::watches::Watch;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// How long a watch lives when the client does not say: upstream draws from 30 to 60 minutes.
const DEFAULT_TIMEOUT: SignedDuration = SignedDuration::from_mins(30);

/// Opens a watch.
///
/// # Errors
/// Options that make no sense, selectors that cannot be read. History that is gone is not among them: the watch
/// opens and says so in an ERROR event.
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
        text => text.parse().map_err(|_| ApiError::unexpected(malformed_revision(text).to_string()))?,
    };
    let timeout = options.timeout_seconds.filter(|seconds| *seconds != 0);
    let timeout = timeout.map_or(DEFAULT_TIMEOUT, |seconds| SignedDuration::from_secs(seconds.max(0)));
    let id = server.watches.open(Watch::new(
        resource.clone(),
        namespace.map(Into::into),
        selection,
        representation,
        from.max(if is_unset(&options.resource_version) { server.store.revision() } else { 0 }),
        options.allow_bookmarks,
        now,
        now.saturating_add(timeout).unwrap_or(Timestamp::MAX),
    ));
    let initial = options.send_initial_events.unwrap_or(is_unset(&options.resource_version));
    if initial {
        let present = server.store.list(&resource.storage, namespace);
        for stored in present {
            server.watches.send_initial(id, &stored.object, stored.revision);
        }
        server.watches.set_start(id, server.store.revision());
        if options.send_initial_events == Some(true) && options.allow_bookmarks {
            server.watches.send_initial_end(id, server.store.revision());
        }
        return Ok(id);
    }
    if options.send_initial_events == Some(false) && is_unset(&options.resource_version) {
        return Ok(id);
    }
    match server.store.changes_after(from) {
        Ok(changes) => {
            for change in changes.filter(|change| change.resource == resource.storage) {
                server.watches.replay(id, change);
            }
        }
        Err(_) => {
            let compacted = server.store.compacted();
            let error = ApiError::expired(format!("too old resource version: {from} ({compacted})"));
            server.watches.send_error(id, &error);
            server.watches.finish(id);
        }
    }
    Ok(id)
}
