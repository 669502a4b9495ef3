//! Getting a status into the cluster, beside others who write to the same object.

use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
};
use postgres_operator::{Error, FIELD_MANAGER, failed};
use serde_json::json;

use crate::{
    api::Database,
    status::{self, Seen},
};

/// Writes the status that follows from what a visit saw, if it is another one than the Database has.
///
/// # Guarantees
///
/// - Where nothing changed, nothing is sent.
/// - The spec, and conditions of types that are not ours, stay as they are.
/// - A decision that was made from an old copy of the Database is made again from a fresh one.
///
/// # Errors
///
/// The API server refuses, or others write so often that we never get a turn.
pub async fn publish(client: &Client, database: &Database, seen: &Seen<'_>) -> Result<(), Error> {
    let name = database.name_any();
    let databases = Api::<Database>::namespaced(client.clone(), &database.namespace().unwrap_or_default());
    let parameters = PatchParams::apply(FIELD_MANAGER);
    let failed = failed::<Database>("write the status of", &name);
    //= exercise 4
    let parameters = parameters.force();
    let types = kube::api::TypeMeta::resource::<Database>();
    let mut current = database.clone();
    let mut attempts = 5;
    loop {
        let mut status = status::derive(&current, seen);
        if current.status.as_ref() == Some(&status) {
            return Ok(());
        }
        // ANCHOR: ours
        // What is applied must be all that is ours and nothing else: types left out are not touched.
        status.conditions.retain(|condition| OURS.contains(&condition.type_.as_str()));
        let ours = json!({
            "apiVersion": types.api_version,
            "kind": types.kind,
            // With the version that the decision was made from, a write in between turns into a conflict.
            "metadata": { "name": name, "resourceVersion": current.resource_version() },
            "status": status,
        });
        // ANCHOR_END: ours
        attempts -= 1;
        match databases.patch_status(&name, &parameters, &Patch::Apply(ours)).await {
            Err(kube::Error::Api(answer)) if is_outdated(&answer) && attempts > 0 => {}
            result => return result.map(drop).map_err(&failed),
        }
        match databases.get_opt(&name).await.map_err(&failed)? {
            // Somebody wrote a label, a condition, anything but the spec: what we saw still holds.
            Some(fresh) if is_same_spec(&fresh, database) => current = fresh,
            // Edited, deleted or recreated: what we saw is history, and the event behind it brings a new visit.
            _ => return Ok(()),
        }
    }
    //= instead
    //| // TODO (01.4): write with care. Now every visit writes, needed or not, and overwrites what others have written
    //| // since this copy of the Database was read. Wanted: no request when the status is the one it has; conditions of
    //| // other types survive; when somebody else was faster, read again and decide again.
    //| // Done when: `grader check lab-01 --exercise 4`. About 25 lines. Stuck? `grader hint lab-01 4`.
    //| let patch = Patch::Merge(json!({ "status": status::derive(database, seen) }));
    //| databases.patch_status(&name, &parameters, &patch).await.map(drop).map_err(failed)
    //= end
}
//= exercise 4

/// The types that this operator speaks about. All others belong to somebody else.
const OURS: [&str; 3] = [status::READY, status::PROGRESSING, status::FAILED];

/// The Database is not the one that was read: it has changed, or it is gone.
fn is_outdated(answer: &kube::core::Status) -> bool {
    answer.is_conflict() || answer.is_not_found()
}

fn is_same_spec(one: &Database, other: &Database) -> bool {
    (one.uid(), one.metadata.generation) == (other.uid(), other.metadata.generation)
}
//= end
