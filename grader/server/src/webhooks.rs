//! Calling webhooks: POST over HTTPS, to a URL or to what is behind a Service of the cluster.

mod again;
mod failure;
mod redirection;

use crate::webhook_certificate::FromBundle;
use bytes::Bytes;
use controlplane::service::Caller;
use controlplane::webhooks::{Target, WebhookAnswer, WebhookCall};
use failure::Ends;
use futures::future::BoxFuture;
use http::{Method, Request, Response, Uri, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
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
                Ok(Err(answer)) => answer,
                Err(_) => WebhookAnswer::Failed("context deadline exceeded".to_owned()),
            }
        })
    }
}

/// Asks a webhook, and whoever it sends to instead: servers that tidy up paths, such as Go's, do so.
async fn post(call: &WebhookCall) -> Result<WebhookAnswer, WebhookAnswer> {
    let uri: Uri = call.target.url().parse().map_err(|_| failed("the URL cannot be read"))?;
    let config = Arc::new(trusting(&call.ca_bundle).map_err(WebhookAnswer::Failed)?);
    let mut response = ask(call, &uri, &config).await?;
    for _ in 0..again::MOST_ATTEMPTS {
        let Some(wait) = again::after(&response) else { break };
        tokio::time::sleep(wait).await;
        response = ask(call, &uri, &config).await?;
    }
    let (parts, body) = response.into_parts();
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    Ok(WebhookAnswer::Response { status: parts.status, content_type, body })
}

fn failed(why: &str) -> WebhookAnswer {
    WebhookAnswer::Failed(why.to_owned())
}

/// Asks once.
async fn ask(
    call: &WebhookCall,
    uri: &Uri,
    config: &Arc<ClientConfig>,
) -> Result<Response<Bytes>, WebhookAnswer> {
    let mut uri = uri.clone();
    let mut addresses = match &call.target {
        Target::Url(_) => None,
        Target::Service { addresses, .. } => Some(addresses.as_slice()),
    };
    let mut body = Some(call.body.clone());
    for _ in 0..MOST_REQUESTS {
        let response = send(&uri, addresses, body.clone(), config.clone()).await?;
        let next = redirection::target(&uri, &response).map_err(WebhookAnswer::Failed)?;
        let Some(next) = next else { return Ok(response) };
        if !redirection::keeps_body(response.status()) {
            body = None;
        }
        if next.authority() != uri.authority() {
            addresses = None;
        }
        uri = next;
    }
    Err(failed(&format!("stopped after {MOST_REQUESTS} redirects")))
}

/// Sends a body, or asks for what is there when there is none.
async fn send(
    uri: &Uri,
    addresses: Option<&[String]>,
    body: Option<Bytes>,
    config: Arc<ClientConfig>,
) -> Result<Response<Bytes>, WebhookAnswer> {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let authority = authority(&host, uri.port_u16().unwrap_or(443));
    let socket = connect(addresses.unwrap_or(std::slice::from_ref(&authority))).await;
    let socket = socket.map_err(WebhookAnswer::Failed)?;
    let ends = Ends::of(&socket);
    let name = ServerName::try_from(host.clone());
    let name = name.map_err(|_| failed(&format!("{host:?} is no name of a server")))?;
    let stream = TlsConnector::from(config).connect(name, socket).await;
    let stream = stream.map_err(|error| WebhookAnswer::Failed(ends.handshake(&error)))?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error.to_string()))?;
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
        .map_err(|error| failed(&error.to_string()))?;
    let answered = answer(&mut sender, request, &ends).await;
    driver.abort();
    answered
}

async fn answer(
    sender: &mut http1::SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
    ends: &Ends,
) -> Result<Response<Bytes>, WebhookAnswer> {
    let response = sender.send_request(request).await;
    let response = response.map_err(|error| WebhookAnswer::Failed(ends.answer(&error)))?;
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, LARGEST_ANSWER).collect().await;
    let body = body.map_err(|error| WebhookAnswer::Unread(unread(&*error)))?.to_bytes();
    Ok(Response::from_parts(parts, body))
}

fn unread(error: &(dyn std::error::Error + 'static)) -> String {
    if error.is::<LengthLimitError>() { error.to_string() } else { "unexpected EOF".to_owned() }
}

fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// The first of these that takes a connection.
async fn connect(addresses: &[String]) -> Result<TcpStream, String> {
    let mut first = None;
    for address in addresses {
        match connect_to(address).await {
            Ok(socket) => return Ok(socket),
            Err(why) => first = first.or(Some(why)),
        }
    }
    Err(first.unwrap_or_else(|| "no endpoints available for service".to_owned()))
}

/// The first address of this name that takes a connection.
async fn connect_to(authority: &str) -> Result<TcpStream, String> {
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let unknown = || format!("dial tcp: lookup {host}: no such host");
    let found = tokio::net::lookup_host(authority).await.map_err(|_| unknown())?;
    let mut first = None;
    for address in found {
        match TcpStream::connect(address).await {
            Ok(socket) => return Ok(socket),
            Err(error) => first = first.or_else(|| Some(failure::dialled(&address.to_string(), &error))),
        }
    }
    Err(first.unwrap_or_else(unknown))
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
mod tests;
