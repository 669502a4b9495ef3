//! The commands that the prose tells a reader to type.

use crate::files::markdown_files;
use anyhow::{Context, Result};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use std::path::{Path, PathBuf};

/// One command line of a `console` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The file it stands in, relative to the root.
    pub file: PathBuf,
    /// The line as typed, without the prompt.
    pub line: String,
    /// The exit code it must have.
    pub exit: i32,
    /// Marked as not for CI.
    pub norun: bool,
}

/// Every command of every Markdown file below `root`, in reading order.
///
/// # Errors
/// A file that cannot be read, or an info string such as `console exit=x`.
pub fn commands(root: &Path) -> Result<Vec<Command>> {
    let mut all = Vec::new();
    for file in markdown_files(root)? {
        let path = root.join(&file);
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
        all.extend(in_text(&file, &text)?);
    }
    Ok(all)
}

fn in_text(file: &Path, text: &str) -> Result<Vec<Command>> {
    let mut found = Vec::new();
    let mut block: Option<(i32, bool)> = None;
    for event in Parser::new(text) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => block = console(file, &info)?,
            Event::End(TagEnd::CodeBlock) => block = None,
            Event::Text(body) => {
                let Some((exit, norun)) = block else { continue };
                let typed = body.lines().filter_map(|line| line.strip_prefix("$ "));
                found.extend(typed.map(|line| {
                    // A comment after the command is for the reader.
                    let line = line.split(" # ").next().unwrap_or(line).trim().to_owned();
                    Command { file: file.to_owned(), line, exit, norun }
                }));
            }
            _ => {}
        }
    }
    Ok(found)
}

/// The expected exit code and whether the block is not to be run; `None` for a block of another kind.
fn console(file: &Path, info: &str) -> Result<Option<(i32, bool)>> {
    let mut words = info.split_whitespace();
    if words.next() != Some("console") {
        return Ok(None);
    }
    let (mut exit, mut norun) = (0, false);
    for word in words {
        match word.strip_prefix("exit=") {
            Some(code) => {
                exit = code.parse().with_context(|| {
                    format!("{}: `{info}`: the exit code must be a number", file.display())
                })?;
            }
            None if word == "norun" => norun = true,
            None => anyhow::bail!("{}: `{info}`: use `exit=N` or `norun` after `console`", file.display()),
        }
    }
    Ok(Some((exit, norun)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(String, i32, bool)> {
        let found = in_text(Path::new("x.md"), text).expect("a well-formed text");
        found.into_iter().map(|c| (c.line, c.exit, c.norun)).collect()
    }

    #[test]
    fn only_prompted_lines_of_console_blocks_are_commands() {
        let text = "```console\n$ a b  # why\noutput\n$ c\n```\n```sh\n$ d\n```\n```console exit=1 norun\n$ e\n```\n";
        assert_eq!(lines(text), [("a b".into(), 0, false), ("c".into(), 0, false), ("e".into(), 1, true)]);
    }

    #[test]
    fn an_unknown_word_in_the_info_string_is_an_error() {
        assert!(in_text(Path::new("x.md"), "```console exits=1\n$ a\n```\n").is_err());
    }
}
