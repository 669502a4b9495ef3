//! The socket to the grader, and how far the operator may run.

use super::stream::{Piece, StreamBody};
use crate::pinned;
use lab_kit_protocol::{Answer, FrameError, Request, RunUntil, StreamId, ToGrader, ToOperator};
use std::collections::BTreeMap;
use std::io::BufReader;
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

/// The operator's end of the conversation.
///
/// # Assumptions
/// Only the simulation's thread asks and receives; any thread may send.
pub(crate) struct Connection {
    reading: Mutex<BufReader<UnixStream>>,
    writing: Mutex<UnixStream>,
    run: Mutex<Run>,
    /// Told when the time up to which to run has changed.
    until_changed: Notify,
}

struct Run {
    /// The runtime's clock at a virtual time.
    start: (Instant, u64),
    until_ms: u64,
    streams: BTreeMap<StreamId, mpsc::UnboundedSender<Piece>>,
}

/// A panic elsewhere is reported by itself; what it leaves here is still in order.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Connection {
    /// Takes the socket that the grader has left as standard input.
    pub(crate) fn open() -> anyhow::Result<Connection> {
        let socket = UnixStream::from(pinned::take_stdin()?);
        Ok(Connection {
            reading: Mutex::new(BufReader::new(socket.try_clone()?)),
            writing: Mutex::new(socket),
            run: Mutex::new(Run { start: (Instant::now(), 0), until_ms: 0, streams: BTreeMap::new() }),
            until_changed: Notify::new(),
        })
    }

    /// Says at what virtual time the runtime's clock stands.
    pub(crate) fn start_clock(&self, now: Instant, now_ms: u64) {
        lock(&self.run).start = (now, now_ms);
    }

    pub(crate) fn send(&self, message: &ToGrader) -> Result<(), FrameError> {
        lab_kit_protocol::write(&mut *lock(&self.writing), message)
    }

    /// Sends a message if that can be done at once: for places where nothing may wait or fail.
    pub(crate) fn send_in_passing(&self, message: &ToGrader) {
        if let Ok(mut socket) = self.writing.try_lock() {
            let _ = lab_kit_protocol::write(&mut *socket, message);
        }
    }

    /// Waits, blocking, for what the grader says.
    pub(crate) fn receive(&self) -> Result<ToOperator, FrameError> {
        lab_kit_protocol::read(&mut *lock(&self.reading))
    }

    /// One blocking round trip. Without the grader there is nothing left to do, and the process ends. The caller
    /// [takes](Self::take) what the answer says about the run, once it has opened the stream that it may name.
    pub(crate) fn ask(&self, request: Request) -> Answer {
        let answer = self.send(&ToGrader::Request(request)).and_then(|()| self.receive());
        match answer {
            Ok(ToOperator::Answer(answer)) => answer,
            Ok(other) => grader_is_gone(&format!("it answered a request with {other:?}")),
            Err(error) => grader_is_gone(&error.to_string()),
        }
    }

    /// Virtual time.
    pub(crate) fn now_ms(&self) -> u64 {
        let (start, start_ms) = lock(&self.run).start;
        start_ms + u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX / 2)
    }

    /// Takes in how far to run and what streams carry meanwhile.
    pub(crate) fn take(&self, run: RunUntil) {
        pinned::publish_wall_clock();
        let mut state = lock(&self.run);
        if state.until_ms != run.until_ms {
            state.until_ms = run.until_ms;
            self.until_changed.notify_one();
        }
        for delivery in run.deliver {
            let at = state.instant(delivery.at_ms);
            let ended = delivery.bytes.is_none();
            // A stream that the operator has closed in the meantime is not there any more.
            if let Some(stream) = state.streams.get(&delivery.stream) {
                let _ = stream.send(Piece { at, bytes: delivery.bytes.map(Into::into) });
            }
            if ended {
                state.streams.remove(&delivery.stream);
            }
        }
    }

    /// Opens a stream: what is delivered from now on is its body.
    pub(crate) fn stream(self: &std::sync::Arc<Self>, id: StreamId) -> StreamBody {
        let (sender, receiver) = mpsc::unbounded_channel();
        lock(&self.run).streams.insert(id, sender);
        StreamBody::new(self.clone(), id, receiver)
    }

    /// The operator went away from a stream.
    pub(crate) fn close(&self, id: StreamId) {
        let was_open = lock(&self.run).streams.remove(&id).is_some();
        if was_open {
            // If the grader is gone, the next request or the main loop notices.
            let _ = self.send(&ToGrader::StreamClosed(id));
        }
    }

    /// Waits until the time up to which to run is there; it may change meanwhile.
    pub(crate) async fn run_out(&self) {
        loop {
            let until = {
                let state = lock(&self.run);
                state.instant(state.until_ms)
            };
            tokio::select! {
                biased;
                () = self.until_changed.notified() => {}
                () = tokio::time::sleep_until(until) => return,
            }
        }
    }
}

impl Run {
    fn instant(&self, at_ms: u64) -> Instant {
        let (start, start_ms) = self.start;
        start + Duration::from_millis(at_ms.saturating_sub(start_ms))
    }
}

#[expect(clippy::exit, reason = "a request of an operator without its world can only end with the operator")]
fn grader_is_gone(why: &str) -> ! {
    eprintln!("error: the grader is gone: {why}");
    std::process::exit(1)
}
