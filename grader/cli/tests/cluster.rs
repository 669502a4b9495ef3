//! `grader cluster` as scripts meet it: the flags, what it prints where, the files it writes and the processes it leaves.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// A folder of its own, outside of any checkout, and the clusters that were started from it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_grader"));
        command
            .current_dir(self.folder.path())
            .args(arguments.split_whitespace())
            .env("HOME", self.folder.path())
            .env("XDG_STATE_HOME", self.path("state"))
            .env("LC_ALL", "C.UTF-8")
            .env("COLUMNS", "100");
        for variable in ["CARGO_MANIFEST_DIR", "CLICOLOR_FORCE", "NO_COLOR", "KUBECONFIG"] {
            command.env_remove(variable);
        }
        command
    }

    fn run(&self, arguments: &str) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a command printed and how it ended, with what differs from run to run taken out.
    fn told(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        let (out, err) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        let text = format!("$ grader {arguments}\n{out}{err}exit code {}\n", output.status.code().unwrap());
        self.redacted(&text)
    }

    fn redacted(&self, text: &str) -> String {
        let text = text.replace(&self.folder.path().display().to_string(), "[folder]");
        let mut redacted = String::new();
        let mut rest = text.as_str();
        // Ports are what differs: five digits or the like after an address, or as a folder.
        while let Some(at) = rest.find(|character: char| character.is_ascii_digit()) {
            redacted.push_str(&rest[..at]);
            let digits =
                rest[at..].find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len() - at);
            let number = &rest[at..at + digits];
            redacted.push_str(if number.len() > 3 { "[port]" } else { number });
            rest = &rest[at + digits..];
        }
        redacted + rest
    }

    /// A cluster in the foreground, ready; and the line that says so.
    fn up(&self, arguments: &str) -> (Foreground, String) {
        let mut child = self
            .command(&format!("cluster up --embedded --port 0 {arguments}"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let foreground = Foreground { child, output };
        assert!(line.starts_with("ready at https://127.0.0.1:"), "{line}");
        (foreground, line)
    }
}

/// A cluster left behind by a failed test ends with it.
impl Drop for Place {
    fn drop(&mut self) {
        let Ok(clusters) = std::fs::read_dir(self.path("state/grader/clusters")) else { return };
        for cluster in clusters.flatten() {
            self.run(&format!("cluster down --port {}", cluster.file_name().display()));
        }
    }
}

struct Foreground {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Foreground {
    /// Sends a signal and waits: the exit code, and everything else that was printed.
    fn end(mut self, signal: rustix::process::Signal) -> (Option<i32>, String) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, signal).unwrap();
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn mistakes_say_what_is_wrong_and_exit_as_documented() {
    let place = Place::new();
    std::fs::write(place.path("bad.csv"), "token,alice\n").unwrap();
    std::fs::write(place.path("bad.json"), "{}").unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mistakes = [
        "cluster up --kind",
        "cluster up --embedded --token-auth-file nowhere.csv",
        "cluster up --embedded --token-auth-file bad.csv",
        "cluster up --embedded --port 0 --data bad.json",
        "cluster up --embedded --port 0 --kubeconfig .kube/config",
        "cluster up --embedded --port 0 --token-auth-file bad.csv --detach",
        "cluster down",
        "cluster down --port 1",
        "cluster kubeconfig",
        "cluster status",
    ];
    insta::assert_snapshot!(mistakes.map(|arguments| place.told(arguments)).join("\n"));
    for (arguments, says, code) in [
        ("--controllers nonsense", "\"nonsense\" is not", 2),
        (
            "--kubeconfig nowhere/kubeconfig",
            "nowhere/kubeconfig cannot be written: No such file or directory",
            4,
        ),
    ] {
        let told = place.told(&format!("cluster up --embedded --port 0 {arguments}"));
        assert!(told.contains(says) && told.ends_with(&format!("exit code {code}\n")), "{told}");
    }
    for detached in ["", " --detach"] {
        let told = place.told(&format!("cluster up --embedded --port {port}{detached}"));
        assert!(told.contains("failed to listen on 127.0.0.1:[port]: "), "{told}");
        assert!(
            told.contains("choose another port with --port") && told.ends_with("exit code 4\n"),
            "{told}"
        );
    }
    let neither = place.run("cluster up");
    assert_eq!(neither.status.code(), Some(2));
}

#[test]
fn a_cluster_in_the_foreground_prints_one_line_and_ends_in_order_on_a_signal() {
    use rustix::process::Signal;
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let place = Place::new();
        std::fs::write(place.path("tokens.csv"), "secret,alice,1,\"dev,ops\"\n").unwrap();
        let (cluster, line) = place.up("--token-auth-file tokens.csv --kubeconfig out --controllers -job,*");
        assert!(line.trim_end().ends_with("/out"), "{line}");
        assert_eq!(mode(&place.path("out")), 0o600, "it holds a key");
        assert!(
            std::fs::read_to_string(place.path("ca.crt")).unwrap().starts_with("-----BEGIN CERTIFICATE-----")
        );
        assert!(place.told("cluster status").contains("KUBECONFIG=[folder]/out"));
        assert_eq!(cluster.end(signal), (Some(0), String::new()));
        assert!(place.told("cluster status").contains("no cluster runs"));
        assert!(!place.path(".kube").exists(), "nobody's own kubeconfig is touched");
    }
}

#[test]
fn a_detached_cluster_is_found_and_ended_by_the_other_commands() {
    let place = Place::new();
    insta::assert_snapshot!(place.told("cluster up --embedded --port 0 --detach"), @r"
    $ grader cluster up --embedded --port 0 --detach
    ready at https://127.0.0.1:[port]  KUBECONFIG=[folder]/state/grader/clusters/[port]/kubeconfig
    exit code 0
    ");
    insta::assert_snapshot!(place.told("cluster status"), @r"
    $ grader cluster status
    https://127.0.0.1:[port]  KUBECONFIG=[folder]/state/grader/clusters/[port]/kubeconfig
    exit code 0
    ");
    let path = String::from_utf8(place.run("cluster kubeconfig --path").stdout).unwrap();
    let printed = String::from_utf8(place.run("cluster kubeconfig").stdout).unwrap();
    assert_eq!(std::fs::read_to_string(path.trim_end()).unwrap(), printed);
    assert!(printed.contains("server: https://127.0.0.1:"), "{printed}");
    insta::assert_snapshot!(place.told("cluster down"), @r"
    $ grader cluster down
    the cluster at https://127.0.0.1:[port] is stopped
    exit code 0
    ");
    assert!(place.told("cluster status").contains("no cluster runs"));
    assert_eq!(std::fs::read_dir(place.path("state/grader/clusters")).unwrap().count(), 0, "nothing is left");
}

#[test]
fn of_several_clusters_one_has_to_be_named() {
    let place = Place::new();
    place.run("cluster up --embedded --port 0 --detach");
    place.run("cluster up --embedded --port 0 --detach");
    let told = place.told("cluster down");
    assert!(told.contains("several clusters run") && told.ends_with("exit code 2\n"), "{told}");
    let status = String::from_utf8(place.run("cluster status").stdout).unwrap();
    let ports = status.lines().map(|line| line.split([':', ' ']).nth(2).unwrap());
    for port in ports {
        assert!(place.told(&format!("cluster down --port {port}")).ends_with("exit code 0\n"));
    }
}

#[test]
fn a_killed_cluster_is_not_running_and_its_port_can_be_used_again() {
    let place = Place::new();
    let (cluster, line) = place.up("--data data.json");
    let port = line.split([':', ' ']).nth(4).unwrap().to_owned();
    assert_eq!(cluster.end(rustix::process::Signal::KILL).0, None);
    assert!(place.told("cluster status").contains("no cluster runs"));
    let again = place.told(&format!("cluster up --embedded --port {port} --data data.json --detach"));
    assert!(again.ends_with("exit code 0\n"), "{again}");
}

#[test]
fn two_clusters_do_not_share_their_data() {
    let place = Place::new();
    let (first, _) = place.up("--data data.json");
    let told = place.told("cluster up --embedded --port 0 --data data.json");
    insta::assert_snapshot!(told);
    first.end(rustix::process::Signal::TERM);
    let again = place.told("cluster up --embedded --port 0 --data data.json --detach");
    assert!(again.ends_with("exit code 0\n"), "{again}");
}

#[test]
fn what_a_cluster_held_is_there_after_down_and_up() {
    let place = Place::new();
    let certificate = || std::fs::read_to_string(place.path("ca.crt")).unwrap();
    let up = "cluster up --embedded --port 0 --detach --data data.json --kubeconfig kubeconfig";
    place.run(up);
    let before = certificate();
    place.run("cluster down");
    assert_eq!(mode(&place.path("data.json")), 0o600, "it holds keys");
    place.run(up);
    assert_eq!(certificate(), before);
}
