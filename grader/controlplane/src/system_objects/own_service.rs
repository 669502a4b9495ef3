//! The Service by which pods reach the API server (pkg/controlplane/controller/kubernetesservice/controller.go).

use crate::controllers::{Api, Controller};
use crate::error::ApiError;
use crate::object;
use crate::store::{Change, ResourceId};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

const SERVICES: ResourceId = ResourceId::known("", "services");
const NAMESPACE: &str = "default";
const NAME: &str = "kubernetes";
/// The first address of the range, which nobody else gets.
const ADDRESS: &str = "10.96.0.1";
/// How long the Service may be missing.
const EVERY: SignedDuration = SignedDuration::from_secs(10);

/// Sees to it that there is such a Service. It has no endpoints: as on a real server whose address is a loopback one.
#[derive(Debug)]
pub(crate) struct OwnService {
    port: u16,
    /// When to look after it.
    due: Option<Timestamp>,
}

impl OwnService {
    /// For a server on this port.
    pub(crate) fn new(port: u16) -> Self {
        Self { port, due: None }
    }

    /// Makes the Service as the server starts, or points it at the server's port. Later on what others have changed is
    /// left alone.
    pub(crate) fn start(&mut self, api: &mut Api<'_>) {
        let port = self.port;
        self.due = match api.get(&SERVICES, Some(NAMESPACE), NAME) {
            Some(service) if service["spec"]["ports"][0]["targetPort"] != port => {
                let mut moved = (*service).clone();
                moved["spec"]["ports"][0]["targetPort"] = port.into();
                // Whoever made it a Service without ports has taken it over.
                let _ = api.update(&SERVICES, moved);
                None
            }
            Some(_) => None,
            None => self.make(api).is_err().then(|| api.now() + EVERY),
        };
    }

    fn make(&self, api: &mut Api<'_>) -> Result<(), ApiError> {
        let service = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {
                "name": NAME, "namespace": NAMESPACE,
                "labels": {"component": "apiserver", "provider": "kubernetes"},
            },
            "spec": {
                "type": "ClusterIP", "clusterIP": ADDRESS, "sessionAffinity": "None",
                "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": self.port}],
            },
        });
        api.create(&SERVICES, Some(NAMESPACE), service).map(drop)
    }
}

impl Controller for OwnService {
    fn name(&self) -> &'static str {
        "kubernetes-service"
    }

    fn manager(&self) -> &'static str {
        "kube-apiserver"
    }

    fn observe(&mut self, change: &Change) {
        let gone = change.new.is_none() && change.resource == SERVICES;
        if gone && (object::namespace(change.object()), object::name(change.object())) == (NAMESPACE, NAME) {
            self.due = Some(change.at + EVERY);
        }
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        let missing = api.get(&SERVICES, Some(NAMESPACE), NAME).is_none();
        // The address may be taken, until somebody gives it back.
        let failed = missing && self.make(api).is_err();
        self.due = failed.then(|| now + EVERY);
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ControlPlane, Options};

    #[test]
    fn the_service_is_made_again_and_otherwise_left_alone() {
        let mut now = Timestamp::UNIX_EPOCH;
        let mut plane = ControlPlane::new(Options { port: Some(6443), start: now, ..Options::default() });
        let service = |plane: &ControlPlane| plane.get(&SERVICES, NAMESPACE, NAME);
        let mut changed = (*service(&plane).expect("made at the start")).clone();
        assert_eq!(changed["spec"]["clusterIP"], ADDRESS);
        changed["spec"]["ports"][0]["targetPort"] = 1.into();
        plane.act_as("somebody", now, |api| api.update(&SERVICES, changed)).expect("an update");
        now += EVERY;
        plane.advance(now);
        assert_eq!(service(&plane).expect("still there")["spec"]["ports"][0]["targetPort"], 1);

        plane
            .act_as("somebody", now, |api| api.delete(&SERVICES, Some(NAMESPACE), NAME, &json!({})))
            .expect("a deletion");
        assert_eq!(service(&plane), None);
        assert_eq!(plane.next_wake(), Some(now + EVERY));
        plane.advance(now + EVERY);
        assert_eq!(service(&plane).expect("made again")["spec"]["ports"][0]["targetPort"], 6443);
        assert_eq!(plane.next_wake(), None);
    }
}
