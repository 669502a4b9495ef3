//! The TODOs in a student's files.
//!
//! A TODO is a comment that begins with `TODO (01.3):`, lab and exercise, and ends with the comment.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// One gap that is still marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Todo {
    /// The number of the exercise.
    pub exercise: u8,
    /// The file, relative to the lab's folder.
    pub file: PathBuf,
    /// Where the comment begins, from 1.
    pub line: usize,
    /// What it says, as one paragraph without comment signs.
    pub text: String,
}

/// The TODOs that are left in the editable files of a lab, in the order of the exercises.
///
/// A file that cannot be read has none: whoever builds the lab tells the student about that.
pub fn positions(lab: &Path, editable: &[PathBuf]) -> Vec<Todo> {
    let mut todos: Vec<_> = editable
        .iter()
        .filter_map(|file| Some((file, fs::read_to_string(lab.join(file)).ok()?)))
        .flat_map(|(file, text)| in_text(file, &text))
        .collect();
    todos.sort_by_key(|todo| todo.exercise);
    todos
}

/// The TODOs of one file, from top to bottom.
pub fn in_text(file: &Path, text: &str) -> Vec<Todo> {
    let mut todos = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((index, line)) = lines.next() {
        let Some((exercise, first)) = comment(line).and_then(head) else { continue };
        let mut words = vec![first];
        while let Some(more) =
            lines.peek().and_then(|(_, line)| comment(line)).filter(|more| head(more).is_none())
        {
            words.push(more);
            lines.next();
        }
        words.retain(|words| !words.is_empty());
        let text = words.join(" ");
        todos.push(Todo { exercise, file: file.to_owned(), line: index + 1, text });
    }
    todos
}

/// The words of a line that holds nothing but a comment.
fn comment(line: &str) -> Option<&str> {
    line.trim().strip_prefix("//").map(str::trim)
}

/// The exercise and the first words of a TODO.
fn head(comment: &str) -> Option<(u8, &str)> {
    let (number, words) = comment.strip_prefix("TODO (")?.split_once("):")?;
    let (_, exercise) = number.split_once('.')?;
    Some((exercise.parse().ok()?, words.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_todo_is_its_comment() {
        let text = "\
fn set() {
    // TODO (01.2): keep the time
    // when the status stays.
    //
    // Done when: `grader check lab-01 --exercise 2`.
    naive();
    // TODO (01.3): another one
    // TODO (01.4): right below
    // TODO: not one of ours
}
";
        let todos: Vec<_> = in_text(Path::new("src/a.rs"), text)
            .into_iter()
            .map(|todo| (todo.exercise, todo.line, todo.text))
            .collect();
        insta::assert_debug_snapshot!(todos);
    }

    #[test]
    fn todos_come_in_the_order_of_the_exercises() {
        let lab = tempfile::tempdir().unwrap();
        fs::write(lab.path().join("a.rs"), "// TODO (01.2): b\n").unwrap();
        fs::write(lab.path().join("b.rs"), "\n// TODO (01.1): a\n").unwrap();
        let editable = ["a.rs", "b.rs", "gone.rs"].map(PathBuf::from);
        let found: Vec<_> =
            positions(lab.path(), &editable).iter().map(|todo| (todo.exercise, todo.line)).collect();
        assert_eq!(found, [(1, 2), (2, 1)]);
    }
}
