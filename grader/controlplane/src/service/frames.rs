//! One watch's events on their way to its reader, with a bound on what a slow reader may leave unread.

use super::lock;
use crate::request::WatchId;
use bytes::Bytes;
use futures::stream::Stream;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// How many bytes of events may wait for a reader before its watch is ended. What was there when the watch began does
/// not count: the client asked for it.
const LIMIT: usize = 8 << 20;

/// The writing end.
#[derive(Debug)]
pub(super) struct Sender {
    backlog: Arc<Mutex<Backlog>>,
}

/// The reading end: the body of the answer. Tells when its reader lets go of it.
#[derive(Debug)]
pub(super) struct Frames {
    backlog: Arc<Mutex<Backlog>>,
    id: WatchId,
    dropped: Arc<Mutex<Vec<WatchId>>>,
}

/// Too much was left unread; the watch is over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Overflow;

#[derive(Debug, Default)]
struct Backlog {
    /// What waits, each with what it counts.
    frames: VecDeque<(Bytes, usize)>,
    counted: usize,
    /// Whether frames count by now.
    counts: bool,
    ended: bool,
    reader: Option<Waker>,
}

/// Both ends of a new stream. `dropped` is told when the reading end goes away.
pub(super) fn open(id: WatchId, dropped: Arc<Mutex<Vec<WatchId>>>) -> (Sender, Frames) {
    let backlog = Arc::<Mutex<Backlog>>::default();
    (Sender { backlog: backlog.clone() }, Frames { backlog, id, dropped })
}

impl Sender {
    /// Adds one frame.
    pub(super) fn send(&self, frame: Bytes) -> Result<(), Overflow> {
        let mut backlog = lock(&self.backlog);
        let size = if backlog.counts { frame.len() } else { 0 };
        if backlog.counted + size > LIMIT {
            // A reader that does not read must not keep the memory either.
            backlog.frames = VecDeque::new();
            return Err(Overflow);
        }
        backlog.counted += size;
        backlog.frames.push_back((frame, size));
        let reader = backlog.reader.take();
        drop(backlog);
        reader.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// The initial events are all there; what comes now counts.
    pub(super) fn opened(&self) {
        lock(&self.backlog).counts = true;
    }
}

/// The reader gets what waits, then the end.
impl Drop for Sender {
    fn drop(&mut self) {
        let mut backlog = lock(&self.backlog);
        backlog.ended = true;
        let reader = backlog.reader.take();
        drop(backlog);
        reader.into_iter().for_each(Waker::wake);
    }
}

impl Stream for Frames {
    type Item = Result<http_body::Frame<Bytes>, Infallible>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut backlog = lock(&self.backlog);
        match backlog.frames.pop_front() {
            Some((frame, size)) => {
                backlog.counted -= size;
                Poll::Ready(Some(Ok(http_body::Frame::data(frame))))
            }
            None if backlog.ended => Poll::Ready(None),
            None => {
                backlog.reader = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        lock(&self.dropped).push(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt;
    use futures::executor::block_on;

    fn drain(frames: Frames) -> usize {
        block_on(
            frames
                .map(|frame| frame.map_or(0, |frame| frame.data_ref().map_or(0, Bytes::len)))
                .collect::<Vec<_>>(),
        )
        .iter()
        .sum()
    }

    #[test]
    fn a_reader_gets_everything_and_then_the_end() {
        let (sender, frames) = open(WatchId(1), Arc::default());
        sender.send(Bytes::from_static(b"one")).expect("there is room");
        sender.opened();
        sender.send(Bytes::from_static(b"two")).expect("there is room");
        drop(sender);
        assert_eq!(drain(frames), 6);
    }

    #[test]
    fn what_was_there_at_the_start_has_no_bound_and_what_comes_later_has() {
        let megabyte = Bytes::from(vec![b' '; 1 << 20]);
        let (sender, frames) = open(WatchId(1), Arc::default());
        for _ in 0..2 * (LIMIT >> 20) {
            sender.send(megabyte.clone()).expect("initial events have no bound");
        }
        sender.opened();
        for _ in 0..LIMIT >> 20 {
            sender.send(megabyte.clone()).expect("there is room");
        }
        assert!(sender.send(megabyte).is_err());
        drop(sender);
        assert_eq!(drain(frames), 0, "the memory is free, whether somebody reads or not");
    }

    #[test]
    fn a_reader_that_goes_away_is_noted() {
        let dropped = Arc::<Mutex<Vec<WatchId>>>::default();
        let (_sender, frames) = open(WatchId(7), dropped.clone());
        drop(frames);
        assert_eq!(*lock(&dropped), [WatchId(7)]);
    }
}
