//! Acting as the story's user. The API must accept everything here; that it does not is a failure of the story
//! (a lab's own type may refuse what its contract allows).

use crate::simulation::as_user;
use crate::{Actor, Failure, Target, World, kinds};
use controlplane::Response;
use http::Method;
use serde_json::{Value, json};

impl World {
    /// Makes a namespace with a random name, and gives that name.
    ///
    /// # Errors
    /// The API refuses.
    pub fn namespace(&mut self, prefix: &str) -> Result<String, Failure> {
        let name = self.random.name(prefix);
        self.create(&kinds::NAMESPACES.named("", &name), json!({}))?;
        Ok(name)
    }

    /// Creates an object with these fields beside `apiVersion`, `kind`, name and namespace.
    ///
    /// # Errors
    /// The API refuses.
    pub fn create(&mut self, target: &Target, fields: Value) -> Result<Value, Failure> {
        let uri = target.kind.path(Some(&target.namespace));
        self.act("creates", target, Method::POST, &uri, "application/json", &target.object(fields))
    }

    /// Server-side apply in the name of `kubectl`, forced: creates the object or sets these fields.
    ///
    /// # Errors
    /// The API refuses.
    pub fn apply(&mut self, target: &Target, fields: Value) -> Result<Value, Failure> {
        self.apply_as("kubectl", target, fields)
    }

    /// Server-side apply in the name of another field manager, forced.
    ///
    /// # Errors
    /// The API refuses.
    pub fn apply_as(&mut self, manager: &str, target: &Target, fields: Value) -> Result<Value, Failure> {
        let uri = format!("{}?fieldManager={manager}&force=true", target.path());
        let object = target.object(fields);
        self.act("applies", target, Method::PATCH, &uri, "application/apply-patch+yaml", &object)
    }

    /// Merges fields into an object.
    ///
    /// # Errors
    /// The API refuses.
    pub fn patch(&mut self, target: &Target, fields: &Value) -> Result<Value, Failure> {
        self.act("edits", target, Method::PATCH, &target.path(), "application/merge-patch+json", fields)
    }

    /// Merges fields into an object through its status subresource.
    ///
    /// # Errors
    /// The API refuses.
    pub fn patch_status(&mut self, target: &Target, fields: &Value) -> Result<Value, Failure> {
        let uri = format!("{}/status", target.path());
        self.act("edits the status of", target, Method::PATCH, &uri, "application/merge-patch+json", fields)
    }

    /// Server-side apply of status fields in the name of another field manager, forced.
    ///
    /// # Errors
    /// The API refuses.
    pub fn apply_status_as(
        &mut self,
        manager: &str,
        target: &Target,
        fields: Value,
    ) -> Result<Value, Failure> {
        let uri = format!("{}/status?fieldManager={manager}&force=true", target.path());
        let object = target.object(fields);
        self.act(
            "applies the status of",
            target,
            Method::PATCH,
            &uri,
            "application/apply-patch+yaml",
            &object,
        )
    }

    /// Sets the number of replicas, as `kubectl scale` does.
    ///
    /// # Errors
    /// The API refuses.
    pub fn scale(&mut self, target: &Target, replicas: u32) -> Result<Value, Failure> {
        let uri = format!("{}/scale", target.path());
        let fields = json!({"spec": {"replicas": replicas}});
        self.act(
            &format!("scales to {replicas}"),
            target,
            Method::PATCH,
            &uri,
            "application/merge-patch+json",
            &fields,
        )
    }

    /// Deletes an object, in the background.
    ///
    /// # Errors
    /// The API refuses.
    pub fn delete(&mut self, target: &Target) -> Result<(), Failure> {
        self.delete_with(target, &json!({}))
    }

    /// Deletes an object with these `DeleteOptions`, e.g. `{"propagationPolicy": "Orphan"}`.
    ///
    /// # Errors
    /// The API refuses.
    pub fn delete_with(&mut self, target: &Target, options: &Value) -> Result<(), Failure> {
        let mut options = options.clone();
        options["apiVersion"] = "v1".into();
        options["kind"] = "DeleteOptions".into();
        self.act("deletes", target, Method::DELETE, &target.path(), "application/json", &options).map(|_| ())
    }

    /// Sends any request as the user, and gives whatever comes back.
    pub fn request(&mut self, method: Method, uri: &str, content_type: &str, body: &Value) -> Response {
        self.backend.request(Actor::User, as_user(method, uri, content_type, body))
    }

    fn act(
        &mut self,
        what: &str,
        target: &Target,
        method: Method,
        uri: &str,
        content_type: &str,
        body: &Value,
    ) -> Result<Value, Failure> {
        self.tell(format!("the user {what} {target}"));
        let response = self.request(method, uri, content_type, body);
        let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        if response.status.is_success() {
            return Ok(answer);
        }
        let message = answer["message"].as_str().unwrap_or("no message");
        let seen = format!("{}: {message}", response.status);
        Err(Failure::new(format!("the API lets a user do this: {what} {target}"), seen))
    }
}
