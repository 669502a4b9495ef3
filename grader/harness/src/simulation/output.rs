//! What an operator prints: evidence for people, bounded and made harmless.

use std::io::Read;
use std::os::unix::net::UnixStream;

/// How much is kept: the end of it.
const KEPT_BYTES: usize = 32 << 10;

/// How much is taken at a time, so that a flood does not keep the grader busy.
const TAKEN_BYTES: usize = 4 << 20;

/// How much a process may print in all.
const MOST_BYTES: usize = 16 << 20;

pub(super) struct Output {
    socket: UnixStream,
    kept: Vec<u8>,
    printed: usize,
}

impl Output {
    /// `socket` does not block.
    pub(super) fn new(socket: UnixStream) -> Output {
        Output { socket, kept: Vec::new(), printed: 0 }
    }

    /// Takes what is there.
    pub(super) fn drain(&mut self) {
        let mut buffer = [0; 16 << 10];
        let mut taken = 0;
        while taken < TAKEN_BYTES {
            match self.socket.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(count) => {
                    taken += count;
                    self.printed += count;
                    self.kept.extend_from_slice(&buffer[..count]);
                    if self.kept.len() > 2 * KEPT_BYTES {
                        self.kept.drain(..self.kept.len() - KEPT_BYTES);
                    }
                }
            }
        }
    }

    /// Whether it is more than anybody could read.
    pub(super) fn is_flood(&self) -> bool {
        self.printed > MOST_BYTES
    }

    /// The end of it as harmless text.
    pub(super) fn text(&self) -> String {
        let start = self.kept.len().saturating_sub(KEPT_BYTES);
        harmless(&String::from_utf8_lossy(&self.kept[start..]))
    }
}

/// Text that cannot do anything to a terminal: no escape sequences, no control characters but line ends.
pub(crate) fn harmless(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            // A control sequence: `ESC [`, parameters, and one letter (ECMA-48, 5.4).
            '\u{1b}' if rest.peek() == Some(&'[') => {
                rest.next();
                while rest.next_if(|c| ('\u{20}'..='\u{3f}').contains(c)).is_some() {}
                rest.next_if(|c| ('\u{40}'..='\u{7e}').contains(c));
            }
            '\n' => clean.push('\n'),
            '\t' => clean.push_str("    "),
            c if c.is_control() || is_invisible(c) => {}
            c => clean.push(c),
        }
    }
    clean
}

/// Characters that reorder or hide text: bidirectional controls and zero-width ones.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn text_is_made_harmless() {
        let cases = [
            ("plain\ntext", "plain\ntext"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}]0;title\u{7}x", "]0;titlex"),
            ("over\rwritten", "overwritten"),
            ("\u{1b}[2J\u{1b}[1;1HPASS", "PASS"),
            ("a\u{202e}b", "ab"),
            ("cut \u{1b}[", "cut "),
        ];
        for (text, expected) in cases {
            assert_eq!(harmless(text), expected, "{text:?}");
        }
    }
}
