//! The objects that a Database needs, as pure functions: what they look like, not how they get into the cluster.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        apps::v1::{StatefulSet, StatefulSetSpec},
        core::v1::{
            Container, ContainerPort, EnvVar, EnvVarSource, ExecAction, PersistentVolumeClaim,
            PersistentVolumeClaimSpec, PodSpec, PodTemplateSpec, Probe, Secret, SecretKeySelector, Service,
            ServicePort, ServiceSpec, VolumeMount, VolumeResourceRequirements,
        },
    },
    apimachinery::pkg::{
        api::resource::Quantity,
        apis::meta::v1::{LabelSelector, ObjectMeta},
        util::intstr::IntOrString,
    },
};
use kube::{Resource, ResourceExt};

use crate::{PostgresSpec, Storage};

/// The port that PostgreSQL listens on.
pub const PORT: i32 = 5432;

/// Selects the children of all Databases: the value of `app` in [`labels`].
pub const LABEL_SELECTOR: &str = "app=database";

/// The name of the volume claim of each server.
const DATA: &str = "data";

/// The labels of every child, and the selector of the Service and the StatefulSet.
pub fn labels(owner: &impl Resource) -> BTreeMap<String, String> {
    BTreeMap::from([("app".to_owned(), "database".to_owned()), ("database".to_owned(), owner.name_any())])
}

/// The name of the Secret with the credentials.
pub fn secret_name(owner: &impl Resource) -> String {
    format!("{}-credentials", owner.name_any())
}

/// Where clients reach the Database inside the cluster.
pub fn endpoint(owner: &impl Resource) -> String {
    format!("{}.{}.svc.cluster.local:{PORT}", owner.name_any(), owner.namespace().unwrap_or_default())
}

/// The Secret with the credentials. It must be created once and never written again: PostgreSQL reads the
/// password on its first start only, so that a new one would lock everybody out.
pub fn secret(owner: &impl Resource<DynamicType = ()>, spec: &PostgresSpec, password: &str) -> Secret {
    Secret {
        metadata: metadata(owner, secret_name(owner)),
        string_data: Some(BTreeMap::from([
            ("username".to_owned(), spec.username.clone()),
            ("password".to_owned(), password.to_owned()),
            ("database".to_owned(), spec.database_name.clone()),
        ])),
        ..Secret::default()
    }
}

/// The headless Service that gives each server a stable name.
pub fn service(owner: &impl Resource<DynamicType = ()>) -> Service {
    Service {
        metadata: metadata(owner, owner.name_any()),
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".to_owned()),
            selector: Some(labels(owner)),
            ports: Some(vec![ServicePort {
                name: Some("postgres".to_owned()),
                port: PORT,
                target_port: Some(IntOrString::String("postgres".to_owned())),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}

/// The StatefulSet that runs the servers.
pub fn stateful_set(owner: &impl Resource<DynamicType = ()>, spec: &PostgresSpec) -> StatefulSet {
    StatefulSet {
        metadata: metadata(owner, owner.name_any()),
        spec: Some(StatefulSetSpec {
            replicas: Some(spec.replicas),
            service_name: Some(owner.name_any()),
            selector: LabelSelector { match_labels: Some(labels(owner)), ..LabelSelector::default() },
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta { labels: Some(labels(owner)), ..ObjectMeta::default() }),
                spec: Some(PodSpec {
                    containers: vec![container(&secret_name(owner), spec)],
                    ..PodSpec::default()
                }),
            },
            volume_claim_templates: Some(vec![volume_claim(&spec.storage)]),
            ..StatefulSetSpec::default()
        }),
        ..StatefulSet::default()
    }
}

fn container(secret: &str, spec: &PostgresSpec) -> Container {
    Container {
        name: "postgres".to_owned(),
        image: Some(spec.image.clone()),
        env: Some(vec![
            from_secret("POSTGRES_USER", secret, "username"),
            from_secret("POSTGRES_PASSWORD", secret, "password"),
            from_secret("POSTGRES_DB", secret, "database"),
            EnvVar {
                // A fresh volume holds `lost+found`, and PostgreSQL refuses a folder that is not empty.
                name: "PGDATA".to_owned(),
                value: Some("/var/lib/postgresql/data/pgdata".to_owned()),
                ..EnvVar::default()
            },
        ]),
        ports: Some(vec![ContainerPort {
            name: Some("postgres".to_owned()),
            container_port: PORT,
            ..ContainerPort::default()
        }]),
        readiness_probe: Some(Probe {
            exec: Some(ExecAction {
                command: Some(vec![
                    "sh".to_owned(),
                    "-c".to_owned(),
                    r#"pg_isready --username "$POSTGRES_USER" --dbname "$POSTGRES_DB""#.to_owned(),
                ]),
            }),
            period_seconds: Some(5),
            ..Probe::default()
        }),
        resources: spec.resources.clone(),
        volume_mounts: Some(vec![VolumeMount {
            name: DATA.to_owned(),
            mount_path: "/var/lib/postgresql/data".to_owned(),
            ..VolumeMount::default()
        }]),
        ..Container::default()
    }
}

fn from_secret(variable: &str, secret: &str, key: &str) -> EnvVar {
    EnvVar {
        name: variable.to_owned(),
        value_from: Some(EnvVarSource {
            secret_key_ref: Some(SecretKeySelector {
                name: secret.to_owned(),
                key: key.to_owned(),
                ..SecretKeySelector::default()
            }),
            ..EnvVarSource::default()
        }),
        ..EnvVar::default()
    }
}

fn volume_claim(storage: &Storage) -> PersistentVolumeClaim {
    PersistentVolumeClaim {
        metadata: ObjectMeta { name: Some(DATA.to_owned()), ..ObjectMeta::default() },
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            storage_class_name: storage.storage_class.clone(),
            resources: Some(VolumeResourceRequirements {
                requests: Some(BTreeMap::from([("storage".to_owned(), Quantity(storage.size.clone()))])),
                ..VolumeResourceRequirements::default()
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        ..PersistentVolumeClaim::default()
    }
}

/// Every child carries its owner, so that Kubernetes deletes it when the Database is gone.
fn metadata(owner: &impl Resource<DynamicType = ()>, name: String) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: owner.namespace(),
        labels: Some(labels(owner)),
        owner_references: owner.controller_owner_ref(&()).map(|reference| vec![reference]),
        ..ObjectMeta::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Database;

    fn database() -> Database {
        serde_json::from_value(serde_json::json!({
            "apiVersion": "database.example.com/v1",
            "kind": "Database",
            "metadata": {"name": "orders", "namespace": "shop", "uid": "3c1f"},
            "spec": {"replicas": 3, "storage": {"size": "1Gi"}, "databaseName": "shop", "username": "anna"}
        }))
        .unwrap()
    }

    fn yaml(object: &impl serde::Serialize) -> String {
        serde_saphyr::to_string(object).unwrap()
    }

    #[test]
    fn children_of_a_database() {
        let database = database();
        let spec = &database.spec.postgres;
        insta::assert_snapshot!("secret", yaml(&secret(&database, spec, "s3cret")));
        insta::assert_snapshot!("service", yaml(&service(&database)));
        insta::assert_snapshot!("stateful_set", yaml(&stateful_set(&database, spec)));
    }

    #[test]
    fn clients_connect_through_the_service() {
        assert_eq!(endpoint(&database()), "orders.shop.svc.cluster.local:5432");
    }
}
