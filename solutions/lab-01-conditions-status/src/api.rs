//! The `Database` API of this lab: the spec is the one of every lab, the status learns to speak in conditions.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use postgres_operator::{Phase, PostgresSpec};
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

    //= exercise 1
    /// The newest `metadata.generation` whose children have been written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    // ANCHOR: conditions
    /// One entry per type. Types that are not ours belong to somebody else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    // ANCHOR_END: conditions
    //= instead
    //| // TODO (01.1): make these two fields part of the API. `serde(skip)` keeps them in this process: they are not
    //| // in the CustomResourceDefinition, and nobody sees them. Wanted: `status.observedGeneration`, absent until it
    //| // is known, and `status.conditions`, which the API server treats as a map keyed by `type` and which may be
    //| // absent. Done when: `grader check lab-01 --exercise 1`. About 4 lines. Stuck? `grader hint lab-01 1`.
    //| #[serde(skip)]
    //| pub observed_generation: Option<i64>,
    //| #[serde(skip)]
    //| pub conditions: Vec<Condition>,
    //= end
}
