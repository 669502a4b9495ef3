//! Tells a process that comes to no end from one that is slow, or that a busy machine lets wait.
//!
//! What counts is the process' own: processor time that it used, or that all its threads sleep. The wall clock
//! alone decides only at the run's limit (and where the system does not tell more).

use std::fmt;
use std::time::{Duration, Instant};

/// How much processor time may go by from message to message.
const BUSY_LIMIT: Duration = Duration::from_secs(3);

/// How long all threads may sleep while a message is due.
const ASLEEP_LIMIT: Duration = Duration::from_secs(2);

/// Why a process is not waited for any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stuck {
    /// It computes without end.
    Busy,
    /// It sleeps, or waits for something that does not come.
    Asleep,
    /// It prints more than anybody could read.
    Flooding,
    /// The run has taken all the time that it may.
    OutOfTime,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stuck::Busy => "the process computes without end: a loop that never waits for anything",
            Stuck::Asleep => {
                "the process blocks its thread: a blocking call such as `std::thread::sleep` or a deadlock"
            }
            Stuck::Flooding => "the process prints without end",
            Stuck::OutOfTime => "the run took longer than a run may",
        })
    }
}

pub(super) struct Watchdog {
    pid: u32,
    wall_end: Instant,
    /// When the message that is waited for became due, and the processor time at the first look after that.
    due: Instant,
    used_when_due: Option<Duration>,
    asleep_since: Option<(Instant, Duration)>,
    stuck: Option<Stuck>,
}

impl Watchdog {
    pub(super) fn new(pid: u32, wall_end: Instant) -> Watchdog {
        Watchdog { pid, wall_end, due: Instant::now(), used_when_due: None, asleep_since: None, stuck: None }
    }

    /// A message is due from now on.
    pub(super) fn expect_message(&mut self) {
        self.due = Instant::now();
        self.used_when_due = None;
        self.asleep_since = None;
    }

    /// What the last look found.
    pub(super) fn stuck(&self) -> Option<Stuck> {
        self.stuck
    }

    /// Looks after the process. Anything but `None` is final.
    pub(super) fn look(&mut self, floods: bool) -> Option<Stuck> {
        let now = Instant::now();
        self.stuck = match () {
            () if floods => Some(Stuck::Flooding),
            () if now >= self.wall_end => Some(Stuck::OutOfTime),
            () => self.judge(now),
        };
        self.stuck
    }

    fn judge(&mut self, now: Instant) -> Option<Stuck> {
        let Some(Sample { used, asleep }) = sample(self.pid) else {
            return (now - self.due > BUSY_LIMIT + ASLEEP_LIMIT).then_some(Stuck::Asleep);
        };
        let used_when_due = *self.used_when_due.get_or_insert(used);
        if used.saturating_sub(used_when_due) > BUSY_LIMIT {
            return Some(Stuck::Busy);
        }
        if !asleep {
            self.asleep_since = None;
            return None;
        }
        match self.asleep_since {
            Some((since, used_then)) if used == used_then => {
                (now - since > ASLEEP_LIMIT).then_some(Stuck::Asleep)
            }
            _ => {
                self.asleep_since = Some((now, used));
                None
            }
        }
    }
}

/// What the system says about a process.
struct Sample {
    /// Processor time of all its threads.
    used: Duration,
    /// Whether none of them runs, wants to run, or waits for a disk.
    asleep: bool,
}

#[cfg(target_os = "linux")]
fn sample(pid: u32) -> Option<Sample> {
    let (mut used, mut asleep) = (Duration::ZERO, true);
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        // A thread that ends meanwhile does not count.
        let Ok(stat) = std::fs::read_to_string(task.ok()?.path().join("stat")) else { continue };
        // proc(5): the fields after the command's closing parenthesis are state, ppid, ... utime and stime.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
        used += Duration::from_millis(ticks * 10);
        asleep &= !matches!(*fields.first()?, "R" | "D");
    }
    Some(Sample { used, asleep })
}

#[cfg(not(target_os = "linux"))]
fn sample(_pid: u32) -> Option<Sample> {
    None
}
