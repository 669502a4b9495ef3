//! The place in the student's source that a failure belongs to.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use course::{Lab, todo};

use crate::console::{Look, harmless, shorten, wrap};

/// How much of the source is shown: a TODO, and what follows it.
const LONGEST_COMMENT: usize = 1_200;
const FOLLOWING: usize = 4;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Relative to the lab's folder.
    pub(crate) file: PathBuf,
    /// From 1.
    pub(crate) line: usize,
    /// Whether the TODO itself is still there, or only what it stood in.
    pub(crate) open: bool,
}

/// Where an exercise is worked on: its TODO, or, when that is gone, the function that it stood in.
///
/// `pristine` gives the lab's own text of a file; it is what tells where the TODO was.
pub(crate) fn place(
    folder: &Path,
    lab: &Lab,
    exercise: u8,
    pristine: impl Fn(&Path) -> Option<String>,
) -> Option<Place> {
    let open = todo::positions(folder, &lab.editable).into_iter().find(|todo| todo.exercise == exercise);
    if let Some(todo) = open {
        return Some(Place { file: todo.file, line: todo.line, open: true });
    }
    lab.editable.iter().find_map(|file| {
        let given = pristine(file)?;
        let todo = todo::in_text(file, &given).into_iter().find(|todo| todo.exercise == exercise)?;
        let head = given.lines().take(todo.line).filter_map(item_head).last()?;
        let yours = std::fs::read_to_string(folder.join(file)).ok()?;
        let line = yours.lines().position(|line| item_head(line) == Some(head))?;
        Some(Place { file: file.clone(), line: line + 1, open: false })
    })
}

/// `fn name` of a line that begins a function, or the head of another item.
fn item_head(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    loop {
        let before = rest;
        for word in ["pub(crate) ", "pub ", "async ", "const "] {
            rest = rest.strip_prefix(word).unwrap_or(rest);
        }
        if rest == before {
            break;
        }
    }
    let keyword =
        ["fn ", "struct ", "enum ", "impl "].into_iter().find(|keyword| rest.starts_with(keyword))?;
    let name = &rest[keyword.len()..];
    let end = name.find(|c: char| !(c.is_alphanumeric() || "_ :<>&'".contains(c))).unwrap_or(name.len());
    Some(rest[..keyword.len() + end].trim_end())
}

/// The place with some of its source: the comment that begins there as one paragraph, because it is the task, and a
/// few lines of what follows it.
pub(crate) fn excerpt(look: Look, folder: &Path, shown_folder: &str, place: &Place) -> Option<String> {
    let source = std::fs::read_to_string(folder.join(&place.file)).ok()?;
    let mut lines = source.lines().zip(1..).skip(place.line - 1).peekable();
    let indent = lines.peek().map_or(0, |(line, _)| indentation(line));
    let mut comment = Vec::new();
    while let Some((line, _)) = lines.next_if(|(line, _)| line.trim_start().starts_with("//")) {
        comment.push(line.trim_start().trim_start_matches('/').trim());
    }
    // What is indented less belongs to something else.
    let following =
        lines.take_while(|(line, _)| line.trim().is_empty() || indentation(line) >= indent).take(FOLLOWING);
    let following: Vec<_> = following.collect();

    let number_width = following.last().map_or(place.line, |(_, number)| *number).to_string().len();
    let room = look.width.saturating_sub(number_width + 8);
    let mut text = String::new();
    let mut row = |number: Option<usize>, line: &str| {
        let number = number.map(|number| number.to_string()).unwrap_or_default();
        let gutter = look.dim(&format!("{number:>number_width$} │"));
        let _ = writeln!(text, "{}", format!("{gutter} {line}").trim_end());
    };
    let comment = harmless(&comment.join(" "), LONGEST_COMMENT);
    for (index, line) in wrap(&comment, room - 3).iter().enumerate() {
        row((index == 0).then_some(place.line), &format!("// {line}"));
    }
    for (line, number) in following {
        let line = harmless(line.get(indent..).unwrap_or_default(), 400);
        row(Some(number), &shorten(&line, room));
    }
    let file = look.accent(&format!("{shown_folder}/{}:{}", place.file.display(), place.line));
    Some(format!("{} {file}\n{text}", look.dim(&format!("{:>number_width$}", "→"))))
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "\
use std::fmt;

pub async fn reconcile(db: &Database) -> Result<Action> {
    // TODO (01.3): say what the StatefulSet reports.
    // About 12 lines.
    Ok(Action::await_change())
}
";

    fn lab() -> Lab {
        let list = "[[lab]]\nid = \"lab-01\"\nfolder = \"lab-01-x\"\ntitle = \"\"\nlesson = \"l.md\"\nminutes = 1\n\
                    editable = [\"a.rs\"]\n";
        course::Course::parse(list).unwrap().labs.remove(0)
    }

    fn found(yours: &str) -> Option<(Place, String)> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.rs"), yours).unwrap();
        let place = place(folder.path(), &lab(), 3, |_| Some(GIVEN.to_owned()))?;
        let excerpt = excerpt(Look::PLAIN, folder.path(), "labs/lab-01-x", &place).unwrap();
        Some((place, excerpt))
    }

    #[test]
    fn an_open_todo_is_shown_with_what_follows_it() {
        insta::assert_snapshot!(found(GIVEN).unwrap().1, @r"
         → labs/lab-01-x/a.rs:4
         4 │ // TODO (01.3): say what the StatefulSet reports. About 12 lines.
         6 │ Ok(Action::await_change())
        ");
    }

    #[test]
    fn without_the_todo_its_function_is_shown() {
        let yours = "fn other() {}\n\n\npub async fn reconcile(db: &Database, more: u8) -> Result<Action> {\n    mine()\n}\n";
        let (place, _) = found(yours).unwrap();
        assert_eq!((place.line, place.open), (4, false));
        assert_eq!(found("fn renamed() {}\n"), None);
    }

    #[test]
    fn heads_of_items() {
        let check = |line: &str, head: Option<&str>| assert_eq!(item_head(line), head, "{line}");
        check("pub(crate) async fn set(list: &mut Vec<Condition>)", Some("fn set"));
        check("    fn inner() {", Some("fn inner"));
        check("impl Display for Error {", Some("impl Display for Error"));
        check("let fnord = 1;", None);
        check("// fn in a comment", None);
    }
}
