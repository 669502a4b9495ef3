//! What a client says about a connection in its query: the object that admission is asked about
//! (staging/src/k8s.io/api/core/v1/types.go; pkg/registry/core/*/rest, `NewConnectOptions`).

use super::super::Call;
use crate::error::ApiError;
use crate::go_text;
use serde_json::{Value, json};
use std::num::{IntErrorKind, ParseIntError};

/// Which streams a client wants.
const FLAGS: [&str; 4] = ["stdin", "stdout", "stderr", "tty"];

impl Call<'_> {
    pub(super) fn connection_options(&self) -> Result<Value, ApiError> {
        let name = self.path.subresource.as_deref().unwrap_or_default();
        let kind = self.resource.subresource(name).map(|subresource| subresource.kind.as_str());
        let mut options = json!({"kind": kind, "apiVersion": "v1"});
        match name {
            "attach" | "exec" => {
                for flag in FLAGS.into_iter().filter(|flag| self.query.flag(flag) == Some(true)) {
                    options[flag] = true.into();
                }
                set_text(&mut options, "container", self.query.text("container"));
                if name == "exec" {
                    let command = self.query.all("command");
                    options["command"] = if command.is_empty() { Value::Null } else { command.into() };
                }
            }
            "portforward" => {
                let ports = self.ports()?;
                if !ports.is_empty() {
                    options["ports"] = ports.into();
                }
            }
            _ => set_text(&mut options, "path", &self.proxied_path()),
        }
        Ok(options)
    }

    /// Several parameters, or several numbers in one (pkg/apis/core/v1/conversion.go).
    fn ports(&self) -> Result<Vec<u16>, ApiError> {
        let sent = self.query.all("ports").into_iter().flat_map(|ports| ports.split(','));
        let read = |port: &str| {
            // Rust would take a sign.
            let number = if port.starts_with('+') { "" } else { port }.parse();
            number.map_err(|error: ParseIntError| {
                let quoted = go_text::quote(port);
                let why = match error.kind() {
                    IntErrorKind::PosOverflow => "value out of range",
                    _ => "invalid syntax",
                };
                ApiError::bad_request(format!(
                    "cannot convert to []int32: strconv.ParseUint: parsing {quoted}: {why}"
                ))
            })
        };
        sent.map(read).collect()
    }

    /// What follows `/proxy` in the path.
    fn proxied_path(&self) -> String {
        let mut path = self.path.subpath.clone();
        if !path.is_empty() {
            path.insert(0, '/');
        }
        if self.request.path.ends_with('/') && !path.ends_with('/') {
            path.push('/');
        }
        path
    }
}

fn set_text(options: &mut Value, key: &str, text: &str) {
    if !text.is_empty() {
        options[key] = text.into();
    }
}
