//! Escapes of half a character in JSON, like `\ud800`: Go reads each as U+FFFD (encoding/json/decode.go,
//! unquoteBytes), other readers refuse the document.

use std::borrow::Cow;

/// The length of `\ud800`.
const ESCAPE: usize = 6;

/// The document as Go reads it; the same bytes if there is nothing to replace.
pub(crate) fn replaced(document: &[u8]) -> Cow<'_, [u8]> {
    let mut lone = Vec::new();
    let mut at = 0;
    while let Some(&byte) = document.get(at) {
        at += match (byte, unit(document, at)) {
            (b'\\', Some(0xd800..0xdc00)) if matches!(unit(document, at + ESCAPE), Some(0xdc00..0xe000)) => {
                2 * ESCAPE
            }
            (b'\\', Some(0xd800..0xe000)) => {
                lone.push(at);
                ESCAPE
            }
            // What an escape is about is no backslash of its own.
            (b'\\', _) => 2,
            _ => 1,
        };
    }
    if lone.is_empty() {
        return Cow::Borrowed(document);
    }
    let mut read = document.to_vec();
    for at in lone {
        read[at..at + ESCAPE].copy_from_slice(b"\\ufffd");
    }
    Cow::Owned(read)
}

/// The UTF-16 unit that an escape at this place stands for.
fn unit(document: &[u8], at: usize) -> Option<u16> {
    let escape = document.get(at..at + ESCAPE)?;
    let digits = escape.strip_prefix(b"\\u")?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_replaced_and_whole_characters_stay() {
        for (document, read) in [
            (r#""\ud800""#, r#""\ufffd""#),
            (r#""\udc00x\uD83D\uDE00""#, r#""\ufffdx\uD83D\uDE00""#),
            (r#""\ud800\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\\ud800""#, r#""\\ud800""#),
            (r#""\ud80""#, r#""\ud80""#),
            (r#""\"#, r#""\"#),
        ] {
            assert_eq!(replaced(document.as_bytes()), read.as_bytes(), "{document}");
        }
    }
}
