//! The PersistentVolumeClaims of a set's pods, and who they go with (`persistentVolumeClaimRetentionPolicy`).

use super::{KIND, Visit, identity};
use crate::controllers::fields;
use crate::controllers::known::PERSISTENT_VOLUME_CLAIMS;
use crate::controllers::owners::{self, OwnerKind};
use crate::controllers::recorder::EventType;
use crate::error::ApiError;
use crate::object;
use serde_json::{Value, json};

const POD: OwnerKind = OwnerKind { api_version: "v1", kind: "Pod" };

pub(super) fn templates(set: &Value) -> &[Value] {
    fields::items(set, "/spec/volumeClaimTemplates")
}

pub(super) fn name(set: &Value, template: &Value, ordinal: i64) -> String {
    format!("{}-{}-{ordinal}", object::name(template), object::name(set))
}

fn new_claim(set: &Value, template: &Value, ordinal: i64) -> Value {
    let mut claim = template.clone();
    claim["apiVersion"] = "v1".into();
    claim["kind"] = "PersistentVolumeClaim".into();
    object::set_metadata(&mut claim, "name", name(set, template, ordinal));
    object::set_metadata(&mut claim, "namespace", object::namespace(set));
    let selected = fields::map(set, "/spec/selector/matchLabels").cloned().unwrap_or_default();
    let labels = object::metadata_mut(&mut claim).entry("labels").or_insert_with(|| json!({}));
    if let Some(labels) = labels.as_object_mut() {
        labels.extend(selected);
    }
    claim
}

/// Makes the claims of a pod that are not there.
pub(super) fn create_missing(visit: &mut Visit<'_, '_>, ordinal: i64) -> Result<(), ApiError> {
    let set = visit.set;
    let pod = identity::pod_name(set, ordinal);
    let mut failure = Ok(());
    for template in templates(set) {
        let claim = name(set, template, ordinal);
        let present = visit.api.get(&PERSISTENT_VOLUME_CLAIMS, Some(visit.namespace()), &claim);
        if let Some(present) = present {
            if object::is_deleting(&present) {
                failure = Err(ApiError::unexpected(format!("pvc {claim} is being deleted")));
            }
            continue;
        }
        let namespace = visit.namespace().to_owned();
        let made = new_claim(set, template, ordinal);
        let created = visit.api.create(&PERSISTENT_VOLUME_CLAIMS, Some(&namespace), made);
        let owner = object::name(set);
        match created {
            Ok(_) => visit.record(
                EventType::Normal,
                "SuccessfulCreate",
                &format!("Create Claim {claim} Pod {pod} in StatefulSet {owner} success"),
            ),
            Err(error) => {
                if !error.is_already_exists() {
                    visit.record(
                        EventType::Warning,
                        "FailedCreate",
                        &format!(
                            "Create Claim {claim} for Pod {pod} in StatefulSet {owner} failed error: {error}"
                        ),
                    );
                }
                failure = Err(error.prefixed(&format!("failed to create PVC {claim}: ")));
            }
        }
    }
    failure
}

/// Whether a claim still belongs to an earlier pod of this name, with which it will go: a new pod has to wait.
pub(super) fn are_stale(visit: &Visit<'_, '_>, ordinal: i64) -> bool {
    let set = visit.set;
    let pod = identity::pod_name(set, ordinal);
    let refers = |reference: &Value| refers_to(reference, &POD, &pod);
    Policy::of(set).when_scaled
        && templates(set).iter().any(|template| {
            let claim = name(set, template, ordinal);
            let claim = visit.api.get(&PERSISTENT_VOLUME_CLAIMS, Some(visit.namespace()), &claim);
            claim.is_some_and(|claim| object::owner_references(&claim).any(refers))
        })
}

/// Makes the owners of a pod's claims what the retention policy wants; `pod` is none while it is not created.
pub(super) fn settle_owners(
    visit: &mut Visit<'_, '_>,
    pod: Option<&Value>,
    ordinal: i64,
) -> Result<(), ApiError> {
    let set = visit.set;
    for template in templates(set) {
        let claim = name(set, template, ordinal);
        let Some(claim) = visit.api.get(&PERSISTENT_VOLUME_CLAIMS, Some(visit.namespace()), &claim) else {
            continue;
        };
        let family = Family { set, pod, name: identity::pod_name(set, ordinal), ordinal };
        if family.is_conflicting(&claim) {
            let message = format!(
                "PersistentVolumeClaim {} has a conflicting OwnerReference that acts as a manging controller, the \
                 retention policy is ignored for this claim",
                object::name(&claim)
            );
            visit.record(EventType::Warning, "ConflictingController", &message);
        }
        if let Some(references) = family.wanted_references(&claim) {
            owners::set_owner_references(visit.api, &PERSISTENT_VOLUME_CLAIMS, &claim, references)?;
        }
    }
    Ok(())
}

/// Whether a claim goes (true) or stays.
struct Policy {
    when_deleted: bool,
    when_scaled: bool,
}

impl Policy {
    fn of(set: &Value) -> Self {
        let goes = |key: &str| set["spec"]["persistentVolumeClaimRetentionPolicy"][key] == "Delete";
        Self { when_deleted: goes("whenDeleted"), when_scaled: goes("whenScaled") }
    }
}

/// A set and one of its pods, which may own the pod's claims.
struct Family<'a> {
    set: &'a Value,
    pod: Option<&'a Value>,
    name: String,
    ordinal: i64,
}

fn refers_to(reference: &Value, kind: &OwnerKind, name: &str) -> bool {
    reference["apiVersion"] == kind.api_version && reference["kind"] == kind.kind && reference["name"] == name
}

impl Family<'_> {
    fn set_uid(&self) -> &str {
        object::uid(self.set)
    }

    fn pod_uid(&self) -> &str {
        self.pod.map(object::uid).unwrap_or_default()
    }

    fn is_ours(&self, reference: &Value) -> bool {
        refers_to(reference, &KIND, object::name(self.set)) || refers_to(reference, &POD, &self.name)
    }

    /// It names a set or pod of our name that is another one.
    fn is_stale(&self, reference: &Value) -> bool {
        (refers_to(reference, &KIND, object::name(self.set)) && reference["uid"] != self.set_uid())
            || (refers_to(reference, &POD, &self.name) && reference["uid"] != self.pod_uid())
    }

    /// Somebody else manages the claim, although the policy wants it managed by us.
    fn is_conflicting(&self, claim: &Value) -> bool {
        let policy = Policy::of(self.set);
        (policy.when_deleted || policy.when_scaled)
            && object::owner_references(claim).any(|reference| {
                self.is_stale(reference) || (!self.is_ours(reference) && reference["controller"] == true)
            })
    }

    /// The owner references that the claim should have; none when it is fine or not ours to touch.
    fn wanted_references(&self, claim: &Value) -> Option<Vec<Value>> {
        let references = || object::owner_references(claim);
        if references().any(|reference| self.is_stale(reference)) {
            return None;
        }
        let has = |uid: &str| !uid.is_empty() && references().any(|reference| reference["uid"] == uid);
        let (has_set, has_pod) = (has(self.set_uid()), has(self.pod_uid()));
        let mut wanted: Vec<Value> =
            references().filter(|reference| !self.is_ours(reference)).cloned().collect();
        if self.is_conflicting(claim) {
            return (has_set || has_pod).then_some(wanted);
        }
        let policy = Policy::of(self.set);
        let scaled_down = !identity::ordinals(self.set).contains(&self.ordinal);
        let by_pod = policy.when_scaled && scaled_down;
        let by_set = policy.when_deleted && !by_pod;
        let only_owns = |reference: &Value| self.is_ours(reference) && reference["controller"] != true;
        if has_set == by_set && has_pod == by_pod && !references().any(only_owns) {
            return None;
        }
        if by_pod && let Some(pod) = self.pod {
            wanted.push(POD.reference(pod));
        }
        if by_set {
            wanted.push(KIND.reference(self.set));
        }
        Some(wanted)
    }
}
