//! What every namespace has: the ServiceAccount `default` (pkg/controller/serviceaccount/serviceaccounts_controller.go)
//! and the ConfigMap `kube-root-ca.crt` (pkg/controller/certificates/rootcacertpublisher/publisher.go).

use crate::controllers::known::{CONFIG_MAPS, NAMESPACES, SERVICE_ACCOUNTS};
use crate::controllers::work_queue::{WorkQueue, later};
use crate::controllers::{Api, Controller};
use crate::error::ApiError;
use crate::object;
use crate::store::{Change, ResourceId};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const ACCOUNT: &str = "default";
const ROOT_CA: &str = "kube-root-ca.crt";
const DESCRIPTION: &str = "kubernetes.io/description";
const ROOT_CA_DESCRIPTION: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using \
    internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across \
    distributions of Kubernetes clusters.";

/// Makes the ServiceAccount `default` in every namespace, again when somebody deletes it.
#[derive(Debug)]
pub struct ServiceAccounts {
    rooms: Rooms,
}

/// Makes the ConfigMap `kube-root-ca.crt` in every namespace, and repairs it.
#[derive(Debug)]
pub struct RootCaPublisher {
    rooms: Rooms,
    root_ca: String,
}

impl ServiceAccounts {
    /// A controller that acts `reaction` after what it saw.
    pub fn new(reaction: SignedDuration) -> Self {
        Self { rooms: Rooms::new(reaction, SERVICE_ACCOUNTS, ACCOUNT) }
    }
}

impl RootCaPublisher {
    /// A controller that acts `reaction` after what it saw and publishes this PEM text.
    pub fn new(reaction: SignedDuration, root_ca: String) -> Self {
        Self { rooms: Rooms::new(reaction, CONFIG_MAPS, ROOT_CA), root_ca }
    }
}

impl Controller for ServiceAccounts {
    fn name(&self) -> &'static str {
        "serviceaccount-controller"
    }

    fn observe(&mut self, change: &Change) {
        self.rooms.observe(change);
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        self.rooms.furnish(api, now, |api, namespace| {
            if api.get(&SERVICE_ACCOUNTS, Some(namespace), ACCOUNT).is_some() {
                return Ok(());
            }
            let account = json!({
                "apiVersion": "v1", "kind": "ServiceAccount",
                "metadata": {"name": ACCOUNT, "namespace": namespace},
            });
            api.create(&SERVICE_ACCOUNTS, Some(namespace), account).map(drop)
        });
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.rooms.queue.next_wake()
    }
}

impl Controller for RootCaPublisher {
    fn name(&self) -> &'static str {
        "root-ca-certificate-publisher-controller"
    }

    fn observe(&mut self, change: &Change) {
        self.rooms.observe(change);
    }

    fn run(&mut self, api: &mut Api<'_>, now: Timestamp) {
        let root_ca = &self.root_ca;
        self.rooms.furnish(api, now, |api, namespace| {
            let Some(present) = api.get(&CONFIG_MAPS, Some(namespace), ROOT_CA) else {
                let bundle = json!({
                    "apiVersion": "v1", "kind": "ConfigMap",
                    "metadata": {
                        "name": ROOT_CA, "namespace": namespace,
                        "annotations": {DESCRIPTION: ROOT_CA_DESCRIPTION},
                    },
                    "data": {"ca.crt": root_ca},
                });
                return api.create(&CONFIG_MAPS, Some(namespace), bundle).map(drop);
            };
            let described = present["metadata"]["annotations"].get(DESCRIPTION);
            if present["data"] == json!({"ca.crt": root_ca})
                && described.is_some_and(|text| text == ROOT_CA_DESCRIPTION)
            {
                return Ok(());
            }
            let mut repaired = (*present).clone();
            repaired["data"] = json!({"ca.crt": root_ca});
            let annotations =
                &mut object::metadata_mut(&mut repaired).entry("annotations").or_insert_with(|| json!({}));
            annotations[DESCRIPTION] = ROOT_CA_DESCRIPTION.into();
            api.update(&CONFIG_MAPS, repaired).map(drop)
        });
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.rooms.queue.next_wake()
    }
}

/// Namespaces in which one object has to be.
#[derive(Debug)]
struct Rooms {
    reaction: SignedDuration,
    resource: ResourceId,
    name: &'static str,
    queue: WorkQueue<String>,
}

impl Rooms {
    fn new(reaction: SignedDuration, resource: ResourceId, name: &'static str) -> Self {
        Self { reaction, resource, name, queue: WorkQueue::default() }
    }

    fn observe(&mut self, change: &Change) {
        let object = change.object();
        let namespace = if change.resource == NAMESPACES && change.new.is_some() {
            object::name(object)
        } else if change.resource == self.resource
            && change.old.is_some()
            && object::name(object) == self.name
        {
            object::namespace(object)
        } else {
            return;
        };
        self.queue.add(namespace.to_owned(), later(change.at, self.reaction));
    }

    fn furnish(
        &mut self,
        api: &mut Api<'_>,
        now: Timestamp,
        mut make: impl FnMut(&mut Api<'_>, &str) -> Result<(), ApiError>,
    ) {
        while let Some(name) = self.queue.pop(now) {
            let alive = |namespace: &Value| !object::is_deleting(namespace);
            let made = match api.get(&NAMESPACES, None, &name) {
                Some(namespace) if alive(&namespace) => make(api, &name),
                _ => Ok(()),
            };
            match made {
                Err(error) if !error.is_not_found() && !error.is_already_exists() => {
                    self.queue.retry(name, now);
                }
                _ => self.queue.forget(&name),
            }
        }
    }
}
