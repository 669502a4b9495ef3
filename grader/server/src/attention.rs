//! Staying awake for a moment after each answer.

use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::task::yield_now;

/// How long: a client that works through something has its next request ready before that.
const MOMENT: Duration = Duration::from_micros(50);

/// Looks for the next request instead of sleeping, for [`MOMENT`] after an answer. A thread that sleeps has to be woken,
/// which on an idle machine takes as long as two creates.
#[derive(Debug, Default)]
pub(crate) struct Attention(Notify);

impl Attention {
    /// An answer is on its way.
    pub(crate) fn renew(&self) {
        self.0.notify_one();
    }

    /// Keeps the thread that runs this awake whenever it should be, for ever.
    pub(crate) async fn keep(&self) {
        loop {
            self.0.notified().await;
            let answered = Instant::now();
            while answered.elapsed() < MOMENT {
                yield_now().await;
            }
        }
    }
}
