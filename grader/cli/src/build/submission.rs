//! What a student hands in: the lab's editable files and nothing else, from a folder that nobody trusts.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use course::Lab;
use rustix::fs::OFlags;

use super::pristine::{self, Files};
use crate::checkout::Checkout;
use crate::exit_code::Problem;

/// No lab's file comes near this.
const LARGEST_FILE: u64 = 1 << 20;

/// A submission on top of a pristine lab.
#[derive(Debug)]
pub(crate) struct Submission {
    /// The whole package.
    pub(crate) files: Files,
    /// Which files are the student's.
    pub(crate) taken: Vec<PathBuf>,
    /// Editable files that were not handed in, so that the pristine ones stand in for them.
    pub(crate) missing: Vec<PathBuf>,
}

/// Takes the lab's editable files from `from`: a folder with the lab's relative paths, or the file itself when the
/// lab has only one. Nothing in `from` is changed or followed to another place.
///
/// # Errors
///
/// Wrong usage when there is nothing to take. "Does not build" when what is there is no plain source file, so that
/// a script sees it as a verdict about this submission.
pub(crate) fn read(checkout: &Checkout, lab: &Lab, from: &Path) -> Result<Submission, Problem> {
    let mut files = pristine::skeleton(checkout, lab)?;
    let found = take(lab, from)?;
    let missing =
        lab.editable.iter().filter(|file| found.iter().all(|(path, _)| path != *file)).cloned().collect();
    let taken = found.iter().map(|(path, _)| path.clone()).collect();
    files.extend(found);
    Ok(Submission { files, taken, missing })
}

/// The editable files that are there.
pub(crate) fn take(lab: &Lab, from: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>, Problem> {
    let kind = std::fs::metadata(from)
        .map_err(|error| {
            Problem::usage(format!("the submission {} cannot be read: {error}", from.display()))
                .next("give the folder that holds the student's files")
        })?
        .file_type();
    if !kind.is_dir() {
        let [only] = lab.editable.as_slice() else {
            return Err(Problem::usage(format!(
                "{} is one file, and {} has {} editable ones",
                from.display(),
                lab.id,
                lab.editable.len()
            ))
            .next("give the folder that holds them, with the lab's relative paths"));
        };
        return Ok(vec![(only.clone(), read_plain(from, only)?)]);
    }
    let mut found = Vec::new();
    for path in &lab.editable {
        if let Some(bytes) = read_below(from, path)? {
            found.push((path.clone(), bytes));
        }
    }
    if found.is_empty() {
        let expected: Vec<_> = lab.editable.iter().map(|path| path.display().to_string()).collect();
        return Err(Problem::usage(format!("{} has none of the files of {}", from.display(), lab.id))
            .next(format!("give the folder that holds {}", expected.join(", "))));
    }
    Ok(found)
}

/// The file at `path` below `folder`, where nothing on the way leads elsewhere; `None` when it is not there.
fn read_below(folder: &Path, path: &Path) -> Result<Option<Vec<u8>>, Problem> {
    let mut place = folder.to_owned();
    for part in path.components() {
        place.push(part);
        match std::fs::symlink_metadata(&place) {
            Ok(found) if found.is_symlink() => return Err(refused(path, "is a symbolic link")),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(refused(path, &format!("cannot be read: {error}"))),
        }
    }
    read_plain(&place, path).map(Some)
}

/// The bytes of a regular file of ordinary size. Opening neither follows a link nor waits for the other end of a
/// pipe, and what was opened is what is looked at.
fn read_plain(place: &Path, shown: &Path) -> Result<Vec<u8>, Problem> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    let flags = i32::try_from(flags).unwrap_or_default();
    let file: File = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(place)
        .map_err(|error| refused(shown, &format!("cannot be opened: {error}")))?;
    let metadata = file.metadata().map_err(|error| refused(shown, &format!("cannot be read: {error}")))?;
    if !metadata.is_file() {
        return Err(refused(shown, "is not a regular file"));
    }
    if metadata.len() > LARGEST_FILE {
        return Err(refused(shown, &format!("is larger than {} KiB", LARGEST_FILE >> 10)));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| refused(shown, &format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(refused(shown, &format!("is larger than {} KiB", LARGEST_FILE >> 10)));
    }
    Ok(bytes)
}

fn refused(path: &Path, why: &str) -> Problem {
    Problem::does_not_build(format!("the submission's {} {why}", path.display()))
        .next("hand in plain source files of ordinary size")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lab(editable: &[&str]) -> Lab {
        let list = format!(
            "[[lab]]\nid = \"lab-01\"\nfolder = \"lab-01-x\"\ntitle = \"\"\nlesson = \"lessons/01.md\"\nminutes = 1\n\
             editable = {editable:?}\n"
        );
        course::Course::parse(&list).unwrap().labs.remove(0)
    }

    fn refusal(from: &Path, editable: &[&str]) -> String {
        take(&lab(editable), from).unwrap_err().what().replace(&from.display().to_string(), "DIR")
    }

    #[test]
    fn only_editable_files_are_taken() {
        let from = tempfile::tempdir().unwrap();
        std::fs::create_dir(from.path().join("src")).unwrap();
        std::fs::write(from.path().join("src/a.rs"), "a").unwrap();
        std::fs::write(from.path().join("build.rs"), "bad").unwrap();
        let taken = take(&lab(&["src/a.rs", "src/b.rs"]), from.path()).unwrap();
        assert_eq!(taken, [(PathBuf::from("src/a.rs"), b"a".to_vec())]);
    }

    #[test]
    fn a_single_file_may_be_named_directly() {
        let from = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(from.path(), "a").unwrap();
        let taken = take(&lab(&["src/a.rs"]), from.path()).unwrap();
        assert_eq!(taken, [(PathBuf::from("src/a.rs"), b"a".to_vec())]);
        assert_eq!(
            refusal(from.path(), &["a.rs", "b.rs"]),
            "DIR is one file, and lab-01 has 2 editable ones"
        );
    }

    #[test]
    fn links_pipes_folders_and_huge_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path();
        std::fs::write(from.join("real.rs"), "x").unwrap();
        std::os::unix::fs::symlink("real.rs", from.join("link.rs")).unwrap();
        std::fs::create_dir(from.join("folder.rs")).unwrap();
        std::os::unix::fs::symlink("folder.rs", from.join("src")).unwrap();
        std::fs::write(from.join("folder.rs/inner.rs"), "x").unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, from.join("pipe.rs"), 0o600.into()).unwrap();
        File::create(from.join("huge.rs")).unwrap().set_len(LARGEST_FILE + 1).unwrap();
        let refused: Vec<_> = ["link.rs", "src/inner.rs", "folder.rs", "pipe.rs", "huge.rs", "missing.rs"]
            .map(|file| refusal(from, &[file]))
            .into();
        insta::assert_snapshot!(refused.join("\n"));
        let error = take(&lab(&["x"]), &from.join("nowhere")).unwrap_err();
        assert_eq!(error.exit_code, crate::exit_code::ExitCode::Usage);
    }
}
