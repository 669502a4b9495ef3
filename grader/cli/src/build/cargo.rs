//! Cargo as a machine: what it built, and what the compiler said.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde::Deserialize;

use super::{BuildError, Built};
use crate::console::{Console, harmless, plural};
use crate::exit_code::Problem;
use crate::interrupt;

/// A compiler error longer than this says nothing more.
const LONGEST_ERROR: usize = 6_000;

/// What to build.
pub(super) struct Order<'a> {
    /// Where cargo runs: the checkout, so that its configuration and its toolchain count, and nobody else's.
    pub(super) folder: &'a Path,
    pub(super) manifest: &'a Path,
    pub(super) package: &'a str,
    /// Where finished binaries go, when not to the usual place, and where everything else is shared.
    pub(super) artifacts: Option<(&'a Path, &'a Path)>,
    /// What people call it.
    pub(super) label: &'a str,
}

/// Builds one binary. What the build depends on is compiled once, whoever orders it.
pub(super) fn build(order: &Order<'_>, console: &mut Console) -> Result<Built, BuildError> {
    let started = Instant::now();
    let mut command = cargo(order.folder);
    command.args(["build", "--message-format=json", "--color=never", "--manifest-path"]);
    command.arg(order.manifest).args(["--package", order.package, "--bins"]);
    if let Some((finished, shared)) = order.artifacts {
        command.env("CARGO_TARGET_DIR", finished).env("CARGO_BUILD_BUILD_DIR", shared);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    console.status(&format!("building {} …", order.label));
    let mut child = command.spawn().map_err(no_cargo)?;
    let guard = interrupt::watch_build(child.id());
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(Problem::broken("cargo was started without pipes").into());
    };
    let complaints = std::thread::spawn(move || tail(stderr));
    let report = follow(stdout, order, console, started);
    let status = child.wait();
    drop(guard);
    console.clear_status();
    let complaints = complaints.join().unwrap_or_default();
    let seconds = started.elapsed().as_secs_f64();
    if status.is_ok_and(|status| status.success()) {
        let executable = report.executable.ok_or_else(|| {
            Problem::broken(format!("cargo built no binary `{}`", order.package))
                .next("git status: the lab's Cargo.toml and src/main.rs belong to the course")
        })?;
        return Ok(Built { executable, seconds, warnings: report.warnings });
    }
    if report.errors.is_empty() {
        return Err(not_the_compiler(order, &complaints).into());
    }
    Err(BuildError::Compiler { errors: report.errors, seconds })
}

/// Where this checkout keeps what is built on the way, and which all its builds share.
pub(super) fn build_folder(root: &Path) -> Result<PathBuf, Problem> {
    #[derive(Deserialize)]
    struct Metadata {
        target_directory: PathBuf,
        build_directory: Option<PathBuf>,
    }
    let output = cargo(root)
        .args(["metadata", "--no-deps", "--format-version=1", "--manifest-path"])
        .arg(root.join("Cargo.toml"))
        .stdin(Stdio::null())
        .output()
        .map_err(no_cargo)?;
    let metadata: Metadata = serde_json::from_slice(&output.stdout).map_err(|_| {
        let complaints = String::from_utf8_lossy(&output.stderr);
        Problem::broken(format!("cargo cannot read this workspace\n{}", harmless(complaints.trim(), 2_000)))
            .next("git status: files outside of the labs' editable ones belong to the course")
    })?;
    Ok(metadata.build_directory.unwrap_or(metadata.target_directory))
}

/// What the compiler calls itself; nothing when there is none, which the build then says.
pub(super) fn compiler_version() -> String {
    let output = Command::new("rustc").arg("-vV").stdin(Stdio::null()).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(folder);
    // `cargo run` describes the grader's own package in the environment. Build scripts that look at such variables
    // (ring's does) would run again with each change between a build from here and one from a shell.
    for (name, _) in std::env::vars_os() {
        let describes_the_grader = name.to_str().is_some_and(|name| {
            ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
        });
        if describes_the_grader {
            command.env_remove(name);
        }
    }
    command
}

/// What of cargo's messages matters here.
#[derive(Deserialize)]
#[serde(tag = "reason")]
enum Message {
    #[serde(rename = "compiler-artifact")]
    Built { target: Target, executable: Option<PathBuf>, fresh: bool },
    #[serde(rename = "compiler-message")]
    Said { target: Target, message: Diagnostic },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

#[derive(Deserialize)]
struct Diagnostic {
    level: String,
    rendered: Option<String>,
}

#[derive(Default)]
struct Report {
    executable: Option<PathBuf>,
    errors: Vec<String>,
    warnings: usize,
}

fn follow(stdout: impl Read, order: &Order<'_>, console: &mut Console, started: Instant) -> Report {
    let mut report = Report::default();
    let mut compiled = 0;
    for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
        match serde_json::from_slice(&line) {
            Ok(Message::Built { target, executable, fresh }) => {
                if target.name == order.package && executable.is_some() {
                    report.executable = executable;
                }
                if !fresh {
                    compiled += 1;
                    let crates = plural(compiled, "crate");
                    let seconds = started.elapsed().as_secs();
                    console.status(&format!(
                        "building {} · {crates} compiled · {seconds} s · {}",
                        order.label, target.name
                    ));
                }
            }
            Ok(Message::Said { target, message }) => {
                // The closing "aborting due to …" has no place of its own and says nothing new.
                let rendered = message.rendered.filter(|text| !text.starts_with("error: aborting due to"));
                match (message.level.as_str(), rendered) {
                    ("error" | "error: internal compiler error", Some(text)) => {
                        report.errors.push(harmless(text.trim_end(), LONGEST_ERROR));
                    }
                    ("warning", Some(_)) if target.name == order.package => report.warnings += 1,
                    _ => {}
                }
            }
            Ok(Message::Other) | Err(_) => {}
        }
    }
    report
}

/// The last lines of what cargo itself had to say.
fn tail(stderr: impl Read) -> String {
    let mut lines = VecDeque::new();
    for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
        if lines.len() == 40 {
            lines.pop_front();
        }
        lines.push_back(harmless(&String::from_utf8_lossy(&line), 400));
    }
    Vec::from(lines).join("\n").trim().to_owned()
}

/// Cargo failed without the compiler: the linker, the registry, the lock file, a broken manifest.
fn not_the_compiler(order: &Order<'_>, complaints: &str) -> Problem {
    let lacks_registry =
        ["failed to download", "failed to fetch", "offline", "Could not resolve host", "failed to get"];
    if lacks_registry.iter().any(|sign| complaints.contains(sign)) {
        return Problem::machine(format!(
            "{} cannot be built: a dependency is not here\n{complaints}",
            order.label
        ))
        .next("cargo fetch --locked, once, with a network; after that everything works offline");
    }
    if complaints.contains("linker `") || complaints.contains("linking with") {
        return Problem::machine(format!("{} cannot be linked\n{complaints}", order.label))
            .next("install a C linker (Debian: apt install build-essential, macOS: xcode-select --install)");
    }
    if complaints.contains("No space left on device") {
        return Problem::machine(format!("{} cannot be built: the disk is full\n{complaints}", order.label))
            .next("free some space; cargo clean in old checkouts gives back gigabytes");
    }
    Problem::does_not_build(format!("{} cannot be built\n{complaints}", order.label))
        .next("git status: everything but the lab's editable files belongs to the course")
}

fn no_cargo(error: std::io::Error) -> Problem {
    Problem::machine(format!("cargo cannot be started: {error}"))
        .next("install Rust with rustup, then open a new shell so that cargo is on the PATH")
}
