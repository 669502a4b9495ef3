//! Changes that watches cannot be told before a webhook has converted them.
//!
//! All watches of one version get a change from one conversion. While the webhook fails they wait: their events come,
//! in order, when it answers again.

use super::show_changes;
use crate::api_server::ApiServer;
use crate::resources::Resource;
use crate::store::{Change, ResourceId};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long to leave a webhook alone that has failed.
const RETRY: SignedDuration = SignedDuration::from_secs(1);

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
        let first = view.and_then(|view| view.asked.iter().chain(&view.later).next());
        first.map_or(current, |change| change.revision.saturating_sub(1))
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
    let is_due = |view: &View| matches!(view.state, State::Due(at) if at <= now);
    let due: Vec<_> =
        server.backlog.views.iter().filter(|(_, view)| is_due(view)).map(|(key, _)| key.clone()).collect();
    for key in due {
        while let Some(mut view) = server.backlog.views.remove(&key) {
            if view.asked.is_empty() {
                view.asked = std::mem::take(&mut view.later);
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
