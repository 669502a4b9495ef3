//! Messages as frames: a length (four bytes, little endian), then the message in postcard's encoding.

use serde::{Serialize, de::DeserializeOwned};
use std::io::{self, Read, Write};

/// The longest message that is written or read.
pub const MAX_FRAME_BYTES: usize = 64 << 20;

/// How much is read at a time: a frame that announces much and brings little must not cost memory.
const CHUNK_BYTES: usize = 256 << 10;

/// Why a message could not be sent or received.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The other side is gone: the stream ended between two frames.
    #[error("the other side closed the connection")]
    Closed,
    /// The stream failed, or ended within a frame.
    #[error("failed to use the connection")]
    Io(#[from] io::Error),
    /// The frame is longer than [`MAX_FRAME_BYTES`].
    #[error("a message of {0} bytes is longer than allowed")]
    TooLong(usize),
    /// The frame is not a message.
    #[error("failed to decode a message")]
    Malformed(#[from] postcard::Error),
}

/// A message as the bytes of its frame.
///
/// # Errors
/// [`FrameError::TooLong`].
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, FrameError> {
    let mut frame = postcard::to_extend(message, vec![0; 4])?;
    let length = frame.len() - 4;
    match u32::try_from(length) {
        Ok(prefix) if length <= MAX_FRAME_BYTES => frame[..4].copy_from_slice(&prefix.to_le_bytes()),
        _ => return Err(FrameError::TooLong(length)),
    }
    Ok(frame)
}

/// Sends one message, in a single write where the stream takes it.
///
/// # Errors
/// [`FrameError::TooLong`], or [`FrameError::Io`] when the stream fails.
pub fn write<T: Serialize>(stream: &mut impl Write, message: &T) -> Result<(), FrameError> {
    Ok(stream.write_all(&encode(message)?)?)
}

/// Receives one message; waits for it.
///
/// # Errors
/// Every kind of [`FrameError`]. After an error the stream is of no more use.
pub fn read<T: DeserializeOwned>(stream: &mut impl Read) -> Result<T, FrameError> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length[..1]) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(FrameError::Closed),
        first => first?,
    }
    stream.read_exact(&mut length[1..])?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_FRAME_BYTES {
        return Err(FrameError::TooLong(length));
    }
    let mut frame = Vec::new();
    while frame.len() < length {
        let start = frame.len();
        frame.resize(length.min(start + CHUNK_BYTES), 0);
        stream.read_exact(&mut frame[start..])?;
    }
    Ok(postcard::from_bytes(&frame)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Delivery, RunUntil, ToGrader, ToOperator};

    #[test]
    fn a_message_survives_the_way() {
        let message = ToOperator::RunUntil(RunUntil {
            until_ms: 5,
            deliver: vec![Delivery { stream: 1, at_ms: 3, bytes: Some(vec![7; 700_000]) }],
        });
        let mut wire = Vec::new();
        write(&mut wire, &message).unwrap();
        assert_eq!(read::<ToOperator>(&mut &wire[..]).unwrap(), message);
    }

    #[test]
    fn what_is_not_a_message_is_an_error() {
        let cases: [(&str, &[u8], &str); 5] = [
            ("nothing", b"", "the other side closed the connection"),
            ("a cut length", &[1, 0], "failed to use the connection"),
            ("a cut frame", &[9, 0, 0, 0, 1], "failed to use the connection"),
            ("text", b"PASS 100/100\n", "a message of 1397965136 bytes is longer than allowed"),
            ("an unknown message", &[1, 0, 0, 0, 99], "failed to decode a message"),
        ];
        for (what, bytes, expected) in cases {
            assert_eq!(read::<ToGrader>(&mut &bytes[..]).unwrap_err().to_string(), expected, "{what}");
        }
    }
}
