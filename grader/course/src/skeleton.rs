//! Labs are made from their solutions.
//!
//! A solution is an ordinary crate that compiles. Comments mark the regions that students write themselves, and
//! hold what the lab has there instead:
//!
//! ```text
//! //= exercise 2
//! if known.status != new.status {
//!     known.last_transition_time = new.last_transition_time;
//! }
//! //= instead
//! //| // TODO (01.2): … Done when: `grader check lab-01 --exercise 2`. …
//! //| *known = new;
//! //= end
//! ```
//!
//! In the lab stand the lines after `//|`, without that prefix. `//= instead` and what follows may be missing: then
//! the lab has nothing there. An exercise may have several regions; one of them carries its TODO. The anchors that
//! lessons quote by (`// ANCHOR: name`, `// ANCHOR_END: name`) stay in the solution.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};

use crate::Lab;

const EXERCISE: &str = "//= exercise ";
const INSTEAD: &str = "//= instead";
const END: &str = "//= end";
const REPLACEMENT: &str = "//|";

/// A marked region that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct MarkerError {
    /// From 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: &'static str,
}

/// A file of the lab and of its solution that are out of step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Relative to the lab's folder.
    pub file: PathBuf,
    /// How they differ.
    pub kind: DifferenceKind,
}

/// How the lab in the checkout differs from what its solution makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DifferenceKind {
    /// The solution makes a file that the lab does not have.
    Missing,
    /// The file is not what the solution makes.
    Changed,
    /// The lab has a source file that the solution does not have.
    Stray,
}

/// Where a line of a solution stands.
enum Place {
    Outside,
    Solution { exercise: u8, since: usize },
    Instead { exercise: u8, since: usize },
}

/// The lab's text of a solution's file: every exercise is open.
///
/// # Errors
///
/// The regions are not well formed.
pub fn render(solution: &str) -> Result<String, MarkerError> {
    render_with(solution, |_| false)
}

/// The lab's text of a solution's file, where the exercises that `solved` names are done already.
///
/// # Errors
///
/// The regions are not well formed.
pub fn render_with(solution: &str, solved: impl Fn(u8) -> bool) -> Result<String, MarkerError> {
    let mut lab = String::with_capacity(solution.len());
    let mut place = Place::Outside;
    for (index, text) in solution.lines().enumerate() {
        let line = index + 1;
        let error = |problem| Err(MarkerError { line, problem });
        let bare = text.trim_start();
        if let Some(number) = bare.strip_prefix(EXERCISE) {
            let Place::Outside = place else { return error("a region begins inside another one") };
            let Ok(exercise) = number.trim().parse() else { return error("an exercise needs a number") };
            place = Place::Solution { exercise, since: line };
            continue;
        }
        if bare.trim_end() == INSTEAD {
            let Place::Solution { exercise, since } = place else {
                return error("`//= instead` stands outside of a region");
            };
            place = Place::Instead { exercise, since };
            continue;
        }
        if bare.trim_end() == END {
            if let Place::Outside = place {
                return error("`//= end` stands outside of a region");
            }
            place = Place::Outside;
            continue;
        }
        if bare.starts_with("//=") {
            return error("an unknown marker; there is `//= exercise N`, `//= instead` and `//= end`");
        }
        match (&place, bare.strip_prefix(REPLACEMENT)) {
            (Place::Instead { exercise, .. }, Some(replacement)) => {
                if !solved(*exercise) {
                    let indent = &text[..text.len() - bare.len()];
                    let replacement = replacement.strip_prefix(' ').unwrap_or(replacement);
                    push_line(&mut lab, &format!("{indent}{replacement}"));
                }
            }
            (Place::Instead { .. }, None) => {
                return error("a line after `//= instead` needs the prefix `//|`");
            }
            (_, Some(_)) => return error("`//|` stands outside of `//= instead`"),
            (Place::Solution { exercise, .. }, None) if !solved(*exercise) => {}
            (_, None) if is_anchor(bare) => {}
            (_, None) => push_line(&mut lab, text),
        }
    }
    match place {
        Place::Outside => Ok(lab),
        Place::Solution { since, .. } | Place::Instead { since, .. } => {
            Err(MarkerError { line: since, problem: "the region has no `//= end`" })
        }
    }
}

/// Every file of the lab that its solution makes, relative to the lab's folder, sorted by path.
///
/// # Errors
///
/// The solution cannot be read, or its regions are not well formed.
pub fn generate(root: &Path, lab: &Lab) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
    generate_with(root, lab, |_| false)
}

/// As [`generate`], where the exercises that `solved` names are done already.
///
/// # Errors
///
/// The solution cannot be read, or its regions are not well formed.
pub fn generate_with(
    root: &Path,
    lab: &Lab,
    solved: impl Fn(u8) -> bool,
) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
    let solution = lab.solution_path(root);
    let mut files = Vec::new();
    for file in given_files(&solution)? {
        let source = solution.join(&file);
        let text =
            fs::read_to_string(&source).with_context(|| format!("failed to read {}", source.display()))?;
        let text = if file == Path::new("Cargo.toml") {
            rename_package(&text, &lab.solution_package(), lab.package())
                .with_context(|| format!("{} does not name the package", source.display()))?
        } else {
            render_with(&text, &solved).with_context(|| source.display().to_string())?
        };
        files.push((file, text.into_bytes()));
    }
    ensure!(!files.is_empty(), "{} has no source files", solution.display());
    Ok(files)
}

/// How the lab in the checkout differs from what its solution makes. Empty when they are in step.
///
/// # Errors
///
/// The solution or the lab cannot be read.
pub fn differences(root: &Path, lab: &Lab) -> anyhow::Result<Vec<Difference>> {
    let folder = lab.path(root);
    let made = generate(root, lab)?;
    let mut differences = Vec::new();
    for (file, wanted) in &made {
        let kind = match fs::read(folder.join(file)) {
            Ok(found) if found == *wanted => continue,
            Ok(_) => DifferenceKind::Changed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => DifferenceKind::Missing,
            Err(error) => return Err(error).with_context(|| format!("failed to read {}", file.display())),
        };
        differences.push(Difference { file: file.clone(), kind });
    }
    let stray = given_files(&folder)?.into_iter().filter(|file| made.iter().all(|(known, _)| known != file));
    differences.extend(stray.map(|file| Difference { file, kind: DifferenceKind::Stray }));
    Ok(differences)
}

/// The files of a lab or a solution that are kept in step: its manifest and what is below `src` and `tests`.
fn given_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = vec![PathBuf::from("Cargo.toml")];
    let mut folders = vec![PathBuf::from("src"), PathBuf::from("tests")];
    while let Some(inner) = folders.pop() {
        let entries = match fs::read_dir(folder.join(&inner)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                let path = folder.join(&inner);
                return Err(error).with_context(|| format!("failed to read {}", path.display()));
            }
        };
        for entry in entries {
            let entry = entry?;
            let path = inner.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The manifest of the lab: the solution's, under the lab's package name.
fn rename_package(manifest: &str, from: &str, to: &str) -> Option<String> {
    let (from, to) = (format!("name = \"{from}\""), format!("name = \"{to}\""));
    manifest.contains(&from).then(|| manifest.replace(&from, &to))
}

fn is_anchor(bare: &str) -> bool {
    bare.starts_with("// ANCHOR: ") || bare.starts_with("// ANCHOR_END: ")
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOLUTION: &str = "\
fn first() {
    //= exercise 1
    solved(1);
    //= instead
    //| // TODO (01.1): call it.
    //|
    //| if open {
    //|     naive(1);
    //| }
    //= end
}

// ANCHOR: second
fn second() {
    //= exercise 2
    // A comment.
    solved(2);
    //= end
    given();
}
// ANCHOR_END: second
";

    #[test]
    fn the_lab_has_the_replacement_of_each_region() {
        insta::assert_snapshot!(render(SOLUTION).unwrap(), @r"
        fn first() {
            // TODO (01.1): call it.

            if open {
                naive(1);
            }
        }

        fn second() {
            given();
        }
        ");
    }

    #[test]
    fn solved_exercises_keep_their_code_without_marks() {
        insta::assert_snapshot!(render_with(SOLUTION, |_| true).unwrap(), @r"
        fn first() {
            solved(1);
        }

        fn second() {
            // A comment.
            solved(2);
            given();
        }
        ");
    }

    #[test]
    fn one_exercise_can_be_solved_alone() {
        let lab = render_with(SOLUTION, |exercise| exercise == 2).unwrap();
        assert!(lab.contains("naive(1)") && lab.contains("solved(2)"), "{lab}");
    }

    #[test]
    fn mistakes_in_marks_are_named_with_their_line() {
        let mistakes = [
            "//= exercise 1\n//= exercise 2\n",
            "//= exercise one\n",
            "a\n//= instead\n",
            "a\nb\n//= end\n",
            "//= exercise 1\n//= instead\ncode\n//= end\n",
            "//| code\n",
            "\n//= exercise 1\ncode\n",
            "//= exercize 1\n",
        ];
        let named: Vec<_> = mistakes.iter().map(|text| render(text).unwrap_err().to_string()).collect();
        insta::assert_snapshot!(named.join("\n"));
    }

    #[test]
    fn the_manifest_gets_the_name_of_the_lab() {
        let manifest = "[package]\nname = \"lab-01-solution\"\n";
        let renamed = rename_package(manifest, "lab-01-solution", "lab-01-topic");
        assert_eq!(renamed.as_deref(), Some("[package]\nname = \"lab-01-topic\"\n"));
        assert_eq!(rename_package(manifest, "lab-02-solution", "lab-02-topic"), None);
    }
}
