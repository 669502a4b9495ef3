//! A lab's files as the course gives them, whatever a student made of those in the checkout.

use std::collections::BTreeMap;
use std::path::PathBuf;

use course::{Lab, skeleton};

use crate::checkout::Checkout;
use crate::exit_code::Problem;

/// Files by their path relative to the lab's folder.
pub(crate) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// The lab with every exercise open.
pub(crate) fn skeleton(checkout: &Checkout, lab: &Lab) -> Result<Files, Problem> {
    made(checkout, lab, |_| false)
}

/// The lab with every exercise solved as the reference does it.
pub(crate) fn solution(checkout: &Checkout, lab: &Lab) -> Result<Files, Problem> {
    made(checkout, lab, |_| true)
}

fn made(checkout: &Checkout, lab: &Lab, solved: impl Fn(u8) -> bool) -> Result<Files, Problem> {
    if lab.exercises.is_empty() {
        return given(checkout, lab);
    }
    if !checkout.has_solution(lab) {
        return Err(Problem::machine(format!("this checkout has no solution of {}", lab.id))
            .next("git checkout -- solutions, or a fresh clone of the workbook"));
    }
    let files = skeleton::generate_with(&checkout.root, lab, solved)
        .map_err(|error| Problem::broken(format!("{error:#}")))?;
    Ok(files.into_iter().collect())
}

/// A lab without exercises is complete as it stands.
fn given(checkout: &Checkout, lab: &Lab) -> Result<Files, Problem> {
    let folder = lab.path(&checkout.root);
    let unreadable = |error| Problem::machine(format!("{} cannot be read: {error}", folder.display()));
    let mut files = Files::new();
    for path in crate::files::below(&folder).map_err(unreadable)? {
        let bytes = std::fs::read(folder.join(&path)).map_err(unreadable)?;
        files.insert(path, bytes);
    }
    Ok(files)
}
