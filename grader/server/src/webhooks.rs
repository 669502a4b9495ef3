//! Calling webhooks: POST over HTTPS, to a URL or to what is behind a Service of the cluster.

mod redirection;

use crate::webhook_certificate::FromBundle;
use bytes::Bytes;
use controlplane::service::Caller;
use controlplane::webhooks::{Target, WebhookAnswer, WebhookCall};
use futures::future::BoxFuture;
use http::{Method, Request, Response, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// The largest answer that is read, in bytes: an object with a patch of it and more.
const LARGEST_ANSWER: usize = 16 << 20;

/// How many requests one call may come to when it is sent elsewhere, as for Go's client.
const MOST_REQUESTS: usize = 10;

/// Calls webhooks over the network.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Network;

impl Caller for Network {
    fn call(&self, call: WebhookCall) -> BoxFuture<'static, WebhookAnswer> {
        Box::pin(async move {
            let limit = Duration::try_from(call.timeout).unwrap_or_default();
            match tokio::time::timeout(limit, post(&call)).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(why)) => WebhookAnswer::Failed(why),
                Err(_) => WebhookAnswer::Failed("context deadline exceeded".to_owned()),
            }
        })
    }
}

/// Asks a webhook, and whoever it sends to instead: servers that tidy up paths, such as Go's, do so.
async fn post(call: &WebhookCall) -> Result<WebhookAnswer, String> {
    let mut uri: Uri = call.target.url().parse().map_err(|_| "the URL cannot be read".to_owned())?;
    let config = Arc::new(trusting(&call.ca_bundle)?);
    let mut addresses = match &call.target {
        Target::Url(_) => None,
        Target::Service { addresses, .. } => Some(addresses.as_slice()),
    };
    let mut body = Some(call.body.clone());
    for _ in 0..MOST_REQUESTS {
        let response = send(&uri, addresses, body.clone(), config.clone()).await?;
        let Some(next) = redirection::target(&uri, &response)? else {
            let (parts, body) = response.into_parts();
            return Ok(WebhookAnswer::Response { status: parts.status, body });
        };
        if !redirection::keeps_body(response.status()) {
            body = None;
        }
        if next.authority() != uri.authority() {
            addresses = None;
        }
        uri = next;
    }
    Err(format!("stopped after {MOST_REQUESTS} redirects"))
}

/// Sends a body, or asks for what is there when there is none.
async fn send(
    uri: &Uri,
    addresses: Option<&[String]>,
    body: Option<Bytes>,
    config: Arc<ClientConfig>,
) -> Result<Response<Bytes>, String> {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let authority = authority(&host, uri.port_u16().unwrap_or(443));
    let socket = connect(addresses.unwrap_or(std::slice::from_ref(&authority))).await?;
    let name = ServerName::try_from(host.clone()).map_err(|_| format!("{host:?} is no name of a server"))?;
    let stream =
        TlsConnector::from(config).connect(name, socket).await.map_err(|error| format!("tls: {error}"))?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let driver = tokio::spawn(connection);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::builder()
        .method(if body.is_some() { Method::POST } else { Method::GET })
        .uri(path)
        .header(header::HOST, authority)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json, */*")
        .header(header::USER_AGENT, "kube-apiserver-admission")
        .body(Full::new(body.unwrap_or_default()))
        .map_err(|error| error.to_string())?;
    let answered = answer(&mut sender, request).await;
    driver.abort();
    answered
}

async fn answer(
    sender: &mut http1::SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, String> {
    let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, LARGEST_ANSWER).collect().await;
    let body = body.map_err(|error| error.to_string())?.to_bytes();
    Ok(Response::from_parts(parts, body))
}

fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// The first of these that takes a connection.
async fn connect(addresses: &[String]) -> Result<TcpStream, String> {
    let mut why = "no endpoints available for service".to_owned();
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(socket) => return Ok(socket),
            Err(error) => why = format!("dial tcp {address}: connect: {error}"),
        }
    }
    Err(why)
}

/// Trusts these certificates and what they have signed, and nothing else; without any, what the system trusts.
fn trusting(bundle: &[u8]) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = if bundle.is_empty() {
        FromBundle::of_system(provider.clone())?
    } else {
        let bundle: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bundle).collect();
        let bundle =
            bundle.map_err(|_| "unable to load root certificates: unable to parse bytes as PEM block")?;
        FromBundle::new(bundle, provider.clone())?
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(target: Target) -> WebhookCall {
        let timeout = jiff::SignedDuration::from_secs(5);
        WebhookCall { target, ca_bundle: Vec::new(), body: Bytes::from_static(b"{}"), timeout }
    }

    #[tokio::test]
    async fn what_is_not_there_fails_with_a_reason() {
        let nowhere = Target::Service { url: "https://a.b.svc:443/".to_owned(), addresses: Vec::new() };
        let answer = Network.call(call(nowhere)).await;
        assert_eq!(answer, WebhookAnswer::Failed("no endpoints available for service".to_owned()));
        let nonsense = Target::Url("https://".to_owned());
        assert!(matches!(Network.call(call(nonsense)).await, WebhookAnswer::Failed(_)));
    }
}
