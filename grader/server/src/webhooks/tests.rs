//! Calls of servers that do something else than to answer.

use super::*;
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

fn call(target: Target, ca_bundle: &str) -> WebhookCall {
    let timeout = jiff::SignedDuration::from_secs(5);
    WebhookCall { target, ca_bundle: ca_bundle.into(), body: Bytes::from_static(b"{}"), timeout }
}

/// A certificate of a server, with its key; it has signed itself.
fn certificate(name: &str, until: i32) -> (rcgen::Certificate, rcgen::KeyPair) {
    let mut parameters = rcgen::CertificateParams::new([name.to_owned()]).expect("a name");
    parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(until, 1, 1);
    let key = rcgen::KeyPair::generate().expect("random numbers");
    (parameters.self_signed(&key).expect("a good key"), key)
}

/// Says something to whoever connects, in TLS if there is a certificate, and hangs up.
async fn server(
    certificate: Option<&(rcgen::Certificate, rcgen::KeyPair)>,
    says: &'static str,
) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let address = listener.local_addr().expect("it listens");
    let acceptor = certificate.map(|(certificate, key)| {
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("known versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a certificate and its key");
        TlsAcceptor::from(Arc::new(config))
    });
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut heard = [0; 4096];
            match &acceptor {
                None => {
                    let _ = socket.read(&mut heard).await;
                    let _ = socket.write_all(says.as_bytes()).await;
                }
                Some(acceptor) => {
                    let Ok(mut session) = acceptor.accept(socket).await else { continue };
                    let _ = session.read(&mut heard).await;
                    let _ = session.write_all(says.as_bytes()).await;
                    let _ = session.shutdown().await;
                }
            }
        }
    });
    address
}

#[tokio::test]
async fn what_is_not_there_fails_with_a_reason() {
    let nowhere = Target::Service { url: "https://a.b.svc:443/".to_owned(), addresses: Vec::new() };
    let answer = Network.call(call(nowhere, "")).await;
    assert_eq!(answer, failed("no endpoints available for service"));
    let nonsense = Target::Url("https://".to_owned());
    assert!(matches!(Network.call(call(nonsense, "")).await, WebhookAnswer::Failed(_)));

    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let address = closed.local_addr().expect("it listens");
    drop(closed);
    let answer = Network.call(call(Target::Url(format!("https://{address}/hook")), "")).await;
    assert_eq!(answer, failed(&format!("dial tcp {address}: connect: connection refused")));
}

#[tokio::test]
async fn failures_are_told_as_go_tells_them() {
    let good = certificate("127.0.0.1", 2400);
    let other = certificate("127.0.0.1", 2400);
    let elsewhere = certificate("127.0.0.2", 2400);
    let domain = certificate("a.example", 2400);
    let old = certificate("127.0.0.1", 2021);
    let verify = |why: &str| failed(&format!("tls: failed to verify certificate: x509: {why}"));
    let table = [
        (
            None,
            "HTTP/1.1 400 Bad Request\r\n\r\n",
            &good,
            failed("tls: first record does not look like a TLS handshake"),
        ),
        (Some(&good), "", &other, verify("certificate signed by unknown authority")),
        (Some(&elsewhere), "", &elsewhere, verify("certificate is valid for 127.0.0.2, not 127.0.0.1")),
        (
            Some(&domain),
            "",
            &domain,
            verify("cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs"),
        ),
        (Some(&good), "", &good, failed("EOF")),
        (
            Some(&good),
            "hello\r\n\r\n",
            &good,
            failed("net/http: HTTP/1.x transport connection broken: malformed HTTP response"),
        ),
        (
            Some(&good),
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}",
            &good,
            WebhookAnswer::Unread("unexpected EOF".to_owned()),
        ),
    ];
    for (certificate, says, trusted, expected) in table {
        let address = server(certificate, says).await;
        let answer =
            Network.call(call(Target::Url(format!("https://{address}/hook")), &trusted.0.pem())).await;
        assert_eq!(answer, expected, "{says:?}");
    }
    let address = server(Some(&old), "").await;
    let answer = Network.call(call(Target::Url(format!("https://{address}/hook")), &old.0.pem())).await;
    let WebhookAnswer::Failed(why) = answer else { panic!("{answer:?}") };
    let (start, end) = why.split_once(": current time ").expect("the time");
    assert_eq!(start, "tls: failed to verify certificate: x509: certificate has expired or is not yet valid");
    assert!(end.ends_with("Z is after 2021-01-01T00:00:00Z"), "{why}");
}

#[tokio::test]
async fn who_is_busy_is_asked_again() {
    let good = certificate("127.0.0.1", 2400);
    let says = "HTTP/1.1 503 Service Unavailable\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n";
    let address = server(Some(&good), says).await;
    let answer = Network.call(call(Target::Url(format!("https://{address}/hook")), &good.0.pem())).await;
    assert!(matches!(&answer, WebhookAnswer::Response { status, .. } if *status == 503), "{answer:?}");
}
