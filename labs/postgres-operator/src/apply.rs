//! Getting the children of a Database into the cluster.

use std::{
    fmt::Debug,
    hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState},
};

use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::StatefulSet,
        core::v1::{Secret, Service},
    },
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Error, FIELD_MANAGER, PostgresSpec, children, error::failed};

/// The annotation of a child that notes what was asked for when it was last applied.
pub const APPLIED: &str = "database.example.com/applied";

/// Makes the children of `owner` what its spec wants them to be: creates what is missing, repairs what differs.
///
/// # Guarantees
///
/// - Safe to repeat: where nothing differs, nothing is written, and nobody who watches is woken.
/// - Fields that other people set on the children stay theirs.
/// - The Secret is created once. An existing one is never written.
///
/// # Errors
///
/// The first request that fails. What was done before it stays done, and the next call goes on from there.
pub async fn apply_children<Owner>(client: &Client, owner: &Owner, spec: &PostgresSpec) -> Result<(), Error>
where
    Owner: Resource<DynamicType = ()>,
{
    // The order matters little to Kubernetes, but pods that find their Secret and their name start at once.
    create_secret_once(client, owner, spec).await?;

    let live = read::<Service>(client, owner, &owner.name_any()).await?;
    apply(client, live, stamped(children::service(owner))).await?;

    let live = read::<StatefulSet>(client, owner, &owner.name_any()).await?;
    let mut wanted = stamped(children::stateful_set(owner, spec));
    if let (Some(wanted), Some(live)) = (&mut wanted.spec, live.as_ref().and_then(|live| live.spec.clone())) {
        // The API server refuses any change of the claims. Asking for the ones that exist lets every other change
        // through when somebody has grown `spec.storage.size`.
        wanted.volume_claim_templates = live.volume_claim_templates;
    }
    apply(client, live, wanted).await
}

/// Reads a child of `owner` by its name, past every cache.
///
/// # Errors
///
/// The read failed. A child that does not exist is `None`, not an error.
pub async fn read<Child>(client: &Client, owner: &impl Resource, name: &str) -> Result<Option<Child>, Error>
where
    Child: NamespacedChild,
{
    let children = Api::<Child>::namespaced(client.clone(), &owner.namespace().unwrap_or_default());
    children.get_opt(name).await.map_err(failed::<Child>("read", name))
}

/// A child is a namespaced object of a type that Kubernetes brings along.
pub trait NamespacedChild:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + Serialize + DeserializeOwned
{
}

impl<Child> NamespacedChild for Child where
    Child: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
{
}

/// Applies `wanted` unless `live` is like that already.
///
/// Server-side apply: the API server merges, and remembers which fields are ours. Forced, because for these fields the
/// Database's spec has the last word. It would also notice that nothing changes, but each request costs it a merge
/// and a look at its records; comparing first costs nothing.
async fn apply<Child>(client: &Client, live: Option<Child>, wanted: Child) -> Result<(), Error>
where
    Child: NamespacedChild,
{
    if live.is_some_and(|live| contains(&json(&live), &json(&wanted))) {
        return Ok(());
    }
    let (name, namespace) = (wanted.name_any(), wanted.namespace().unwrap_or_default());
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    let children = Api::<Child>::namespaced(client.clone(), &namespace);
    children
        .patch(&name, &parameters, &Patch::Apply(&wanted))
        .await
        .map_err(failed::<Child>("apply", &name))
        .map(drop)
}

/// Notes on a child what was asked for, as a fingerprint. A field that is no longer asked for leaves no other trace:
/// without the note, nobody would know that it must go.
fn stamped<Child: NamespacedChild>(mut child: Child) -> Child {
    // Stable for one version of Rust. After an upgrade every child may be written once more, which does no harm.
    let mut fingerprint = DefaultHasher::new();
    json(&child).to_string().hash(&mut fingerprint);
    child.annotations_mut().insert(APPLIED.to_owned(), format!("{:016x}", fingerprint.finish()));
    child
}

/// Whether `live` has everything that `wanted` asks for. What others have added does not matter.
///
/// Strings are compared as they are: a quantity must be given as Kubernetes itself writes it, `500m` and not `0.5`,
/// or it is applied on every visit.
fn contains(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| live.get(key).is_some_and(|live| contains(live, wanted)))
        }
        (Value::Array(live), Value::Array(wanted)) if wanted.iter().all(Value::is_object) => {
            wanted.iter().all(|wanted| live.iter().any(|live| contains(live, wanted)))
        }
        _ => live == wanted,
    }
}

fn json(object: &impl Serialize) -> Value {
    // Kubernetes' own types always are JSON; if one was not, the comparison would fail and the request would tell.
    serde_json::to_value(object).unwrap_or_default()
}

async fn create_secret_once<Owner>(client: &Client, owner: &Owner, spec: &PostgresSpec) -> Result<(), Error>
where
    Owner: Resource<DynamicType = ()>,
{
    let name = children::secret_name(owner);
    if read::<Secret>(client, owner, &name).await?.is_some() {
        return Ok(());
    }
    let secrets = Api::<Secret>::namespaced(client.clone(), &owner.namespace().unwrap_or_default());
    let parameters = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    // A plain create, which fails where apply would overwrite: whoever comes second must not change the password.
    secrets
        .create(&parameters, &children::secret(owner, spec, &random_password()))
        .await
        .map_err(failed::<Secret>("create", &name))
        .map(drop)
}

/// 128 bits from the operating system, through the keys that the standard library gives its hash maps. That keeps
/// the course at a handful of dependencies; an operator in production takes a crate made for secrets.
fn random_password() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_child_is_right_when_it_has_what_is_wanted() {
        let live = json!({
            "metadata": {"labels": {"app": "database", "added": "by somebody"}},
            "spec": {"replicas": 3, "containers": [{"name": "sidecar"}, {"name": "postgres", "image": "a"}]},
            "command": ["sh", "-c"],
        });
        let cases = [
            (json!({}), true),
            (json!({"metadata": {"labels": {"app": "database"}}}), true),
            (json!({"metadata": {"labels": {"app": "other"}}}), false),
            (json!({"metadata": {"labels": {"missing": "label"}}}), false),
            (json!({"spec": {"replicas": 1}}), false),
            (json!({"spec": {"containers": [{"name": "postgres"}]}}), true),
            (json!({"spec": {"containers": [{"name": "postgres", "image": "b"}]}}), false),
            (json!({"command": ["sh"]}), false),
            (json!({"command": "sh"}), false),
        ];
        for (wanted, expected) in cases {
            assert_eq!(contains(&live, &wanted), expected, "{wanted}");
        }
    }

    #[test]
    fn a_field_that_is_no_longer_wanted_changes_the_note() {
        let with = |resources: serde_json::Value| -> String {
            let spec: PostgresSpec = serde_json::from_value(json!({
                "storage": {"size": "1Gi"}, "databaseName": "shop", "username": "anna", "resources": resources
            }))
            .unwrap();
            let owner = crate::Database::new("orders", crate::DatabaseSpec { postgres: spec.clone() });
            stamped(children::stateful_set(&owner, &spec)).annotations()[APPLIED].clone()
        };
        let (some, none) = (with(json!({"limits": {"cpu": "1"}})), with(json!(null)));
        assert_ne!(some, none);
        assert_eq!(none, with(json!(null)));
    }
}
