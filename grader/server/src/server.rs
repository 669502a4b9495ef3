//! Accepting connections, and ending them.

use crate::attention::Attention;
use crate::authority::Authority;
use crate::client_certificate::{self, AnyClient};
use crate::connection::{self, Shared};
use crate::limits::Limits;
use controlplane::service::Service;
use hyper_util::server::graceful::GracefulShutdown;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// How long a silent connection is trusted before the system asks (kube-apiserver's listener does the same).
const TCP_KEEP_ALIVE: Duration = Duration::from_secs(60);
/// How long to wait when the system has no more sockets to give.
const OUT_OF_SOCKETS: Duration = Duration::from_millis(50);

/// A control plane on a socket.
///
/// # Guarantees
/// - HTTP/1.1 and HTTP/2 over TLS 1.2 or 1.3; a client certificate is an identity, none is demanded.
/// - What one client does (stalls, breaks off, sends nonsense) concerns no other client.
/// - Each watch event leaves as soon as it is there.
pub struct Server {
    listener: TcpListener,
    shared: Arc<Shared>,
}

impl Server {
    /// Takes a listening socket, which must be non-blocking, and serves `service` on it.
    ///
    /// # Errors
    /// The socket has no address, or keys and certificates do not fit together.
    pub fn new(
        listener: std::net::TcpListener,
        service: Service,
        authority: &Authority,
        limits: Limits,
    ) -> io::Result<Self> {
        let provider = Arc::new(ring::default_provider());
        let address = listener.local_addr()?.ip();
        let root =
            CertificateDer::from_pem_slice(authority.certificate().as_bytes()).map_err(io::Error::other)?;
        let clients = client_certificate::verifier(root, provider.clone()).map_err(io::Error::other)?;
        let tls = tls(authority, address, &provider, AnyClient::new(clients.clone()))?;
        let shared = Shared {
            service,
            limits,
            acceptor: TlsAcceptor::from(Arc::new(tls)),
            authority: clients,
            http: connection::http(&limits),
            attention: Attention::default(),
        };
        Ok(Self { listener: TcpListener::from_std(listener)?, shared: Arc::new(shared) })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` comes. Then no connection is taken any more, open watches end after their last event,
    /// requests that are under way are answered, and whoever takes longer than [`Limits::grace`] is cut off.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let open = GracefulShutdown::new();
        let shared = self.shared.clone();
        let attention = tokio::spawn(async move { shared.attention.keep().await });
        let mut stop = pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut stop => break,
            };
            match accepted {
                Ok((socket, _)) => {
                    prepare(&socket);
                    tokio::spawn(connection::serve(self.shared.clone(), socket, open.watcher()));
                }
                // Either this one client is gone already, or the system is short of something that comes back.
                Err(_) => tokio::time::sleep(OUT_OF_SOCKETS).await,
            }
        }
        drop(self.listener);
        self.shared.service.end_watches();
        let _ = timeout(self.shared.limits.grace, open.shutdown()).await;
        attention.abort();
    }
}

/// A socket without these options still works, only less well.
fn prepare(socket: &TcpStream) {
    let _ = socket.set_nodelay(true);
    let keep_alive = TcpKeepalive::new().with_time(TCP_KEEP_ALIVE).with_interval(TCP_KEEP_ALIVE);
    let _ = SockRef::from(socket).set_tcp_keepalive(&keep_alive);
}

fn tls(
    authority: &Authority,
    address: std::net::IpAddr,
    provider: &Arc<CryptoProvider>,
    clients: AnyClient,
) -> io::Result<ServerConfig> {
    let identity = authority.server(address).map_err(io::Error::other)?;
    let mut tls = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_client_cert_verifier(Arc::new(clients))
        .with_single_cert(identity.chain, identity.key)
        .map_err(io::Error::other)?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("listener", &self.listener).finish_non_exhaustive()
    }
}
