//! `labs/labs.toml`, the one list of labs.

use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
};

use anyhow::{Context, ensure};
use serde::Deserialize;

/// The list, relative to the root of the checkout.
pub const FILE: &str = "labs/labs.toml";

/// How many hints every exercise has: a question, a pointer, the shape of the code.
pub const HINTS: usize = 3;

/// All labs in teaching order.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Course {
    /// In teaching order.
    #[serde(rename = "lab")]
    pub labs: Vec<Lab>,
}

/// One lab: a crate with gaps, its solution, its lesson.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Lab {
    /// `lab-01`.
    pub id: String,
    /// 1, from `id`.
    #[serde(skip)]
    pub number: u8,
    /// The name of its folder, in `labs/` and in `solutions/`: `lab-01-conditions-status`. Also its package.
    pub folder: String,
    /// What it is about, in a few words.
    pub title: String,
    /// The lesson to read first, relative to the root: `lessons/01-conditions-status.md`.
    pub lesson: PathBuf,
    /// About how long it takes.
    pub minutes: u32,
    /// The files that belong to the student, relative to the lab's folder. Everything else is given.
    pub editable: Vec<PathBuf>,
    /// In teaching order. Empty for a lab that is complete, such as the tour.
    #[serde(default, rename = "exercise")]
    pub exercises: Vec<Exercise>,
}

/// One gap to fill.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Exercise {
    /// From 1, in teaching order.
    pub number: u8,
    /// What it is about, in a few words.
    pub title: String,
    /// What its scenarios are worth together. The points of a lab sum to 100.
    pub points: u32,
    /// The section of the lesson that explains it, as its heading's anchor.
    pub lesson_section: String,
    /// A question, a pointer, the shape of the code.
    pub hints: Vec<String>,
}

/// A name that is no lab of this course.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a lab of this course; there is {}. `grader list` shows them", known.join(", "))]
pub struct UnknownLab {
    /// What was asked for.
    pub name: String,
    /// The ids of the labs there are.
    pub known: Vec<String>,
}

impl Course {
    /// Reads and checks the list of the checkout at `root`.
    ///
    /// # Errors
    ///
    /// The list is missing or is no list of labs, in words that name the place.
    pub fn load(root: &Path) -> anyhow::Result<Self> {
        let file = root.join(FILE);
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("failed to read the list of labs, {}", file.display()))?;
        Self::parse(&text).with_context(|| format!("{} is not a list of labs", file.display()))
    }

    /// Reads and checks the text of a list.
    ///
    /// # Errors
    ///
    /// The text is no list of labs.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let mut course: Self = toml::from_str(text)?;
        let mut seen = BTreeSet::new();
        for lab in &mut course.labs {
            lab.check().with_context(|| format!("lab `{}`", lab.id))?;
            ensure!(seen.insert(lab.number), "lab `{}` is listed twice", lab.id);
        }
        ensure!(course.labs.is_sorted_by_key(|lab| lab.number), "labs are not in teaching order");
        Ok(course)
    }

    /// Finds a lab by any of its names: `lab-02`, `02`, `2`, or the name of its folder.
    ///
    /// # Errors
    ///
    /// No lab of this course has that name.
    pub fn find(&self, name: &str) -> Result<&Lab, UnknownLab> {
        // A shell completes folders with a slash, and people give their path.
        let last = name.trim().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let number = last.strip_prefix("lab-").unwrap_or(last).parse::<u8>().ok();
        self.labs.iter().find(|lab| lab.folder == last || Some(lab.number) == number).ok_or_else(|| {
            UnknownLab { name: name.to_owned(), known: self.labs.iter().map(|lab| lab.id.clone()).collect() }
        })
    }
}

impl Lab {
    /// Its folder in the checkout at `root`.
    pub fn path(&self, root: &Path) -> PathBuf {
        root.join("labs").join(&self.folder)
    }

    /// The folder of its solution in the checkout at `root`. A lab without exercises has none.
    pub fn solution_path(&self, root: &Path) -> PathBuf {
        root.join("solutions").join(&self.folder)
    }

    /// Its package and its binary.
    pub fn package(&self) -> &str {
        &self.folder
    }

    /// The package and the binary of its solution. Package names are unique in a workspace, so it is not the lab's.
    pub fn solution_package(&self) -> String {
        format!("{}-solution", self.id)
    }

    /// The exercise with this number.
    pub fn exercise(&self, number: u8) -> Option<&Exercise> {
        self.exercises.iter().find(|exercise| exercise.number == number)
    }

    /// What the whole lab is worth.
    pub fn points(&self) -> u32 {
        self.exercises.iter().map(|exercise| exercise.points).sum()
    }

    fn check(&mut self) -> anyhow::Result<()> {
        let digits = self.id.strip_prefix("lab-").filter(|digits| digits.len() == 2);
        let number = digits.and_then(|digits| digits.parse().ok());
        self.number = number.context("its id is not of the form `lab-01`")?;
        ensure!(
            self.folder.strip_prefix(&self.id).is_some_and(|rest| rest.starts_with('-')),
            "its folder `{}` does not begin with `{}-`",
            self.folder,
            self.id
        );
        ensure!(stays_inside(Path::new(&self.folder)), "its folder `{}` is not a plain name", self.folder);
        for file in self.editable.iter().chain([&self.lesson]) {
            ensure!(stays_inside(file), "`{}` leads out of its folder", file.display());
        }
        for (index, exercise) in self.exercises.iter().enumerate() {
            ensure!(
                usize::from(exercise.number) == index + 1,
                "exercise {} stands at place {}",
                exercise.number,
                index + 1
            );
            ensure!(
                exercise.hints.len() == HINTS && exercise.hints.iter().all(|hint| !hint.trim().is_empty()),
                "exercise {} needs {HINTS} hints: a question, a pointer, the shape of the code",
                exercise.number
            );
        }
        ensure!(
            self.exercises.is_empty() || self.points() == 100,
            "the points of its exercises sum to {}, not to 100",
            self.points()
        );
        Ok(())
    }
}

/// Whether `path` names something below the folder that it is relative to.
fn stays_inside(path: &Path) -> bool {
    path.components().next().is_some() && path.components().all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"
        [[lab]]
        id = "lab-02"
        folder = "lab-02-finalizers-cleanup"
        title = "Finalizers"
        lesson = "lessons/02-finalizers-cleanup.md"
        minutes = 90
        editable = ["src/operator.rs"]

        [[lab.exercise]]
        number = 1
        title = "Add it"
        points = 40
        lesson_section = "add-it"
        hints = ["Why?", "Look there.", "Like this."]

        [[lab.exercise]]
        number = 2
        title = "Remove it"
        points = 60
        lesson_section = "remove-it"
        hints = ["Why?", "Look there.", "Like this."]
    "#;

    #[test]
    fn a_lab_is_found_by_any_of_its_names() {
        let course = Course::parse(LIST).unwrap();
        let folder = "lab-02-finalizers-cleanup";
        for name in ["lab-02", "02", "2", "lab-2", folder, "labs/lab-02-finalizers-cleanup/", " 2 "] {
            assert_eq!(course.find(name).map(|lab| lab.folder.as_str()), Ok(folder), "{name}");
        }
        for name in ["lab-03", "", "finalizers", "-2", "999"] {
            assert!(course.find(name).is_err(), "{name}");
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let unknown = Course::parse(LIST).unwrap().find("lab-09").unwrap_err();
        insta::assert_snapshot!(unknown, @"`lab-09` is not a lab of this course; there is lab-02. `grader list` shows them");
    }

    #[test]
    fn paths_and_packages_follow_from_the_folder() {
        let course = Course::parse(LIST).unwrap();
        let lab = &course.labs[0];
        assert_eq!(lab.path(Path::new("/c")), Path::new("/c/labs/lab-02-finalizers-cleanup"));
        assert_eq!(lab.solution_path(Path::new("/c")), Path::new("/c/solutions/lab-02-finalizers-cleanup"));
        assert_eq!(
            (lab.package(), lab.solution_package().as_str()),
            ("lab-02-finalizers-cleanup", "lab-02-solution")
        );
    }

    fn complaint(from: &str, to: &str) -> String {
        assert!(LIST.contains(from), "the list has no {from}");
        format!("{:#}", Course::parse(&LIST.replace(from, to)).unwrap_err())
    }

    #[test]
    fn mistakes_in_the_list_are_named() {
        let mistakes = [
            ("points = 40", "points = 30"),
            (r#"id = "lab-02""#, r#"id = "two""#),
            (r#"folder = "lab-02-"#, r#"folder = "lab-03-"#),
            (r#""src/operator.rs""#, r#""../lab-03/src/main.rs""#),
            (r#""src/operator.rs""#, r#""/etc/passwd""#),
            ("number = 2", "number = 3"),
            (r#"hints = ["Why?", "Look there.", "Like this."]"#, r#"hints = ["Why?"]"#),
            ("minutes", "minute"),
        ];
        let complaints: Vec<_> = mistakes.iter().map(|(from, to)| complaint(from, to)).collect();
        insta::assert_snapshot!(complaints.join("\n---\n"));
    }
}
