//! The `Database` API: what a user asks for, and what the operator answers.

use k8s_openapi::api::core::v1::ResourceRequirements;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A PostgreSQL database.
#[derive(CustomResource, Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[kube(
    group = "database.example.com",
    version = "v1",
    kind = "Database",
    doc = "A PostgreSQL database.",
    namespaced,
    shortname = "db",
    category = "all",
    status = "DatabaseStatus",
    scale(spec_replicas_path = ".spec.replicas", status_replicas_path = ".status.replicas"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Replicas", type_ = "integer", json_path = ".spec.replicas"),
    printcolumn(name = "Ready", type_ = "boolean", json_path = ".status.ready"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
pub struct DatabaseSpec {
    /// What to run. Its fields stand directly in `spec`.
    #[serde(flatten)]
    pub postgres: PostgresSpec,
}

/// The part of a Database's `spec` that every lab shares.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostgresSpec {
    /// The container image to run.
    #[serde(default = "default_image")]
    pub image: String,
    /// How many PostgreSQL servers to run.
    #[serde(default = "default_replicas")]
    #[schemars(range(min = 1, max = 10))]
    pub replicas: i32,
    /// Where the data lives.
    pub storage: Storage,
    /// The database that is created on first start.
    #[schemars(length(min = 1))]
    pub database_name: String,
    /// The user who owns it.
    #[schemars(length(min = 1))]
    pub username: String,
    /// CPU and memory of each server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
}

/// The volume that each server claims.
///
/// A StatefulSet's claims are fixed once it exists: growing `size` later is recorded, but resizes nothing yet.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Storage {
    /// The size of the volume. It cannot shrink.
    #[schemars(length(max = 20), regex(pattern = "^[0-9]+(Gi|Mi)$"))]
    #[schemars(extend("x-kubernetes-validations" = [{
        "rule": "quantity(self).compareTo(quantity(oldSelf)) >= 0",
        "message": "storage cannot shrink",
    }]))]
    pub size: String,
    /// The class of the volume; the cluster's default class when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
}

/// What the operator last saw. Every field is optional: others may write to a status before we do.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseStatus {
    /// Where the Database is in its life, in one word.
    pub phase: Option<Phase>,
    /// Whether all servers accept connections.
    pub ready: Option<bool>,
    /// How many servers exist, ready or not.
    pub replicas: Option<i32>,
    /// Where clients connect: `NAME.NAMESPACE.svc.cluster.local:5432`.
    pub endpoint: Option<String>,
    /// The Secret with username, password and database name.
    pub secret_name: Option<String>,
}

/// Where a Database is in its life, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Phase {
    /// Nothing has been done yet.
    Pending,
    /// What it needs is being created or changed.
    Provisioning,
    /// All servers accept connections.
    Ready,
    /// The operator cannot go on by itself; it keeps trying.
    Failed,
}

fn default_image() -> String {
    "postgres:17".to_owned()
}

fn default_replicas() -> i32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::CustomResourceExt;

    #[test]
    fn the_definition_says_what_users_and_kubectl_see() {
        insta::assert_snapshot!(serde_saphyr::to_string(&Database::crd()).unwrap());
    }

    #[test]
    fn a_spec_without_optional_fields_gets_the_defaults() {
        let spec: DatabaseSpec = serde_json::from_value(serde_json::json!({
            "storage": {"size": "1Gi"}, "databaseName": "shop", "username": "anna"
        }))
        .unwrap();
        assert_eq!((spec.postgres.image.as_str(), spec.postgres.replicas), ("postgres:17", 1));
    }
}
