//! Which controllers run: the list syntax of kube-controller-manager's `--controllers`.

use std::collections::BTreeSet;
use std::str::FromStr;

/// Every controller, by the name that kube-controller-manager gives it; `node-simulator` is ours.
const NAMES: &[&str] = &[
    "bootstrap-signer-controller",
    "certificatesigningrequest-approving-controller",
    "certificatesigningrequest-cleaner-controller",
    "certificatesigningrequest-signing-controller",
    "clusterrole-aggregation-controller",
    "cronjob-controller",
    "daemonset-controller",
    "deployment-controller",
    "disruption-controller",
    "endpoints-controller",
    "endpointslice-controller",
    "endpointslice-mirroring-controller",
    "ephemeral-volume-controller",
    "garbage-collector-controller",
    "job-controller",
    "namespace-controller",
    "node-lifecycle-controller",
    "node-simulator",
    "persistentvolume-binder-controller",
    "persistentvolume-protection-controller",
    "persistentvolumeclaim-protection-controller",
    "pod-garbage-collector-controller",
    "replicaset-controller",
    "replicationcontroller-controller",
    "resourcequota-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "statefulset-controller",
    "taint-eviction-controller",
    "token-cleaner-controller",
    "ttl-after-finished-controller",
    "ttl-controller",
    "validatingadmissionpolicy-status-controller",
    "volumeattributesclass-protection-controller",
];

/// Those that run only when they are asked for by name, as there.
const ON_REQUEST: &[&str] = &["bootstrap-signer-controller", "token-cleaner-controller"];

/// Controllers of kube-controller-manager that this control plane does not have: a list may leave them out by name.
const ABSENT: &[&str] = &[
    "device-taint-eviction-controller",
    "horizontal-pod-autoscaler-controller",
    "kube-apiserver-serving-clustertrustbundle-publisher-controller",
    "legacy-serviceaccount-token-cleaner-controller",
    "node-ipam-controller",
    "persistentvolume-attach-detach-controller",
    "persistentvolume-expander-controller",
    "podcertificaterequest-cleaner-controller",
    "podgroup-protection-controller",
    "resourceclaim-controller",
    "resourcepoolstatusrequest-controller",
    "selinux-warning-controller",
    "service-cidr-controller",
    "storage-version-migrator-controller",
    "storageversion-garbage-collector-controller",
];

/// Which controllers run.
///
/// # Example
/// ```
/// use controlplane::controllers::ControllerSet;
///
/// let set: ControllerSet = "*,-statefulset-controller".parse().unwrap();
/// assert!(set.contains("garbage-collector-controller"));
/// assert!(!set.contains("statefulset-controller"));
/// assert!("nonsense".parse::<ControllerSet>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControllerSet {
    names: BTreeSet<&'static str>,
}

impl ControllerSet {
    /// Every controller that runs unless somebody says otherwise, the node simulator among them.
    pub fn all() -> Self {
        Self { names: NAMES.iter().copied().filter(|name| !ON_REQUEST.contains(name)).collect() }
    }

    /// No controller: an API server alone.
    pub fn none() -> Self {
        Self { names: BTreeSet::new() }
    }

    /// The names of all controllers there are.
    pub fn known() -> &'static [&'static str] {
        NAMES
    }

    /// Whether a controller runs.
    pub fn contains(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// The same set without one controller.
    pub fn without(mut self, name: &str) -> Self {
        self.names.remove(name);
        self
    }
}

/// A name in the list is no controller's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a controller; known are {}", NAMES.join(", "))]
pub struct UnknownController {
    name: String,
}

impl UnknownController {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned() }
    }
}

/// A comma-separated list: `*` for all that run by default, `name` for one, `-name` for all but one (an exclusion always wins, wherever it
/// stands). The empty list is no controller. A name may leave out its ending `-controller`.
impl FromStr for ControllerSet {
    type Err = UnknownController;

    fn from_str(list: &str) -> Result<Self, Self::Err> {
        let mut set = Self::none();
        let mut excluded = BTreeSet::new();
        for item in list.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            match (item, item.strip_prefix('-')) {
                ("*", _) => set.names.extend(Self::all().names),
                (_, Some(name)) => {
                    if find(name, ABSENT).is_none() {
                        excluded.insert(find(name, NAMES).ok_or_else(|| UnknownController::new(name))?);
                    }
                }
                (name, None) => {
                    set.names.insert(find(name, NAMES).ok_or_else(|| UnknownController::new(name))?);
                }
            }
        }
        set.names.retain(|name| !excluded.contains(name));
        Ok(set)
    }
}

fn find(name: &str, names: &[&'static str]) -> Option<&'static str> {
    let known = |known: &&&str| **known == name || known.strip_suffix("-controller") == Some(name);
    names.iter().find(known).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_name_exclude_and_take_all() {
        let table = [
            ("", vec![]),
            ("namespace", vec!["namespace-controller"]),
            ("namespace-controller, node-simulator", vec!["namespace-controller", "node-simulator"]),
            ("-node-simulator,node-simulator", vec![]),
        ];
        for (list, expected) in table {
            let set: ControllerSet = list.parse().expect("every name is known");
            assert_eq!(set.names.into_iter().collect::<Vec<_>>(), expected, "{list}");
        }
        assert_eq!("*".parse(), Ok(ControllerSet::all()));
        let asked_for: ControllerSet = "token-cleaner,*".parse().expect("every name is known");
        assert!(asked_for.contains("token-cleaner-controller") && asked_for.contains("ttl-controller"));
        assert!(!ControllerSet::all().contains("token-cleaner-controller"));
        assert_eq!("-statefulset,*".parse(), Ok(ControllerSet::all().without("statefulset-controller")));
        assert_eq!("*,-resourceclaim".parse(), Ok(ControllerSet::all()));
        assert!("resourceclaim".parse::<ControllerSet>().is_err());
        assert!("*,-nonsense".parse::<ControllerSet>().is_err());
    }
}
