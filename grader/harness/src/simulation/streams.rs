//! Watches on their way to an operator: late, held back, or cut.

use crate::trace::Address;
use crate::{Kind, Random};
use bytes::Bytes;
use controlplane::WatchId;
use lab_kit_protocol::Delivery;
use serde_json::json;
use std::collections::BTreeMap;

/// How long an event takes from the API server to an operator, in milliseconds.
const LATENCY_MS: (u64, u64) = (1, 6);

/// One open watch.
struct Stream {
    operator: u32,
    resource: Resource,
    /// When the latest piece arrives: later pieces must not overtake it.
    last_ms: u64,
    held: Vec<Option<Bytes>>,
}

/// Group and plural.
type Resource = (String, String);

fn resource(kind: Kind) -> Resource {
    (kind.group.to_owned(), kind.plural.to_owned())
}

#[derive(Default)]
struct Weather {
    hold: bool,
    delay_ms: u64,
}

pub(super) struct Streams {
    open: BTreeMap<WatchId, Stream>,
    weather: BTreeMap<Resource, Weather>,
    random: Random,
    /// What is on its way, by operator.
    outgoing: BTreeMap<u32, Vec<Delivery>>,
}

impl Streams {
    pub(super) fn new(random: Random) -> Streams {
        let (open, weather, outgoing) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Streams { open, weather, random, outgoing }
    }

    pub(super) fn open(&mut self, id: WatchId, operator: u32, address: &Address) {
        let resource = (address.group.clone(), address.resource.clone());
        self.open.insert(id, Stream { operator, resource, last_ms: 0, held: Vec::new() });
    }

    /// Forgets a watch: its operator listens no more.
    pub(super) fn close(&mut self, id: WatchId) {
        self.open.remove(&id);
    }

    /// Forgets all watches of an operator, and gives their names.
    pub(super) fn close_all(&mut self, operator: u32) -> Vec<WatchId> {
        self.outgoing.remove(&operator);
        let ids: Vec<_> =
            self.open.iter().filter(|(_, s)| s.operator == operator).map(|(id, _)| *id).collect();
        ids.iter().for_each(|id| self.close(*id));
        ids
    }

    /// Sends a piece on its way; none is the stream's end.
    pub(super) fn carry(&mut self, id: WatchId, piece: Option<Bytes>, now_ms: u64) {
        let Some(stream) = self.open.get_mut(&id) else { return };
        let weather = self.weather.get(&stream.resource);
        if weather.is_some_and(|weather| weather.hold) {
            stream.held.push(piece);
            return;
        }
        let delay = self.random.between(LATENCY_MS.0, LATENCY_MS.1) + weather.map_or(0, |w| w.delay_ms);
        stream.last_ms = stream.last_ms.max(now_ms + delay);
        let bytes = piece.map(Vec::from);
        let ended = bytes.is_none();
        let delivery = Delivery { stream: id.0, at_ms: stream.last_ms, bytes };
        self.outgoing.entry(stream.operator).or_default().push(delivery);
        if ended {
            self.open.remove(&id);
        }
    }

    /// What is on its way to an operator and has not been handed over yet.
    pub(super) fn take(&mut self, operator: u32) -> Vec<Delivery> {
        self.outgoing.remove(&operator).unwrap_or_default()
    }

    pub(super) fn hold(&mut self, kind: Kind, hold: bool, now_ms: u64) {
        let resource = resource(kind);
        self.weather.entry(resource.clone()).or_default().hold = hold;
        if hold {
            return;
        }
        for id in self.of(&resource) {
            let held =
                self.open.get_mut(&id).map(|stream| std::mem::take(&mut stream.held)).unwrap_or_default();
            held.into_iter().for_each(|piece| self.carry(id, piece, now_ms));
        }
    }

    pub(super) fn delay(&mut self, kind: Kind, ms: u64) {
        self.weather.entry(resource(kind)).or_default().delay_ms = ms;
    }

    /// Ends all watches of a resource, and gives their names. What was held back is lost: the operator resumes, or
    /// lists again.
    pub(super) fn end(&mut self, kind: Kind, expired: bool, now_ms: u64) -> Vec<WatchId> {
        let resource = resource(kind);
        let held = self.weather.get_mut(&resource).is_some_and(|weather| std::mem::take(&mut weather.hold));
        let ids = self.of(&resource);
        for id in &ids {
            if let Some(stream) = self.open.get_mut(id) {
                stream.held.clear();
            }
            if expired {
                self.carry(*id, Some(expiry()), now_ms);
            }
            self.carry(*id, None, now_ms);
        }
        self.weather.entry(resource).or_default().hold = held;
        ids
    }

    fn of(&self, resource: &Resource) -> Vec<WatchId> {
        self.open.iter().filter(|(_, stream)| stream.resource == *resource).map(|(id, _)| *id).collect()
    }
}

/// The event by which a watch says that it cannot go on (apiserver, etcd3/watcher.go).
fn expiry() -> Bytes {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "Expired",
        "message": "The resourceVersion for the provided watch is too old.", "code": 410,
    });
    format!("{}\n", json!({"type": "ERROR", "object": status})).into()
}
