//! Questions about access, which are asked by creating an object that is never stored: its answer is the status
//! (pkg/registry/authorization, pkg/registry/authentication).

mod rules;
mod selectors;
mod subject_access;
mod token;
mod who;

use crate::api_server::ApiServer;
use crate::error::ApiError;
use crate::object;
use crate::resources::Resource;
use crate::verbs::write::Write;
use serde_json::Value;

/// Whether objects of this resource are questions.
pub(crate) fn answers(resource: &Resource) -> bool {
    matches!(resource.id.group(), "authorization.k8s.io" | "authentication.k8s.io")
}

/// Answers a question, which must be decoded.
pub(crate) fn create(
    server: &mut ApiServer,
    write: &Write<'_>,
    mut review: Value,
) -> Result<Value, ApiError> {
    let metadata = object::metadata_mut(&mut review);
    for ignored in ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"]
    {
        metadata.remove(ignored);
    }
    write.check_namespace(&mut review)?;
    write.track(None, &mut review);
    match object::kind(&review) {
        "TokenReview" => token::review(server, write, review),
        "SelfSubjectReview" => Ok(who::self_subject(write)),
        "SelfSubjectRulesReview" => rules::self_subject(&server.access, write, &review),
        "SelfSubjectAccessReview" => subject_access::of_requester(&server.access, write, review),
        "SubjectAccessReview" => subject_access::of_anybody(&server.access, write, review),
        "LocalSubjectAccessReview" => subject_access::of_anybody_here(&server.access, write, review),
        _ => Err(ApiError::unknown_resource()),
    }
}
