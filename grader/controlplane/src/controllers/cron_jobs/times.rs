//! At which times a CronJob was to make a Job, and when the next one is (pkg/controller/cronjob/utils.go).

use super::Visit;
use crate::builtins::schedule::Schedule;
use crate::controllers::fields;
use crate::controllers::work_queue::later;
use jiff::{SignedDuration, Timestamp};

/// The controller looks again this long after the next time, in case clocks differ.
const PADDING: SignedDuration = SignedDuration::from_millis(100);

/// What has not been served.
pub(super) struct Missed {
    /// The last served time, or what counts as such.
    since: Timestamp,
    pub(super) latest: Option<Timestamp>,
    pub(super) count: i64,
}

/// The schedule can be read, but never comes.
#[derive(Debug)]
pub(super) struct Senseless;

impl Visit<'_, '_> {
    /// Times before this one are not made up for.
    pub(super) fn deadline(&self, now: Timestamp) -> Option<Timestamp> {
        let seconds = fields::int(&self.seen, "/spec/startingDeadlineSeconds")?;
        now.checked_sub(fields::seconds(seconds)).ok()
    }

    pub(super) fn until_next(&self, schedule: &Schedule) -> Option<SignedDuration> {
        let now = self.api.now();
        let since = match self.missed(schedule, None) {
            Ok(Missed { latest: Some(latest), .. }) => latest,
            Ok(Missed { since, count: 0, .. }) => since,
            _ => now,
        };
        let next = schedule.next(since, &self.zone)?;
        Some(later(next, PADDING).duration_since(now))
    }

    /// The times since the last one that was served.
    pub(super) fn missed(
        &self,
        schedule: &Schedule,
        not_before: Option<Timestamp>,
    ) -> Result<Missed, Senseless> {
        let now = self.api.now();
        let last = fields::time(&self.cron_job, "/status/lastScheduleTime");
        let created = fields::time(&self.seen, "/metadata/creationTimestamp").unwrap_or(now);
        let since = last.unwrap_or(created).max(not_before.unwrap_or(Timestamp::MIN));
        let nothing = Missed { since, latest: None, count: 0 };
        let next = |after| schedule.next(after, &self.zone);
        // A schedule that never comes is one that comes again and again at the beginning of time upstream.
        let first = next(since).ok_or(Senseless)?;
        if now < first {
            return Ok(nothing);
        }
        let second = next(first).ok_or(Senseless)?;
        if now < second {
            return Ok(Missed { latest: Some(first), ..nothing });
        }
        let step = second.duration_since(first).as_secs();
        if step < 1 {
            return Err(Senseless);
        }
        let count = now.duration_since(first).as_secs() / step + 1;
        let mut latest = None;
        let from = first.checked_add(fields::seconds(count.saturating_sub(2).saturating_mul(step)));
        let mut time = from.ok().and_then(next);
        while let Some(at) = time.filter(|at| *at <= now) {
            latest = Some(at);
            time = next(at);
        }
        Ok(Missed { since, latest, count })
    }
}
