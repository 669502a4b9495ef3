//! What expressions over whole objects may use, and what is known of that before
//! (apiserver/pkg/admission/plugin/cel/compile.go).

use super::evaluate::{AUTHORIZER, REQUEST_RESOURCE_AUTHORIZER, VARIABLES};
use super::expression::Expression;
use super::types::Type;
use crate::builtins;
use crate::schema::Schema;

/// The variables that an expression may use, with what is known of them before.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    variables: Vec<(String, Type)>,
}

impl Scope {
    pub(super) fn variables(&self) -> &[(String, Type)] {
        &self.variables
    }

    /// What match conditions may use: the object before and after, the request, the namespace, and what the requester
    /// may do.
    pub(crate) fn of_request() -> Self {
        let dynamic = || Type::Dyn(None);
        let variables = [
            ("object", dynamic()),
            ("oldObject", dynamic()),
            ("request", request()),
            ("namespaceObject", namespace()),
            (AUTHORIZER, Type::Opaque("kubernetes.authorization.Authorizer")),
            (REQUEST_RESOURCE_AUTHORIZER, Type::Opaque("kubernetes.authorization.ResourceCheck")),
        ];
        Self { variables: variables.map(|(name, type_)| (name.to_owned(), type_)).into() }
    }

    /// What policies may use besides: their parameters, if any, and variables that they define.
    pub(crate) fn of_policy(has_params: bool) -> Self {
        let mut scope = Self::of_request();
        if has_params {
            scope.variables.push(("params".to_owned(), Type::Dyn(None)));
        }
        scope.variables.push((VARIABLES.to_owned(), Type::object("kubernetes.variables", [])));
        scope
    }

    /// The same for messages, which do not ask what the requester may do.
    pub(crate) fn without_authorizer(mut self) -> Self {
        self.variables
            .retain(|(name, _)| ![AUTHORIZER, REQUEST_RESOURCE_AUTHORIZER].contains(&name.as_str()));
        self
    }

    /// The same with what is known of the objects and the parameters, for checking types. A real server forgets
    /// `authorizer.requestResource` there.
    pub(crate) fn with_types(mut self, object: &Schema, params: Option<&Schema>) -> Self {
        for (name, type_) in &mut self.variables {
            match (name.as_str(), params) {
                ("object" | "oldObject", _) => *type_ = whole(object),
                ("params", Some(params)) => *type_ = whole(params),
                _ => {}
            }
        }
        self.variables.retain(|(name, _)| name != REQUEST_RESOURCE_AUTHORIZER);
        self
    }

    /// Adds the types that mutations make.
    pub(crate) fn with_mutations(mut self) -> Self {
        for name in ["Object", "JSONPatch"] {
            self.variables.push((name.to_owned(), Type::Opaque(name)));
        }
        self
    }

    /// Adds `variables.NAME`, of the type of its expression; without one nothing is known of it.
    pub(crate) fn define(&mut self, name: &str, expression: Option<&Expression>) {
        if let Some((_, variables)) = self.variables.iter_mut().find(|(known, _)| known == VARIABLES) {
            *variables =
                variables.with_field(name, expression.map_or(Type::Dyn(None), Expression::declared_type));
        }
    }
}

/// The type of whole objects, metadata and all.
fn whole(schema: &Schema) -> Type {
    let dynamic = || Type::Dyn(None);
    let metadata = builtins::schema_of("meta.v1.ObjectMeta");
    let metadata = Type::of_schema(&metadata, false).map_or_else(dynamic, |(type_, _)| type_);
    Type::of_schema(schema, true).map_or_else(dynamic, |(type_, _)| type_.with_field("metadata", metadata))
}

/// `AdmissionRequest` (BuildRequestType in apiserver/pkg/admission/plugin/cel/compile.go).
fn request() -> Type {
    let text = || Type::String(None);
    let kind = || {
        Type::object(
            "kubernetes.GroupVersionKind",
            [("group", text()), ("version", text()), ("kind", text())],
        )
    };
    let resource = || {
        Type::object(
            "kubernetes.GroupVersionResource",
            [("group", text()), ("version", text()), ("resource", text())],
        )
    };
    let extra = Type::Map(Box::new(text()), Box::new(Type::List(Box::new(text()), None)), None);
    let user = Type::object(
        "kubernetes.UserInfo",
        [
            ("username", text()),
            ("uid", text()),
            ("groups", Type::List(Box::new(text()), None)),
            ("extra", extra),
        ],
    );
    Type::object(
        "kubernetes.AdmissionRequest",
        [
            ("kind", kind()),
            ("resource", resource()),
            ("subResource", text()),
            ("requestKind", kind()),
            ("requestResource", resource()),
            ("requestSubResource", text()),
            ("name", text()),
            ("namespace", text()),
            ("operation", text()),
            ("userInfo", user),
            ("dryRun", Type::Bool),
            ("options", Type::Dyn(None)),
        ],
    )
}

/// A namespace as policies see it (BuildNamespaceType).
fn namespace() -> Type {
    let text = || Type::String(None);
    let texts = || Type::Map(Box::new(text()), Box::new(text()), None);
    let list = |item: Type| Type::List(Box::new(item), None);
    let condition = Type::object(
        "kubernetes.NamespaceCondition",
        [
            ("status", text()),
            ("type", text()),
            ("lastTransitionTime", Type::Timestamp(None)),
            ("message", text()),
            ("reason", text()),
        ],
    );
    Type::object(
        "kubernetes.Namespace",
        [
            (
                "metadata",
                Type::object(
                    "kubernetes.NamespaceMetadata",
                    [
                        ("name", text()),
                        ("generateName", text()),
                        ("namespace", text()),
                        ("labels", texts()),
                        ("annotations", texts()),
                        ("UID", text()),
                        ("creationTimestamp", Type::Timestamp(None)),
                        ("deletionGracePeriodSeconds", Type::Int),
                        ("deletionTimestamp", Type::Timestamp(None)),
                        ("generation", Type::Int),
                        ("resourceVersion", text()),
                        ("finalizers", list(text())),
                    ],
                ),
            ),
            ("spec", Type::object("kubernetes.NamespaceSpec", [("finalizers", list(text()))])),
            (
                "status",
                Type::object(
                    "kubernetes.NamespaceStatus",
                    [("conditions", list(condition)), ("phase", text())],
                ),
            ),
        ],
    )
}
