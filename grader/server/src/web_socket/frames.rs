//! Frames: what a WebSocket consists of after its handshake (RFC 6455, section 5).

use bytes::Bytes;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The last frame of its message. Here, every message is one frame.
const FINAL: u8 = 0x80;
/// What a client sends is masked.
const MASKED: u8 = 0x80;
/// The longest payload of a ping, a pong or a close.
const LONGEST_CONTROL: u64 = 125;
/// The status of an ordinary end.
const NORMAL: u16 = 1000;

/// What a frame is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opcode(u8);

impl Opcode {
    pub(super) const TEXT: Self = Self(1);
    pub(super) const BINARY: Self = Self(2);
    const CLOSE: Self = Self(8);
    const PING: Self = Self(9);
    pub(super) const PONG: Self = Self(10);
}

/// A frame from a client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    Ping(Bytes),
    Close,
    /// Its payload is skipped.
    Other,
}

/// One frame as a server sends it, without a mask.
pub(super) fn frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![FINAL | opcode.0];
    let length = payload.len() as u64;
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..=125), _) => frame.push(short),
        (_, Ok(middle)) => {
            frame.push(126);
            frame.extend(middle.to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend(length.to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

/// The frame that ends a WebSocket.
pub(super) fn close() -> Vec<u8> {
    frame(Opcode::CLOSE, &NORMAL.to_be_bytes())
}

/// Reads one frame. Memory is taken for pings alone, which are short.
pub(super) async fn read(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Incoming> {
    let [first, second] = [reader.read_u8().await?, reader.read_u8().await?];
    let length = match second & !MASKED {
        126 => reader.read_u16().await?.into(),
        127 => reader.read_u64().await?,
        short => short.into(),
    };
    if second & MASKED == 0 {
        return Err(io::Error::other("a frame of a client without a mask"));
    }
    let mut mask = [0; 4];
    reader.read_exact(&mut mask).await?;
    let opcode = Opcode(first & 0x0f);
    if opcode == Opcode::CLOSE {
        return Ok(Incoming::Close);
    }
    if opcode == Opcode::PING && length <= LONGEST_CONTROL {
        let mut payload = Vec::new();
        reader.take(length).read_to_end(&mut payload).await?;
        for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= mask;
        }
        return Ok(Incoming::Ping(payload.into()));
    }
    let skipped = tokio::io::copy(&mut reader.take(length), &mut tokio::io::sink()).await?;
    if skipped < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(Incoming::Other) }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_all(mut bytes: &[u8]) -> Vec<Incoming> {
        let mut frames = Vec::new();
        while let Ok(frame) = read(&mut bytes).await {
            frames.push(frame);
        }
        frames
    }

    #[test]
    fn lengths_have_three_forms() {
        let head = |length: usize| frame(Opcode::TEXT, &vec![b' '; length])[1..].to_vec();
        assert_eq!(head(125)[..1], [125]);
        assert_eq!(head(126)[..3], [126, 0, 126]);
        assert_eq!(head(65_536)[..9], [127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[tokio::test]
    async fn what_clients_send_is_unmasked_or_skipped() {
        let bytes = [
            &[0x81, 0x82, 0, 0, 0, 0, b'h', b'i'][..],
            &[0x89, 0x83, 1, 2, 3, 4, b'a' ^ 1, b'b' ^ 2, b'c' ^ 3],
            &[0x88, 0x80, 0, 0, 0, 0],
        ];
        let frames = read_all(&bytes.concat()).await;
        assert_eq!(frames, [Incoming::Other, Incoming::Ping("abc".into()), Incoming::Close]);
    }

    #[tokio::test]
    async fn frames_without_a_mask_and_cut_off_ones_end_it() {
        assert_eq!(read_all(&[0x81, 0x01, b'x']).await, []);
        assert_eq!(read_all(&[0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, b'x']).await, []);
    }
}
