//! Where a crash can leave something half-done.
//!
//! What a crash leaves behind is the state of the cluster; what the process knew is lost. So one crash for each
//! state that the operator's writes make, or meet, is enough: after each write that changed something; before it,
//! if others had changed something since the last; and after the first write of each kind that changed nothing,
//! which a restart may repeat (as Sieve does, OSDI '22).

use crate::simulation::CrashPoint;
use crate::trace::{Effect, RequestRecord};
use std::collections::BTreeSet;

/// The most that are tried for one story; of more, some are picked evenly.
const MOST: usize = 60;

/// A place for a crash, and what to call it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NamedCrash {
    pub(crate) point: CrashPoint,
    /// `right after ...` or `right before ...`.
    pub(crate) name: String,
}

/// The places in a run, given the operator's requests.
pub(crate) fn crash_points<'a>(requests: impl Iterator<Item = &'a RequestRecord>) -> Vec<NamedCrash> {
    let mut points = Vec::new();
    let mut met = None;
    let mut repeated = BTreeSet::new();
    let writes = requests.enumerate().filter(|(_, record)| record.is_write());
    for (number, (request, record)) in writes.enumerate() {
        let what = format!("`{} {}` (write {})", record.verb.as_str(), record.address, number + 1);
        let mut add = |done, name| points.push(NamedCrash { point: CrashPoint { request, done }, name });
        match record.effect {
            Effect::Changed => {
                if met != Some(record.revision_before) {
                    add(false, format!("right before {what}"));
                }
                add(true, format!("right after {what}"));
                met = Some(record.revision_after);
            }
            Effect::NoOp => {
                let kind = (record.verb, &record.address.resource, &record.address.subresource);
                if repeated.insert(kind) {
                    add(true, format!("right after {what}, which changed nothing"));
                }
            }
            Effect::Read | Effect::Refused => {}
        }
    }
    if points.len() <= MOST {
        return points;
    }
    (0..MOST).map(|index| points[index * points.len() / MOST].clone()).collect()
}
