//! The body of a watch: pieces that arrive at their virtual times.

use super::connection::Connection;
use bytes::Bytes;
use http_body::{Body, Frame};
use lab_kit_protocol::StreamId;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};

/// A piece of a stream, or (without bytes) its end.
pub(crate) struct Piece {
    pub(crate) at: Instant,
    pub(crate) bytes: Option<Bytes>,
}

/// Dropped before its end, it tells the grader that nobody listens any more.
pub(crate) struct StreamBody {
    connection: Arc<Connection>,
    id: StreamId,
    pieces: mpsc::UnboundedReceiver<Piece>,
    /// The next piece, on its way.
    next: Option<(Pin<Box<Sleep>>, Option<Bytes>)>,
}

impl StreamBody {
    pub(crate) fn new(
        connection: Arc<Connection>,
        id: StreamId,
        pieces: mpsc::UnboundedReceiver<Piece>,
    ) -> StreamBody {
        StreamBody { connection, id, pieces, next: None }
    }
}

impl Body for StreamBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.next.is_none() {
            let Some(piece) = ready!(self.pieces.poll_recv(context)) else { return Poll::Ready(None) };
            self.next = Some((Box::pin(tokio::time::sleep_until(piece.at)), piece.bytes));
        }
        if let Some((arrival, _)) = &mut self.next {
            ready!(arrival.as_mut().poll(context));
        }
        let bytes = self.next.take().and_then(|(_, bytes)| bytes);
        if bytes.is_none() {
            self.pieces.close();
        }
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        self.connection.close(self.id);
    }
}
