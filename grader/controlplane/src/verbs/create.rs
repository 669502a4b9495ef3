//! POST: a new object (apiserver/pkg/registry/rest/create.go, registry/generic/registry/store.go).

use super::write::Write;
use crate::admission::{self, Operation};
use crate::api_server::ApiServer;
use crate::controllers::quota;
use crate::conversion;
use crate::error::ApiError;
use crate::object;
use crate::resources::Nature;
use crate::strategy;
use serde_json::Value;
use std::sync::Arc;

/// A name may be 63 characters in many places; the random suffix takes 5 of them.
const LONGEST_GENERATED_BASE: usize = 58;
/// A generated name may hit an existing object this often before the server gives up.
const NAME_ATTEMPTS: usize = 8;

/// Stores a new object, which must be decoded. Answers it in the version it was written in.
pub(crate) fn create(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    mut object: Value,
) -> Result<Arc<Value>, ApiError> {
    let metadata = object::metadata_mut(&mut object);
    for ignored in ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"]
    {
        metadata.remove(ignored);
    }
    write.check_namespace(&mut object)?;
    write.drop_duplicate_owners(&mut object);
    write.track(None, &mut object);
    insert(server, write, object)
}

/// The second half of a creation, also by apply: the fields of the new object have their managers.
pub(crate) fn insert(
    server: &mut ApiServer,
    write: &mut Write<'_>,
    mut object: Value,
) -> Result<Arc<Value>, ApiError> {
    let resource = write.resource.clone();
    write.require_namespace(&server.store, &object)?;
    server.admit(write, &mut object, None)?;
    admission::mutate(server, write, &mut object, None)?;
    if object::metadata_text(&object, "uid").is_empty() {
        object::set_metadata(&mut object, "uid", server.random.uid());
    }
    object::set_metadata(&mut object, "creationTimestamp", object::time(write.now));

    let base = object::metadata_text(&object, "generateName").to_owned();
    let generated = object::name(&object).is_empty() && !base.is_empty();
    if generated {
        let start = &base[..base.floor_char_boundary(LONGEST_GENERATED_BASE)];
        for _ in 0..NAME_ATTEMPTS {
            write.name = format!("{start}{}", server.random.suffix());
            if server.store.get(&resource.storage, &write.namespace, &write.name).is_none() {
                break;
            }
        }
        object::set_metadata(&mut object, "name", write.name.clone());
    } else if object::name(&object).is_empty() && strategy::names_itself(&resource) {
        write.name = server.random.uid();
        object::set_metadata(&mut object, "name", write.name.clone());
    } else {
        write.name = object::name(&object).to_owned();
    }

    object = resource.internal(object);
    let errors = strategy::create(&resource, &mut object);
    if !errors.is_empty() {
        return Err(write.invalid(&object, &errors));
    }
    for text in strategy::warnings(&resource, &object, None) {
        write.warn(text);
    }
    server.admit_final(write, &object, None)?;
    admission::validate(server, write, Operation::Create { object: &object })?;
    server.allocate(write, &mut object, None)?;
    let quotas = quota::charge(server, write, &object, None)?;

    // A dry run does not come to where this is looked at.
    if !write.dry_run && names_a_version(object::resource_version(&object)) {
        return Err(ApiError::unexpected("resourceVersion should not be set on objects to be created"));
    }
    if let Nature::Custom(custom) = &resource.nature {
        custom.default_status(&mut object);
    }
    let prepared = conversion::prepare(server, &resource, object)?;
    if !write.dry_run {
        prepared.check(&server.store)?;
    }
    if let Some(existing) = server.store.get(&resource.storage, &write.namespace, &write.name) {
        let error = if !base.is_empty() {
            ApiError::generated_name_taken(&resource.id, &write.name)
        } else {
            ApiError::already_exists(&resource.id, &write.name)
        };
        let deleting = object::is_deleting(&existing.object);
        return Err(if deleting { error.prefixed("object is being deleted: ") } else { error });
    }
    if write.dry_run {
        return Ok(prepared.into_shown(server, &resource));
    }
    quota::settle(server, quotas, write.now);
    Ok(prepared.put(server, &resource, write.now))
}

/// Whether a resourceVersion is a number above zero; other texts are overwritten
/// (apiserver/pkg/storage/etcd3/store.go).
fn names_a_version(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u64>().is_ok_and(|version| version > 0)
}
