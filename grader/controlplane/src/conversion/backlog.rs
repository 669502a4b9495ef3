//! Changes that watches cannot be told before a webhook has converted them.
//!
//! All watches of one version get a change from one conversion. While the webhook fails they wait: their events come,
//! in order, when it answers again. They wait no longer than the history remembers what they have missed.

use super::show_changes;
use crate::api_server::ApiServer;
use crate::error::ApiError;
use crate::resources::Resource;
use crate::store::{Change, ResourceId};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long to leave a webhook alone that has failed.
const RETRY: SignedDuration = SignedDuration::from_secs(1);
/// How many changes a webhook is asked about at once.
const MOST_ASKED: usize = 100;

/// What waits, by resource and version.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backlog {
    views: BTreeMap<(ResourceId, String), View>,
}

/// What the watches of one version wait for.
#[derive(Clone, Debug)]
struct View {
    resource: Arc<Resource>,
    /// What the webhook is asked about; it stays the same until that has answered.
    asked: Vec<Arc<Change>>,
    later: Vec<Arc<Change>>,
    state: State,
}

impl View {
    /// The first revision that waits.
    fn first(&self) -> Option<u64> {
        self.asked.iter().chain(&self.later).next().map(|change| change.revision)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The webhook is to be asked at this time.
    Due(Timestamp),
    /// It has been asked, at this time.
    Asked(Timestamp),
}

impl Backlog {
    /// A change that watches of this version have to be told.
    pub(crate) fn push(&mut self, resource: Arc<Resource>, change: &Arc<Change>) {
        let key = (resource.storage.clone(), resource.version.clone());
        let view = self.views.entry(key).or_insert_with(|| View {
            resource,
            asked: Vec::new(),
            later: Vec::new(),
            state: State::Due(change.at),
        });
        view.later.push(change.clone());
    }

    /// Takes out the versions whose watches have missed what the history has forgotten, each with the first revision
    /// that they miss.
    fn take_outdated(&mut self, compacted: u64) -> Vec<(Arc<Resource>, u64)> {
        let outdated =
            self.views.extract_if(.., |_, view| view.first().is_some_and(|first| first <= compacted));
        outdated.filter_map(|(_, view)| Some((view.resource.clone(), view.first()?))).collect()
    }

    /// Some webhook has answered: whoever waits looks whether it was theirs.
    pub(crate) fn answered(&mut self) {
        for view in self.views.values_mut() {
            if let State::Asked(at) = view.state {
                view.state = State::Due(at);
            }
        }
    }

    /// The latest revision up to which watches of this version have been told everything; `current` when nothing waits.
    pub(crate) fn told(&self, resource: &Resource, current: u64) -> u64 {
        let view = self.views.get(&(resource.storage.clone(), resource.version.clone()));
        view.and_then(View::first).map_or(current, |first| first.saturating_sub(1))
    }

    /// When [`pump`] has something to do.
    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        let due = self.views.values().filter_map(|view| match view.state {
            State::Due(at) => Some(at),
            State::Asked(_) => None,
        });
        due.min()
    }
}

/// Tells watches what can be told by now.
pub(crate) fn pump(server: &mut ApiServer, now: Timestamp) {
    let compacted = server.store.compacted();
    for (resource, missed) in server.backlog.take_outdated(compacted) {
        server.watches.expire(&resource, &ApiError::too_old(missed, compacted));
    }
    let is_due = |view: &View| matches!(view.state, State::Due(at) if at <= now);
    let due: Vec<_> =
        server.backlog.views.iter().filter(|(_, view)| is_due(view)).map(|(key, _)| key.clone()).collect();
    for key in due {
        while let Some(mut view) = server.backlog.views.remove(&key) {
            if view.asked.is_empty() {
                let count = view.later.len().min(MOST_ASKED);
                view.asked = view.later.drain(..count).collect();
            }
            if view.asked.is_empty() || !server.watches.has(&view.resource) {
                break;
            }
            match converted(server, &view, now) {
                Ok(changes) => {
                    for change in changes {
                        server.watches.publish_converted(&view.resource, &change);
                    }
                    view.asked.clear();
                    server.backlog.views.insert(key.clone(), view);
                }
                Err(state) => {
                    view.state = match state {
                        Unconverted::Asked => State::Asked(now),
                        Unconverted::Failed => State::Due(now + RETRY),
                    };
                    server.backlog.views.insert(key.clone(), view);
                    break;
                }
            }
        }
    }
}

enum Unconverted {
    Asked,
    Failed,
}

fn converted(server: &mut ApiServer, view: &View, now: Timestamp) -> Result<Vec<Arc<Change>>, Unconverted> {
    let key = format!("watch {}/{}", view.resource.storage, view.resource.version);
    let ApiServer { calls, random, .. } = &mut *server;
    calls.begin_parked(random, &key, now);
    let shown = show_changes(server, &view.resource, view.asked.clone());
    let ApiServer { calls, random, .. } = &mut *server;
    calls.end_parked(random, &key);
    shown.map_err(|error| match error.is_awaiting_webhook() {
        true => Unconverted::Asked,
        false => Unconverted::Failed,
    })
}
