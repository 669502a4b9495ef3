//! How long kubelets may keep Secrets and ConfigMaps before they ask again, by the number of nodes (pkg/controller/ttl).

use super::known::NODES;
use super::work_queue::{WorkQueue, later};
use super::{Api, Controller, fields, unless_gone};
use crate::error::ApiError;
use crate::object;
use crate::store::Change;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

const ANNOTATION: &str = "node.alpha.kubernetes.io/ttl";

/// The numbers of nodes for which an answer holds, and the seconds. They overlap, so that one node more or less does
/// not change the answer again and again.
const STEPS: [(usize, usize, u32); 5] =
    [(0, 100, 0), (90, 500, 15), (450, 1000, 30), (900, 2000, 60), (1800, usize::MAX, 300)];

/// Annotates nodes with `node.alpha.kubernetes.io/ttl`.
#[derive(Debug)]
pub struct NodeTtl {
    reaction: SignedDuration,
    count: usize,
    step: usize,
    queue: WorkQueue<String>,
}

impl NodeTtl {
    /// A controller that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration) -> Self {
        Self { reaction, count: 0, step: 0, queue: WorkQueue::default() }
    }

    fn seconds(&self) -> u32 {
        STEPS.get(self.step).map_or(0, |(_, _, seconds)| *seconds)
    }

    fn sync(&self, api: &mut Api<'_>, name: &str) -> Result<(), ApiError> {
        let Some(node) = api.get(&NODES, None, name) else { return Ok(()) };
        let seconds = self.seconds();
        if fields::annotation(&node, ANNOTATION).parse() == Ok(seconds) {
            return Ok(());
        }
        let patch = json!({"metadata": {"annotations": {ANNOTATION: seconds.to_string()}}});
        api.merge_patch(&NODES, None, name, None, &patch).map(drop)
    }
}

impl Controller for NodeTtl {
    fn name(&self) -> &'static str {
        "ttl-controller"
    }

    fn observe(&mut self, change: &Change) {
        if change.resource != NODES {
            return;
        }
        match (&change.old, &change.new) {
            (None, Some(_)) => {
                self.count += 1;
                if STEPS.get(self.step).is_some_and(|(_, most, _)| self.count > *most) {
                    self.step += 1;
                }
            }
            (Some(_), None) => {
                self.count = self.count.saturating_sub(1);
                if STEPS.get(self.step).is_some_and(|(least, _, _)| self.count < *least) {
                    self.step -= 1;
                }
            }
            _ => {}
        }
        if change.new.is_some() {
            self.queue.add(object::name(change.object()).to_owned(), later(change.at, self.reaction));
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        while let Some(name) = self.queue.pop(now) {
            let visit = unless_gone(self.sync(api, &name));
            self.queue.finish(name, visit.map(|_| None), now);
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.queue.next_wake()
    }
}
