//! The operator's process: untrusted, bounded, and gone when it is dropped.

use super::output::Output;
use super::watchdog::{Stuck, Watchdog};
use crate::running;
use lab_kit_protocol::{FrameError, Mode, ToGrader, ToOperator};
use std::io::{self, BufReader, ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How often to look after a process that says nothing.
const PATIENCE: Duration = Duration::from_millis(50);

/// How long a process may take to end after it has closed its connection.
const ENDING: Duration = Duration::from_millis(500);

/// A running operator.
///
/// # Guarantees
/// It has an environment that is the same everywhere, a process group of its own, and is killed and reaped with
/// its group when this is dropped.
pub(super) struct OperatorProcess {
    child: Child,
    socket: BufReader<Patient>,
}

/// How a process came to its end, or how it left the conversation.
#[derive(Debug)]
pub(super) enum Ended {
    /// The binary cannot be run.
    NotStarted(io::Error),
    /// It ended.
    Exit(ExitStatus),
    /// It runs on, without its connection.
    HungUp,
    /// It sent what is not the protocol.
    Junk(String),
    /// It says nothing and will not.
    Stuck(Stuck),
    /// Something else about the connection.
    Broken(io::Error),
}

impl OperatorProcess {
    /// Starts the binary. It gets no arguments, no environment but what the kit needs, and the other end of the
    /// conversation as its standard input.
    pub(super) fn spawn(
        binary: &Path,
        mode: Mode,
        identity: &str,
        wall_end: Instant,
    ) -> Result<OperatorProcess, Ended> {
        let spawn = || -> io::Result<OperatorProcess> {
            let (ours, theirs) = UnixStream::pair()?;
            let (output, printed) = UnixStream::pair()?;
            output.set_nonblocking(true)?;
            ours.set_read_timeout(Some(PATIENCE))?;
            let mut command = Command::new(binary);
            command
                .env_clear()
                .env(Mode::VARIABLE, mode.as_str())
                .env("HOSTNAME", identity)
                .env("RUST_BACKTRACE", "0")
                .current_dir("/")
                .stdin(Stdio::from(OwnedFd::from(theirs)))
                .stdout(Stdio::from(OwnedFd::from(printed.try_clone()?)))
                .stderr(Stdio::from(OwnedFd::from(printed)))
                .process_group(0);
            let child = running::spawn(&mut command)?;
            // Our copies of the other ends, so that their closing is noticed.
            drop(command);
            let watchdog = Watchdog::new(child.id(), wall_end);
            let socket = BufReader::new(Patient { socket: ours, output: Output::new(output), watchdog });
            Ok(OperatorProcess { child, socket })
        };
        spawn().map_err(Ended::NotStarted)
    }

    /// Sends one message.
    pub(super) fn send(&mut self, message: &ToOperator) -> Result<(), Ended> {
        let sent = lab_kit_protocol::write(&mut self.socket.get_mut().socket, message);
        sent.map_err(|error| self.ended(error))
    }

    /// Waits for one message.
    pub(super) fn receive(&mut self) -> Result<ToGrader, Ended> {
        self.socket.get_mut().watchdog.expect_message();
        lab_kit_protocol::read(&mut self.socket).map_err(|error| self.ended(error))
    }

    /// The end of what it printed, for people.
    pub(super) fn output(&mut self) -> String {
        let output = &mut self.socket.get_mut().output;
        output.drain();
        output.text()
    }

    fn ended(&mut self, error: FrameError) -> Ended {
        match error {
            FrameError::Io(error) => match (error.kind(), self.socket.get_mut().watchdog.stuck()) {
                (_, Some(stuck)) => Ended::Stuck(stuck),
                (ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::ConnectionReset, _) => {
                    self.exit()
                }
                _ => Ended::Broken(error),
            },
            FrameError::Closed => self.exit(),
            FrameError::TooLong(_) | FrameError::Malformed(_) => Ended::Junk(error.to_string()),
        }
    }

    /// Its connection is closed: nearly always because it has ended.
    fn exit(&mut self) -> Ended {
        let until = Instant::now() + ENDING;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Ended::Exit(status),
                Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(1)),
                Ok(None) => return Ended::HungUp,
                Err(error) => return Ended::Broken(error),
            }
        }
    }
}

impl Drop for OperatorProcess {
    fn drop(&mut self) {
        // Errors mean that it is gone already.
        if let Ok(Some(group)) = i32::try_from(self.child.id()).map(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
        running::forget(&self.child);
        let _ = self.child.wait();
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Ended::NotStarted(error) => write!(f, "its binary does not start: {error}"),
            Ended::Exit(status) => match (status.code(), status.signal()) {
                (Some(code), _) => write!(f, "the process ended by itself, with exit status {code}"),
                (None, Some(signal)) => write!(f, "the process was ended by signal {signal}"),
                (None, None) => write!(f, "the process ended"),
            },
            Ended::HungUp => write!(f, "the process closed its connection to the API"),
            Ended::Junk(error) => write!(f, "the process wrote into its connection to the API: {error}"),
            Ended::Stuck(stuck) => write!(f, "{stuck}"),
            Ended::Broken(error) => write!(f, "the connection to the process failed: {error}"),
        }
    }
}

/// Reads with patience: while nothing comes, it takes what the process prints (a full pipe would stop it) and
/// lets the watchdog look.
struct Patient {
    socket: UnixStream,
    output: Output,
    watchdog: Watchdog,
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.socket.read(buffer) {
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    self.output.drain();
                    if self.watchdog.look(self.output.is_flood()).is_some() {
                        return Err(ErrorKind::TimedOut.into());
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }
}
