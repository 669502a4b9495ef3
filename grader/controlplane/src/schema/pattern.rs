//! Regular expressions in Go's dialect (RE2 syntax), which Kubernetes' patterns are written in.

use regex::Regex;
use std::fmt::Write;

/// A compiled `pattern`. Matching is unanchored.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: String,
    regex: Regex,
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in the words of the regex crate.
    pub fn new(source: &str) -> Result<Self, String> {
        match Regex::new(&translate(source)) {
            Ok(regex) => Ok(Self { source: source.to_owned(), regex }),
            Err(error) => Err(format!("failed to compile the pattern {source:?}: {error}")),
        }
    }

    /// The pattern as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether some part of the text matches.
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// The first match; empty when there is none.
    pub fn find<'a>(&self, text: &'a str) -> &'a str {
        self.regex.find(text).map_or("", |found| found.as_str())
    }

    /// All matches that do not overlap.
    pub fn find_all<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a str> {
        self.regex.find_iter(text).map(|found| found.as_str())
    }
}

/// Why a pattern does not compile, in the words of Go where they are known; `None` when it does.
pub fn syntax_error(source: &str) -> Option<String> {
    let error = Regex::new(&translate(source)).err()?.to_string();
    let shown = |what: &str| format!("error parsing regexp: {what}: `{source}`");
    Some(if error.contains("unclosed group") {
        shown("missing closing )")
    } else if error.contains("unopened group") {
        shown("unexpected )")
    } else if error.contains("unclosed character class") {
        shown("missing closing ]")
    } else if error.contains("invalid character class range") {
        shown("invalid character class range")
    } else if error.contains("look-around") {
        // Go stops reading at the character that it does not know.
        let look = ["(?=", "(?!", "(?<"].into_iter().find(|look| source.contains(look)).unwrap_or(source);
        format!("error parsing regexp: invalid or unsupported Perl syntax: `{look}`")
    } else if error.contains("repetition operator missing expression") {
        let operator: String = source.chars().filter(|c| "*+?".contains(*c)).take(1).collect();
        format!("error parsing regexp: missing argument to repetition operator: `{operator}`")
    } else if error.contains("incomplete escape") {
        "error parsing regexp: trailing backslash at end of expression: ``".to_owned()
    } else {
        shown("invalid regular expression")
    })
}

/// Rewrites what the regex crate reads differently: in Go `\d`, `\w`, `\s` and `\b` are ASCII only, a class knows no
/// set operations, `\Q...\E` quotes, and any punctuation may be escaped.
fn translate(source: &str) -> String {
    let mut translated = String::with_capacity(source.len() + 16);
    let mut in_class = false;
    let mut characters = source.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                None => translated.push('\\'),
                Some('Q') if !in_class => {
                    let rest = characters.as_str();
                    let (quoted, after) = rest.split_once("\\E").unwrap_or((rest, ""));
                    translated.push_str(&regex::escape(quoted));
                    characters = after.chars();
                }
                Some(escaped) => translate_escape(&mut translated, escaped, in_class),
            },
            '[' if in_class && !characters.as_str().starts_with(':') => translated.push_str("\\["),
            '&' | '~' if in_class => {
                translated.push('\\');
                translated.push(character);
            }
            '[' if in_class => {
                // A POSIX class such as [:alpha:]: to its end.
                translated.push('[');
                for inner in characters.by_ref() {
                    translated.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
            }
            '[' => {
                in_class = true;
                translated.push('[');
                if let Some(rest) = characters.as_str().strip_prefix('^') {
                    translated.push('^');
                    characters = rest.chars();
                }
                if let Some(rest) = characters.as_str().strip_prefix(']') {
                    translated.push_str("\\]");
                    characters = rest.chars();
                }
            }
            ']' if in_class => {
                in_class = false;
                translated.push(']');
            }
            _ => translated.push(character),
        }
    }
    translated
}

fn translate_escape(translated: &mut String, escaped: char, in_class: bool) {
    let class = match escaped {
        'd' => Some(("", "0-9")),
        'D' => Some(("^", "0-9")),
        'w' => Some(("", "0-9A-Za-z_")),
        'W' => Some(("^", "0-9A-Za-z_")),
        's' => Some(("", "\\t\\n\\f\\r ")),
        'S' => Some(("^", "\\t\\n\\f\\r ")),
        _ => None,
    };
    match (class, escaped) {
        (Some(("", members)), _) if in_class => translated.push_str(members),
        (Some((negation, members)), _) => {
            // Writing to a String cannot fail.
            let _ = write!(translated, "[{negation}{members}]");
        }
        (None, 'b') => translated.push_str("(?-u:\\b)"),
        (None, c) if c.is_ascii_punctuation() || c == ' ' => {
            if regex_syntax_needs_escape(c) {
                translated.push('\\');
            }
            translated.push(c);
        }
        (None, c) => {
            translated.push('\\');
            translated.push(c);
        }
    }
}

fn regex_syntax_needs_escape(character: char) -> bool {
    !matches!(
        character,
        '<' | '>' | ' ' | '"' | '\'' | '%' | ',' | '/' | ':' | ';' | '=' | '@' | '_' | '`' | '!'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_go() {
        let table = [
            ("^a+$", "aaa", true),
            ("b", "abc", true),
            (r"^\d+$", "٣", false),
            (r"^[\d.]+$", "1.2", true),
            (r"^[^\s]+$", "a b", false),
            (r"^\w+$", "é", false),
            (r"^[a&&b]+$", "a&b", true),
            (r"^[[]$", "[", true),
            (r"^[]a]+$", "]a", true),
            (r"^[[:alpha:]_]+$", "ab_", true),
            (r"^\Qa.b\E+$", "a.bb", true),
            (r"^\Qa.b\E$", "axb", false),
            (r"^a\<\-\/\_$", "a<-/_", true),
            (r"\bfoo\b", "a foo b", true),
            (r"^[\w.\-~]+$", "a-~.b", true),
            (r"^(?i)abc$", "ABC", true),
            (r"^\S+@\S+$", "a@b", true),
        ];
        for (pattern, text, matches) in table {
            assert_eq!(Pattern::new(pattern).unwrap().matches(text), matches, "{pattern} on {text}");
        }
    }

    #[test]
    fn what_does_not_compile_is_an_error() {
        for pattern in ["(", "a{2,1}", "[b-a]", "(?=a)", "\\"] {
            assert!(Pattern::new(pattern).is_err(), "{pattern}");
        }
    }
}
