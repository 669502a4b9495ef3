//! How a scenario ended, and everything a report says about it.

use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The six ways a scenario can end; they are never mixed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Everything held.
    Passed,
    /// Something did not hold.
    Failed,
    /// It was not told: it was not asked for, or something it depends on failed.
    Skipped,
    /// The operator panicked, exited, or broke off.
    Crashed,
    /// The operator came to no end: it blocked or span, or the run took longer than allowed.
    TimedOut,
    /// A mistake of the grader or of this machine, never the student's.
    GraderBroke,
}

/// What did not hold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Failure {
    /// How the scenario ended by this: [`Outcome::Failed`] unless the operator's process itself ended it.
    pub outcome: Outcome,
    /// What was waited for or must hold.
    pub expected: String,
    /// What was there instead.
    pub last_seen: String,
    /// What that says about the operator, where a scenario knows.
    pub means: Option<String>,
    /// What had happened, oldest first.
    pub story: Vec<StoryLine>,
    /// The object it is about, as it was at the end.
    pub object: Option<Value>,
    /// Where the operator was crashed, when the story only fails so.
    pub crash_point: Option<String>,
    /// The operator's last requests before the end, one line each.
    pub requests: Vec<String>,
}

impl Failure {
    /// Something did not hold.
    pub fn new(expected: impl Into<String>, last_seen: impl Into<String>) -> Failure {
        Failure {
            outcome: Outcome::Failed,
            expected: expected.into(),
            last_seen: last_seen.into(),
            means: None,
            story: Vec::new(),
            object: None,
            crash_point: None,
            requests: Vec::new(),
        }
    }

    /// The grader itself is at fault.
    pub fn grader_broke(what: impl Into<String>) -> Failure {
        Failure { outcome: Outcome::GraderBroke, ..Failure::new("the grader works", what) }
    }

    /// Says what this tells about the operator.
    #[must_use]
    pub fn means(mut self, means: impl Into<String>) -> Failure {
        self.means = Some(means.into());
        self
    }

    /// Attaches the object it is about.
    #[must_use]
    pub fn object(mut self, object: &Value) -> Failure {
        self.object = Some(object.clone());
        self
    }

    /// The reason in one line.
    pub fn message(&self) -> String {
        let at = self.crash_point.as_deref().map(|at| format!(", when crashed {at}")).unwrap_or_default();
        format!("expected: {}{at}; last seen: {}", self.expected, self.last_seen)
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoryLine {
    /// Virtual milliseconds since the story began.
    pub at_ms: u64,
    /// What, in plain words.
    pub text: String,
}

/// What an operator did in the undisturbed run of a scenario, without what differs from run to run: to be
/// compared with what the reference solution does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, serde::Deserialize)]
pub struct Behaviour {
    /// The operator's writes in order, each `VERB resource[/subresource] namespace/name`, `(no-op)` added where
    /// nothing changed and the status where the API refused.
    pub writes: Vec<String>,
    /// How often each `VERB resource[/subresource]` was asked for, reads included.
    pub counts: BTreeMap<String, u64>,
    /// The objects at the end in normal form, by `resource namespace/name`.
    pub objects: BTreeMap<String, Value>,
}

/// How one scenario ended.
#[derive(Clone, Debug, Serialize)]
pub struct ScenarioResult {
    /// The scenario's.
    pub id: &'static str,
    /// The scenario's.
    pub title: &'static str,
    /// The scenario's.
    pub exercise: u8,
    /// How it ended.
    pub outcome: Outcome,
    /// Points earned: all or none.
    pub earned: u32,
    /// Points it is worth.
    pub possible: u32,
    /// How many times the story was told, crashes included.
    pub runs: u32,
    /// The virtual time of all runs together.
    pub virtual_seconds: f64,
    /// The operator's requests in the undisturbed run.
    pub requests: u64,
    /// The hash of the undisturbed run's canonical trace.
    pub trace: String,
    /// The one-line reason, when it did not pass.
    pub message: Option<String>,
    /// Everything known about it, when it did not pass.
    pub failure: Option<Failure>,
    /// What the operator did in the undisturbed run.
    pub behaviour: Behaviour,
    /// The end of what the operator printed, free of control characters. Evidence, never the verdict.
    pub operator_output: String,
}
