//! The operator's process, and what stands between it and the API.

use crate::{Failure, Fault, FaultId, Kind, World};

impl World {
    /// Starts the operator.
    ///
    /// # Errors
    /// It does not come up.
    pub fn start_operator(&mut self) -> Result<(), Failure> {
        self.tell("the operator starts");
        self.backend.start_operator()
    }

    /// Kills the operator (SIGKILL), as when its node is lost.
    pub fn stop_operator(&mut self) {
        self.tell("the operator is killed");
        self.backend.kill_operators();
    }

    /// Kills the operator and starts it again.
    ///
    /// # Errors
    /// It does not come up.
    pub fn restart_operator(&mut self) -> Result<(), Failure> {
        self.stop_operator();
        self.start_operator()
    }

    /// Whether the operator's process is up.
    pub fn operator_is_up(&self) -> bool {
        self.backend.operator_is_up()
    }

    /// From now on, something happens to the operator's requests that match.
    pub fn inject(&mut self, fault: Fault) -> FaultId {
        self.backend.inject(fault)
    }

    /// Ends a fault.
    pub fn lift(&mut self, fault: FaultId) {
        self.backend.lift(fault);
    }

    /// From now on, the operator's watches of this resource carry nothing; it is kept for later.
    pub fn hold_watches(&mut self, kind: Kind) {
        self.backend.hold_watches(kind, true);
    }

    /// What was held back arrives.
    pub fn release_watches(&mut self, kind: Kind) {
        self.backend.hold_watches(kind, false);
    }

    /// From now on, what the operator's watches of this resource carry arrives so much later.
    pub fn delay_watches(&mut self, kind: Kind, ms: u64) {
        self.backend.delay_watches(kind, ms);
    }

    /// The API server ends the operator's watches of this resource, as it does now and then. They can be resumed.
    pub fn close_watches(&mut self, kind: Kind) {
        self.backend.end_watches(kind, false);
    }

    /// The operator's watches of this resource end with 410 Expired: it has to list again. What they had not yet
    /// carried is lost to them.
    pub fn expire_watches(&mut self, kind: Kind) {
        self.backend.end_watches(kind, true);
    }
}
