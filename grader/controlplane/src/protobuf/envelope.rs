//! What is around every object: `runtime.Unknown` behind a prefix.

use super::values::text;
use super::wire::{Reader, WireError, WireType};

const PREFIX: &[u8] = b"k8s\0";

/// A body taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Envelope<'a> {
    /// The apiVersion that the body gives; may be empty.
    pub(crate) api_version: String,
    /// The kind that the body gives; may be empty.
    pub(crate) kind: String,
    /// The object's message.
    pub(crate) raw: &'a [u8],
}

/// Opens a body.
///
/// # Errors
/// Not a body of this format.
pub(crate) fn open(body: &[u8]) -> Result<Envelope<'_>, WireError> {
    let refused = |text: &str| Err(WireError::Value(text.to_owned()));
    let bytes = match body.strip_prefix(PREFIX) {
        _ if body.is_empty() => return refused("empty data"),
        None => {
            return refused(&format!(
                "provided data does not appear to be a protobuf message, expected prefix [{}]",
                PREFIX.iter().map(u8::to_string).collect::<Vec<_>>().join(" ")
            ));
        }
        Some([]) => return refused("empty body"),
        Some(bytes) => bytes,
    };
    let mut envelope = Envelope::default();
    let mut reader = Reader::new(bytes);
    while let Some(tag) = reader.tag("Unknown")? {
        match tag.number {
            1 => {
                tag.expect(WireType::Bytes, "TypeMeta")?;
                type_meta(&mut envelope, reader.bytes()?)?;
            }
            2 => {
                tag.expect(WireType::Bytes, "Raw")?;
                envelope.raw = reader.bytes()?;
            }
            // Nobody looks at what they say, but they must be there in the right form.
            3 => {
                tag.expect(WireType::Bytes, "ContentEncoding")?;
                reader.bytes()?;
            }
            4 => {
                tag.expect(WireType::Bytes, "ContentType")?;
                reader.bytes()?;
            }
            _ => reader.skip(tag)?,
        }
    }
    Ok(envelope)
}

fn type_meta(envelope: &mut Envelope<'_>, bytes: &[u8]) -> Result<(), WireError> {
    let mut reader = Reader::new(bytes);
    while let Some(tag) = reader.tag("TypeMeta")? {
        match tag.number {
            1 => {
                tag.expect(WireType::Bytes, "APIVersion")?;
                envelope.api_version = text(reader.bytes()?);
            }
            2 => {
                tag.expect(WireType::Bytes, "Kind")?;
                envelope.kind = text(reader.bytes()?);
            }
            _ => reader.skip(tag)?,
        }
    }
    Ok(())
}
