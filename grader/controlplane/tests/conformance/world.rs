//! A control plane under virtual time, with the streams of its open watches.

use crate::case::Case;
use bytes::Bytes;
use controlplane::access::{Access, Authorization, Strangers, User};
use controlplane::controllers::{ControllerSet, Settings, start};
use controlplane::{ClientCertificate, ControlPlane, Options, Reply, Request, Timestamp, WatchId};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::SignedDuration;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::io::Read;

/// Every request costs this much virtual time.
const LATENCY: SignedDuration = SignedDuration::from_millis(1);

/// An answer as compared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: i64,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
    pub(crate) text: Option<String>,
}

#[derive(Debug, Default)]
struct Stream {
    bytes: Vec<u8>,
    ended: bool,
}

pub(crate) struct World {
    plane: ControlPlane,
    pub(crate) now: Timestamp,
    streams: BTreeMap<WatchId, Stream>,
}

impl World {
    pub(crate) fn new(case: &Case) -> Self {
        let start: Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
        let options = Options { seed: 7, start, ..setup_for(case) };
        Self { plane: ControlPlane::new(options), now: start, streams: BTreeMap::new() }
    }

    /// Lets time pass, stopping wherever the control plane wants to act.
    pub(crate) fn advance_to(&mut self, until: Timestamp) {
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

    /// Sends a request; `Err` is the head of a stream.
    pub(crate) fn request(&mut self, request: &Value) -> Result<Answer, (WatchId, Answer)> {
        let request = prepare(request);
        loop {
            self.advance_to(self.now + LATENCY);
            let reply = self.plane.handle(&request, self.now);
            match reply {
                Reply::Complete(response) => {
                    self.collect();
                    return Ok(answer(response));
                }
                Reply::Watch { id, head } => {
                    self.streams.insert(id, Stream::default());
                    self.collect();
                    return Err((id, answer(head)));
                }
                Reply::Later(at) => self.advance_to(at),
                Reply::Call(call) => panic!("nobody is configured to be called: {call:?}"),
            }
        }
    }

    /// The events of a stream so far, those that `skip` names left out; and whether it has ended.
    pub(crate) fn events(&self, id: WatchId, skip: fn(&Value) -> bool) -> (Vec<Value>, bool) {
        let stream = &self.streams[&id];
        let events = stream
            .bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .filter_map(|line| serde_json::from_slice(line).ok())
            .filter(|event| !skip(event))
            .collect();
        (events, stream.ended)
    }

    /// Lets time pass until a condition holds or the time is over.
    pub(crate) fn wait(&mut self, most: SignedDuration, done: impl Fn(&Self) -> bool) {
        let end = self.now + most;
        while !done(self) {
            match self.plane.next_wake() {
                Some(wake) if wake <= end => self.advance_to(wake),
                _ => return self.advance_to(end),
            }
        }
    }

    pub(crate) fn close(&mut self, id: WatchId) {
        self.streams.remove(&id);
        self.plane.close_watch(id);
    }
}

/// Controllers where the case needs some, as the recording had them all; and no node: the cases play the kubelet.
fn setup_for(case: &Case) -> Options {
    let without = ["core", "rbac", "compaction"];
    let set = match case.needs.iter().any(|need| !without.contains(&need.as_str())) {
        true => ControllerSet::all().without("node-simulator"),
        false => ControllerSet::none(),
    };
    Options {
        compaction: case.needs("compaction").then_some(SignedDuration::from_secs(5)),
        controllers: start(&set, &Settings::default()).controllers,
        access: if case.needs("rbac") { rbac() } else { Access::default() },
        ..Options::default()
    }
}

/// The users of the recording.
fn rbac() -> Access {
    let user = |name: &str, group: &str| User { uid: format!("u-{name}"), ..User::new(name, [group]) };
    let tokens = [("admin-token", user("admin", "system:masters")), ("alice-token", user("alice", "dev"))];
    Access {
        tokens: tokens.into_iter().map(|(token, user)| (token.to_owned(), user)).collect(),
        strangers: Strangers::Anonymous,
        authorization: Authorization::Rbac,
        ..Access::default()
    }
}

fn prepare(request: &Value) -> Request {
    let mut headers = vec![("accept", "application/json"), ("user-agent", "corpus/1")]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), Some(value.to_owned())))
        .collect::<BTreeMap<String, Option<String>>>();
    let body = match (&request["raw"], request.get("body")) {
        (Value::String(raw), _) => Some(raw.clone()),
        (_, Some(body)) => Some(body.to_string()),
        _ => None,
    };
    if body.is_some() {
        headers.insert("content-type".into(), Some("application/json".into()));
    }
    let token = match request["as"].as_str() {
        None => Some("admin-token"),
        Some("alice") => Some("alice-token"),
        Some("anonymous") => None,
        Some(_) => Some("no-such-token"),
    };
    headers.insert("authorization".into(), token.map(|token| format!("Bearer {token}")));
    for (key, value) in request["headers"].as_object().unwrap_or(&Map::new()) {
        headers.insert(key.to_lowercase(), value.as_str().map(str::to_owned));
    }
    let mut map = HeaderMap::new();
    for (key, value) in headers {
        if let Some(value) = value {
            map.insert(
                HeaderName::try_from(key).expect("a header's name"),
                HeaderValue::try_from(value).expect("a header's value"),
            );
        }
    }
    let method = request["method"].as_str().unwrap_or("GET");
    Request {
        method: Method::from_bytes(method.as_bytes()).expect("a method"),
        path: request["path"].as_str().unwrap_or_default().to_owned(),
        query: query(&request["query"]),
        headers: map,
        body: Bytes::from(body.unwrap_or_default()),
        certificate: ClientCertificate::None,
    }
}

fn query(query: &Value) -> String {
    let mut pairs = Vec::new();
    for (key, value) in query.as_object().unwrap_or(&Map::new()) {
        let values = match value {
            Value::Array(values) => values.clone(),
            value => vec![value.clone()],
        };
        for value in values {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            pairs.push(format!("{}={}", encode(key), encode(&text)));
        }
    }
    pairs.join("&")
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn answer(response: controlplane::Response) -> Answer {
    let headers: Vec<(String, String)> = response
        .headers
        .iter()
        .map(|(key, value)| (key.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let gzipped = headers.iter().any(|(key, value)| key == "content-encoding" && value == "gzip");
    let mut bytes = response.body.to_vec();
    if gzipped {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).expect("gzip");
        bytes = plain;
    }
    let body: Option<Value> = serde_json::from_slice(&bytes).ok();
    let text = (body.is_none() && !bytes.is_empty()).then(|| String::from_utf8_lossy(&bytes).into_owned());
    Answer { status: i64::from(response.status.as_u16()), headers, body, text }
}
