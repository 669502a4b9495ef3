//! Expressions that stand alone, over whole objects: match conditions, admission policies
//! (apiserver/pkg/admission/plugin/cel).

use super::ast::Expr;
use super::check::{self, Checked};
use super::evaluate::{Fault, evaluate};
use super::parser::parse;
use super::types::Type;
use super::value::Value;
use serde_json::Value as Json;

/// What an expression must give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Bool,
    Text,
    /// A text or nothing.
    TextOrNull,
    /// An `Object{...}` that is merged into the object.
    Object,
    /// A list of `JSONPatch{...}`.
    Patches,
    Any,
}

/// The variables that an expression may use, with what is known of them before.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    variables: Vec<(String, Type)>,
}

/// An expression that may be evaluated in its scope.
#[derive(Debug)]
pub(crate) struct Expression {
    expr: Expr,
    type_: Type,
}

/// Why there is no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// In the words of Kubernetes.
    Error(String),
    TooExpensive,
}

impl Scope {
    /// What match conditions may use: the object before and after, and the request.
    pub(crate) fn of_request() -> Self {
        let dynamic = || Type::Dyn(None);
        let variables = [("object", dynamic()), ("oldObject", dynamic()), ("request", request())];
        Self { variables: variables.map(|(name, type_)| (name.to_owned(), type_)).into() }
    }

    /// What policies may use besides: their parameters, if any, the namespace, and variables that they define.
    pub(crate) fn of_policy(has_params: bool) -> Self {
        let mut scope = Self::of_request();
        if has_params {
            scope.variables.push(("params".to_owned(), Type::Dyn(None)));
        }
        scope.variables.push(("namespaceObject".to_owned(), namespace()));
        scope.variables.push(("variables".to_owned(), Type::object([])));
        scope
    }

    /// Adds the types that mutations make.
    pub(crate) fn with_mutations(mut self) -> Self {
        for name in ["Object", "JSONPatch"] {
            self.variables.push((name.to_owned(), Type::Opaque(name)));
        }
        self
    }

    /// Adds `variables.NAME`, of the type of its expression.
    pub(crate) fn define(&mut self, name: &str, expression: &Expression) {
        if let Some((_, variables)) = self.variables.iter_mut().find(|(known, _)| known == "variables") {
            *variables = variables.with_field(name, expression.type_.clone());
        }
    }
}

impl Expression {
    /// Parses and checks an expression.
    ///
    /// # Errors
    /// What is wrong with it, in the words of Kubernetes.
    pub(crate) fn compile(source: &str, scope: &Scope, wanted: Wanted) -> Result<Self, String> {
        let failed = |mistakes: String| format!("compilation failed: {mistakes}");
        let expr = parse(source).map_err(|mistake| failed(check::show(&[mistake], source)))?;
        let variables: Vec<(&str, Type)> =
            scope.variables.iter().map(|(name, type_)| (name.as_str(), type_.clone())).collect();
        let Checked { type_, .. } =
            check::check(&expr, &variables).map_err(|mistakes| failed(check::show(&mistakes, source)))?;
        if !wanted.allows(&type_) {
            return Err(format!("must evaluate to {}", wanted.shown()));
        }
        if let Some(unusable) = check::unusable(&expr) {
            return Err(format!("program instantiation failed: {unusable}"));
        }
        Ok(Self { expr, type_ })
    }

    /// Evaluates the expression with these variables; answers what it cost as well.
    pub(crate) fn evaluate(&self, variables: &[(&str, &Json)]) -> (Result<Json, Failure>, u64) {
        let scope = variables.iter().map(|(name, value)| (*name, Value::dynamic(value))).collect();
        let (result, cost) = evaluate(&self.expr, scope);
        let json = match result {
            Ok(value) => {
                value.to_json().ok_or_else(|| Failure::Error("the value cannot be shown as JSON".to_owned()))
            }
            Err(Fault::Error(text)) => Err(Failure::Error(text)),
            Err(Fault::TooExpensive) => Err(Failure::TooExpensive),
        };
        (json, cost)
    }
}

impl Wanted {
    fn allows(self, type_: &Type) -> bool {
        match (self, type_) {
            (Wanted::Any, _) => true,
            (Wanted::Bool, Type::Bool)
            | (Wanted::Text | Wanted::TextOrNull, Type::String(_))
            | (Wanted::TextOrNull, Type::Null)
            | (Wanted::Object, Type::Opaque("Object")) => true,
            (Wanted::Patches, Type::List(item, _)) => {
                matches!(**item, Type::Opaque("JSONPatch") | Type::Dyn(_))
            }
            // What is not known before is found out when it is evaluated.
            (_, Type::Dyn(_)) => true,
            _ => false,
        }
    }

    fn shown(self) -> &'static str {
        match self {
            Wanted::Bool => "bool",
            Wanted::Text => "string",
            Wanted::TextOrNull => "one of the types [string null_type]",
            Wanted::Object => "Object",
            Wanted::Patches => "list(JSONPatch)",
            Wanted::Any => "any",
        }
    }
}

/// `AdmissionRequest` (BuildRequestType in apiserver/pkg/admission/plugin/cel/compile.go).
fn request() -> Type {
    let text = || Type::String(None);
    let kind = || Type::object([("group", text()), ("version", text()), ("kind", text())]);
    let resource = || Type::object([("group", text()), ("version", text()), ("resource", text())]);
    let extra = Type::Map(Box::new(text()), Box::new(Type::List(Box::new(text()), None)), None);
    let user = Type::object([
        ("username", text()),
        ("uid", text()),
        ("groups", Type::List(Box::new(text()), None)),
        ("extra", extra),
    ]);
    Type::object([
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
    ])
}

/// A namespace as policies see it (BuildNamespaceType).
fn namespace() -> Type {
    let text = || Type::String(None);
    let texts = || Type::Map(Box::new(text()), Box::new(text()), None);
    let list = |item: Type| Type::List(Box::new(item), None);
    let condition = Type::object([
        ("status", text()),
        ("type", text()),
        ("lastTransitionTime", Type::Timestamp),
        ("message", text()),
        ("reason", text()),
    ]);
    Type::object([
        (
            "metadata",
            Type::object([
                ("name", text()),
                ("generateName", text()),
                ("namespace", text()),
                ("labels", texts()),
                ("annotations", texts()),
                ("UID", text()),
                ("creationTimestamp", Type::Timestamp),
                ("deletionGracePeriodSeconds", Type::Int),
                ("deletionTimestamp", Type::Timestamp),
                ("generation", Type::Int),
                ("resourceVersion", text()),
                ("finalizers", list(text())),
            ]),
        ),
        ("spec", Type::object([("finalizers", list(text()))])),
        ("status", Type::object([("conditions", list(condition)), ("phase", text())])),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn expressions_see_the_object_and_the_request() {
        let object = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"replicas": 3}});
        let request = json!({"operation": "UPDATE", "userInfo": {"username": "alice"}, "dryRun": false});
        let old = json!(null);
        let table = [
            ("object.spec.replicas > 2", json!(true)),
            ("oldObject == null", json!(true)),
            ("has(object.spec.paused)", json!(false)),
            ("request.operation == 'UPDATE' && request.userInfo.username.startsWith('al')", json!(true)),
            ("object.metadata.labels.all(key, key == 'app')", json!(true)),
        ];
        for (source, expected) in table {
            let compiled = Expression::compile(source, &Scope::of_request(), Wanted::Bool).expect(source);
            let variables = [("object", &object), ("oldObject", &old), ("request", &request)];
            assert_eq!(compiled.evaluate(&variables).0, Ok(expected), "{source}");
        }
    }

    #[test]
    fn mistakes_are_found_before() {
        let table = [
            (
                "xyz",
                "compilation failed: ERROR: <input>:1:1: undeclared reference to 'xyz' (in container '')\n | xyz\n | ^",
            ),
            (
                "request.nope == ''",
                "compilation failed: ERROR: <input>:1:8: undefined field 'nope'\n | request.nope == ''\n | .......^",
            ),
            ("'text'", "must evaluate to bool"),
        ];
        for (source, expected) in table {
            let compiled = Expression::compile(source, &Scope::of_request(), Wanted::Bool);
            assert_eq!(compiled.map(drop), Err(expected.to_owned()));
        }
    }

    #[test]
    fn mutations_make_objects_and_patches() {
        let scope = Scope::of_policy(false).with_mutations();
        let object = json!({"metadata": {"name": "a"}});
        let table = [
            (
                "Object{metadata: Object.metadata{annotations: {'a/b': object.metadata.name}}}",
                Wanted::Object,
                json!({"metadata": {"annotations": {"a/b": "a"}}}),
            ),
            (
                "[JSONPatch{op: 'add', path: '/metadata/labels', value: {}}]",
                Wanted::Patches,
                json!([{"op": "add", "path": "/metadata/labels", "value": {}}]),
            ),
        ];
        for (source, wanted, expected) in table {
            let compiled = Expression::compile(source, &scope, wanted).expect(source);
            assert_eq!(compiled.evaluate(&[("object", &object)]).0, Ok(expected), "{source}");
        }
    }
}
