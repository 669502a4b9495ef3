//! Running the steps of a case, and comparing what came with what was recorded.

use crate::answer::Answer;
use crate::case::{Case, texts};
use crate::compare::{self, Difference};
use crate::normalise::Normaliser;
use crate::pointer;
use crate::sent;
use crate::world::World;
use jiff::SignedDuration;
use regex::{Captures, Regex};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

static REPEAT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\$\{repeat:([^:}]*):(\d+)\}").expect("a pattern"));
static VARIABLE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}").expect("a pattern"));
static QUOTED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#""([^"]*)""#).expect("a pattern"));

/// What a step gave.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) kind: &'static str,
    pub(crate) answer: Answer,
    pub(crate) events: Vec<Value>,
    pub(crate) ended: bool,
    pub(crate) inner: Vec<Outcome>,
    pub(crate) missed: Vec<pointer::Different>,
}

/// The texts and numbers that the case itself sends: they are compared as they are.
#[derive(Debug, Default)]
pub(crate) struct Literals {
    pub(crate) texts: BTreeSet<String>,
    pub(crate) numbers: BTreeSet<i64>,
}

impl Literals {
    fn add(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                self.texts.insert(text.clone());
            }
            Value::Array(items) => items.iter().for_each(|item| self.add(item)),
            Value::Object(map) => {
                for (key, value) in map {
                    self.texts.insert(key.clone());
                    self.add(value);
                }
            }
            Value::Number(number) => self.numbers.extend(number.as_i64()),
            _ => {}
        }
    }
}

struct Run<'a, W> {
    world: W,
    case: &'a Case,
    variables: BTreeMap<String, String>,
    literals: Literals,
}

pub(crate) const NAMESPACE: &str = "ns-q7w2k9z4";
pub(crate) const GROUP: &str = "gq7w2k9z4.example.com";

/// Runs a case; the answer is everything that differs from what was recorded.
pub(crate) fn replay<W: World>(case: &Case, world: W) -> Vec<Difference> {
    let mut run = Run { world, case, variables: BTreeMap::new(), literals: Literals::default() };
    let mut setup = Vec::new();
    for (index, step) in case.setup.iter().enumerate() {
        let outcome = match run.step(step) {
            Ok(outcome) => outcome,
            Err(problem) => return vec![Difference::problem(&format!("setup {index}: {problem}"))],
        };
        let wanted = step["response"]["status"].as_i64();
        if !outcome.missed.is_empty() || wanted.is_some_and(|wanted| wanted != outcome.answer.status) {
            let problem = format!(
                "setup {index}: wanted {}, got {} {:?} {:?}",
                wanted.map_or_else(|| step["matches"].to_string(), |wanted| wanted.to_string()),
                outcome.answer.status,
                outcome.answer.body.map(|body| body.to_string().chars().take(300).collect::<String>()),
                outcome.answer.text
            );
            return vec![Difference::problem(&problem)];
        }
        setup.push(outcome);
    }
    let mut steps = Vec::new();
    let mut out = Vec::new();
    for (index, step) in case.steps.iter().enumerate() {
        match run.step(step) {
            Ok(outcome) => steps.push(outcome),
            Err(problem) => {
                out.push(Difference::problem(&format!("step {index}: {problem}")));
                break;
            }
        }
    }
    let mut normaliser = Normaliser::new(run.case, &run.literals, &setup, &steps);
    for (index, (step, outcome)) in case.steps.iter().zip(&steps).enumerate() {
        compare::step(&mut normaliser, step, outcome, &format!("step {index}"), &mut out);
    }
    out
}

impl<W: World> Run<'_, W> {
    fn step(&mut self, step: &Value) -> Result<Outcome, String> {
        if step.get("request").is_some() {
            self.request(step)
        } else if step.get("eventually").is_some() {
            self.eventually(step)
        } else if step.get("watch").is_some() {
            self.watch(step)
        } else if let Some(millis) = step["sleep_ms"].as_i64() {
            self.world.sleep(SignedDuration::from_millis(millis));
            Ok(Outcome { kind: "sleep", ..Outcome::default() })
        } else {
            Err(format!("unknown step {step}"))
        }
    }

    fn request(&mut self, step: &Value) -> Result<Outcome, String> {
        let request = self.resolve(&step["request"])?;
        let answer = match self.send(&request)? {
            Sent::Answer(answer) => answer,
            Sent::Stream(stream, head) => {
                self.world.close(stream);
                head
            }
        };
        self.capture(step, &answer);
        Ok(Outcome { kind: "request", answer, ..Outcome::default() })
    }

    fn eventually(&mut self, step: &Value) -> Result<Outcome, String> {
        let request = self.resolve(&step["eventually"])?;
        let wanted = step.get("matches").map(|matches| self.substitute(matches)).transpose()?;
        let status = step["status"].as_i64().unwrap_or(200);
        let within = step["within_ms"].as_i64().unwrap_or(10_000);
        let end = self.world.now() + SignedDuration::from_millis(within);
        loop {
            let Sent::Answer(answer) = self.send(&request)? else {
                return Err("a watch in an eventually step".to_owned());
            };
            let missed = if answer.status != status {
                vec![("status".to_owned(), status.into(), answer.status.into())]
            } else {
                let body = answer.body.clone().or_else(|| answer.text.clone().map(Value::from));
                wanted
                    .as_ref()
                    .map(|wanted| pointer::partial(wanted, &body.unwrap_or_default()))
                    .unwrap_or_default()
            };
            if missed.is_empty() || self.world.now() > end {
                self.capture(step, &answer);
                return Ok(Outcome { kind: "eventually", answer, missed, ..Outcome::default() });
            }
            self.world.sleep(SignedDuration::from_millis(20));
        }
    }

    fn watch(&mut self, step: &Value) -> Result<Outcome, String> {
        let request = self.resolve(&step["watch"])?;
        let (stream, head) = match self.send(&request)? {
            Sent::Answer(answer) => return Ok(Outcome { kind: "watch", answer, ..Outcome::default() }),
            Sent::Stream(stream, head) => (stream, head),
        };
        if step["response"]["status"].as_i64().is_some_and(|status| status != 200) {
            self.world.close(stream);
            let answer = Answer { status: head.status, ..Answer::default() };
            return Ok(Outcome { kind: "watch", answer, ..Outcome::default() });
        }
        let skip: fn(&Value) -> bool =
            if step["drop_bookmarks"] == true { is_plain_bookmark } else { |_| false };
        let millis = |key: &str| step[key].as_i64();
        self.world.sleep(SignedDuration::from_millis(millis("delay_ms").unwrap_or(0)));
        let mut inner = Vec::new();
        for step in step["while"].as_array().into_iter().flatten() {
            inner.push(self.step(step)?);
        }
        let most = SignedDuration::from_millis(millis("timeout_ms").unwrap_or(8000));
        if step["until"] == "eof" {
            self.world.wait(most, &|world| world.has_ended(stream));
        } else {
            let expected = step["events"].as_array().map_or(0, Vec::len);
            let count = millis("count").map_or(expected, |count| count as usize);
            let arrived = |world: &W, count: usize| {
                events(&world.received(stream), skip).len() >= count || world.has_ended(stream)
            };
            self.world.wait(most, &|world| arrived(world, count));
            let settle = SignedDuration::from_millis(millis("settle_ms").unwrap_or(120));
            self.world.wait(settle, &|world| arrived(world, count + 1));
        }
        let (events, ended) = (events(&self.world.received(stream), skip), self.world.has_ended(stream));
        self.world.close(stream);
        let answer = Answer { body: None, text: None, ..head };
        Ok(Outcome { kind: "watch", answer, events, ended, inner, ..Outcome::default() })
    }

    fn send(&mut self, request: &Value) -> Result<Sent<W::Stream>, String> {
        Ok(match self.world.request(sent::request(request)?) {
            Ok(response) => Sent::Answer(Answer::new(response)),
            Err((stream, head)) => Sent::Stream(stream, Answer::head(&head.into_parts().0)),
        })
    }

    /// Puts the case's values into a request, and remembers the texts that the case sends itself.
    fn resolve(&mut self, request: &Value) -> Result<Value, String> {
        for part in ["body", "query"] {
            if let Some(part) = request.get(part) {
                self.literals.add(&known(part));
            }
        }
        if let Some(raw) = request["raw"].as_str() {
            let raw = known_text(raw);
            self.literals.texts.extend(QUOTED.captures_iter(&raw).map(|found| found[1].to_owned()));
        }
        self.substitute(request)
    }

    fn substitute(&self, value: &Value) -> Result<Value, String> {
        let mut missing = None;
        let result = map_texts(value, &mut |text| {
            let text = known_text(text);
            VARIABLE
                .replace_all(&text, |found: &Captures<'_>| match self.variables.get(&found[1]) {
                    Some(value) => value.clone(),
                    None => {
                        missing = Some(found[1].to_owned());
                        String::new()
                    }
                })
                .into_owned()
        });
        match missing {
            Some(name) => Err(format!("${{{name}}} was never captured")),
            None => Ok(result),
        }
    }

    fn capture(&mut self, step: &Value, answer: &Answer) {
        let nothing = Map::new();
        for (name, pointer) in step["capture"].as_object().unwrap_or(&nothing) {
            let pointer = pointer.as_str().unwrap_or_default();
            match answer.body.as_ref().and_then(|body| pointer::at(body, pointer)) {
                Some(Value::String(text)) => self.variables.insert(name.clone(), text.clone()),
                Some(value) => self.variables.insert(name.clone(), value.to_string()),
                None => self.variables.remove(name),
            };
        }
        for (name, header) in step["capture_headers"].as_object().unwrap_or(&nothing) {
            let value = answer.headers.iter().find(|(key, _)| header.as_str() == Some(key));
            let value = value.map(|(_, value)| value.clone()).unwrap_or_default();
            self.variables.insert(name.clone(), value);
        }
    }
}

/// What came of a request.
enum Sent<S> {
    Answer(Answer),
    Stream(S, Answer),
}

/// The events in what a stream has brought, those that `skip` names left out.
fn events(received: &[u8], skip: fn(&Value) -> bool) -> Vec<Value> {
    let lines = received.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.filter_map(|line| serde_json::from_slice(line).ok()).filter(|event| !skip(event)).collect()
}

/// A BOOKMARK other than the one that ends the initial events: it may come at any time.
fn is_plain_bookmark(event: &Value) -> bool {
    event["type"] == "BOOKMARK" && event["object"]["metadata"].get("annotations").is_none()
}

fn known_text(text: &str) -> String {
    let text = text.replace("{ns}", NAMESPACE).replace("{group}", GROUP);
    REPEAT
        .replace_all(&text, |found: &Captures<'_>| {
            found[1].repeat(found[2].parse().expect("the pattern says digits"))
        })
        .into_owned()
}

fn known(value: &Value) -> Value {
    map_texts(value, &mut |text| known_text(text))
}

fn map_texts(value: &Value, map: &mut impl FnMut(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::from(map(text)),
        Value::Array(items) => items.iter().map(|item| map_texts(item, map)).collect(),
        Value::Object(object) => {
            object.iter().map(|(key, value)| (map(key), map_texts(value, map))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// What the case and the step leave out of the comparison.
pub(crate) fn ignored(case: &Case, step: &Value) -> Vec<String> {
    case.ignore.iter().cloned().chain(texts(&step["ignore"])).collect()
}
