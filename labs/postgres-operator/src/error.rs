use kube::Resource;

/// A request to the Kubernetes API failed. Says what was tried, on which object, and keeps what the API answered.
#[derive(Debug, thiserror::Error)]
#[error("failed to {verb} {kind} {name}")]
pub struct Error {
    /// What was tried: `read`, `create`, `apply`.
    pub verb: &'static str,
    /// The kind of the object, such as `StatefulSet`.
    pub kind: String,
    /// The name of the object.
    pub name: String,
    /// What came back. [`kube::Error::Api`] is an answer of the API server, with a reason and a message.
    #[source]
    pub source: kube::Error,
}

impl Error {
    /// What came back, in words: the API server's own when it answered.
    pub fn cause(&self) -> String {
        match &self.source {
            kube::Error::Api(answer) => answer.message.clone(),
            other => other.to_string(),
        }
    }
}

/// Makes the error of a request: `.map_err(failed::<Secret>("read", &name))`.
pub fn failed<Kind>(verb: &'static str, name: &str) -> impl Fn(kube::Error) -> Error + use<Kind>
where
    Kind: Resource<DynamicType = ()>,
{
    let name = name.to_owned();
    move |source| Error { verb, kind: Kind::kind(&()).into_owned(), name: name.clone(), source }
}
