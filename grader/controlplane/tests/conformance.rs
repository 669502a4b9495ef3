//! Replays the recorded exchanges against a control plane under virtual time: waiting costs nothing, and the result
//! does not depend on the machine.

use bytes::Bytes;
use conformance::{Case, World};
use controlplane::access::{Access, Authorization, Strangers, User};
use controlplane::controllers::{Settings, start};
use controlplane::{ControlPlane, Options, Reply, Request, Response, Timestamp, WatchId};
use jiff::SignedDuration;
use std::collections::BTreeMap;

/// Every request costs this much virtual time.
const LATENCY: SignedDuration = SignedDuration::from_millis(1);

#[test]
fn recorded_exchanges_are_answered_as_kubernetes_does() {
    conformance::judge(1, InProcess::new);
}

/// A control plane, its time, and the streams of its open watches.
struct InProcess {
    plane: ControlPlane,
    now: Timestamp,
    streams: BTreeMap<WatchId, Stream>,
}

#[derive(Debug, Default)]
struct Stream {
    bytes: Vec<u8>,
    ended: bool,
}

impl InProcess {
    fn new(case: &Case) -> Self {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
        let controllers = case.controllers().parse().expect("names of controllers");
        let tokens = conformance::TOKENS.map(|(token, name, uid, group)| {
            (token.to_owned(), User { uid: uid.to_owned(), ..User::new(name, [group]) })
        });
        let plane = ControlPlane::new(Options {
            seed: 7,
            start: now,
            controllers: start(&controllers, &Settings::default()).controllers,
            compaction: case.compaction(),
            access: Access {
                tokens: tokens.into(),
                strangers: Strangers::Anonymous,
                authorization: Authorization::Rbac,
                ..Access::default()
            },
            ..Options::default()
        });
        Self { plane, now, streams: BTreeMap::new() }
    }

    /// Lets time pass, stopping wherever the control plane wants to act.
    fn advance_to(&mut self, until: Timestamp) {
        while let Some(wake) = self.plane.next_wake()
            && wake <= until
        {
            self.now = self.now.max(wake);
            self.plane.advance(self.now);
            self.collect();
        }
        self.now = self.now.max(until);
    }

    fn collect(&mut self) {
        for (id, frame) in self.plane.take_frames() {
            if let Some(stream) = self.streams.get_mut(&id) {
                stream.bytes.extend_from_slice(&frame);
            }
        }
        for id in self.plane.take_ended() {
            if let Some(stream) = self.streams.get_mut(&id) {
                stream.ended = true;
            }
        }
    }
}

impl World for InProcess {
    type Stream = WatchId;

    fn now(&self) -> Timestamp {
        self.now
    }

    fn sleep(&mut self, time: SignedDuration) {
        self.advance_to(self.now + time);
    }

    fn request(
        &mut self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, (WatchId, http::Response<()>)> {
        let (parts, body) = request.into_parts();
        let request = Request::new(parts, body);
        loop {
            self.advance_to(self.now + LATENCY);
            match self.plane.handle(&request, self.now) {
                Reply::Complete(response) => {
                    self.collect();
                    return Ok(answer(response));
                }
                Reply::Watch { id, head } => {
                    self.streams.insert(id, Stream::default());
                    self.collect();
                    return Err((id, answer(head).map(drop)));
                }
                Reply::Later(at) => self.advance_to(at),
                Reply::Call(call) => panic!("nobody is configured to be called: {call:?}"),
            }
        }
    }

    fn received(&self, stream: WatchId) -> Vec<u8> {
        self.streams[&stream].bytes.clone()
    }

    fn has_ended(&self, stream: WatchId) -> bool {
        self.streams[&stream].ended
    }

    fn wait(&mut self, most: SignedDuration, done: &dyn Fn(&Self) -> bool) {
        let end = self.now + most;
        while !done(self) {
            match self.plane.next_wake() {
                Some(wake) if wake <= end => self.advance_to(wake),
                _ => return self.advance_to(end),
            }
        }
    }

    fn close(&mut self, stream: WatchId) {
        self.streams.remove(&stream);
        self.plane.close_watch(stream);
    }
}

fn answer(response: Response) -> http::Response<Bytes> {
    let mut answer = http::Response::new(response.body);
    *answer.status_mut() = response.status;
    *answer.headers_mut() = response.headers;
    answer
}
