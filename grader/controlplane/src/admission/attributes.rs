//! What admission looks at (apiserver/pkg/admission/attributes.go).

use crate::access::User;
use crate::api_server::ApiServer;
use crate::conversion;
use crate::error::ApiError;
use crate::resources::{Resource, scale};
use crate::verbs::write::{FieldValidation, Write};
use serde_json::{Value, json};
use std::sync::Arc;

/// What is being done, to which object.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation<'a> {
    Create {
        object: &'a Value,
    },
    Update {
        object: &'a Value,
        old: &'a Value,
    },
    Delete {
        old: &'a Value,
    },
    /// Reaching through to what an object stands for.
    Connect {
        options: &'a Value,
    },
}

impl<'a> Operation<'a> {
    /// Storing an object, in the place of another one or of none, or what else the write is about.
    pub(crate) fn of_write(write: &Write<'_>, object: &'a Value, old: Option<&'a Value>) -> Self {
        match old {
            _ if write.connects() => Self::Connect { options: object },
            Some(old) => Self::Update { object, old },
            None => Self::Create { object },
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Create { .. } => "CREATE",
            Self::Update { .. } => "UPDATE",
            Self::Delete { .. } => "DELETE",
            Self::Connect { .. } => "CONNECT",
        }
    }

    fn object(self) -> Option<&'a Value> {
        match self {
            Self::Create { object } | Self::Update { object, .. } | Self::Connect { options: object } => {
                Some(object)
            }
            Self::Delete { .. } => None,
        }
    }

    fn old(self) -> Option<&'a Value> {
        match self {
            Self::Create { .. } | Self::Connect { .. } => None,
            Self::Update { old, .. } | Self::Delete { old } => Some(old),
        }
    }
}

/// One write as rules, selectors and conditions see it.
#[derive(Clone, Debug)]
pub(crate) struct Attributes<'a> {
    /// `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
    pub(super) operation: &'static str,
    pub(super) resource: Arc<Resource>,
    pub(super) subresource: &'a str,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    /// Group, version and kind of the object as it was sent.
    pub(super) kind: (String, String, String),
    /// The object to be, in the version of the request; `null` when it is deleted.
    pub(super) object: Value,
    /// The object that is there; `null` when there is none.
    pub(super) old: Value,
    pub(super) user: Arc<User>,
    pub(super) dry_run: bool,
    pub(super) options: Value,
    /// See [`Write::is_of_other_kind`].
    is_of_other_kind: bool,
}

impl<'a> Attributes<'a> {
    pub(super) fn new(write: &'a Write<'_>, operation: Operation<'_>) -> Self {
        let resource = write.resource.clone();
        let subresource = write.subresource.unwrap_or_default();
        let shown = |object: Option<&Value>| match object {
            None => Value::Null,
            // Who scales sees and sends a Scale.
            Some(object) if subresource == "scale" => scale::of(&resource, object).unwrap_or_default(),
            Some(object) if write.is_of_other_kind() => object.clone(),
            Some(object) => (*resource.present(&Arc::new(object.clone()), u64::MAX)).clone(),
        };
        let (object, old) = (shown(operation.object()), shown(operation.old()));
        Self {
            operation: operation.name(),
            subresource,
            namespace: &write.namespace,
            name: &write.name,
            kind: kind(&resource, &object, &old),
            object,
            old,
            user: write.user.clone(),
            dry_run: write.dry_run,
            options: options(write, operation),
            is_of_other_kind: write.is_of_other_kind(),
            resource: resource.clone(),
        }
    }

    /// The same with the objects in the version of `target`, which is its resource or an equivalent one.
    ///
    /// # Errors
    /// The objects cannot be converted, or not yet.
    pub(super) fn at(&self, server: &mut ApiServer, target: &Resource) -> Result<Self, ApiError> {
        let mut attributes = self.clone();
        if self.subresource != "scale" && !self.is_of_other_kind {
            attributes.object = conversion::at_version(server, target, &self.object)?;
            attributes.old = conversion::at_version(server, target, &self.old)?;
        }
        Ok(attributes)
    }
}

fn kind(resource: &Resource, object: &Value, old: &Value) -> (String, String, String) {
    let of = |object: &Value| {
        let api_version = object["apiVersion"].as_str()?;
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Some((group.to_owned(), version.to_owned(), object["kind"].as_str()?.to_owned()))
    };
    let of_resource = || (resource.id.group().to_owned(), resource.version.clone(), resource.kind.clone());
    of(object).or_else(|| of(old)).unwrap_or_else(of_resource)
}

fn options(write: &Write<'_>, operation: Operation<'_>) -> Value {
    let kind = match operation {
        Operation::Create { .. } => "CreateOptions",
        Operation::Update { .. } => "UpdateOptions",
        Operation::Delete { .. } => "DeleteOptions",
        Operation::Connect { .. } => return Value::Null,
    };
    let mut options = json!({"kind": kind, "apiVersion": "meta.k8s.io/v1"});
    if write.dry_run {
        options["dryRun"] = json!(["All"]);
    }
    if !matches!(operation, Operation::Delete { .. }) {
        options["fieldManager"] = write.manager.clone().into();
        match write.field_validation {
            FieldValidation::Strict => options["fieldValidation"] = "Strict".into(),
            FieldValidation::Warn => options["fieldValidation"] = "Warn".into(),
            FieldValidation::Ignore => {}
        }
    }
    options
}
