//! Simulated mode: virtual time, in lock step with a grader.
//!
//! The runtime is one thread with a paused clock. A request is one *blocking* round trip, so that time cannot move
//! while the API works; what watches carry comes back with the answers, to arrive at its virtual time. Between
//! requests the runtime runs whatever is ready and jumps from timer to timer, up to the time that the grader has
//! named; then it waits, blocking again, for what the grader says next. No socket is ever used asynchronously:
//! beside a paused clock that would let time run away (tokio#8232).

mod connection;
mod service;
mod stream;

use crate::Context;
use crate::pinned::{self, Clock};
use connection::Connection;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use lab_kit_protocol::{PROTOCOL, Start, ToGrader, ToOperator};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::time::Instant;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

/// Greets with the definitions, and that is all.
pub(crate) fn show_definitions(definitions: &[CustomResourceDefinition]) -> ExitCode {
    let shown = Connection::open().and_then(|connection| {
        let definitions = definitions.iter().map(serde_json::to_vec).collect::<Result<_, _>>()?;
        Ok(connection.send(&ToGrader::Hello { protocol: PROTOCOL, definitions })?)
    });
    shown.map_or_else(|error| unreachable_grader(&error), |()| ExitCode::SUCCESS)
}

/// Runs the operator for as long as the grader wants.
pub(crate) fn main<Run, Running>(run: Run) -> ExitCode
where
    Run: FnOnce(Context) -> Running + Send,
    Running: Future<Output = anyhow::Result<()>>,
{
    pinned::die_with_parent();
    let started = Connection::open().and_then(|connection| {
        connection.send(&ToGrader::Hello { protocol: PROTOCOL, definitions: Vec::new() })?;
        match connection.receive()? {
            ToOperator::Start(start) => Ok((Arc::new(connection), start)),
            other => anyhow::bail!("the grader began with {other:?}"),
        }
    });
    let (connection, start) = match started {
        Ok(started) => started,
        Err(error) => return unreachable_grader(&error),
    };
    report_panics(connection.clone());
    // A fresh thread, because this one may have drawn random numbers already.
    std::thread::scope(|scope| {
        let simulation = std::thread::Builder::new().name("operator".into()).spawn_scoped(scope, || {
            pinned::pin_random(start.seed, identity(&start));
            simulate(&connection, &start, run)
        });
        match simulation.map(|thread| thread.join()) {
            Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    })
}

fn unreachable_grader(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: failed to reach the grader: {error:#}");
    ExitCode::FAILURE
}

fn simulate<Run, Running>(connection: &Arc<Connection>, start: &Start, run: Run) -> anyhow::Result<()>
where
    Run: FnOnce(Context) -> Running,
    Running: Future<Output = anyhow::Result<()>>,
{
    log_to_stderr();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    let _context = runtime.enter();
    connection.start_clock(Instant::now(), start.now_ms);
    let since_epoch = i64::try_from(start.now_ms)? * 1_000_000;
    pinned::pin_clock(Clock { start: Instant::now(), wall_ns: start.epoch_ns + since_epoch });

    let context =
        Context { client: service::client(connection.clone()), identity: identity(start).to_owned() };
    // Polled only when woken, however often the loop below comes round.
    let mut operator = FuturesUnordered::from_iter([run(context)]);
    loop {
        connection.send(&ToGrader::Idle { now_ms: connection.now_ms() })?;
        match connection.receive()? {
            ToOperator::RunUntil(run) => connection.take(run),
            other => anyhow::bail!("the grader answered Idle with {other:?}"),
        }
        let ended = runtime.block_on(async {
            tokio::select! {
                biased;
                ended = operator.next() => ended,
                () = connection.run_out() => None,
            }
        });
        if let Some(result) = ended {
            let message = result.as_ref().err().map(|error| format!("{error:#}")).unwrap_or_default();
            connection.send(&ToGrader::Exited { ok: result.is_ok(), message })?;
            return result;
        }
    }
}

fn identity(start: &Start) -> &str {
    start.settings.get("identity").map_or("operator-0", String::as_str)
}

/// What the operator logs goes to the report of a failure. kube's own lines say little to its reader.
fn log_to_stderr() {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false).without_time();
    let levels = Targets::new().with_default(LevelFilter::INFO).with_target("kube", LevelFilter::WARN);
    tracing_subscriber::registry().with(lines.with_filter(levels)).init();
}

/// A panic anywhere in the process is told to the grader: tokio would keep one in a task to itself.
fn report_panics(connection: Arc<Connection>) {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        print(panic);
        let message = panic.payload_as_str().unwrap_or("no message");
        let place = panic.location().map(|place| format!(" at {place}")).unwrap_or_default();
        connection.send_in_passing(&ToGrader::Panicked { message: format!("{message}{place}") });
    }));
}
