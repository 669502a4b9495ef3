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
    // TODO (01.4): write with care. Now every visit writes, needed or not, and overwrites what others have written
    // since this copy of the Database was read. Wanted: no request when the status is the one it has; conditions of
    // other types survive; when somebody else was faster, read again and decide again.
    // Done when: `grader check lab-01 --exercise 4`. About 25 lines. Stuck? `grader hint lab-01 4`.
    let patch = Patch::Merge(json!({ "status": status::derive(database, seen) }));
    databases.patch_status(&name, &parameters, &patch).await.map(drop).map_err(failed)
}
