//! A cluster that runs in this process, and raw connections to it.

use controlplane::access::User;
use controlplane::controllers::ControllerSet;
use controlplane_server::{Cluster, Credentials, Limits, RunError, Settings, Stop};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

/// The administrator's token.
pub(crate) const ADMIN: &str = "admin-token";

/// A connection through which bytes go as they are.
pub(crate) type Connection = StreamOwned<ClientConnection, TcpStream>;

/// Stops when it is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) certificate: String,
    pub(crate) kubeconfig: String,
    stop: Stop,
    thread: Option<JoinHandle<Result<(), RunError>>>,
}

/// What an answer says.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Running {
    /// A control plane alone, with an administrator and a user `alice` known by their tokens.
    pub(crate) fn new(limits: Limits) -> Self {
        Self::with_data(limits, None)
    }

    /// The same, kept in a file.
    pub(crate) fn with_data(limits: Limits, data: Option<PathBuf>) -> Self {
        let tokens = BTreeMap::from([
            (ADMIN.to_owned(), User::new("admin", ["system:masters"])),
            ("alice-token".to_owned(), User::new("alice", ["dev"])),
        ]);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let settings = Settings { address, controllers: ControllerSet::none(), tokens, limits, data };
        Self::with(settings)
    }

    /// A cluster with these controllers, and nobody but the administrator.
    pub(crate) fn with_controllers(list: &str) -> Self {
        Self::with(Settings {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            controllers: list.parse().expect("known controllers"),
            tokens: BTreeMap::from([(ADMIN.to_owned(), User::new("admin", ["system:masters"]))]),
            limits: Limits::default(),
            data: None,
        })
    }

    fn with(settings: Settings) -> Self {
        let cluster = Cluster::new(settings).expect("a free port");
        Self {
            address: cluster.address(),
            certificate: cluster.certificate().to_owned(),
            kubeconfig: cluster.kubeconfig(),
            stop: cluster.stopper(),
            thread: Some(std::thread::spawn(|| cluster.run())),
        }
    }

    /// Asks the server to stop, and waits until it has.
    pub(crate) fn stop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server does not panic").expect("the server ends in order");
        }
    }

    /// A TLS connection for HTTP/1.1.
    pub(crate) fn connect(&self) -> Connection {
        self.connect_as(None, b"http/1.1").expect("the server takes connections")
    }

    /// A TLS connection, with a client certificate or without.
    pub(crate) fn connect_as(&self, client: Option<&Credentials>, protocol: &[u8]) -> io::Result<Connection> {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(self.certificate.as_bytes()).expect("PEM");
        roots.add(root).expect("a certificate");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("known versions")
            .with_root_certificates(roots);
        let mut config = match client {
            None => config.with_no_client_auth(),
            Some(client) => {
                let chain = CertificateDer::from_pem_slice(client.certificate.as_bytes()).expect("PEM");
                let key = PrivateKeyDer::from_pem_slice(client.key.as_bytes()).expect("PEM");
                config.with_client_auth_cert(vec![chain], key).expect("a certificate and its key")
            }
        };
        config.alpn_protocols = vec![protocol.to_vec()];
        let name = ServerName::from(self.address.ip());
        let session = ClientConnection::new(Arc::new(config), name).expect("a good configuration");
        let mut connection = StreamOwned::new(session, TcpStream::connect(self.address)?);
        connection.flush()?;
        Ok(connection)
    }

    /// One request on a connection of its own. `headers` end with a line break each.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        ask(self.connect(), method, path, headers, body)
    }

    /// One request of the administrator.
    pub(crate) fn administrator(&self, method: &str, path: &str, body: &str) -> Answer {
        let headers = format!("authorization: Bearer {ADMIN}\r\ncontent-type: application/json\r\n");
        self.ask(method, path, &headers, body)
    }

    /// Whether the server answers somebody who does nothing wrong.
    pub(crate) fn is_well(&self) -> bool {
        self.ask("GET", "/readyz", "", "").body == "ok"
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

pub(crate) fn ask(mut connection: Connection, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    // A server that has heard enough may close before it has read everything.
    let _ = connection.write_all(request.as_bytes());
    answer(&read_to_end(&mut connection))
}

/// Everything until the server closes the connection, in whichever way.
pub(crate) fn read_to_end(connection: &mut impl Read) -> String {
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = connection.read(&mut buffer) {
        read.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8_lossy(&read).into_owned()
}

/// The last answer in what was read; status 0 when the server closed the connection without one.
pub(crate) fn answer(read: &str) -> Answer {
    let (head, body) = read.split_once("\r\n\r\n").unwrap_or((read, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, body: body.to_owned() }
}
