//! The labs, solutions and lessons of this checkout agree with each other.

use std::{fs, path::Path};

use course::{Course, Lab, quote, skeleton, todo};

fn root() -> &'static Path {
    // grader/course
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the crate is two folders below the root")
}

fn labs_with_exercises() -> Vec<Lab> {
    let course = Course::load(root()).unwrap();
    course.labs.into_iter().filter(|lab| !lab.exercises.is_empty()).collect()
}

#[test]
fn labs_are_what_their_solutions_make() {
    for lab in labs_with_exercises() {
        let differences = skeleton::differences(root(), &lab).unwrap();
        assert_eq!(differences, [], "{}: `cargo grader dev skeleton` makes it anew", lab.id);
    }
}

#[test]
fn each_exercise_has_one_todo_that_says_when_it_is_done_and_where_help_is() {
    for lab in labs_with_exercises() {
        let todos = todo::positions(&lab.path(root()), &lab.editable);
        let numbers: Vec<_> = todos.iter().map(|todo| todo.exercise).collect();
        assert_eq!(
            numbers,
            lab.exercises.iter().map(|exercise| exercise.number).collect::<Vec<_>>(),
            "{}",
            lab.id
        );
        for todo in todos {
            let (id, number) = (&lab.id, todo.exercise);
            let done = format!("Done when: `grader check {id} --exercise {number}`. About ");
            let stuck = format!("Stuck? `grader hint {id} {number}`.");
            assert!(
                todo.text.contains(&done) && todo.text.contains(&stuck),
                "{id}, exercise {number}: {}",
                todo.text
            );
        }
    }
}

#[test]
fn a_solved_lab_has_no_todo_and_no_mark() {
    for lab in labs_with_exercises() {
        for (file, bytes) in skeleton::generate_with(root(), &lab, |_| true).unwrap() {
            let text = String::from_utf8(bytes).unwrap();
            let left = ["TODO", "//=", "//|", "ANCHOR"].into_iter().find(|mark| text.contains(mark));
            assert_eq!(left, None, "{}: {}", lab.id, file.display());
        }
    }
}

#[test]
fn labs_have_a_contract_and_a_lesson_with_the_sections_they_name() {
    for lab in Course::load(root()).unwrap().labs {
        assert!(lab.path(root()).join("README.md").is_file(), "{} has no README.md", lab.id);
        let lesson = fs::read_to_string(root().join(&lab.lesson)).unwrap();
        for exercise in &lab.exercises {
            let heading = exercise.lesson_section.replace('-', " ");
            let found = lesson
                .lines()
                .any(|line| line.strip_prefix("## ").is_some_and(|it| it.to_lowercase() == heading));
            assert!(found, "{} has no section `{heading}`", lab.lesson.display());
        }
    }
}

#[test]
fn lessons_show_what_compiles() {
    for lab in Course::load(root()).unwrap().labs {
        let mistakes = quote::check(root(), &lab.lesson).unwrap();
        assert_eq!(
            mistakes,
            [],
            "{}: `cargo grader dev skeleton` refreshes the quotes",
            lab.lesson.display()
        );
    }
}
