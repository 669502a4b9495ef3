//! What becomes of a claim (syncClaim in pkg/controller/volume/persistentvolume/pv_controller.go).

use super::matching::{self, is_bound_to};
use super::{BIND_COMPLETED, BOUND_BY_CONTROLLER, STORAGE_CLASSES, Visit, annotate, has_annotation};
use crate::controllers::known::{PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS};
use crate::controllers::owners::{self, Key};
use crate::controllers::recorder::EventType;
use crate::controllers::volume_protection::claims_of;
use crate::controllers::{fields, pods};
use crate::error::ApiError;
use crate::go_text;
use crate::object;
use serde_json::{Value, json};
use std::sync::Arc;

const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";
/// Who is to make a volume; the older one is still written.
const PROVISIONER: [&str; 2] =
    ["volume.beta.kubernetes.io/storage-provisioner", "volume.kubernetes.io/storage-provisioner"];
const DEFAULT_CLASS: [&str; 2] =
    ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];

impl Visit<'_, '_> {
    pub(super) fn sync_claim(&mut self, key: &Key) -> Result<(), ApiError> {
        let Some(claim) = self.api.get(&PERSISTENT_VOLUME_CLAIMS, Some(&key.0), &key.1) else {
            return Ok(());
        };
        let volume_name = fields::text(&claim, "/spec/volumeName");
        match (has_annotation(&claim, BIND_COMPLETED), volume_name) {
            (true, "") => {
                let why = "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!";
                self.lose(&claim, "ClaimLost", why)
            }
            (true, name) => self.sync_bound(&claim, name),
            (false, "") => self.find_volume(&claim),
            (false, name) => self.sync_named(&claim, name),
        }
    }

    fn sync_bound(&mut self, claim: &Arc<Value>, volume: &str) -> Result<(), ApiError> {
        let Some(volume) = self.volume(volume) else {
            let why = "Bound claim has lost its PersistentVolume. Data on the volume is lost!";
            return self.lose(claim, "ClaimLost", why);
        };
        let reference = &volume["spec"]["claimRef"];
        if reference.is_null() || reference["uid"] == object::uid(claim) {
            return self.bind(&volume, claim);
        }
        let why = "Two claims are bound to the same volume, this one is bound incorrectly";
        self.lose(claim, "ClaimMisbound", why)
    }

    /// A claim that says which volume it wants.
    fn sync_named(&mut self, claim: &Arc<Value>, volume: &str) -> Result<(), ApiError> {
        let Some(volume) = self.volume(volume) else {
            return self.set_claim_phase(claim, "Pending", None).map(drop);
        };
        let name = go_text::quote(object::name(&volume));
        let refusal = if volume["spec"]["claimRef"].is_null() {
            let why = matching::mismatch(&volume, claim);
            why.map(|why| ("VolumeMismatch", format!("Cannot bind to requested volume {name}: {why}")))
        } else if is_bound_to(&volume, claim) {
            None
        } else {
            Some(("FailedBinding", format!("volume {name} already bound to a different claim.")))
        };
        match refusal {
            None => self.bind(&volume, claim),
            Some((reason, message)) => {
                self.recorder.record(self.api, claim, EventType::Warning, reason, &message);
                self.set_claim_phase(claim, "Pending", None).map(drop)
            }
        }
    }

    fn find_volume(&mut self, claim: &Arc<Value>) -> Result<(), ApiError> {
        let class = matching::class(claim).to_owned();
        let definition = self.api.get(&STORAGE_CLASSES, None, &class).filter(|_| !class.is_empty());
        let waits =
            definition.as_ref().is_some_and(|class| class["volumeBindingMode"] == "WaitForFirstConsumer");
        let volumes = self.api.list(&PERSISTENT_VOLUMES, None);
        if let Some(volume) = matching::best(claim, &volumes, waits) {
            return self.bind(volume, claim);
        }
        if !matching::names_class(claim)
            && let Some(default) = self.default_class()
        {
            let mut changed = (**claim).clone();
            changed["spec"]["storageClassName"] = default.into();
            return self.api.update(&PERSISTENT_VOLUME_CLAIMS, changed).map(drop);
        }
        if waits && !has_annotation(claim, SELECTED_NODE) {
            let (reason, message) = self.waits_for(claim);
            self.recorder.record(self.api, claim, EventType::Normal, reason, &message);
        } else if !class.is_empty() {
            return self.provision(claim, &class, definition.as_deref());
        } else {
            let why = "no persistent volumes available for this claim and no storage class is set";
            self.recorder.record(self.api, claim, EventType::Normal, "FailedBinding", why);
        }
        self.set_claim_phase(claim, "Pending", None).map(drop)
    }

    /// The newest class that is the default one.
    fn default_class(&self) -> Option<String> {
        let is_default = |class: &&Arc<Value>| {
            DEFAULT_CLASS.iter().any(|annotation| fields::annotation(class, annotation) == "true")
        };
        let classes = self.api.list(&STORAGE_CLASSES, None);
        let created = |class: &Value| fields::time(class, "/metadata/creationTimestamp");
        let newest = classes.iter().filter(is_default).min_by(|one, other| {
            created(other).cmp(&created(one)).then_with(|| object::name(one).cmp(object::name(other)))
        });
        newest.map(|class| object::name(class).to_owned())
    }

    /// What a claim waits for whose class leaves the choice to the scheduler.
    fn waits_for(&self, claim: &Value) -> (&'static str, String) {
        let key = owners::key(claim);
        let waits = |pod: &&Arc<Value>| {
            claims_of(pod).contains(&key)
                && !pods::is_finished(pod)
                && fields::text(pod, "/spec/nodeName").is_empty()
        };
        let all = self.api.list(&PODS, Some(&key.0));
        let names: Vec<&str> = all.iter().filter(waits).map(|pod| object::name(pod)).collect();
        match names.as_slice() {
            [] => {
                let message = "waiting for first consumer to be created before binding";
                ("WaitForFirstConsumer", message.to_owned())
            }
            [name] => ("WaitForPodScheduled", format!("waiting for pod {name} to be scheduled")),
            names => ("WaitForPodScheduled", format!("waiting for pods {} to be scheduled", names.join(","))),
        }
    }

    /// Asks whoever makes volumes of this class for one.
    fn provision(&mut self, claim: &Arc<Value>, name: &str, class: Option<&Value>) -> Result<(), ApiError> {
        let failed = match class {
            None => Some(format!("storageclass.storage.k8s.io {} not found", go_text::quote(name))),
            Some(class) => provisioner(fields::text(class, "/provisioner")).err(),
        };
        if let Some(why) = failed {
            self.recorder.record(self.api, claim, EventType::Warning, "ProvisioningFailed", &why);
            return Ok(());
        }
        let named = class.map_or("", |class| fields::text(class, "/provisioner"));
        let provisioner = provisioner(named).unwrap_or(named);
        let mut claim = claim.clone();
        if fields::annotation(&claim, PROVISIONER[1]) != provisioner {
            let mut changed = (*claim).clone();
            PROVISIONER.iter().for_each(|annotation| annotate(&mut changed, annotation, provisioner));
            claim = self.api.update(&PERSISTENT_VOLUME_CLAIMS, changed)?;
        }
        let message = format!(
            "Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the \
             system administrator. If volume creation is delayed, please verify that the provisioner is running and \
             correctly registered."
        );
        self.recorder.record(self.api, &claim, EventType::Normal, "ExternalProvisioning", &message);
        Ok(())
    }

    /// Binds both to each other, each with what it says of that.
    fn bind(&mut self, volume: &Arc<Value>, claim: &Arc<Value>) -> Result<(), ApiError> {
        let mut bound = (**volume).clone();
        if !is_bound_to(volume, claim) && !has_annotation(volume, BOUND_BY_CONTROLLER) {
            annotate(&mut bound, BOUND_BY_CONTROLLER, "yes");
        }
        if !is_bound_to(volume, claim) || volume["spec"]["claimRef"]["uid"] != object::uid(claim) {
            bound["spec"]["claimRef"] = json!({
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": object::name(claim),
                "namespace": object::namespace(claim), "uid": object::uid(claim),
                "resourceVersion": object::resource_version(claim),
            });
        }
        let volume =
            if bound == **volume { volume.clone() } else { self.api.update(&PERSISTENT_VOLUMES, bound)? };
        let volume = self.set_phase(&volume, "Bound", "")?;
        let mut bound = (**claim).clone();
        if claim["spec"]["volumeName"] != object::name(&volume) {
            bound["spec"]["volumeName"] = object::name(&volume).into();
            annotate(&mut bound, BOUND_BY_CONTROLLER, "yes");
        }
        if !has_annotation(claim, BIND_COMPLETED) {
            annotate(&mut bound, BIND_COMPLETED, "yes");
        }
        let claim = if bound == **claim {
            claim.clone()
        } else {
            self.api.update(&PERSISTENT_VOLUME_CLAIMS, bound)?
        };
        self.set_claim_phase(&claim, "Bound", Some(&volume)).map(drop)
    }

    fn lose(&mut self, claim: &Arc<Value>, reason: &str, why: &str) -> Result<(), ApiError> {
        if claim["status"]["phase"] == "Lost" {
            return Ok(());
        }
        let lost = self.set_claim_phase(claim, "Lost", None)?;
        self.recorder.record(self.api, &lost, EventType::Warning, reason, why);
        Ok(())
    }

    /// Says what has become of a claim, with what it has of its volume.
    fn set_claim_phase(
        &mut self,
        claim: &Arc<Value>,
        phase: &str,
        volume: Option<&Value>,
    ) -> Result<Arc<Value>, ApiError> {
        const OF_VOLUME: [&str; 3] = ["accessModes", "capacity", "currentVolumeAttributesClassName"];
        let mut changed = (**claim).clone();
        let is_new = claim["status"]["phase"] != phase;
        let status = &mut changed["status"];
        if !status.is_object() {
            *status = json!({});
        }
        status["phase"] = phase.into();
        match volume {
            None => {
                if let Some(status) = status.as_object_mut() {
                    status.retain(|key, _| !OF_VOLUME.contains(&key.as_str()));
                }
            }
            Some(volume) => {
                status["accessModes"] = volume["spec"]["accessModes"].clone();
                if is_new {
                    status["capacity"] = volume["spec"]["capacity"].clone();
                }
                let class = &volume["spec"]["volumeAttributesClassName"];
                if claim["status"]["phase"] == "Pending" && class.is_string() {
                    status["currentVolumeAttributesClassName"] = class.clone();
                }
            }
        }
        if changed == **claim {
            return Ok(claim.clone());
        }
        self.api.update_status(&PERSISTENT_VOLUME_CLAIMS, changed)
    }
}

/// Who makes volumes for a provisioner: those that were built in once are CSI drivers now
/// (csi-translation-lib/plugins).
fn provisioner(name: &str) -> Result<&str, String> {
    Ok(match name {
        "kubernetes.io/aws-ebs" => "ebs.csi.aws.com",
        "kubernetes.io/azure-disk" => "disk.csi.azure.com",
        "kubernetes.io/azure-file" => "file.csi.azure.com",
        "kubernetes.io/cinder" => "cinder.csi.openstack.org",
        "kubernetes.io/gce-pd" => "pd.csi.storage.gke.io",
        "kubernetes.io/portworx-volume" => "pxd.portworx.com",
        "kubernetes.io/vsphere-volume" => "csi.vsphere.vmware.com",
        name if name.starts_with("kubernetes.io/") => {
            return Err(format!("no volume plugin matched name: {name}"));
        }
        name => name,
    })
}
