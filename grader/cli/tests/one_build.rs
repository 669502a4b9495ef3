//! A fresh checkout compiles each dependency once, not once for the grader and once for the labs.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Every dependency that a build of `package` needs, with the features it has there.
fn dependencies(package: &str) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--prefix", "none", "--edges", "normal,build"])
        .args(["--format", "{p} [{f}]", "--package", package])
        .current_dir(root)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let registry = |line: &&str| !line.contains("(/") && !line.is_empty();
    text.lines().map(|line| line.trim_end_matches(" (*)")).filter(registry).map(str::to_owned).collect()
}

#[test]
fn labs_need_nothing_that_the_grader_has_not_compiled() {
    let grader = dependencies("grader");
    for lab in ["lab-00-postgres-operator", "lab-01-conditions-status", "lab-01-solution"] {
        let own: Vec<_> = dependencies(lab).difference(&grader).cloned().collect();
        assert!(
            own.is_empty(),
            "{lab} needs what the grader does not, or with other features; bring labs/lab-kit/shared-build up to \
             date: {own:#?}"
        );
    }
}
