//! The binary as scripts and people meet it: what it prints where, and how it exits. Nothing here builds a lab.

use std::path::Path;
use std::process::{Command, Output};

/// Runs the grader in the checkout that this test is part of, with nothing of the environment that changes output.
fn grader(arguments: &str) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    grader_in(&root, arguments)
}

fn grader_in(folder: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grader"));
    command
        .current_dir(folder)
        .args(arguments.split_whitespace())
        .env("LC_ALL", "C.UTF-8")
        .env("COLUMNS", "100");
    for variable in ["CARGO_MANIFEST_DIR", "CLICOLOR_FORCE", "NO_COLOR"] {
        command.env_remove(variable);
    }
    command.output().unwrap()
}

/// What a command printed and how it ended, for a snapshot.
fn told(arguments: &str) -> String {
    let output = grader(arguments);
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(!out.contains('\x1b') && !err.contains('\x1b'), "piped output is plain: {out}{err}");
    format!("$ grader {arguments}\n{out}{err}exit code {}\n", output.status.code().unwrap())
}

#[test]
fn mistakes_on_the_command_line_exit_with_2_and_the_next_step() {
    let mistakes = [
        "check lab-99",
        "check lab-01 --scenario 01.99",
        "check lab-01 --scenario 02.01",
        "check lab-01 --exercise 9",
        "check lab-01 --on minikube",
        "check lab-01 --seeds 5..1",
        "check lab-01 --repeat 0",
        "check lab-00 lab-01 --exercise 1",
        "check lab-01 --solution --submission .",
        "check lab-01 --submission nowhere",
        "hint lab-00",
        "hint lab-01 9",
        "explain 7",
        "explain 01.99",
        "diff lab-00",
        "reset lab-00",
        "reset lab-01 9",
        "frobnicate",
    ];
    insta::assert_snapshot!(mistakes.map(told).join("\n"));
}

#[test]
fn a_backend_that_is_not_here_yet_exits_with_4() {
    insta::assert_snapshot!(told("check lab-01 --on kind"), @r"
    $ grader check lab-01 --on kind
    error: checking on `kind` is not available in this version of the grader
      next  grader check LAB, which needs no cluster
    exit code 4
    ");
}

#[test]
fn a_mistake_leaves_stdout_to_the_machine() {
    let output = grader("check lab-99 --json -");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
}

#[test]
fn outside_of_a_checkout_the_one_it_was_built_in_is_used() {
    let elsewhere = std::env::temp_dir();
    assert_eq!(grader_in(&elsewhere, "list").status.code(), Some(0));
}

#[test]
fn a_lab_and_a_scenario_go_by_any_of_their_names() {
    let title = |words: &str| told(&format!("explain {words}")).lines().nth(1).map(str::to_owned);
    assert!(title("01.01").is_some_and(|title| title.starts_with("01.01")));
    for words in ["1.1", "01.1", "lab-01.1"] {
        assert_eq!(title(words), title("01.01"), "{words}");
    }
    for name in ["lab-01", "01", "1", "labs/lab-01-conditions-status/"] {
        assert!(told(&format!("list {name}")).contains("exit code 0"), "{name}");
    }
}

#[test]
fn help_completions_and_manual_page_are_there() {
    for (arguments, sign) in [
        ("--help", "Exit codes:"),
        ("check --help", "--submission"),
        ("completions bash", "_grader"),
        ("completions zsh", "#compdef grader"),
        ("completions fish", "complete -c grader"),
        ("man", ".TH"),
    ] {
        let output = grader(arguments);
        assert!(output.status.success(), "{arguments}");
        assert!(String::from_utf8_lossy(&output.stdout).contains(sign), "{arguments}");
    }
}

#[test]
fn a_reader_who_goes_away_is_no_failure() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut command = Command::new(env!("CARGO_BIN_EXE_grader"));
    let mut child =
        command.current_dir(root).arg("list").stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
