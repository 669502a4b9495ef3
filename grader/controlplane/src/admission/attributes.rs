//! What admission looks at (apiserver/pkg/admission/attributes.go).

use crate::access::User;
use crate::endpoint::query::FieldValidation;
use crate::resources::Resource;
use crate::verbs::scale;
use crate::verbs::write::Write;
use serde_json::{Value, json};
use std::sync::Arc;

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Update,
    Delete,
    Connect,
}

impl Operation {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

/// One write, or connection, as rules, selectors and conditions see it.
#[derive(Debug)]
pub(crate) struct Attributes<'a> {
    pub(super) operation: Operation,
    pub(super) resource: Arc<Resource>,
    pub(super) subresource: &'a str,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    /// The object to be, in the version of the request; `null` when there is none.
    pub(super) object: Value,
    /// The object that is there; `null` when there is none.
    pub(super) old: Value,
    pub(super) user: Arc<User>,
    pub(super) dry_run: bool,
    pub(super) options: Value,
}

impl<'a> Attributes<'a> {
    pub(crate) fn new(
        write: &'a Write<'_>,
        operation: Operation,
        object: Option<&Value>,
        old: Option<&Value>,
    ) -> Self {
        let resource = write.resource.clone();
        let subresource = write.subresource.unwrap_or_default();
        let shown = |object: Option<&Value>| match object {
            None => Value::Null,
            // Who scales sees and sends a Scale.
            Some(object) if subresource == "scale" => scale::of(&resource, object).unwrap_or_default(),
            Some(object) if operation == Operation::Connect => object.clone(),
            Some(object) => (*resource.present(&Arc::new(object.clone()), u64::MAX)).clone(),
        };
        Self {
            operation,
            subresource,
            namespace: &write.namespace,
            name: &write.name,
            object: shown(object),
            old: shown(old),
            user: write.user.clone(),
            dry_run: write.dry_run,
            options: options(write, operation),
            resource: resource.clone(),
        }
    }

    /// Group, version and kind of the object.
    pub(super) fn kind(&self) -> (String, String, String) {
        let of = |object: &Value| {
            let api_version = object["apiVersion"].as_str()?;
            let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
            Some((group.to_owned(), version.to_owned(), object["kind"].as_str()?.to_owned()))
        };
        let of_resource = || {
            let resource = &self.resource;
            (resource.id.group().to_owned(), resource.version.clone(), resource.kind.clone())
        };
        of(&self.object).or_else(|| of(&self.old)).unwrap_or_else(of_resource)
    }
}

fn options(write: &Write<'_>, operation: Operation) -> Value {
    let kind = match operation {
        Operation::Create => "CreateOptions",
        Operation::Update => "UpdateOptions",
        Operation::Delete => "DeleteOptions",
        Operation::Connect => return Value::Null,
    };
    let mut options = json!({"kind": kind, "apiVersion": "meta.k8s.io/v1"});
    if write.dry_run {
        options["dryRun"] = json!(["All"]);
    }
    if operation != Operation::Delete {
        options["fieldManager"] = write.manager.clone().into();
        match write.field_validation {
            FieldValidation::Strict => options["fieldValidation"] = "Strict".into(),
            FieldValidation::Warn => options["fieldValidation"] = "Warn".into(),
            FieldValidation::Ignore => {}
        }
    }
    options
}
