//! Live mode: a real cluster, real time.

use crate::Context;
use anyhow::Context as _;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Client;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// The command line is only `crd`, or nothing.
pub(crate) fn main<Run, Running>(
    definitions: impl FnOnce() -> Vec<CustomResourceDefinition>,
    run: Run,
) -> ExitCode
where
    Run: FnOnce(Context) -> Running,
    Running: Future<Output = anyhow::Result<()>>,
{
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => serve(run),
        ["crd"] => print_definitions(&definitions()),
        _ => {
            eprintln!("usage: {} [crd]", std::env::args().next().unwrap_or_default());
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print_definitions(definitions: &[CustomResourceDefinition]) -> anyhow::Result<()> {
    for definition in definitions {
        println!("---\n{}", serde_saphyr::to_string(definition)?.trim_end());
    }
    Ok(())
}

fn serve<Run, Running>(run: Run) -> anyhow::Result<()>
where
    Run: FnOnce(Context) -> Running,
    Running: Future<Output = anyhow::Result<()>>,
{
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = tokio::runtime::Runtime::new().context("failed to start the runtime")?;
    runtime.block_on(async {
        let client = Client::try_default().await.context(
            "failed to find a cluster: is KUBECONFIG or ~/.kube/config there? `kubectl cluster-info` tells",
        )?;
        let context = Context { client, identity: identity() };
        tokio::select! {
            result = run(context) => result.context("the operator ended"),
            _ = tokio::signal::ctrl_c() => {
                tracing::info!("interrupted; the operator ends");
                Ok(())
            }
        }
    })
}

/// The pod's name in a cluster, and elsewhere something as unique.
fn identity() -> String {
    std::env::var("HOSTNAME").unwrap_or_else(|_| format!("operator-{}", std::process::id()))
}
