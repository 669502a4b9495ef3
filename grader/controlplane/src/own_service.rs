//! The Service by which pods reach the API server (pkg/controlplane/controller/kubernetesservice/controller.go).

use crate::controllers::Api;
use crate::store::ResourceId;
use serde_json::json;

const SERVICES: ResourceId = ResourceId::known("", "services");
const NAMESPACE: &str = "default";
const NAME: &str = "kubernetes";
/// The first address of the range, which nobody else gets.
const ADDRESS: &str = "10.96.0.1";

/// Makes the Service, or points it at this port. It has no endpoints: as on a real server whose address is a loopback
/// one.
pub(crate) fn ensure(api: &mut Api<'_>, port: u16) {
    let written = match api.get(&SERVICES, Some(NAMESPACE), NAME) {
        None => api.create(
            &SERVICES,
            Some(NAMESPACE),
            json!({
                "apiVersion": "v1", "kind": "Service",
                "metadata": {
                    "name": NAME, "namespace": NAMESPACE,
                    "labels": {"component": "apiserver", "provider": "kubernetes"},
                },
                "spec": {
                    "type": "ClusterIP", "clusterIP": ADDRESS, "sessionAffinity": "None",
                    "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": port}],
                },
            }),
        ),
        Some(service) if service["spec"]["ports"][0]["targetPort"] == port => Ok(service),
        Some(service) => {
            let mut moved = (*service).clone();
            moved["spec"]["ports"][0]["targetPort"] = port.into();
            api.update(&SERVICES, moved)
        }
    };
    // The namespace may be gone, or the address taken by somebody: both are the user's doing.
    let _ = written;
}
