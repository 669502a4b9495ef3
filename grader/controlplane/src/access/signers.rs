//! Who may approve and sign certificate requests (plugin/pkg/admission/certificates/approval and .../signing,
//! pkg/certauthorization/certauthorization.go).

use super::attributes::{Attributes, ResourceAttributes};
use super::control::AccessControl;
use crate::error::ApiError;
use crate::go_text;
use crate::object;
use crate::store::ResourceId;
use crate::verbs::write::Write;
use serde_json::Value;

const GROUP: &str = "certificates.k8s.io";
const REQUESTS: ResourceId = ResourceId::known(GROUP, "certificatesigningrequests");

/// Checks a write to the approval or the status of a request.
///
/// # Errors
/// 403 for those who may not use the signer of the request.
pub(crate) fn check(
    control: &AccessControl,
    write: &Write<'_>,
    new: &Value,
    old: Option<&Value>,
) -> Result<(), ApiError> {
    let Some(old) = old.filter(|_| write.resource.id == REQUESTS) else { return Ok(()) };
    let verb = match write.subresource {
        Some("approval") => "approve",
        Some("status") if new["status"] != old["status"] => "sign",
        _ => return Ok(()),
    };
    let signer = old["spec"]["signerName"].as_str().unwrap_or_default();
    let domain = signer.split('/').next().unwrap_or_default();
    let may = |name: &str| {
        let resource =
            ResourceAttributes { group: GROUP, resource: "signers", name, ..ResourceAttributes::default() };
        control.check(&Attributes::of_resource(&write.user, verb, resource)).is_ok()
    };
    if may(signer) || may(&format!("{domain}/*")) {
        return Ok(());
    }
    let why = format!("user not permitted to {verb} requests with signerName {}", go_text::quote(signer));
    Err(ApiError::forbidden(&REQUESTS, object::name(old), &why))
}
