//! The control plane as a whole: an API server with its controllers, driven from outside.

use crate::access::Access;
use crate::api_server::ApiServer;
use crate::compaction::Compaction;
use crate::controllers::{Api, Controller};
use crate::conversion;
use crate::definitions;
use crate::endpoint;
use crate::request::{PendingCall, Reply, Request, WatchId};
use crate::store::{Change, ResourceId, Snapshot};
use crate::system_objects::bootstrap;
use crate::system_objects::flow_schema_status::FlowSchemaStatus;
use crate::system_objects::own_service::OwnService;
use crate::webhooks::{CallId, Journal, WebhookAnswer, WebhookCall, Webhooks};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// How to set up a [`ControlPlane`].
#[derive(Default)]
pub struct Options {
    /// Decides every uid and every generated name.
    pub seed: u64,
    /// The time at which the cluster begins to exist.
    pub start: Timestamp,
    /// Who acts on what is stored; none for an API server alone.
    pub controllers: Vec<Box<dyn Controller>>,
    /// History older than one to two of these is forgotten: watches and pages from then on are 410. None keeps a
    /// fixed number of writes instead.
    pub compaction: Option<SignedDuration>,
    /// Who is known and what they may; by default everybody is the administrator.
    pub access: Access,
    /// Who calls webhooks; by default nobody, so that every call fails.
    pub webhooks: Webhooks,
    /// The port that the API is served on: the Service `kubernetes` names it. Without one there is no such Service.
    pub port: Option<u16>,
    /// What the cluster begins with, instead of what every new one has.
    pub restore: Option<Snapshot>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let controllers: Vec<&str> = self.controllers.iter().map(|controller| controller.name()).collect();
        f.debug_struct("Options")
            .field("seed", &self.seed)
            .field("start", &self.start)
            .field("controllers", &controllers)
            .field("compaction", &self.compaction)
            .field("access", &self.access)
            .field("webhooks", &self.webhooks)
            .field("port", &self.port)
            .field("restore", &self.restore.as_ref().map(|snapshot| snapshot.revision))
            .finish()
    }
}

/// A Kubernetes control plane as a state machine.
///
/// # Guarantees
/// - Nothing happens but inside `handle` and `advance`: the same options and the same calls give the same answers
///   and the same frames, byte for byte.
/// - Controllers act in `advance` only, when the time they asked for has come.
///
/// # Assumptions
/// - `now` never goes backwards from call to call.
pub struct ControlPlane {
    server: ApiServer,
    controllers: Vec<Box<dyn Controller>>,
}

impl ControlPlane {
    /// A cluster with nothing in it but what every cluster has.
    pub fn new(options: Options) -> Self {
        let mut plane = Self {
            server: bootstrap::api_server(options.seed, options.start, options.access, options.restore),
            controllers: options.controllers,
        };
        plane.server.calls.webhooks = options.webhooks;
        plane.server.compaction = options.compaction.map(|every| Compaction::new(every, options.start));
        plane.publish(options.start);
        if plane.server.access.index().is_some() {
            plane.controllers.push(Box::new(FlowSchemaStatus::default()));
        }
        if let Some(port) = options.port {
            let mut service = OwnService::new(port);
            plane.act_as(service.manager(), options.start, |api| service.start(api));
            plane.controllers.push(Box::new(service));
        }
        plane
    }

    /// Everything that is stored, for [`Options::restore`].
    pub fn snapshot(&self) -> Snapshot {
        self.server.store.snapshot()
    }

    /// Answers one request.
    pub fn handle(&mut self, request: &Request, now: Timestamp) -> Reply {
        self.attempt(request, None, now)
    }

    /// Goes on with a request that has waited for a webhook.
    pub fn resume(&mut self, pending: PendingCall, answer: WebhookAnswer, now: Timestamp) -> Reply {
        let PendingCall { request, mut journal, .. } = pending;
        journal.note(answer);
        self.attempt(&request, Some(journal), now)
    }

    fn attempt(&mut self, request: &Request, journal: Option<Journal>, now: Timestamp) -> Reply {
        let ApiServer { calls, random, .. } = &mut self.server;
        let begun = calls.begin(random, journal, now);
        let reply = endpoint::handle(&mut self.server, request, begun);
        let ApiServer { calls, random, .. } = &mut self.server;
        let pending = calls.end(random);
        self.publish(now);
        match pending {
            None => reply,
            Some(journal) => match journal.needed().cloned() {
                None => reply,
                Some(call) => Reply::Call(Box::new(PendingCall { request: request.clone(), journal, call })),
            },
        }
    }

    /// The calls that writes of controllers and events of watches need since the last time; each is to be answered by
    /// [`answer_call`](Self::answer_call). Requests ask for theirs by [`Reply::Call`].
    pub fn take_calls(&mut self) -> Vec<(CallId, WebhookCall)> {
        self.server.calls.take()
    }

    /// Whether [`take_calls`](Self::take_calls) has something to tell.
    pub fn has_calls(&self) -> bool {
        self.server.calls.has_fresh()
    }

    /// The answer to a call of [`take_calls`](Self::take_calls). The controller tries its write again by itself; watches
    /// hear of it in [`advance`](Self::advance), which is due then.
    pub fn answer_call(&mut self, id: &CallId, answer: WebhookAnswer) {
        self.server.calls.answer(id, answer);
        self.server.backlog.answered();
    }

    /// The frames of open watches since the last call, in order; each is one JSON line.
    pub fn take_frames(&mut self) -> Vec<(WatchId, Bytes)> {
        self.server.watches.take_frames()
    }

    /// The watches that the server has ended since the last call; all their frames were in
    /// [`take_frames`](Self::take_frames) before.
    pub fn take_ended(&mut self) -> Vec<WatchId> {
        self.server.watches.take_ended()
    }

    /// The client went away: no more frames for this watch.
    pub fn close_watch(&mut self, id: WatchId) {
        self.server.watches.close(id);
    }

    /// When [`advance`](Self::advance) has something to do.
    pub fn next_wake(&self) -> Option<Timestamp> {
        let controllers = self.controllers.iter().filter_map(|controller| controller.next_wake());
        let compaction = self.server.compaction.as_ref().map(Compaction::next_wake);
        let watches = self.server.watches.next_wake().into_iter().chain(self.server.backlog.next_wake());
        let departures = self.server.departures.next_wake();
        controllers.chain(watches).chain(compaction).chain(departures).min()
    }

    /// Does everything that is due at `now`: controllers act, watches time out.
    ///
    /// Moving time in one big step runs everything once, late; a caller that cares steps from
    /// [`next_wake`](Self::next_wake) to `next_wake`.
    pub fn advance(&mut self, now: Timestamp) {
        if let Some(compaction) = &mut self.server.compaction {
            compaction.advance(&mut self.server.store, now);
        }
        conversion::pump(&mut self.server, now);
        let ApiServer { watches, backlog, store, .. } = &mut self.server;
        watches.advance(|resource| backlog.told(resource, store.revision()), now);
        definitions::advance(&mut self.server, now);
        self.publish(now);
        for index in 0..self.controllers.len() {
            if self.controllers[index].next_wake().is_none_or(|wake| wake > now) {
                continue;
            }
            let controller = &mut self.controllers[index];
            let manager = controller.manager();
            controller.run(&mut Api::new(&mut self.server, manager, now), now);
            self.publish(now);
        }
    }

    /// An administrator's view from inside the process, for whoever plays a part of the cluster: no HTTP, the same
    /// rules.
    pub fn act_as<T>(&mut self, manager: &str, now: Timestamp, act: impl FnOnce(&mut Api<'_>) -> T) -> T {
        let answer = act(&mut Api::new(&mut self.server, manager, now));
        self.publish(now);
        answer
    }

    /// The number of the latest write: two equal readings mean that nothing has changed in between.
    pub fn revision(&self) -> u64 {
        self.server.store.revision()
    }

    /// One object as it is; `namespace` is empty for cluster-scoped ones.
    pub fn get(&self, resource: &ResourceId, namespace: &str, name: &str) -> Option<Arc<Value>> {
        let storage = &self.server.resources.preferred(resource)?.storage;
        Some(self.server.store.get(storage, namespace, name)?.object.clone())
    }

    /// All objects of a resource in one namespace (or, with `None`, everywhere), by namespace and name.
    pub fn list(&self, resource: &ResourceId, namespace: Option<&str>) -> Vec<Arc<Value>> {
        let Some(resource) = self.server.resources.preferred(resource) else { return Vec::new() };
        self.server.store.list(&resource.storage, namespace).map(|stored| stored.object.clone()).collect()
    }

    /// Every resource that is served and can be listed, each once.
    pub fn resources(&self) -> Vec<ResourceId> {
        self.server.resources.stored().into_iter().map(|(resource, _)| resource).collect()
    }

    fn publish(&mut self, now: Timestamp) {
        let changes: Vec<Arc<Change>> = self.server.publish(now);
        for change in &changes {
            for controller in &mut self.controllers {
                controller.observe(change);
            }
        }
    }
}

impl fmt::Debug for ControlPlane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlPlane")
            .field("revision", &self.server.store.revision())
            .finish_non_exhaustive()
    }
}
