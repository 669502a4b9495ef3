//! What the expressions of a policy see (apiserver/pkg/admission/plugin/cel/{activation,composition}.go).

use crate::access::AccessControl;
use crate::admission::{Attributes, review};
use crate::api_server::ApiServer;
use crate::resources::{NAMESPACES, Resource};
use crate::schema::cel::{Activation, Expression, Requester, ResourceCheck, Scope, Variable, Wanted};
use serde_json::{Map, Value, json};

/// What one policy with one parameter sees of one write.
pub(super) struct Variables {
    scope: Scope,
    object: Value,
    old: Value,
    request: Value,
    params: Option<Value>,
    namespace: Value,
    /// What the policy defines; each may use those before it.
    defined: Vec<Variable>,
}

impl Variables {
    /// `attributes` are in the version of `target`.
    pub(super) fn new(
        server: &ApiServer,
        policy: &Value,
        attributes: &Attributes<'_>,
        target: &Resource,
        params: Option<Value>,
    ) -> Self {
        let has_params = !policy["spec"]["paramKind"].is_null();
        let mut scope = Scope::of_policy(has_params);
        let mut defined = Vec::new();
        for variable in policy["spec"]["variables"].as_array().into_iter().flatten() {
            let text = |key: &str| variable[key].as_str().unwrap_or_default();
            let expression = Expression::compile(text("expression"), &scope, Wanted::Any);
            scope.define(text("name"), expression.as_ref().ok());
            defined.push(Variable { name: text("name").to_owned(), expression });
        }
        Self {
            scope,
            object: attributes.object.clone(),
            old: attributes.old.clone(),
            request: review::request(attributes, target),
            params: has_params.then(|| params.unwrap_or_default()),
            namespace: namespace(server, attributes),
            defined,
        }
    }

    /// The object as earlier mutations have left it.
    pub(super) fn set_object(&mut self, object: Value) {
        self.object = object;
    }

    pub(super) fn object(&self) -> &Value {
        &self.object
    }

    /// What expressions of the policy may use.
    pub(super) fn scope(&self) -> Scope {
        self.scope.clone()
    }

    /// What expressions are evaluated with.
    pub(super) fn activation<'a>(
        &'a self,
        requester: Option<(Requester<'a>, ResourceCheck)>,
    ) -> Activation<'a> {
        let mut values = vec![
            ("object", &self.object),
            ("oldObject", &self.old),
            ("request", &self.request),
            ("namespaceObject", &self.namespace),
        ];
        values.extend(self.params.as_ref().map(|params| ("params", params)));
        Activation { values, requester, variables: &self.defined }
    }
}

/// Who makes the write, and what it is about.
pub(super) fn requester<'a>(
    control: &'a AccessControl,
    attributes: &Attributes<'_>,
) -> (Requester<'a>, ResourceCheck) {
    let resource = ResourceCheck {
        group: attributes.resource.id.group().to_owned(),
        resource: attributes.resource.id.resource().to_owned(),
        subresource: attributes.subresource.to_owned(),
        namespace: attributes.namespace.to_owned(),
        name: attributes.name.to_owned(),
    };
    (Requester::new(control, attributes.user.clone()), resource)
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
