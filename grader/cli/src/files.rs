//! Files written whole or not at all.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::exit_code::Problem;

/// Writes `bytes` to `path` through a new file beside it, so that no reader ever sees half of it. A link is followed; a
/// device or a pipe, such as `/dev/null`, is written to and not replaced.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    try_write(path, bytes, FOR_EVERYBODY).map_err(|error| cannot_write(path, &error))
}

/// As [`write_whole`], and nobody but its owner can read the file: it holds a key.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    try_write(path, bytes, FOR_THE_OWNER).map_err(|error| cannot_write(path, &error))
}

const FOR_EVERYBODY: u32 = 0o644;
const FOR_THE_OWNER: u32 = 0o600;

fn cannot_write(path: &Path, error: &io::Error) -> Problem {
    Problem::machine(format!("{} cannot be written: {error}", path.display()))
        .next("choose a folder that exists and that you may write to, or free some space")
}

fn try_write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let path = target.as_path();
    if std::fs::metadata(path).is_ok_and(|known| !known.is_file()) {
        return std::fs::OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    // Renaming keeps the new file's permissions, and a temporary file is private.
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
    file.as_file().set_permissions(permissions)?;
    file.persist(path)?;
    Ok(())
}

/// Writes `bytes` unless the file holds them already: an unchanged time of change tells cargo that nothing is new.
pub(crate) fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    if std::fs::read(path).is_ok_and(|known| known == bytes) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        create_folder(folder)?;
    }
    write_whole(path, bytes)
}

/// Creates a folder and those above it.
pub(crate) fn create_folder(folder: &Path) -> Result<(), Problem> {
    std::fs::create_dir_all(folder).map_err(|error| {
        Problem::machine(format!("the folder {} cannot be created: {error}", folder.display()))
            .next("check the permissions and the space there")
    })
}

/// Every file below `folder`, relative to it and sorted; links are not followed.
pub(crate) fn below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(inner) = open.pop() {
        for entry in std::fs::read_dir(folder.join(&inner))? {
            let entry = entry?;
            let path = inner.join(entry.file_name());
            if entry.file_type()?.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_replaced_links_followed_and_pipes_written_to() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("file");
        let link = folder.path().join("link");
        std::fs::write(&file, "old and long")?;
        std::os::unix::fs::symlink(&file, &link)?;
        try_write(&link, b"new", FOR_EVERYBODY)?;
        assert_eq!(std::fs::read(&file)?, b"new");
        assert!(std::fs::symlink_metadata(&link)?.is_symlink());

        let (mut reader, writer) = io::pipe()?;
        let pipe = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&writer));
        try_write(Path::new(&pipe), b"whole", FOR_EVERYBODY)?;
        drop(writer);
        assert_eq!(io::read_to_string(&mut reader)?, "whole");
        assert!(try_write(folder.path(), b"", FOR_EVERYBODY).is_err());
        Ok(())
    }
}
