//! Clusters in processes of their own: ours, and a real kube-apiserver where `KUBEBUILDER_ASSETS` names one.

use crate::client::{Access, Failure};
use controlplane::access::User;
use controlplane_server::{Authority, Cluster, Limits, Settings};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const TOKEN: &str = "token-of-the-benchmark";
/// Tells this binary to be the server.
pub(crate) const SERVE: &str = "serve";

/// A running cluster; gone when dropped.
pub(crate) struct Running {
    pub(crate) name: &'static str,
    pub(crate) access: Access,
    /// From the start of the process to the first good answer of `/readyz`.
    pub(crate) ready: Duration,
    /// The API server's is the last.
    processes: Vec<Child>,
    _folder: TempDir,
}

impl Running {
    /// Starts our own: this binary once more, as a server.
    pub(crate) async fn ours() -> Result<Self, Failure> {
        let start = Instant::now();
        let folder = tempfile::tempdir()?;
        let certificate = folder.path().join("ca.crt");
        let mut child = Command::new(std::env::current_exe()?)
            .arg(SERVE)
            .arg(&certificate)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut address = String::new();
        let output = child.stdout.take().ok_or("the server has no output")?;
        BufReader::new(output).read_line(&mut address)?;
        let access = Access::new(address.trim().parse()?, TOKEN, &fs::read_to_string(certificate)?)?;
        let ready = until_ready(&access, start).await?;
        Ok(Self { name: "ours", access, ready, processes: vec![child], _folder: folder })
    }

    /// Starts etcd and kube-apiserver; none, with a visible line, where there are none.
    pub(crate) async fn real() -> Result<Option<Self>, Failure> {
        let assets = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
        let Some(assets) = assets.filter(|folder| folder.join("kube-apiserver").exists()) else {
            println!(
                "skipped: no kube-apiserver to compare with; KUBEBUILDER_ASSETS names no folder that has one"
            );
            return Ok(None);
        };
        let folder = tempfile::tempdir()?;
        let start = Instant::now();
        let etcd = etcd(&assets, folder.path())?;
        let (server, address) = kube_apiserver(&assets, folder.path(), etcd.1)?;
        let processes = vec![etcd.0, server];
        let certificate = folder.path().join("apiserver.crt");
        while fs::read(&certificate).is_ok_and(|text| text.is_empty()) || !certificate.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let access = Access::new(address, TOKEN, &fs::read_to_string(certificate)?)?;
        let mut running =
            Self { name: "kube-apiserver", access, ready: Duration::ZERO, processes, _folder: folder };
        running.ready = until_ready(&running.access, start).await?;
        Ok(Some(running))
    }

    /// Memory of the API server's process in MiB, where the system tells.
    pub(crate) fn memory(&self) -> Option<f64> {
        let process = self.processes.last()?.id();
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
        Some(kilobytes / 1024.0)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for process in self.processes.iter_mut().rev() {
            // Who is gone already needs no end.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Is our server, for good; tells where it is, and writes the certificate to trust to this file.
pub(crate) fn serve(certificate: &str) -> Result<(), Failure> {
    let cluster = Cluster::new(Settings {
        address: (Ipv4Addr::LOCALHOST, 0).into(),
        controllers: "*".parse()?,
        tokens: [(TOKEN.to_owned(), User::new("bench", ["system:masters"]))].into(),
        limits: Limits::default(),
        data: None,
    })?;
    fs::write(certificate, cluster.certificate())?;
    println!("{}", cluster.address());
    cluster.run()?;
    Ok(())
}

async fn until_ready(access: &Access, start: Instant) -> Result<Duration, Failure> {
    loop {
        if let Ok(mut client) = access.client().await
            && client.expect(http::Method::GET, "/readyz", "application/json", "").await.is_ok()
        {
            return Ok(start.elapsed());
        }
        if start.elapsed() > Duration::from_secs(120) {
            return Err("the server is not ready after two minutes; see whether it starts by hand".into());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A port that is free now.
fn free() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn etcd(assets: &Path, folder: &Path) -> Result<(Child, SocketAddr), Failure> {
    let (clients, peers) = (free()?, free()?);
    let child = quiet(Command::new(assets.join("etcd")), folder, "etcd.log")?
        .arg("--data-dir")
        .arg(folder.join("etcd"))
        .arg(format!("--listen-client-urls=http://{clients}"))
        .arg(format!("--advertise-client-urls=http://{clients}"))
        .arg(format!("--listen-peer-urls=http://{peers}"))
        .arg("--unsafe-no-fsync")
        .spawn()?;
    Ok((child, clients))
}

fn kube_apiserver(assets: &Path, folder: &Path, etcd: SocketAddr) -> Result<(Child, SocketAddr), Failure> {
    let address = free()?;
    let tokens = folder.join("tokens.csv");
    fs::write(&tokens, format!("{TOKEN},bench,1,system:masters\n"))?;
    let (key, certificate) = (folder.join("service-accounts.key"), folder.join("service-accounts.crt"));
    let service_accounts = Authority::new(controlplane::Timestamp::now())?.credentials();
    fs::write(&key, service_accounts.key)?;
    fs::write(&certificate, service_accounts.certificate)?;
    let child = quiet(Command::new(assets.join("kube-apiserver")), folder, "kube-apiserver.log")?
        .arg(format!("--etcd-servers=http://{etcd}"))
        .arg(format!("--secure-port={}", address.port()))
        .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"])
        .arg("--cert-dir")
        .arg(folder)
        .arg("--token-auth-file")
        .arg(tokens)
        .args(["--authorization-mode=RBAC", "--service-cluster-ip-range=10.96.0.0/16"])
        .arg("--service-account-issuer=https://kubernetes.default.svc")
        .arg("--service-account-key-file")
        .arg(&certificate)
        .arg("--service-account-signing-key-file")
        .arg(&key)
        .spawn()?;
    Ok((child, address))
}

fn quiet(mut command: Command, folder: &Path, log: &str) -> Result<Command, Failure> {
    let log = fs::File::create(folder.join(log))?;
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(command)
}
