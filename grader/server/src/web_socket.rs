//! Watches over WebSocket, which is how clients ask for them whose HTTP library reads an answer to its end before it hands
//! any of it out (fabric8's for Java, browsers): RFC 6455 as far as that needs it, as golang.org/x/net/websocket speaks it
//! (apiserver/pkg/endpoints/handlers/watch.go, `HandleWS`).

mod frames;
mod handshake;

pub(crate) use handshake::Handshake;

use bytes::Bytes;
use controlplane::service::Body;
use frames::{Incoming, Opcode};
use http_body_util::BodyExt;
use std::io;
use std::pin::pin;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

/// How many pings may wait for their answers.
const PINGS: usize = 4;

/// Carries the events of a watch, each a message of its own, until the watch ends or its reader goes.
async fn carry(stream: impl AsyncRead + AsyncWrite, mut events: Body, is_text: bool) -> io::Result<()> {
    let (reader, mut writer) = tokio::io::split(stream);
    let (pings, mut pinged) = mpsc::channel(PINGS);
    let mut heard = pin!(listen(reader, pings));
    loop {
        tokio::select! {
            _ = &mut heard => break,
            Some(payload) = pinged.recv() => {
                writer.write_all(&frames::frame(Opcode::PONG, &payload)).await?;
            }
            event = events.frame() => {
                let Some(Ok(Ok(data))) = event.map(|event| event.map(http_body::Frame::into_data)) else { break };
                for message in messages(&data, is_text) {
                    let opcode = if is_text { Opcode::TEXT } else { Opcode::BINARY };
                    writer.write_all(&frames::frame(opcode, message)).await?;
                }
            }
        }
        writer.flush().await?;
    }
    writer.write_all(&frames::close()).await?;
    writer.shutdown().await
}

/// Reads what a client says after its handshake, which is of no interest but for pings and the end.
async fn listen(mut reader: impl AsyncRead + Unpin, pings: mpsc::Sender<Bytes>) {
    while let Ok(frame) = frames::read(&mut reader).await {
        match frame {
            Incoming::Ping(payload) => {
                // Whoever pings faster than it reads the answers does without some.
                let _ = pings.try_send(payload);
            }
            Incoming::Other => {}
            Incoming::Close => return,
        }
    }
}

/// The events in a piece of a stream: lines of JSON, and otherwise what is behind each length.
fn messages(data: &[u8], is_text: bool) -> Vec<&[u8]> {
    if is_text {
        return data.split_inclusive(|byte| *byte == b'\n').collect();
    }
    let mut found = Vec::new();
    let mut rest = data;
    while let Some((length, following)) = rest.split_first_chunk() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let (message, following) = following.split_at(length.min(following.len()));
        found.push(message);
        rest = following;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::messages;

    #[test]
    fn each_event_is_a_message() {
        assert_eq!(messages(b"{}\n[]\n", true), [b"{}\n", b"[]\n"]);
        assert_eq!(messages(b"\0\0\0\x02ab\0\0\0\x01c", false), [&b"ab"[..], b"c"]);
    }
}
