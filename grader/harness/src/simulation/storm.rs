//! Stops an operator that asks without end: virtual time would still pass, but real time would as well.

use crate::trace::RequestRecord;
use std::collections::BTreeMap;

/// How often the same thing may be asked within a window.
const REPEATED: u64 = 300;

/// The window, in virtual milliseconds.
const WINDOW_MS: u64 = 10_000;

/// How many requests one story may take.
const TOTAL: u64 = 50_000;

#[derive(Default)]
pub(super) struct StormGuard {
    window: u64,
    seen: BTreeMap<String, u64>,
    total: u64,
}

impl StormGuard {
    /// Counts a request. `Err` says in plain words what there was too much of.
    pub(super) fn count(&mut self, request: &RequestRecord) -> Result<(), String> {
        self.total += 1;
        if self.total > TOTAL {
            return Err(format!("more than {TOTAL} requests since the story began"));
        }
        let window = request.at_ms / WINDOW_MS;
        if window != self.window {
            self.window = window;
            self.seen.clear();
        }
        let what = format!("{} {}", request.verb.as_str(), request.address);
        let count = self.seen.entry(what).or_default();
        *count += 1;
        if *count > REPEATED {
            let (verb, address) = (request.verb.as_str(), &request.address);
            return Err(format!(
                "`{verb} {address}` more than {REPEATED} times within {} s",
                WINDOW_MS / 1000
            ));
        }
        Ok(())
    }
}
