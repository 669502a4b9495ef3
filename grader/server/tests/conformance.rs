//! Replays the recorded exchanges over HTTPS, in real time: each case has a server of its own on a free port, and speaks
//! HTTP/2 with it.

use bytes::Bytes;
use conformance::{Case, World};
use controlplane::access::{Access, Authorization, Strangers, User};
use controlplane::controllers::{Settings, start};
use controlplane::service::Service;
use controlplane::{ControlPlane, Options, Timestamp};
use controlplane_server::{Authority, Limits, Server};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use jiff::SignedDuration;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::task::AbortHandle;
use tokio_rustls::TlsConnector;

/// Most of the time is spent waiting: for watches that must stay silent, and for controllers.
const JOBS: usize = 24;
const LOOK_AGAIN: Duration = Duration::from_millis(2);

#[test]
fn recorded_exchanges_are_answered_over_https_as_kubernetes_does() {
    conformance::judge(JOBS, OverHttps::new);
}

/// One for all servers: making keys is what costs.
static AUTHORITY: LazyLock<Authority> =
    LazyLock::new(|| Authority::new(Timestamp::now()).expect("random numbers"));

/// A server and one connection to it, both driven by this thread.
struct OverHttps {
    runtime: Runtime,
    client: SendRequest<Full<Bytes>>,
    streams: BTreeMap<usize, Stream>,
    opened: usize,
}

struct Stream {
    received: Arc<Mutex<Received>>,
    reader: AbortHandle,
}

#[derive(Default)]
struct Received {
    bytes: Vec<u8>,
    ended: bool,
}

impl OverHttps {
    fn new(case: &Case) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let client = runtime.block_on(async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
            listener.set_nonblocking(true).expect("a socket");
            let service = Service::new(ControlPlane::new(options(case)), Timestamp::now);
            let server =
                Server::new(listener, service.clone(), &AUTHORITY, Limits::default()).expect("a server");
            let address = server.address().expect("an address");
            tokio::spawn(async move {
                service
                    .live(|due| {
                        let wait = due.duration_since(Timestamp::now());
                        tokio::time::sleep(wait.try_into().unwrap_or_default())
                    })
                    .await
            });
            tokio::spawn(server.run(std::future::pending()));
            connect(address).await
        });
        Self { runtime, client, streams: BTreeMap::new(), opened: 0 }
    }

    fn with<T>(&self, stream: usize, look: impl FnOnce(&Received) -> T) -> T {
        look(&self.streams[&stream].received.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn options(case: &Case) -> Options {
    let now = Timestamp::now();
    let controllers = case.controllers().parse().expect("names of controllers");
    let tokens = conformance::TOKENS.map(|(token, name, uid, group)| {
        (token.to_owned(), User { uid: uid.to_owned(), ..User::new(name, [group]) })
    });
    Options {
        seed: 7,
        start: now,
        controllers: start(&controllers, &Settings::default()).controllers,
        // The recording waits for history to be forgotten; the sooner that is, the sooner the case is done.
        compaction: case.compaction().map(|_| SignedDuration::from_millis(500)),
        access: Access {
            tokens: tokens.into(),
            strangers: Strangers::Anonymous,
            authorization: Authorization::Rbac,
            ..Access::default()
        },
        ..Options::default()
    }
}

async fn connect(address: SocketAddr) -> SendRequest<Full<Bytes>> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(AUTHORITY.certificate().as_bytes()).expect("PEM");
    roots.add(root).expect("a certificate");
    let mut tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("known versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let socket = TcpStream::connect(address).await.expect("the server takes connections");
    let name = ServerName::from(address.ip());
    let stream = TlsConnector::from(Arc::new(tls)).connect(name, socket).await.expect("a handshake");
    let (client, connection) =
        handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("the server speaks HTTP/2");
    tokio::spawn(connection);
    client
}

impl World for OverHttps {
    type Stream = usize;

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep(&mut self, time: SignedDuration) {
        self.runtime.block_on(async { tokio::time::sleep(time.try_into().unwrap_or_default()).await });
    }

    fn request(
        &mut self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, (usize, http::Response<()>)> {
        let (mut parts, body) = request.into_parts();
        parts.uri = format!("https://localhost{}", parts.uri).parse().expect("a path");
        let request = http::Request::from_parts(parts, Full::new(body));
        let (head, body) = self
            .runtime
            .block_on(self.client.send_request(request))
            .expect("the server answers")
            .into_parts();
        if body.size_hint().exact().is_some() {
            let body = self.runtime.block_on(body.collect()).expect("the answer is complete").to_bytes();
            return Ok(http::Response::from_parts(head, body));
        }
        self.opened += 1;
        let received = Arc::<Mutex<Received>>::default();
        let reader = self.runtime.spawn(read(body, received.clone())).abort_handle();
        self.streams.insert(self.opened, Stream { received, reader });
        Err((self.opened, http::Response::from_parts(head, ())))
    }

    fn received(&self, stream: usize) -> Vec<u8> {
        self.with(stream, |received| received.bytes.clone())
    }

    fn has_ended(&self, stream: usize) -> bool {
        self.with(stream, |received| received.ended)
    }

    fn wait(&mut self, most: SignedDuration, done: &dyn Fn(&Self) -> bool) {
        let end = Timestamp::now() + most;
        while !done(self) && Timestamp::now() < end {
            self.runtime.block_on(async { tokio::time::sleep(LOOK_AGAIN).await });
        }
    }

    fn close(&mut self, stream: usize) {
        if let Some(stream) = self.streams.remove(&stream) {
            stream.reader.abort();
        }
    }
}

async fn read(mut body: Incoming, received: Arc<Mutex<Received>>) {
    let note =
        |act: &dyn Fn(&mut Received)| act(&mut received.lock().unwrap_or_else(PoisonError::into_inner));
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(data) = frame.into_data() {
            note(&|received| received.bytes.extend_from_slice(&data));
        }
    }
    note(&|received| received.ended = true);
}
