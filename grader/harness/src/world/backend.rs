//! The seam between the story and what it is told on.

use crate::{Actor, Failure, Fault, FaultId, Kind, RequestRecord, Target};
use controlplane::store::ResourceId;
use controlplane::{Request, Response};
use jiff::Timestamp;
use lab_kit_protocol::ToGrader;
use serde_json::Value;
use std::sync::Arc;

/// How far a step got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Something may be different now: a request was served, or a controller acted.
    Happened,
    /// The time is reached and nothing happened since the last step.
    Reached,
}

/// What is left when a story has ended.
#[derive(Default)]
pub(crate) struct Epilogue {
    /// Every object of the cluster, resource by resource.
    pub(crate) objects: Vec<(ResourceId, Vec<Arc<Value>>)>,
    /// The virtual time.
    pub(crate) now_ms: u64,
    /// The hash of everything that was asked and how it was answered.
    pub(crate) trace: String,
    /// Every request, oldest first.
    pub(crate) requests: Vec<RequestRecord>,
    /// The end of what the operator has printed.
    pub(crate) operator_output: String,
    /// What the operator's processes said, in the order in which they were started.
    pub(crate) recordings: Vec<Vec<ToGrader>>,
}

/// What a story is told on.
pub(crate) trait Backend {
    /// Virtual milliseconds since the story began.
    fn now_ms(&self) -> u64;

    /// Whether no crash was added to the story.
    fn undisturbed(&self) -> bool;

    /// Whether the crash that was added has happened. Until then the story goes as without it.
    fn crashed(&self) -> bool;

    /// Lets the world go on until something happens, at most until that time.
    ///
    /// # Errors
    /// The operator's process ended, broke off or came to no end.
    fn step(&mut self, until_ms: u64) -> Result<Step, Failure>;

    /// Sends a request that is not the operator's.
    fn request(&mut self, actor: Actor, request: Request) -> Response;

    /// An object as it is.
    fn get(&self, target: &Target) -> Option<Arc<Value>>;

    /// The objects as they are, ordered by namespace and name.
    fn list(&self, kind: Kind, namespace: Option<&str>) -> Vec<Arc<Value>>;

    /// Every request so far, the user's included, oldest first.
    fn requests(&self) -> &[RequestRecord];

    /// Starts an operator process. It runs from the next step on.
    ///
    /// # Errors
    /// The process does not come up.
    fn start_operator(&mut self) -> Result<(), Failure>;

    /// Kills all operator processes, as a crash does.
    fn kill_operators(&mut self);

    /// Whether an operator process is up.
    fn operator_is_up(&self) -> bool;

    /// Adds a fault.
    fn inject(&mut self, fault: Fault) -> FaultId;

    /// Removes a fault.
    fn lift(&mut self, fault: FaultId);

    /// Holds back what watches of a resource carry, or lets it go.
    fn hold_watches(&mut self, kind: Kind, hold: bool);

    /// Delays what watches of a resource carry, from now on.
    fn delay_watches(&mut self, kind: Kind, ms: u64);

    /// Ends the operator's watches of a resource. With `expired`, what they missed can be watched no more.
    fn end_watches(&mut self, kind: Kind, expired: bool);

    /// At most so many pods of a namespace are ready at the same time, those that were made first; `None` lifts
    /// the limit. Pods beyond it that are ready stop being so.
    fn ready_pods_at_most(&mut self, namespace: &str, pods: Option<u32>);

    /// From now on, a built-in controller acts so much later than usual.
    fn delay_controller(&mut self, controller: &str, ms: u64);

    /// The time that the operator reads from its wall clock.
    fn wall_clock(&self) -> Timestamp;

    /// Ends the story: no operator is left.
    fn end(self: Box<Self>) -> Epilogue;
}
