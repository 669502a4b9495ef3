//! The operators that the grader itself is graded with: small changes to a solution, each with a known verdict.

use std::path::{Component, Path, PathBuf};

use course::Lab;
use serde::Deserialize;

use super::pristine::Files;
use crate::checkout::Checkout;
use crate::exit_code::Problem;

/// One operator with a known verdict, a file `grader/mutants/LAB/{wrong,right}/NAME.toml`.
#[derive(Clone, Debug)]
pub(crate) struct Mutant {
    /// The file's name without its ending.
    pub(crate) name: String,
    pub(crate) kind: MutantKind,
    /// In plain words: what is wrong with it, or how it differs.
    pub(crate) mistake: String,
    /// The scenarios that must fail for it. Empty for a right one.
    pub(crate) caught_by: Vec<String>,
    edits: Vec<Edit>,
    whole_files: Vec<WholeFile>,
}

/// What the verdict must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum MutantKind {
    /// A mistake that people make: the scenarios it names must catch it.
    Wrong,
    /// It looks unlike the solution and is as good: all points.
    Right,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    mistake: String,
    #[serde(default)]
    caught_by: Vec<String>,
    #[serde(default, rename = "edit")]
    edits: Vec<Edit>,
    #[serde(default, rename = "file")]
    files: Vec<WholeFile>,
}

/// A passage of a solution's file, and what stands there instead.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    file: PathBuf,
    /// Occurs exactly once in the solution without its exercise marks.
    find: String,
    replace: String,
}

/// A file that is replaced or added.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WholeFile {
    path: PathBuf,
    content: String,
}

impl Mutant {
    /// All operators for `lab`, the wrong ones first, in the order of their names.
    pub(crate) fn all(checkout: &Checkout, lab: &Lab) -> Result<Vec<Self>, Problem> {
        let mut mutants = Vec::new();
        for (folder, kind) in [("wrong", MutantKind::Wrong), ("right", MutantKind::Right)] {
            let folder = checkout.root.join("grader/mutants").join(&lab.id).join(folder);
            for file in files_of(&folder)? {
                let text = std::fs::read_to_string(&file).map_err(|error| {
                    Problem::broken(format!("{} cannot be read: {error}", file.display()))
                })?;
                let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let mutant = Self::parse(&text, name, kind)
                    .map_err(|why| Problem::broken(format!("{}: {why}", checkout.shown(&file))))?;
                mutants.push(mutant);
            }
        }
        Ok(mutants)
    }

    fn parse(text: &str, name: String, kind: MutantKind) -> Result<Self, String> {
        let Description { mistake, caught_by, edits, files } =
            toml::from_str(text).map_err(|error| error.to_string())?;
        if edits.is_empty() && files.is_empty() {
            return Err("it changes nothing; give it an [[edit]] or a [[file]]".into());
        }
        match kind {
            MutantKind::Wrong if caught_by.is_empty() => {
                return Err("a wrong operator names the scenarios that catch it in `caught_by`".into());
            }
            MutantKind::Right if !caught_by.is_empty() => {
                return Err("a right operator is caught by nothing".into());
            }
            _ => {}
        }
        for path in edits.iter().map(|edit| &edit.file).chain(files.iter().map(|file| &file.path)) {
            if !path.components().all(|part| matches!(part, Component::Normal(_))) {
                return Err(format!("`{}` leads out of the lab's folder", path.display()));
            }
        }
        Ok(Self { name, kind, mistake: mistake.trim().to_owned(), caught_by, edits, whole_files: files })
    }

    /// The solution with this operator's changes.
    pub(crate) fn apply(&self, solution: &Files) -> Result<Files, Problem> {
        self.try_apply(solution).map_err(|why| {
            Problem::broken(format!("the operator `{}` does not fit the solution: {why}", self.name))
                .next("bring its `find` in step with the solution")
        })
    }

    fn try_apply(&self, solution: &Files) -> Result<Files, String> {
        let mut files = solution.clone();
        for edit in &self.edits {
            let shown = edit.file.display();
            let bytes = files.get_mut(&edit.file).ok_or_else(|| format!("the solution has no {shown}"))?;
            let text = String::from_utf8_lossy(bytes);
            match text.matches(&edit.find).count() {
                1 => *bytes = text.replacen(&edit.find, &edit.replace, 1).into_bytes(),
                0 => return Err(format!("{shown} does not contain\n{}", edit.find)),
                times => return Err(format!("{shown} contains {times} times\n{}", edit.find)),
            }
        }
        for file in &self.whole_files {
            files.insert(file.path.clone(), file.content.clone().into_bytes());
        }
        Ok(files)
    }
}

fn files_of(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Problem::broken(format!("{} cannot be read: {error}", folder.display()))),
    };
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(text: &str, kind: MutantKind) -> Result<String, String> {
        let solution = Files::from([(PathBuf::from("src/a.rs"), b"one();\ntwo();\ntwo();\n".to_vec())]);
        let files = Mutant::parse(text, "m".into(), kind)?.try_apply(&solution)?;
        Ok(files
            .iter()
            .map(|(path, bytes)| format!("== {}\n{}", path.display(), String::from_utf8_lossy(bytes)))
            .collect())
    }

    #[test]
    fn an_edit_replaces_the_one_passage_it_names() {
        let text = r#"
            mistake = "forgets the first step"
            caught_by = ["01.02"]
            [[edit]]
            file = "src/a.rs"
            find = "one();"
            replace = "zero();"
        "#;
        insta::assert_snapshot!(applied(text, MutantKind::Wrong).unwrap(), @r"
        == src/a.rs
        zero();
        two();
        two();
        ");
    }

    #[test]
    fn a_right_operator_may_bring_files_of_its_own() {
        let text = "mistake = \"split\"\n[[file]]\npath = \"src/b.rs\"\ncontent = \"fn b() {}\\n\"\n";
        insta::assert_snapshot!(applied(text, MutantKind::Right).unwrap(), @r"
        == src/a.rs
        one();
        two();
        two();
        == src/b.rs
        fn b() {}
        ");
    }

    #[test]
    fn mistakes_in_a_description_are_named() {
        let edit = |file: &str, find: &str| {
            format!(
                "mistake = \"m\"\ncaught_by = [\"01.01\"]\n[[edit]]\nfile = \"{file}\"\nfind = \"{find}\"\nreplace = \"\"\n"
            )
        };
        let mistakes = [
            applied(&edit("src/a.rs", "two();"), MutantKind::Wrong),
            applied(&edit("src/a.rs", "three();"), MutantKind::Wrong),
            applied(&edit("src/c.rs", "one();"), MutantKind::Wrong),
            applied(&edit("../a.rs", "one();"), MutantKind::Wrong),
            applied(&edit("src/a.rs", "one();"), MutantKind::Right),
            applied("mistake = \"m\"\ncaught_by = [\"01.01\"]\n", MutantKind::Wrong),
            applied("mistake = \"m\"\n[[file]]\npath = \"a\"\ncontent = \"\"\n", MutantKind::Wrong),
        ];
        let named: Vec<_> = mistakes.into_iter().map(Result::unwrap_err).collect();
        insta::assert_snapshot!(named.join("\n---\n"));
    }
}
