//! A lean client: one connection, kept alive, one request at a time unless it is HTTP/2.

use bytes::Bytes;
use futures::future::{Either, select};
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::error::Error;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio_rustls::TlsConnector;

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Where a cluster is and how to get in.
#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
    tls: Arc<ClientConfig>,
}

impl Access {
    /// `authority` is what to trust, PEM: the last certificate of it.
    pub(crate) fn new(address: SocketAddr, token: &str, authority: &str) -> Result<Self, Failure> {
        let mut roots = RootCertStore::empty();
        if let Some(root) = CertificateDer::pem_slice_iter(authority.as_bytes()).last() {
            roots.add(root?)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { address, token: token.to_owned(), tls: Arc::new(tls) })
    }

    async fn connect(
        &self,
        protocol: &[u8],
    ) -> Result<TokioIo<tokio_rustls::client::TlsStream<TcpStream>>, Failure> {
        let socket = TcpStream::connect(self.address).await?;
        socket.set_nodelay(true)?;
        let mut tls = (*self.tls).clone();
        tls.alpn_protocols = vec![protocol.to_vec()];
        let name = ServerName::IpAddress(self.address.ip().into());
        Ok(TokioIo::new(TlsConnector::from(Arc::new(tls)).connect(name, socket).await?))
    }

    /// One connection for one request after another.
    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        let (sender, connection) = http1::handshake(self.connect(b"http/1.1").await?).await?;
        tokio::spawn(connection);
        Ok(Client { access: self.clone(), sender })
    }

    /// One connection for many watches.
    pub(crate) async fn watcher(&self) -> Result<Watcher, Failure> {
        let stream = self.connect(b"h2").await?;
        let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
        tokio::spawn(connection);
        Ok(Watcher { access: self.clone(), sender })
    }

    fn request(&self, method: Method, target: &str, content_type: &str, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        let headers = request.headers_mut();
        for (name, value) in [
            (header::AUTHORIZATION, format!("Bearer {}", self.token)),
            (header::CONTENT_TYPE, content_type.to_owned()),
            (header::HOST, self.address.to_string()),
        ] {
            headers.extend(value.parse().ok().map(|value| (name, value)));
        }
        *request.uri_mut() = target.parse().unwrap_or_default();
        request
    }
}

pub(crate) struct Client {
    access: Access,
    sender: http1::SendRequest<Full<Bytes>>,
}

impl Client {
    /// Sends a request and reads the whole answer.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        target: &str,
        content_type: &str,
        body: impl Into<Bytes>,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let request = self.access.request(method, target, content_type, body.into());
        let answer = pin!(async {
            self.sender.ready().await?;
            let response = self.sender.send_request(request).await?;
            let status = response.status();
            Ok((status, response.into_body().collect().await?.to_bytes()))
        });
        match select(answer, pin!(moment())).await {
            Either::Left((answer, _)) => answer,
            Either::Right(((), answer)) => answer.await,
        }
    }

    /// Sends a request that must succeed.
    pub(crate) async fn expect(
        &mut self,
        method: Method,
        target: &str,
        content_type: &str,
        body: impl Into<Bytes>,
    ) -> Result<Bytes, Failure> {
        let (status, body) = self.send(method, target, content_type, body).await?;
        if !status.is_success() {
            return Err(format!("{target}: {status}: {}", String::from_utf8_lossy(&body)).into());
        }
        Ok(body)
    }
}

/// How long a quick answer takes.
const MOMENT: Duration = Duration::from_micros(100);

/// Looks for the answer instead of sleeping, for the moment that a quick one takes: waking a thread on an idle machine
/// takes longer than that, and is no cost of the server's.
async fn moment() {
    let asked = Instant::now();
    while asked.elapsed() < MOMENT {
        yield_now().await;
    }
}

pub(crate) struct Watcher {
    access: Access,
    sender: http2::SendRequest<Full<Bytes>>,
}

impl Watcher {
    /// Opens one more watch.
    pub(crate) async fn watch(&mut self, target: &str) -> Result<Events, Failure> {
        let mut request = self.access.request(Method::GET, target, "application/json", Bytes::new());
        *request.uri_mut() = format!("https://{}{target}", self.access.address).parse()?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        if !response.status().is_success() {
            return Err(format!("{target}: {}", response.status()).into());
        }
        Ok(Events { body: response.into_body(), read: Vec::new() })
    }
}

/// The events of a watch, as lines of JSON.
pub(crate) struct Events {
    body: Incoming,
    read: Vec<u8>,
}

impl Events {
    /// The next event; none when the server has ended the watch.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let rest = self.read.split_off(end + 1);
                return Ok(Some(std::mem::replace(&mut self.read, rest)));
            }
            match self.body.frame().await {
                Some(frame) => self.read.extend(frame?.into_data().unwrap_or_default()),
                None => return Ok(None),
            }
        }
    }
}
