//! Serving requests: the operator's with whatever stands in their way, the user's at once.

use super::operator::State;
use super::{Simulation, faults};
use crate::fault::FaultEffect;
use crate::trace::{Actor, Address, Effect, RequestRecord};
use crate::{Failure, Verb};
use controlplane::{ClientCertificate, Reply as Served, Request, Response, Timestamp};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use lab_kit_protocol::{Header, Reply};
use serde_json::Value;

/// How long an answer takes, in milliseconds.
const LATENCY_MS: (u64, u64) = (1, 4);

impl Simulation {
    /// Serves the request that an operator waits with.
    pub(super) fn serve(&mut self, number: u32) -> Result<(), Failure> {
        let Some(operator) = self.operators.iter_mut().find(|operator| operator.number == number) else {
            return Err(Failure::grader_broke("a request of an operator that is gone"));
        };
        let State::Asking(asked) = std::mem::replace(&mut operator.state, State::Idle) else {
            return Err(Failure::grader_broke("an operator that does not ask was served"));
        };
        let crash = self.setup.crash.filter(|crash| crash.request == self.asked);
        if crash.is_some_and(|crash| !crash.done) {
            self.asked += 1;
            self.crash(number);
            return Ok(());
        }
        let (service, request) = match parse(asked) {
            Ok(parsed) => parsed,
            Err(response) => return self.answered(number, reply(response), 1),
        };
        let before = self.control.revision();
        let (verb, address) = (verb(&request), Address::of_path(&request.path));
        let strikes = self.faults.strike(verb, &address);
        let (reply, mut delay_ms, status) = self.exchange(number, &request, verb, &address, &strikes);
        for strike in &strikes {
            if let FaultEffect::Latency(ms) = strike {
                delay_ms += ms;
            }
        }
        self.asked += 1;
        self.record(Actor::Operator(number), &request, &service, before, status);
        self.collect();
        if crash.is_some() {
            self.crash(number);
            return Ok(());
        }
        if let Some(record) = self.requests.last()
            && let Err(storm) = self.storm.count(record)
        {
            return Err(Failure::new("the operator asks only as often as it must", storm)
                .means("each of these was answered, and still the operator asked again: a hot loop"));
        }
        self.answered(number, reply, delay_ms)
    }

    fn answered(&mut self, number: u32, reply: Reply, delay_ms: u64) -> Result<(), Failure> {
        match self.operators.iter_mut().find(|operator| operator.number == number) {
            Some(operator) => operator.state = State::Answered(reply, delay_ms),
            None => return Err(Failure::grader_broke("an answer for an operator that is gone")),
        }
        Ok(())
    }

    /// What the operator gets, how long it takes, and the status to record.
    fn exchange(
        &mut self,
        number: u32,
        request: &Request,
        verb: Verb,
        address: &Address,
        strikes: &[FaultEffect],
    ) -> (Reply, u64, u16) {
        let latency = self.random.between(LATENCY_MS.0, LATENCY_MS.1);
        // The first strike that decides the answer does.
        for strike in strikes {
            match strike {
                FaultEffect::Status(status, message) => {
                    let refused = faults::refusal(*status, message.clone(), verb, address);
                    return (reply(refused), latency, *status);
                }
                FaultEffect::ResetBefore => return (Reply::Reset, latency, 0),
                FaultEffect::StatusAfter(_) | FaultEffect::ResetAfter | FaultEffect::Latency(_) => {}
            }
        }
        let (served, waited) = match self.control.handle(request, self.now()) {
            // A wait for something that may happen: in lock step its outcome is the one of nothing happening.
            Served::Later(at) => {
                (self.control.handle(request, at), super::millis_up(at.duration_since(self.now())))
            }
            served => (served, 0),
        };
        let delay_ms = latency + waited;
        let status = match &served {
            Served::Complete(response) | Served::Watch { head: response, .. } => response.status.as_u16(),
            Served::Later(_) | Served::Call(_) => 504,
        };
        for strike in strikes {
            let lost = match strike {
                FaultEffect::StatusAfter(status) => {
                    (reply(faults::refusal(*status, None, verb, address)), delay_ms, *status)
                }
                FaultEffect::ResetAfter => (Reply::Reset, delay_ms, 0),
                _ => continue,
            };
            if let Served::Watch { id, .. } = served {
                self.control.close_watch(id);
            }
            return lost;
        }
        let reply = match served {
            Served::Complete(response) => reply(response),
            Served::Watch { id, head } => {
                self.streams.open(id, number, address);
                Reply::Stream { status, headers: headers(&head.headers), id: id.0 }
            }
            Served::Later(_) | Served::Call(_) => reply(faults::refusal(504, None, verb, address)),
        };
        (reply, delay_ms, status)
    }

    /// Answers a request that nothing stands in the way of, and that is no watch.
    pub(super) fn answer_at_once(&mut self, request: &Request) -> Response {
        let refused = |status| faults::refusal(status, None, Verb::Other, &Address::of_path(&request.path));
        let served = match self.control.handle(request, self.now()) {
            Served::Later(at) => self.control.handle(request, at.max(Timestamp::UNIX_EPOCH)),
            served => served,
        };
        let response = match served {
            Served::Complete(response) => response,
            Served::Watch { id, .. } => {
                self.control.close_watch(id);
                refused(405)
            }
            Served::Later(_) | Served::Call(_) => refused(504),
        };
        self.collect();
        response
    }

    /// Notes a request that has been answered. `before` is the control plane's revision before it.
    pub(super) fn record(
        &mut self,
        actor: Actor,
        request: &Request,
        service: &str,
        before: u64,
        status: u16,
    ) {
        let verb = verb(request);
        let effect = match () {
            () if self.control.revision() != before => Effect::Changed,
            () if status == 0 || status >= 400 => Effect::Refused,
            () if !verb.is_write() => Effect::Read,
            () => Effect::NoOp,
        };
        let text = |name: header::HeaderName| {
            request.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let uri = match request.query.as_str() {
            "" => request.path.clone(),
            query => format!("{}?{query}", request.path),
        };
        let content_type = text(header::CONTENT_TYPE);
        let number = match actor {
            Actor::Operator(number) => number,
            Actor::User => 0,
        };
        self.hash.add(&self.now_ms.to_le_bytes());
        self.hash.add(&number.to_le_bytes());
        self.hash.add(&status.to_le_bytes());
        let accept = text(header::ACCEPT);
        for field in [service, request.method.as_str(), &uri, &content_type, &accept] {
            self.hash.add(field.as_bytes());
        }
        self.hash.add(&request.body);
        self.requests.push(RequestRecord {
            at_ms: self.now_ms,
            actor,
            service: service.to_owned(),
            verb,
            address: Address::of_path(&request.path),
            uri,
            content_type,
            body: request.body.clone(),
            status,
            effect,
            revision_before: before,
            revision_after: self.control.revision(),
        });
    }
}

/// A request as the story's user sends it.
pub(crate) fn as_user(method: Method, uri: &str, content_type: &str, body: &Value) -> Request {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    // What the story's user calls itself: as kubectl does.
    headers.insert(header::USER_AGENT, HeaderValue::from_static("kubectl/v1.36.0"));
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    if let (Ok(value), false) = (HeaderValue::from_str(content_type), body.is_empty()) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: body.into(),
        certificate: ClientCertificate::None,
    }
}

/// An operator's request as the control plane takes it, with the name of the service; or what the operator gets
/// when it is none.
fn parse(asked: lab_kit_protocol::Request) -> Result<(String, Request), Response> {
    let refused =
        || faults::refusal(400, Some("the request is malformed".into()), Verb::Other, &Address::default());
    let method = Method::from_bytes(asked.method.as_bytes()).map_err(|_| refused())?;
    let mut headers = HeaderMap::new();
    for (name, value) in &asked.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?;
        headers.append(name, HeaderValue::from_bytes(value).map_err(|_| refused())?);
    }
    let (path, query) = asked.uri.split_once('?').unwrap_or((&asked.uri, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    let body = asked.body.into();
    let certificate = ClientCertificate::None;
    Ok((asked.service, Request { method, path, query, headers, body, certificate }))
}

fn reply(response: Response) -> Reply {
    Reply::Response {
        status: response.status.as_u16(),
        headers: headers(&response.headers),
        body: response.body.into(),
    }
}

fn headers(headers: &HeaderMap) -> Vec<Header> {
    headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect()
}

/// What a request does (apiserver, endpoints/request/requestinfo.go).
fn verb(request: &Request) -> Verb {
    let named = !Address::of_path(&request.path).name.is_empty();
    let watches = || request.query.split('&').any(|pair| matches!(pair, "watch" | "watch=1" | "watch=true"));
    let applies = || {
        let content_type = request.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
        content_type.is_some_and(|value| value.starts_with(b"application/apply-patch"))
    };
    match request.method {
        Method::GET if watches() => Verb::Watch,
        Method::GET if named => Verb::Get,
        Method::GET => Verb::List,
        Method::POST => Verb::Create,
        Method::PUT => Verb::Update,
        Method::PATCH if applies() => Verb::Apply,
        Method::PATCH => Verb::Patch,
        Method::DELETE if named => Verb::Delete,
        Method::DELETE => Verb::DeleteCollection,
        _ => Verb::Other,
    }
}
