//! Lessons quote compiled code.
//!
//! A lesson names a file and an anchor in a comment that readers do not see, and shows the code below it, so that it
//! reads well on any website and cannot drift from what compiles:
//!
//! ````text
//! <!-- quote: solutions/lab-01-conditions-status/src/conditions.rs#set -->
//! ```rust
//! pub fn set(…
//! ```
//! ````
//!
//! The file marks the passage with `// ANCHOR: set` and `// ANCHOR_END: set`.

use std::{fmt, fs, path::Path};

use anyhow::Context;

/// A quote that is not what its file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line of the quote's comment in the lesson, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

/// Checks every quote of a lesson against the file it names, below `root`. Empty when all are right.
///
/// # Errors
///
/// The lesson cannot be read.
pub fn check(root: &Path, lesson: &Path) -> anyhow::Result<Vec<Mistake>> {
    refreshed(root, lesson).map(|(_, mistakes)| mistakes)
}

/// The text that a lesson should have, and what is wrong with the one it has. Writes nothing.
///
/// # Errors
///
/// The lesson cannot be read.
pub fn refreshed(root: &Path, lesson: &Path) -> anyhow::Result<(String, Vec<Mistake>)> {
    let text = fs::read_to_string(root.join(lesson))
        .with_context(|| format!("failed to read {}", lesson.display()))?;
    Ok(refresh(&text, |file| fs::read_to_string(root.join(file)).ok()))
}

/// Puts what the files say now below every quote of a lesson. Returns the new lesson, and what was wrong with the
/// old one; a quote whose passage does not exist stays as it is.
pub fn refresh(lesson: &str, read: impl Fn(&str) -> Option<String>) -> (String, Vec<Mistake>) {
    let mut fresh = String::with_capacity(lesson.len());
    let mut mistakes = Vec::new();
    let mut lines = lesson.lines().enumerate().peekable();
    while let Some((index, line)) = lines.next() {
        fresh.push_str(line);
        fresh.push('\n');
        let Some(target) = target(line) else { continue };
        let mut wrong = |problem| mistakes.push(Mistake { line: index + 1, problem });
        let passage = match passage(target, &read) {
            Ok(passage) => passage,
            Err(problem) => {
                wrong(problem);
                continue;
            }
        };
        let Some((_, fence)) = lines.next_if(|(_, line)| line.starts_with("```")) else {
            wrong(format!("no code follows the quote of `{target}`"));
            continue;
        };
        let mut shown = String::new();
        for (_, code) in lines.by_ref().take_while(|(_, line)| *line != "```") {
            shown.push_str(code);
            shown.push('\n');
        }
        if shown != passage {
            wrong(format!(
                "the code shown is not what `{target}` says; `cargo grader dev skeleton` refreshes it"
            ));
        }
        fresh.push_str(&format!("{fence}\n{passage}```\n"));
    }
    (fresh, mistakes)
}

/// The passage between an anchor's marks, without marks of any kind and without common indentation.
///
/// `None` when the source has no such anchor, or when it has no end.
pub fn anchored(source: &str, anchor: &str) -> Option<String> {
    let (begin, end) = (format!("// ANCHOR: {anchor}"), format!("// ANCHOR_END: {anchor}"));
    let mut lines = source.lines();
    lines.find(|line| line.trim() == begin)?;
    let mut passage = Vec::new();
    let mut instead = false;
    loop {
        let line = lines.next()?;
        let bare = line.trim();
        if bare == end {
            break;
        }
        instead = match bare {
            "//= instead" => true,
            "//= end" => false,
            _ => instead,
        };
        if !instead && !bare.starts_with("//=") && !bare.starts_with("// ANCHOR") {
            passage.push(line);
        }
    }
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let common = passage.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    Some(passage.iter().map(|line| format!("{}\n", line.get(common..).unwrap_or_default())).collect())
}

fn target(line: &str) -> Option<&str> {
    line.strip_prefix("<!-- quote: ")?.strip_suffix(" -->").map(str::trim)
}

fn passage(target: &str, read: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let (file, anchor) =
        target.split_once('#').ok_or_else(|| format!("`{target}` is not of the form FILE#ANCHOR"))?;
    let source = read(file).ok_or_else(|| format!("the quoted file `{file}` cannot be read"))?;
    anchored(&source, anchor).ok_or_else(|| format!("`{file}` has no passage `{anchor}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
impl A {
    // ANCHOR: set
    fn set() {
        //= exercise 2
        right();
        //= instead
        //| wrong();
        //= end

        given();
    }
    // ANCHOR_END: set
}
// ANCHOR: endless
";

    fn read(file: &str) -> Option<String> {
        (file == "a.rs").then(|| SOURCE.to_owned())
    }

    #[test]
    fn a_passage_is_what_a_reader_wants_to_see() {
        insta::assert_snapshot!(anchored(SOURCE, "set").unwrap(), @r"
        fn set() {
            right();

            given();
        }
        ");
        assert_eq!((anchored(SOURCE, "get"), anchored(SOURCE, "endless")), (None, None));
    }

    #[test]
    fn refreshed_quotes_are_right() {
        let lesson = "Before\n\n<!-- quote: a.rs#set -->\n```rust\nold\n```\n\nAfter\n";
        let (fresh, mistakes) = refresh(lesson, read);
        assert_eq!(mistakes.len(), 1);
        assert_eq!(refresh(&fresh, read), (fresh.clone(), vec![]));
        insta::assert_snapshot!(fresh);
    }

    #[test]
    fn wrong_quotes_are_named_and_kept() {
        let lesson = "<!-- quote: b.rs#set -->\n```rust\n```\n<!-- quote: a.rs#get -->\n<!-- quote: a.rs -->\n<!-- quote: a.rs#set -->\nprose\n";
        let (fresh, mistakes) = refresh(lesson, read);
        assert_eq!(fresh, lesson);
        let mistakes: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(mistakes.join("\n"));
    }
}
