//! Tells one story once.

use crate::simulation::{Setup, Simulation};
use crate::world::Epilogue;
use crate::{Failure, Random, RequestRecord, Scenario, World};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// How long the world may take to come to rest after the story.
const AFTERMATH: Duration = Duration::from_secs(60);

/// How many of the operator's last requests a failure shows.
const LAST_REQUESTS: usize = 12;

/// What came of telling a story once.
pub(crate) struct Telling {
    pub(crate) result: Result<(), Failure>,
    pub(crate) epilogue: Epilogue,
}

impl Telling {
    /// The operator's requests.
    pub(crate) fn requests(&self) -> impl Iterator<Item = &RequestRecord> {
        self.epilogue.requests.iter().filter(|record| record.by_operator())
    }
}

/// Tells a story, lets the world come to rest, and ends it.
pub(crate) fn tell(scenario: &Scenario, setup: Setup) -> Telling {
    let random = Random::named(setup.seed, scenario.id);
    // A mistake in a scenario or in this crate must not cost the others, or a student, anything.
    let told = catch_unwind(AssertUnwindSafe(|| {
        let mut world = match Simulation::new(setup) {
            Ok(simulation) => World::new(Box::new(simulation), random),
            Err(failure) => return Telling { result: Err(failure), epilogue: Epilogue::default() },
        };
        let result = (scenario.run)(&mut world).and_then(|()| world.settle(AFTERMATH));
        let (story, epilogue) = world.end();
        let result = result.map_err(|mut failure| {
            failure.story = story;
            let own: Vec<_> = epilogue.requests.iter().filter(|record| record.by_operator()).collect();
            let last = own[own.len().saturating_sub(LAST_REQUESTS)..].iter();
            failure.requests = last.map(|record| record.line()).collect();
            failure
        });
        Telling { result, epilogue }
    }));
    told.unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        let failure = Failure::grader_broke(format!("scenario {} panicked: {message}", scenario.id));
        Telling { result: Err(failure), epilogue: Epilogue::default() }
    })
}
