//! A whole cluster in real time: certificate authority, control plane, controllers, server.

use crate::authority::{Authority, Credentials};
use crate::data::{Data, DataError, DataFile};
use crate::kubeconfig;
use crate::limits::Limits;
use crate::memory::Memory;
use crate::server::Server;
use crate::webhooks::Network;
use controlplane::access::{Access, Authorization, ServiceAccountTokens, Strangers, User};
use controlplane::controllers::{self, ControllerSet};
use controlplane::service::Service;
use controlplane::webhooks::Webhooks;
use controlplane::{ControlPlane, Options, Timestamp};
use jiff::SignedDuration;
use rustls::crypto::ring;
use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::runtime::Builder;
use tokio::sync::Notify;

/// Who the kubeconfig of a cluster is for, as kubeadm's.
const ADMINISTRATOR: &str = "kubernetes-admin";
const ADMINISTRATORS: &str = "system:masters";

/// How long history can be watched, at least (kube-apiserver's `--etcd-compaction-interval`; its default is five
/// minutes). Short, because all of it is in memory, and because a client that cannot live with 410 should find out.
const COMPACTION: SignedDuration = SignedDuration::from_secs(20);

/// How to start a [`Cluster`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen; port 0 takes any free one.
    pub address: SocketAddr,
    /// Which controllers run.
    pub controllers: ControllerSet,
    /// Bearer tokens and whose they are.
    pub tokens: BTreeMap<String, User>,
    /// What one client can cost.
    pub limits: Limits,
    /// Where the cluster is kept from one run to the next; it starts empty when there is no such file yet. One cluster
    /// at a time can use it: an empty file beside it, `FILE.lock`, sees to that.
    pub data: Option<PathBuf>,
}

/// Why a cluster cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken, or not ours.
    #[error("failed to listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The system gives no random numbers, or they make no keys.
    #[error("failed to make the cluster's keys")]
    Keys(#[source] io::Error),
    /// The file where the cluster is kept cannot be used.
    #[error("failed to go on with the cluster in {}", file.display())]
    Data {
        /// Which file.
        file: PathBuf,
        /// Why.
        source: DataError,
    },
}

/// Why a cluster that ran has not ended well.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The system has no sockets for it.
    #[error("failed to serve")]
    System(#[from] io::Error),
    /// What the cluster holds could not be kept.
    #[error("failed to keep the data")]
    Data(#[from] DataError),
}

/// A cluster that listens; [`run`](Self::run) brings it to life.
#[derive(Debug)]
pub struct Cluster {
    service: Service,
    authority: Authority,
    administrator: Credentials,
    memory: Memory,
    listener: TcpListener,
    address: SocketAddr,
    limits: Limits,
    stop: Stop,
}

/// Stops a cluster, from any thread and at any time; once is enough.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Notify>);

impl Stop {
    /// Tells the cluster to stop. It does so in [`Cluster::run`].
    pub fn stop(&self) {
        self.0.notify_one();
    }
}

impl Cluster {
    /// Sets everything up. Clients can connect from now on; they are answered as soon as the cluster runs.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn new(settings: Settings) -> Result<Self, StartError> {
        let now = Timestamp::now();
        let listen = |source| StartError::Listen { address: settings.address, source };
        let listener = TcpListener::bind(settings.address).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let keys = |error: rcgen::Error| StartError::Keys(io::Error::other(error));
        let (file, known) = settings.data.map(take).transpose()?.unzip();
        let (authority, token_key, snapshot) = match known.flatten() {
            Some(Data { snapshot, authority, token_key }) => {
                (Authority::restore(authority, now).map_err(keys)?, token_key, Some(snapshot))
            }
            None => (Authority::new(now).map_err(keys)?, random()?, None),
        };
        let administrator = authority.client(ADMINISTRATOR, ADMINISTRATORS).map_err(keys)?;
        let signer = authority.signer().map_err(|error| StartError::Keys(io::Error::other(error)))?;
        let plane = ControlPlane::new(Options {
            seed: u64::from_ne_bytes(random()?),
            start: now,
            controllers: controllers::start(
                &settings.controllers,
                &controllers::Settings {
                    root_ca: authority.certificate().to_owned(),
                    authority: Some(signer),
                    ..Default::default()
                },
            )
            .controllers,
            compaction: Some(COMPACTION),
            access: Access {
                tokens: settings.tokens,
                strangers: Strangers::Anonymous,
                authorization: Authorization::Rbac,
                service_account_tokens: ServiceAccountTokens {
                    jwks_uri: format!("https://{address}/openid/v1/jwks"),
                    key: Some(token_key),
                    ..ServiceAccountTokens::default()
                },
                client_authority: Some(authority.certificate().to_owned()),
            },
            webhooks: Webhooks::ByDriver,
            port: Some(address.port()),
            restore: snapshot,
        });
        let service = Service::new(plane, Timestamp::now).with_caller(Arc::new(Network));
        let memory = Memory { file, service: service.clone(), authority: authority.credentials(), token_key };
        Ok(Self {
            service,
            authority,
            administrator,
            memory,
            listener,
            address,
            limits: settings.limits,
            stop: Stop::default(),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of the API.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// What clients trust, PEM: `ca.crt`.
    pub fn certificate(&self) -> &str {
        self.authority.certificate()
    }

    /// How the administrator reaches the cluster.
    pub fn kubeconfig(&self) -> String {
        kubeconfig::with_certificate(&self.url(), self.certificate(), ADMINISTRATOR, &self.administrator)
    }

    /// Stops this cluster.
    pub fn stopper(&self) -> Stop {
        self.stop.clone()
    }

    /// Lives, in the thread of the caller, until it is [stopped](Self::stopper); then ends as [`Server::run`] says, and
    /// what it remembers is on the disk.
    ///
    /// # Errors
    /// The system has no events to wait for, the socket is gone, or the data cannot be written.
    pub fn run(self) -> Result<(), RunError> {
        // The control plane does one thing at a time. Handing requests from thread to thread costs more than a second
        // thread for encryption gains: on a machine that is busy with other things a create took four times as long.
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let memory = self.memory.clone();
        runtime.block_on(self.live())?;
        // This waits for a save that is under way: it must not come after the last one.
        drop(runtime);
        memory.save()?;
        Ok(())
    }

    async fn live(self) -> io::Result<()> {
        let server = Server::new(self.listener, self.service.clone(), &self.authority, self.limits)?;
        let life = tokio::spawn(async move { self.service.live(sleep_until).await });
        let saving = tokio::spawn(self.memory.keep());
        server.run(self.stop.0.notified()).await;
        saving.abort();
        life.abort();
        Ok(())
    }
}

/// Takes the file where a cluster is kept, and what is in it.
fn take(path: PathBuf) -> Result<(DataFile, Option<Data>), StartError> {
    let taken = DataFile::open(path.clone()).and_then(|file| {
        let known = file.read()?;
        Ok((file, known))
    });
    taken.map_err(|source| StartError::Data { file: path, source })
}

async fn sleep_until(time: Timestamp) {
    let wait = time.duration_since(Timestamp::now());
    tokio::time::sleep(wait.try_into().unwrap_or_default()).await;
}

/// Where uids, generated names and keys begin: no two clusters alike.
fn random<const N: usize>() -> Result<[u8; N], StartError> {
    let mut bytes = [0; N];
    let filled = ring::default_provider().secure_random.fill(&mut bytes);
    filled.map_err(|_| StartError::Keys(io::Error::other("the system gives no random numbers")))?;
    Ok(bytes)
}
