//! `Recreate`: all old pods go before the first new one comes (pkg/controller/deployment/recreate.go).

use super::{Sets, Visit, progress, revisions, scaling};
use crate::controllers::known::PODS;
use crate::controllers::owners::Owned;
use crate::controllers::{pods, replica_set};
use crate::error::ApiError;
use crate::object;

/// One step: empty the old ReplicaSets, wait for their pods to be gone, then make the new one.
pub(super) fn advance(visit: &mut Visit<'_, '_>, mut sets: Sets, owned: &Owned) -> Result<(), ApiError> {
    let mut scaled = false;
    for index in 0..sets.old.len() {
        let set = sets.old[index].clone();
        scaled |= replica_set::replicas(&set) > 0;
        sets.old[index] = scaling::set_replicas(visit, &set, 0)?;
    }
    if scaled || old_pods_run(visit, &sets, owned) {
        return progress::write_rollout(visit, &sets);
    }
    let mut sets = revisions::with_new(visit, sets)?;
    if let Some(new) = sets.new.clone() {
        let scaled = scaling::set_replicas(visit, &new, visit.replicas())?;
        scaling::replace(&mut sets, scaled);
    }
    if progress::is_complete(visit, &visit.deployment["status"]) {
        revisions::clean_up(visit, &sets)?;
    }
    progress::write_rollout(visit, &sets)
}

fn old_pods_run(visit: &Visit<'_, '_>, sets: &Sets, owned: &Owned) -> bool {
    sets.old.iter().flat_map(|set| owned.children(object::uid(set))).any(|(namespace, name)| {
        visit.api.get(&PODS, Some(namespace), name).is_some_and(|pod| !pods::is_finished(&pod))
    })
}
