//! Files written whole or not at all.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::exit_code::Problem;

/// Writes `bytes` to `path` through a new file beside it, so that no reader ever sees half of it.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    try_write(path, bytes).map_err(|error| {
        Problem::machine(format!("{} cannot be written: {error}", path.display()))
            .next("choose a folder that exists and that you may write to, or free some space")
    })
}

fn try_write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    // Renaming keeps the new file's permissions, and a temporary file is private.
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
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
