//! Where a lab is put together from given files: a small workspace of its own under the target folder.
//!
//! It has the checkout's versions, profiles and lints, and shares the checkout's build folder, so that nothing a
//! lab depends on is compiled a second time except the few crates of the checkout itself, once for all workshops.
//! A workshop is used by one grader at a time and by the next one again, which makes rebuilds incremental.

use std::collections::BTreeSet;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use course::Lab;
use toml::{Table, Value};

use super::pristine::Files;
use super::{BuildError, Built, cargo};
use crate::checkout::Checkout;
use crate::console::Console;
use crate::exit_code::Problem;
use crate::files;

/// More graders than this do not work on one lab of one checkout at once.
const MOST: usize = 64;

/// A workshop that nobody else uses as long as this lives.
#[derive(Debug)]
pub(crate) struct Workshop {
    root: PathBuf,
    /// The workspace.
    folder: PathBuf,
    /// The package in it. Its name has the workshop's number: cargo tells packages apart by their path in the
    /// workspace, and two of one path would overwrite each other's intermediate files.
    package: PathBuf,
    shared: PathBuf,
    _lock: File,
}

impl Workshop {
    /// The first workshop for `lab` that is free.
    pub(crate) fn open(checkout: &Checkout, lab: &Lab) -> Result<Self, Problem> {
        let shared = cargo::build_folder(&checkout.root)?;
        for number in 0..MOST {
            let name = format!("{}-{number}", lab.id);
            let folder = shared.join("grader").join(&name);
            files::create_folder(&folder)?;
            let lock = File::create(folder.join("lock"))
                .map_err(|error| Problem::machine(format!("{} cannot be used: {error}", folder.display())))?;
            if lock.try_lock().is_ok() {
                let package = folder.join(format!("package-{name}"));
                return Ok(Self { root: checkout.root.clone(), folder, package, shared, _lock: lock });
            }
        }
        Err(Problem::machine(format!("{MOST} graders are at work on {} in this checkout", lab.id))
            .next("wait for one of them to finish"))
    }

    /// Builds the package that consists of exactly these files.
    pub(crate) fn build(
        &mut self,
        lab: &Lab,
        package_files: &Files,
        label: &str,
        console: &mut Console,
    ) -> Result<Built, BuildError> {
        self.lay_out(lab, package_files)?;
        let order = cargo::Order {
            folder: &self.root,
            manifest: &self.folder.join("Cargo.toml"),
            package: lab.package(),
            artifacts: Some((&self.folder.join("out"), &self.shared)),
            label,
        };
        cargo::build(&order, console)
    }

    /// A number for everything that a build depends on besides the package's own files: versions, profiles, the
    /// compiler, and the crates of the checkout.
    pub(crate) fn inputs(checkout: &Checkout) -> Result<u64, Problem> {
        let root = &checkout.root;
        let unreadable = |error| Problem::broken(format!("the checkout cannot be read: {error}"));
        let mut hasher = DefaultHasher::new();
        std::env::var_os("RUSTFLAGS").hash(&mut hasher);
        cargo::compiler_version().hash(&mut hasher);
        for file in ["Cargo.toml", "Cargo.lock"] {
            std::fs::read(root.join(file)).map_err(unreadable)?.hash(&mut hasher);
        }
        for folder in local_crates(root)? {
            for file in files::below(&folder).map_err(unreadable)? {
                file.hash(&mut hasher);
                std::fs::read(folder.join(&file)).unwrap_or_default().hash(&mut hasher);
            }
        }
        Ok(hasher.finish())
    }

    /// The name under which the binary of these files is kept.
    pub(crate) fn key(inputs: u64, package_files: &Files) -> String {
        let mut hasher = DefaultHasher::new();
        inputs.hash(&mut hasher);
        package_files.hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    /// The binary that was kept under this name.
    pub(crate) fn kept(&self, key: &str) -> Option<PathBuf> {
        Some(self.folder.join("kept").join(key)).filter(|path| path.is_file())
    }

    /// Keeps a binary under a name: the next build overwrites the original.
    pub(crate) fn keep(&self, key: &str, executable: &Path) -> Result<PathBuf, Problem> {
        let folder = self.folder.join("kept");
        files::create_folder(&folder)?;
        let (kept, unfinished) = (folder.join(key), folder.join(format!("{key}.unfinished")));
        std::fs::copy(executable, &unfinished)
            .and_then(|_| std::fs::rename(&unfinished, &kept))
            .map_err(|error| Problem::machine(format!("{} cannot be written: {error}", kept.display())))?;
        Ok(kept)
    }

    /// Removes what is kept under other names than these.
    pub(crate) fn forget_all_but(&self, keys: &BTreeSet<String>) {
        let kept = self.folder.join("kept");
        for known in files::below(&kept).unwrap_or_default() {
            if !keys.contains(&*known.to_string_lossy()) {
                // A binary that cannot be removed only takes space.
                let _ = std::fs::remove_file(kept.join(known));
            }
        }
    }

    fn lay_out(&self, lab: &Lab, package_files: &Files) -> Result<(), Problem> {
        let manifest = workspace_manifest(&self.root, &self.package, lab.package())?;
        files::write_if_changed(&self.folder.join("Cargo.toml"), manifest.as_bytes())?;
        // Cargo drops from the lock file what this workspace does not use, so it is compared with what it came from.
        let lock = std::fs::read(self.root.join("Cargo.lock"))
            .map_err(|error| Problem::broken(format!("the checkout's Cargo.lock cannot be read: {error}")))?;
        let origin = self.folder.join("Cargo.lock.origin");
        if std::fs::read(&origin).ok().as_ref() != Some(&lock) {
            files::write_whole(&self.folder.join("Cargo.lock"), &lock)?;
            files::write_whole(&origin, &lock)?;
        }
        for (path, bytes) in package_files {
            files::write_if_changed(&self.package.join(path), bytes)?;
        }
        for known in files::below(&self.package).unwrap_or_default() {
            if !package_files.contains_key(&known) {
                let stale = self.package.join(&known);
                std::fs::remove_file(&stale).map_err(|error| {
                    Problem::machine(format!("{} cannot be removed: {error}", stale.display()))
                })?;
            }
        }
        Ok(())
    }
}

/// The folders of the checkout's crates that labs are made of.
fn local_crates(root: &Path) -> Result<Vec<PathBuf>, Problem> {
    let text = std::fs::read_to_string(root.join("Cargo.toml"))
        .map_err(|error| Problem::broken(format!("the checkout's Cargo.toml cannot be read: {error}")))?;
    let manifest: Table =
        text.parse().map_err(|error| Problem::broken(format!("the checkout's Cargo.toml: {error}")))?;
    let dependencies =
        manifest.get("workspace").and_then(|workspace| workspace.get("dependencies")?.as_table());
    let paths =
        dependencies.into_iter().flatten().filter_map(|(_, dependency)| dependency.get("path")?.as_str());
    // The grader's own crates are in no operator.
    Ok(paths.filter(|path| path.starts_with("labs/")).map(|path| root.join(path)).collect())
}

/// The checkout's manifest for a workspace elsewhere, with `package` as its only member.
fn workspace_manifest(root: &Path, package: &Path, package_name: &str) -> Result<String, Problem> {
    let text = std::fs::read_to_string(root.join("Cargo.toml"))
        .map_err(|error| Problem::broken(format!("the checkout's Cargo.toml cannot be read: {error}")))?;
    let mut manifest: Table =
        text.parse().map_err(|error| Problem::broken(format!("the checkout's Cargo.toml: {error}")))?;
    let member = package.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let workspace = manifest
        .get_mut("workspace")
        .and_then(Value::as_table_mut)
        .ok_or_else(|| Problem::broken("the checkout's Cargo.toml has no [workspace]"))?;
    workspace.insert("members".into(), Value::Array(vec![Value::String(member)]));
    workspace.remove("default-members");
    workspace.remove("exclude");
    let dependencies = workspace.get_mut("dependencies").and_then(Value::as_table_mut);
    for (_, dependency) in dependencies.into_iter().flatten() {
        if let Some(path) = dependency.get_mut("path")
            && let Some(relative) = path.as_str()
        {
            *path = Value::String(root.join(relative).display().to_string());
        }
    }
    // The binary is only judged, never debugged; without symbols it takes half the space and links faster. What it
    // depends on keeps its profile and so is not compiled again.
    let mut place = &mut manifest;
    for part in ["profile", "dev", "package"] {
        let table = place.entry(part).or_insert_with(|| Value::Table(Table::new()));
        place = table
            .as_table_mut()
            .ok_or_else(|| Problem::broken("the checkout's Cargo.toml: a profile is no table"))?;
    }
    if let Value::Table(profile) =
        place.entry(package_name.to_owned()).or_insert_with(|| Value::Table(Table::new()))
    {
        profile.insert("strip".into(), Value::String("symbols".into()));
    }
    Ok(manifest.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_keeps_versions_and_profiles_and_finds_the_checkouts_crates() {
        let root = tempfile::tempdir().unwrap();
        let manifest = r#"
            [workspace]
            members = ["grader/cli"]
            default-members = ["grader/cli"]
            [workspace.dependencies]
            kube = "5"
            lab-kit = { path = "labs/lab-kit" }
            [profile.dev]
            debug = "line-tables-only"
        "#;
        std::fs::write(root.path().join("Cargo.toml"), manifest).unwrap();
        let made =
            workspace_manifest(root.path(), Path::new("/t/grader/lab-01-0/package-lab-01-0"), "lab-01-x")
                .unwrap();
        let made = made.replace(&root.path().display().to_string(), "ROOT");
        insta::assert_snapshot!(made, @r#"
        [profile.dev]
        debug = "line-tables-only"

        [profile.dev.package.lab-01-x]
        strip = "symbols"

        [workspace]
        members = ["package-lab-01-0"]

        [workspace.dependencies]
        kube = "5"

        [workspace.dependencies.lab-kit]
        path = "ROOT/labs/lab-kit"
        "#);
    }
}
