//! What the expressions of a policy see (apiserver/pkg/admission/plugin/cel/{activation,composition}.go).

use super::conditions;
use crate::admission::{Attributes, review};
use crate::api_server::ApiServer;
use crate::resources::{NAMESPACES, Resource};
use crate::schema::cel::{Expression, Scope, Wanted};
use serde_json::{Map, Value, json};

pub(super) const TOO_EXPENSIVE: &str = "operation cancelled: actual cost limit exceeded";

/// The variables of one policy with one parameter, and the values that they have for one write.
pub(super) struct Variables {
    scope: Scope,
    object: Value,
    old: Value,
    request: Value,
    params: Option<Value>,
    namespace: Value,
    /// `variables`, each with its value.
    defined: Value,
    /// Variables that have none, with the reason.
    failed: Vec<(String, String)>,
}

impl Variables {
    /// Evaluates the variables that the policy defines, in their order: each may use those before it. `attributes` are in
    /// the version of `target`.
    ///
    /// # Errors
    /// A variable that cannot be compiled.
    pub(super) fn new(
        server: &ApiServer,
        policy: &Value,
        attributes: &Attributes<'_>,
        target: &Resource,
        params: Option<Value>,
    ) -> Result<Self, String> {
        let has_params = !policy["spec"]["paramKind"].is_null();
        let mut variables = Self {
            scope: Scope::of_policy(has_params),
            object: attributes.object.clone(),
            old: attributes.old.clone(),
            request: review::request(attributes, target),
            params: has_params.then(|| params.unwrap_or_default()),
            namespace: namespace(server, attributes),
            defined: json!({}),
            failed: Vec::new(),
        };
        for variable in policy["spec"]["variables"].as_array().into_iter().flatten() {
            let text = |key: &str| variable[key].as_str().unwrap_or_default();
            variables.define(text("name"), text("expression"))?;
        }
        Ok(variables)
    }

    /// The object as earlier mutations have left it.
    pub(super) fn set_object(&mut self, object: Value) {
        self.object = object;
    }

    pub(super) fn object(&self) -> &Value {
        &self.object
    }

    fn define(&mut self, name: &str, source: &str) -> Result<(), String> {
        let expression = Expression::compile(source, &self.scope, Wanted::Any)
            .map_err(|why| format!("failed to compile variable {name:?}: {why}"))?;
        match self.evaluate(&expression, source) {
            Ok(value) => self.defined[name] = value,
            Err(why) => self.failed.push((name.to_owned(), why)),
        }
        self.scope.define(name, &expression);
        Ok(())
    }

    /// Compiles and evaluates an expression.
    ///
    /// # Errors
    /// Why there is no value, in the words of Kubernetes.
    pub(super) fn value(&self, source: &str, wanted: Wanted) -> Result<Value, String> {
        let mutates = matches!(wanted, Wanted::Object | Wanted::Patches);
        let scope = if mutates { self.scope.clone().with_mutations() } else { self.scope.clone() };
        let expression = Expression::compile(source, &scope, wanted)?;
        self.evaluate(&expression, source)
    }

    fn evaluate(&self, expression: &Expression, source: &str) -> Result<Value, String> {
        let mut known = vec![
            ("object", &self.object),
            ("oldObject", &self.old),
            ("request", &self.request),
            ("namespaceObject", &self.namespace),
            ("variables", &self.defined),
        ];
        known.extend(self.params.as_ref().map(|params| ("params", params)));
        expression.evaluate(&known).0.map_err(|failure| {
            let text = conditions::shown(source, failure);
            // A variable without a value is one that could not be evaluated.
            let cause = self.failed.iter().find(|(name, _)| text.ends_with(&format!("no such key: {name}")));
            match cause {
                Some((name, why)) => format!(
                    "expression '{source}' resulted in error: composited variable {name:?} fails to evaluate: {why}"
                ),
                None => text,
            }
        })
    }
}

/// The namespace of the object, with what policies may see of it; nothing for what has none.
fn namespace(server: &ApiServer, attributes: &Attributes<'_>) -> Value {
    let name = if attributes.resource.id == NAMESPACES { "" } else { attributes.namespace };
    let Some(stored) = server.store.get(&NAMESPACES, "", name) else { return Value::Null };
    const SHOWN: [&str; 9] = [
        "name",
        "generateName",
        "labels",
        "annotations",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "resourceVersion",
    ];
    let metadata = stored.object["metadata"].as_object().into_iter().flatten();
    let metadata = metadata.filter(|(key, _)| SHOWN.contains(&key.as_str()));
    let mut metadata: Map<String, Value> =
        metadata.map(|(key, value)| (key.clone(), value.clone())).collect();
    metadata.insert("UID".into(), stored.object["metadata"]["uid"].clone());
    json!({"metadata": metadata, "spec": stored.object["spec"], "status": stored.object["status"]})
}
