//! Why a call failed, in the words of Go's client, which operators search for (net, crypto/tls, net/http).

use rustls::{AlertDescription, CertificateError, InvalidMessage};
use std::error::Error;
use std::io;
use tokio::net::TcpStream;

/// Nobody took the connection.
pub(super) fn dialled(address: &str, error: &io::Error) -> String {
    format!("dial tcp {address}: connect: {}", system(error))
}

/// The two ends of a connection, which a message about it names.
#[derive(Clone, Debug)]
pub(super) struct Ends(String);

impl Ends {
    pub(super) fn of(socket: &TcpStream) -> Self {
        let text =
            |end: io::Result<std::net::SocketAddr>| end.map_or_else(|_| String::new(), |end| end.to_string());
        Self(format!("{}->{}", text(socket.local_addr()), text(socket.peer_addr())))
    }

    /// The handshake failed.
    pub(super) fn handshake(&self, error: &io::Error) -> String {
        match error.get_ref().and_then(|error| error.downcast_ref()) {
            Some(error) => tls(error),
            None => self.read(error),
        }
    }

    /// There was no answer.
    pub(super) fn answer(&self, error: &hyper::Error) -> String {
        match (error.source().and_then(|cause| cause.downcast_ref()), error.is_parse()) {
            (Some(cause), _) => self.read(cause),
            (None, true) => {
                "net/http: HTTP/1.x transport connection broken: malformed HTTP response".to_owned()
            }
            (None, false) => "EOF".to_owned(),
        }
    }

    fn read(&self, error: &io::Error) -> String {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => "EOF".to_owned(),
            _ => format!("read tcp {}: read: {}", self.0, system(error)),
        }
    }
}

/// Go's texts are those of the system in small letters.
fn system(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

fn tls(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::Other(why)) => {
            format!("tls: failed to verify certificate: {why}")
        }
        rustls::Error::InvalidCertificate(why) => format!("tls: failed to verify certificate: x509: {why}"),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "tls: first record does not look like a TLS handshake".to_owned()
        }
        rustls::Error::AlertReceived(alert) => format!("remote error: tls: {}", told(*alert)),
        other => format!("tls: {other}"),
    }
}

fn told(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::HandshakeFailure => "handshake failure",
        AlertDescription::BadCertificate => "bad certificate",
        AlertDescription::CertificateRequired => "certificate required",
        AlertDescription::UnknownCA => "unknown certificate authority",
        AlertDescription::ProtocolVersion => "protocol version not supported",
        AlertDescription::InsufficientSecurity => "insufficient security level",
        AlertDescription::InternalError => "internal error",
        AlertDescription::UnrecognisedName => "unrecognized name",
        AlertDescription::AccessDenied => "access denied",
        _ => "unexpected message",
    }
}
