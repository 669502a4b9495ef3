//! What a case is replayed against.

use bytes::Bytes;
use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};

/// A server, as a client sees it, and time.
pub trait World {
    /// Names an open stream.
    type Stream: Copy;

    /// The time, real or virtual.
    fn now(&self) -> Timestamp;

    /// Lets time pass.
    fn sleep(&mut self, time: SignedDuration);

    /// Sends a request; `Err` is the head of an answer that is a stream.
    ///
    /// # Errors
    /// See above.
    fn request(&mut self, request: Request<Bytes>) -> Result<Response<Bytes>, (Self::Stream, Response<()>)>;

    /// What has come on a stream so far.
    fn received(&self, stream: Self::Stream) -> Vec<u8>;

    /// Whether the server has ended a stream.
    fn has_ended(&self, stream: Self::Stream) -> bool;

    /// Lets time pass until a condition holds or the time is over.
    fn wait(&mut self, most: SignedDuration, done: &dyn Fn(&Self) -> bool);

    /// Lets go of a stream.
    fn close(&mut self, stream: Self::Stream);
}
