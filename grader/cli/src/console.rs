//! Where people read: colours, width and characters that fit their terminal, and text of students made harmless.

use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};

/// How text is dressed. A value, not a global, so that tests fix it and two sinks can differ.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) colour: bool,
    pub(crate) unicode: bool,
    /// Columns that a line should not exceed.
    pub(crate) width: usize,
}

impl Look {
    /// No colour, full characters, a fixed width: what snapshots show.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { colour: false, unicode: true, width: 100 };

    pub(crate) fn good(self, text: &str) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default(), text)
    }

    pub(crate) fn warn(self, text: &str) -> String {
        self.paint(AnsiColor::Yellow.on_default(), text)
    }

    pub(crate) fn accent(self, text: &str) -> String {
        self.paint(AnsiColor::Cyan.on_default(), text)
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    fn paint(self, style: Style, text: &str) -> String {
        if self.colour && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// `text` in characters that the terminal can show. Everything is composed in Unicode; a terminal that cannot
    /// show it gets the nearest ASCII.
    pub(crate) fn spell(self, text: &str) -> String {
        if self.unicode || text.is_ascii() {
            return text.to_owned();
        }
        text.chars().fold(String::with_capacity(text.len()), |mut spelled, character| {
            match character {
                '✓' => spelled.push_str("ok"),
                '✗' => spelled.push('x'),
                '→' => spelled.push_str("->"),
                '…' => spelled.push_str("..."),
                '│' => spelled.push('|'),
                '─' => spelled.push('-'),
                '·' => spelled.push('.'),
                '–' | '—' => spelled.push('-'),
                '‘' | '’' => spelled.push('\''),
                '“' | '”' => spelled.push('"'),
                '█' => spelled.push('#'),
                '░' => spelled.push('.'),
                character if character.is_ascii() => spelled.push(character),
                _ => spelled.push('?'),
            }
            spelled
        })
    }
}

/// The sink for people's text: stdout as a rule, stderr when stdout carries a machine's document.
#[derive(Debug)]
pub(crate) struct Console {
    look: Look,
    sink: Sink,
    terminal: bool,
    status_shown: bool,
}

#[derive(Clone, Copy, Debug)]
enum Sink {
    Stdout,
    Stderr,
    Nowhere,
}

impl Console {
    /// Writes to stdout, dressed for what stdout is.
    pub(crate) fn stdout() -> Self {
        Self::new(Sink::Stdout, io::stdout().is_terminal())
    }

    /// Writes to stderr, dressed for what stderr is.
    pub(crate) fn stderr() -> Self {
        Self::new(Sink::Stderr, io::stderr().is_terminal())
    }

    /// Writes nothing, for work that goes on behind other output.
    pub(crate) fn silent() -> Self {
        Self::new(Sink::Nowhere, false)
    }

    fn new(sink: Sink, terminal: bool) -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let look = Look {
            colour: wants_colour(terminal, &variable),
            unicode: speaks_utf8(&variable),
            width: columns(terminal, &variable),
        };
        Self { look, sink, terminal, status_shown: false }
    }

    pub(crate) fn look(&self) -> Look {
        self.look
    }

    /// Writes one line or several, each ending with a line feed.
    pub(crate) fn line(&mut self, text: impl AsRef<str>) {
        self.clear_status();
        let mut text = self.look.spell(text.as_ref());
        text.push('\n');
        self.write(&text);
    }

    /// Shows what is going on, on a terminal only; the next line or status replaces it.
    pub(crate) fn status(&mut self, text: &str) {
        if !self.terminal {
            return;
        }
        let text = shorten(&self.look.spell(text), self.look.width.saturating_sub(1));
        self.write(&format!("\r\x1b[2K{}", self.look.dim(&text)));
        self.status_shown = true;
    }

    /// Takes the status away again.
    pub(crate) fn clear_status(&mut self) {
        if std::mem::take(&mut self.status_shown) {
            self.write("\r\x1b[2K");
        }
    }

    /// A reader who went away (`grader list | head`) is no reason to fail, and nowhere is left to complain to.
    fn write(&self, text: &str) {
        let _ = match self.sink {
            Sink::Stdout => {
                let mut stdout = io::stdout();
                stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
            }
            Sink::Stderr => io::stderr().write_all(text.as_bytes()),
            Sink::Nowhere => Ok(()),
        };
    }
}

fn wants_colour(terminal: bool, variable: &dyn Fn(&str) -> Option<String>) -> bool {
    if variable("NO_COLOR").is_some() {
        return false;
    }
    if variable("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    terminal && variable("TERM").is_none_or(|term| term != "dumb")
}

/// What the locale says; macOS terminals are UTF-8 even where no locale is set.
fn speaks_utf8(variable: &dyn Fn(&str) -> Option<String>) -> bool {
    match ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| variable(name)) {
        Some(locale) => {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        }
        None => cfg!(target_os = "macos"),
    }
}

/// Narrower than 60 columns nothing is readable, wider than 110 no line is.
fn columns(terminal: bool, variable: &dyn Fn(&str) -> Option<String>) -> usize {
    let asked = variable("COLUMNS").and_then(|columns| columns.parse().ok());
    let measured = || {
        if terminal { terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)) } else { None }
    };
    asked.or_else(measured).unwrap_or(100).clamp(60, 110)
}

/// Text of a student or of their operator, fit to be shown: no escape sequences, no control or direction-changing
/// characters, and never longer than `limit` characters.
pub(crate) fn harmless(text: &str, limit: usize) -> String {
    let mut shown = String::new();
    let mut length = 0;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\x1b' => skip_escape_sequence(&mut characters),
            '\t' => shown.push_str("    "),
            '\n' => shown.push('\n'),
            // Bidirectional overrides and invisible characters make text read differently from what it is.
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => {}
            character if character.is_control() => {}
            character => shown.push(character),
        }
        length += 1;
        if length >= limit {
            shown.push('…');
            break;
        }
    }
    shown
}

fn skip_escape_sequence(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match characters.peek() {
        // CSI: parameters, then one final byte.
        Some('[') => {
            characters.next();
            while characters.next_if(|c| !('@'..='~').contains(c)).is_some() {}
            characters.next();
        }
        // OSC and the other strings: up to BEL or ST.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            while let Some(character) = characters.next_if(|c| *c != '\n') {
                if character == '\x07' || (character == '\x1b' && characters.next_if_eq(&'\\').is_some()) {
                    break;
                }
            }
        }
        Some(_) => {
            characters.next();
        }
        None => {}
    }
}

/// `text` on one line of at most `width` columns, with an ellipsis where something was cut.
pub(crate) fn shorten(text: &str, width: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= width && line.len() == text.trim_end().len() {
        return line.to_owned();
    }
    let kept: String = line.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// Breaks `text` into lines of at most `width` columns at spaces; its own line breaks stay.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
            // A word that fits on no line is cut rather than run over the edge.
            while line.chars().count() > width {
                let rest: String = line.chars().skip(width).collect();
                line.truncate(line.char_indices().nth(width).map_or(line.len(), |(at, _)| at));
                lines.push(std::mem::replace(&mut line, rest));
            }
        }
        lines.push(line);
    }
    lines
}

/// "1 scenario", "2 scenarios".
pub(crate) fn plural(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_students_is_harmless() {
        let check = |text: &str, shown: &str| assert_eq!(harmless(text, 200), shown, "{text:?}");
        check("plain", "plain");
        check("\x1b[31mred\x1b[0m", "red");
        check("\x1b]0;title\x07text", "text");
        check("\x1b]8;;http://x\x1b\\link", "link");
        check("over\rwrite\x08\x00", "overwrite");
        check("tab\tand\nline", "tab    and\nline");
        check("a\u{202e}b", "ab");
        check("cut \x1b", "cut ");
        check("\x1b[", "");
    }

    #[test]
    fn text_of_students_is_bounded() {
        assert_eq!(harmless(&"x".repeat(1_000_000), 10), "xxxxxxxxxx…");
        assert_eq!(harmless(&"\x1b".repeat(1_000_000), 10).chars().count(), 1);
    }

    #[test]
    fn colour_is_asked_for_not_assumed() {
        let check = |terminal: bool, set: &[(&str, &str)], expected: bool| {
            let variable =
                |name: &str| set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(wants_colour(terminal, &variable), expected, "{terminal} {set:?}");
        };
        check(true, &[], true);
        check(false, &[], false);
        check(true, &[("NO_COLOR", "1")], false);
        check(true, &[("TERM", "dumb")], false);
        check(false, &[("CLICOLOR_FORCE", "1")], true);
        check(false, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false);
    }

    #[test]
    fn a_terminal_without_utf8_gets_ascii() {
        let look = Look { unicode: false, ..Look::PLAIN };
        assert_eq!(look.spell("✓ done → 3 … é"), "ok done -> 3 ... ?");
        let locale =
            |value: &'static str| speaks_utf8(&move |name| (name == "LANG").then(|| value.to_owned()));
        assert!(locale("en_GB.UTF-8"));
        assert!(locale("C.utf8"));
        assert!(!locale("C"));
    }

    #[test]
    fn lines_break_at_spaces_and_never_run_over() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrap("a\n\nb", 10), ["a", "", "b"]);
    }

    #[test]
    fn shortening_shows_that_something_was_cut() {
        assert_eq!(shorten("short", 10), "short");
        assert_eq!(shorten("rather long text", 8), "rather…");
        assert_eq!(shorten("first\nsecond", 20), "first…");
    }
}
