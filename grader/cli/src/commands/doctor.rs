//! `grader doctor`: what this machine has, what it lacks, and the command that mends it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;

use crate::checkout::Checkout;
use crate::console::{Console, Look, harmless, shorten};
use crate::exit_code::{ExitCode, Problem};

/// The oldest compiler that builds the workbook.
const RUST: &str = env!("CARGO_PKG_RUST_VERSION");
/// What a target folder of the workbook grows to.
const NEEDED_GIB: u64 = 4;

/// Say what this machine has and lacks
#[derive(Debug, Args)]
pub(super) struct Doctor {}

/// One thing looked at.
struct Finding {
    what: &'static str,
    state: State,
    seen: String,
    /// The command or the place that mends it.
    mend: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Here,
    /// Only something that no lab needs today does not work.
    Optional,
    /// No lab can be checked.
    Missing,
}

impl Doctor {
    pub(super) fn run(self, console: &mut Console) -> Result<ExitCode, Problem> {
        let look = console.look();
        let checkout = Checkout::find().ok();
        let root = checkout.as_ref().map(|checkout| checkout.root.as_path());
        console.line(look.bold("To check labs"));
        let needed = [rust(), cargo(), linker(), disk(root), dependencies(root)];
        for finding in &needed {
            console.line(render(look, finding));
        }
        console.line(look.bold("\nTo judge the work of others in a sandbox"));
        for finding in [landlock(), seccomp(), tool("bubblewrap", "bwrap", "apt install bubblewrap")] {
            console.line(render(look, &finding));
        }
        console.line(look.bold("\nTo look at a real cluster"));
        let tools = [
            tool("docker", "docker", "install Docker or Podman; kind runs its nodes in it"),
            tool("kind", "kind", "go install sigs.k8s.io/kind@latest"),
            tool("kubectl", "kubectl", "install kubectl from the Kubernetes release page"),
        ];
        for finding in tools {
            console.line(render(look, &finding));
        }
        let ready = needed.iter().all(|finding| finding.state != State::Missing);
        let sum = if ready {
            look.good("\nThis machine can check labs.")
        } else {
            look.bad("\nThis machine cannot check labs yet.")
        };
        console.line(sum);
        Ok(if ready { ExitCode::Passed } else { ExitCode::Machine })
    }
}

fn render(look: Look, finding: &Finding) -> String {
    let sign = match finding.state {
        State::Here => look.good("✓"),
        State::Optional => look.warn("–"),
        State::Missing => look.bad("✗"),
    };
    let seen = shorten(&harmless(&finding.seen, 200), look.width.saturating_sub(22));
    let mut text = format!("  {sign} {:<14}  {seen}", finding.what);
    if let Some(mend) = finding.mend.filter(|_| finding.state != State::Here) {
        text.push_str(&format!("\n      next  {mend}"));
    }
    text
}

fn rust() -> Finding {
    let mend = Some("rustup update stable");
    match first_line("rustc", &["--version"]) {
        Some(seen) => {
            let version = seen.split(' ').nth(1).unwrap_or_default();
            let state = if at_least(version, RUST) { State::Here } else { State::Missing };
            Finding { what: "Rust", state, seen: format!("{seen} (needs {RUST})"), mend }
        }
        None => Finding {
            what: "Rust",
            state: State::Missing,
            seen: "rustc does not run".into(),
            mend: Some("install Rust with rustup"),
        },
    }
}

fn cargo() -> Finding {
    match first_line("cargo", &["--version"]) {
        Some(seen) => Finding { what: "cargo", state: State::Here, seen, mend: None },
        None => Finding {
            what: "cargo",
            state: State::Missing,
            seen: "cargo does not run".into(),
            mend: Some("install Rust with rustup, then open a new shell"),
        },
    }
}

fn linker() -> Finding {
    let mend = Some("Debian: apt install build-essential; macOS: xcode-select --install");
    match first_line("cc", &["--version"]) {
        Some(seen) => Finding { what: "linker", state: State::Here, seen, mend },
        None => Finding { what: "linker", state: State::Missing, seen: "cc does not run".into(), mend },
    }
}

fn disk(root: Option<&Path>) -> Finding {
    let mend = Some("cargo clean in checkouts you do not use");
    let here = root.map_or_else(|| std::env::current_dir().unwrap_or_default(), Path::to_owned);
    match rustix::fs::statvfs(&here) {
        Ok(found) => {
            let free = found.f_bavail.saturating_mul(found.f_frsize) >> 30;
            let state = if free >= NEEDED_GIB { State::Here } else { State::Optional };
            Finding {
                what: "disk",
                state,
                seen: format!("{free} GiB free (a first build needs {NEEDED_GIB})"),
                mend,
            }
        }
        Err(error) => Finding {
            what: "disk",
            state: State::Optional,
            seen: format!("cannot be asked: {error}"),
            mend: None,
        },
    }
}

/// Whether everything that the labs depend on is on this machine, so that no network is needed.
fn dependencies(root: Option<&Path>) -> Finding {
    let mend = Some("cargo fetch --locked, once, with a network");
    let Some(root) = root else {
        return Finding {
            what: "dependencies",
            state: State::Optional,
            seen: "not inside a checkout".into(),
            mend: Some("cd into the checkout, then ask again"),
        };
    };
    // Other platforms' dependencies are never downloaded here, so only this one's are asked for.
    let version = Command::new("rustc").arg("-vV").output().map(|output| output.stdout).unwrap_or_default();
    let version = String::from_utf8_lossy(&version).into_owned();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    let status = Command::new("cargo")
        .current_dir(root)
        .args(["metadata", "--offline", "--locked", "--format-version=1", "--filter-platform", host])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if status.is_ok_and(|status| status.success()) {
        return Finding {
            what: "dependencies",
            state: State::Here,
            seen: "all are here; works offline".into(),
            mend,
        };
    }
    Finding { what: "dependencies", state: State::Optional, seen: "some are not downloaded yet".into(), mend }
}

fn landlock() -> Finding {
    let modules = std::fs::read_to_string("/sys/kernel/security/lsm").unwrap_or_default();
    let here = modules.split(',').any(|module| module.trim() == "landlock");
    let (state, seen) = match (here, cfg!(target_os = "linux")) {
        (true, _) => (State::Here, "the kernel has it"),
        (false, true) if modules.is_empty() => {
            (State::Optional, "cannot be seen: securityfs is not mounted here")
        }
        (false, true) => (State::Optional, "the kernel runs without it"),
        (false, false) => (State::Optional, "Linux only"),
    };
    Finding {
        what: "landlock",
        state,
        seen: seen.into(),
        mend: Some("boot with landlock in the kernel's lsm= list"),
    }
}

fn seccomp() -> Finding {
    let here = Path::new("/proc/sys/kernel/seccomp/actions_avail").is_file();
    let (state, seen) = match (here, cfg!(target_os = "linux")) {
        (true, _) => (State::Here, "the kernel has it"),
        (false, true) => (State::Optional, "the kernel does not show it"),
        (false, false) => (State::Optional, "Linux only"),
    };
    Finding {
        what: "seccomp",
        state,
        seen: seen.into(),
        mend: Some("use a kernel built with CONFIG_SECCOMP_FILTER"),
    }
}

/// Tools are only looked for: some wait for a daemon when they are run.
fn tool(what: &'static str, program: &str, mend: &'static str) -> Finding {
    match on_path(program) {
        Some(path) => Finding { what, state: State::Here, seen: path.display().to_string(), mend: None },
        None => Finding {
            what,
            state: State::Optional,
            seen: "not on the PATH; no lab needs it".into(),
            mend: Some(mend),
        },
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    output.status.success().then(|| text.lines().next().unwrap_or_default().to_owned())
}

fn at_least(version: &str, wanted: &str) -> bool {
    let numbers =
        |text: &str| -> Vec<u32> { text.split(['.', '-']).map_while(|part| part.parse().ok()).collect() };
    numbers(version) >= numbers(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        assert!(at_least("1.95.0", "1.95"));
        assert!(at_least("1.100.0", "1.95"));
        assert!(at_least("2.0.0-nightly", "1.95"));
        assert!(!at_least("1.9.0", "1.95"));
        assert!(!at_least("", "1.95"));
    }
}
