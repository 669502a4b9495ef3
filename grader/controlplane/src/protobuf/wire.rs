//! Protobuf's wire format, read the way Go's generated code reads it (gogo/protobuf), with its errors.

use thiserror::Error;

/// Why bytes are no message.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum WireError {
    #[error("unexpected EOF")]
    UnexpectedEnd,
    #[error("proto: integer overflow")]
    IntegerOverflow,
    #[error("proto: negative length found during unmarshaling")]
    NegativeLength,
    #[error("proto: unexpected end of group")]
    UnexpectedEndOfGroup,
    #[error("proto: illegal wireType {0}")]
    IllegalWireType(u8),
    #[error("proto: wrong wireType = {wire_type} for field {field}")]
    WrongWireType { wire_type: u8, field: String },
    #[error("proto: {message}: wiretype end group for non-group")]
    EndOfNoGroup { message: String },
    #[error("proto: {message}: illegal tag {number} (wire type {tag})")]
    IllegalTag { message: String, number: i32, tag: u64 },
    /// A value is none of its type.
    #[error("{0}")]
    Value(String),
    /// Go reads the value, but cannot write it as JSON.
    #[error("{0}")]
    NoJson(String),
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WireType {
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
}

/// What comes in front of every value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tag {
    pub(crate) number: i32,
    wire_type: u8,
    /// Where the tag starts: to skip an unknown field it is read again.
    start: usize,
}

impl Tag {
    /// # Errors
    /// The value is written in another way than the field wants.
    pub(crate) fn expect(self, wanted: WireType, field: &str) -> Result<(), WireError> {
        if self.is(wanted) {
            return Ok(());
        }
        Err(WireError::WrongWireType { wire_type: self.wire_type, field: field.to_owned() })
    }

    pub(crate) fn is(self, wire_type: WireType) -> bool {
        self.wire_type == wire_type as u8
    }
}

/// Reads one message.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The tag of the next field of a message of this name; none at the end.
    pub(crate) fn tag(&mut self, message: &str) -> Result<Option<Tag>, WireError> {
        if self.at >= self.bytes.len() {
            return Ok(None);
        }
        let (tag, value) = self.any_tag()?;
        if tag.wire_type == 4 {
            return Err(WireError::EndOfNoGroup { message: message.to_owned() });
        }
        if tag.number <= 0 {
            let (message, number) = (message.to_owned(), tag.number);
            return Err(WireError::IllegalTag { message, number, tag: value });
        }
        Ok(Some(tag))
    }

    /// Reads the entry of a map that comes next: `entry` gets every field of it, whatever its wire type.
    ///
    /// Go reads an entry's fields as far as the whole message goes and then continues behind the entry.
    pub(crate) fn entry(
        &mut self,
        mut field: impl FnMut(&mut Self, Tag) -> Result<bool, WireError>,
    ) -> Result<(), WireError> {
        let length = self.length()?;
        let end = self.at + length;
        while self.at < end {
            let (tag, _) = self.any_tag()?;
            if !field(self, tag)? {
                self.skip(tag)?;
                if self.at > end {
                    return Err(WireError::UnexpectedEnd);
                }
            }
        }
        self.at = end;
        Ok(())
    }

    fn any_tag(&mut self) -> Result<(Tag, u64), WireError> {
        let start = self.at;
        let value = self.varint()?;
        Ok((Tag { number: (value >> 3) as i32, wire_type: (value & 7) as u8, start }, value))
    }

    pub(crate) fn varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or(WireError::UnexpectedEnd)?;
            self.at += 1;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(WireError::IntegerOverflow)
    }

    pub(crate) fn fixed64(&mut self) -> Result<u64, WireError> {
        let bytes = self.take(8)?;
        Ok(u64::from_le_bytes(bytes.try_into().map_err(|_| WireError::UnexpectedEnd)?))
    }

    /// The bytes of a value that has its length in front.
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], WireError> {
        let length = self.length()?;
        self.take(length)
    }

    /// Numbers of a repeated field in one value.
    pub(crate) fn packed(
        &mut self,
        mut number: impl FnMut(&mut Self) -> Result<(), WireError>,
    ) -> Result<(), WireError> {
        let end = self.length()? + self.at;
        while self.at < end {
            number(self)?;
        }
        Ok(())
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let end = self.at.checked_add(length).ok_or(WireError::UnexpectedEnd)?;
        let bytes = self.bytes.get(self.at..end).ok_or(WireError::UnexpectedEnd)?;
        self.at = end;
        Ok(bytes)
    }

    /// A length that the message has room for.
    fn length(&mut self) -> Result<usize, WireError> {
        let length = signed(self.varint()?)?;
        let left = self.bytes.len() - self.at;
        usize::try_from(length).ok().filter(|length| *length <= left).ok_or(WireError::UnexpectedEnd)
    }

    /// Goes on behind a field that nobody knows. Groups are skipped without looking at how they are nested.
    pub(crate) fn skip(&mut self, tag: Tag) -> Result<(), WireError> {
        self.at = tag.start;
        let mut depth = 0usize;
        while self.at < self.bytes.len() {
            let (tag, _) = self.any_tag()?;
            let length = match tag.wire_type {
                0 => {
                    self.varint()?;
                    0
                }
                1 => 8,
                2 => signed(self.varint()?)?,
                3 => {
                    depth += 1;
                    0
                }
                4 => {
                    depth = depth.checked_sub(1).ok_or(WireError::UnexpectedEndOfGroup)?;
                    0
                }
                5 => 4,
                other => return Err(WireError::IllegalWireType(other)),
            };
            let at = i64::try_from(self.at).unwrap_or(i64::MAX).checked_add(length);
            let at = at.ok_or(WireError::NegativeLength)?;
            self.at = usize::try_from(at).unwrap_or(usize::MAX);
            if depth == 0 {
                return if self.at > self.bytes.len() { Err(WireError::UnexpectedEnd) } else { Ok(()) };
            }
        }
        Err(WireError::UnexpectedEnd)
    }
}

/// Go reads lengths as signed numbers.
fn signed(length: u64) -> Result<i64, WireError> {
    i64::try_from(length).map_err(|_| WireError::NegativeLength)
}
