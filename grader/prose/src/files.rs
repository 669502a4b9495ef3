//! Which files are prose.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// All Markdown files below `root`, relative to it and sorted; build output and hidden folders are left out.
///
/// # Errors
/// A folder that cannot be read.
pub fn markdown_files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    collect(root, Path::new(""), &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let path = root.join(folder);
    let entries = std::fs::read_dir(&path).with_context(|| format!("failed to read {}", path.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("failed to read {}", path.display()))?;
        let name = entry.file_name();
        let hidden = name.to_string_lossy().starts_with('.') || name == "target";
        let relative = folder.join(&name);
        if hidden {
            continue;
        } else if entry.path().is_dir() {
            collect(root, &relative, found)?;
        } else if relative.extension().is_some_and(|extension| extension == "md") {
            found.push(relative);
        }
    }
    Ok(())
}
