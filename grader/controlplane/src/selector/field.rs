//! Field selectors: `metadata.name=a,status.phase!=Running` (apimachinery/pkg/fields/selector.go), and the field
//! labels that each kind supports (pkg/apis/*/v1/conversion.go).

use crate::go_text;
use serde_json::Value;
use std::fmt;

/// What fields an object must have. The empty selector selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSelector {
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    label: String,
    equal: bool,
    value: String,
}

/// The field labels of one kind.
#[derive(Clone, Debug)]
pub enum FieldLabels<'a> {
    /// Only the name and the namespace, refused in the words for kinds that say nothing about it.
    Metadata,
    /// These besides the name and the namespace: label and JSON pointer.
    Known(&'a [(&'a str, &'a str)]),
    /// As `Known`, without the namespace.
    Global(&'a [(&'a str, &'a str)]),
    /// As `Known`, refused in the words of Jobs.
    Job(&'a [(&'a str, &'a str)]),
    /// As `Global`, refused in the words of ResourceSlices.
    ResourceSlice(&'a [(&'a str, &'a str)]),
    /// What a CustomResourceDefinition lists besides the name (and the namespace of a namespaced kind): paths as
    /// in `selectableFields`, with a leading dot.
    Custom {
        /// Whether the objects have a namespace to select by.
        namespaced: bool,
        /// `jsonPath` of each selectable field.
        paths: &'a [String],
    },
}

impl FieldSelector {
    /// Reads the text form.
    ///
    /// # Errors
    /// Kubernetes' text, e.g. `invalid selector: 'a'; can't understand 'a'`.
    pub fn parse(text: &str) -> Result<FieldSelector, String> {
        let mut parts = split_terms(text);
        parts.sort_unstable();
        let mut terms = Vec::new();
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            let Some((label, equal, value)) = split_term(part) else {
                return Err(format!("invalid selector: '{text}'; can't understand '{part}'"));
            };
            terms.push(Term { label: label.to_owned(), equal, value: unescape(value)? });
        }
        Ok(FieldSelector { terms })
    }

    /// The text of a selector for the object of this name (apimachinery/pkg/fields/selector.go, `EscapeValue`).
    pub fn for_name(name: &str) -> String {
        let name = name.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=");
        format!("metadata.name={name}")
    }

    /// Checks that the kind supports every label, and translates old names of labels.
    ///
    /// # Errors
    /// Kubernetes' text for the first label that it does not, e.g. `field label not supported: spec.foo`.
    pub fn for_kind(mut self, labels: &FieldLabels<'_>) -> Result<FieldSelector, String> {
        for term in &mut self.terms {
            if term.label.is_empty() && term.value.is_empty() {
                continue;
            }
            // The old name of a pod's node.
            if term.label == "spec.host" && labels.pointer("spec.nodeName").is_some() {
                term.label = "spec.nodeName".to_owned();
            }
            if labels.pointer(&term.label).is_none() {
                return Err(labels.refusal(&term.label));
            }
        }
        Ok(self)
    }

    /// Whether it selects everything.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether this object is selected. A field that is not there is the empty text.
    pub fn matches(&self, object: &Value, labels: &FieldLabels<'_>) -> bool {
        self.terms.iter().all(|term| {
            let pointer = labels.pointer(&term.label).unwrap_or_default();
            (text_at(object, &pointer) == term.value) == term.equal
        })
    }

    /// The name that every selected object has, if the selector demands one.
    pub fn exact_name(&self) -> Option<&str> {
        let exact = self.terms.iter().find(|term| term.equal && term.label == "metadata.name");
        exact.map(|term| term.value.as_str())
    }
}

impl FieldLabels<'_> {
    /// The field labels of a built-in kind.
    pub fn of_builtin(group: &str, kind: &str) -> FieldLabels<'static> {
        match (group, kind) {
            ("", "Pod") => FieldLabels::Known(&[
                ("spec.nodeName", "/spec/nodeName"),
                ("spec.restartPolicy", "/spec/restartPolicy"),
                ("spec.schedulerName", "/spec/schedulerName"),
                ("spec.serviceAccountName", "/spec/serviceAccountName"),
                ("spec.hostNetwork", "/spec/hostNetwork?"),
                ("status.phase", "/status/phase"),
                ("status.podIP", "/status/podIPs/0/ip"),
                ("status.podIPs", "/status/podIPs/0/ip"),
                ("status.nominatedNodeName", "/status/nominatedNodeName"),
            ]),
            ("", "Node") => FieldLabels::Global(&[("spec.unschedulable", "/spec/unschedulable?")]),
            ("", "ReplicationController") => FieldLabels::Known(&[("status.replicas", "/status/replicas")]),
            ("", "Event") => FieldLabels::Known(&[
                ("involvedObject.kind", "/involvedObject/kind"),
                ("involvedObject.namespace", "/involvedObject/namespace"),
                ("involvedObject.name", "/involvedObject/name"),
                ("involvedObject.uid", "/involvedObject/uid"),
                ("involvedObject.apiVersion", "/involvedObject/apiVersion"),
                ("involvedObject.resourceVersion", "/involvedObject/resourceVersion"),
                ("involvedObject.fieldPath", "/involvedObject/fieldPath"),
                ("reason", "/reason"),
                ("reportingComponent", "/reportingComponent"),
                ("source", "/source/component|/reportingComponent"),
                ("type", "/type"),
            ]),
            // Events are kept in their core form.
            ("events.k8s.io", "Event") => FieldLabels::Known(&[
                ("regarding.kind", "/involvedObject/kind"),
                ("regarding.namespace", "/involvedObject/namespace"),
                ("regarding.name", "/involvedObject/name"),
                ("regarding.uid", "/involvedObject/uid"),
                ("regarding.apiVersion", "/involvedObject/apiVersion"),
                ("regarding.resourceVersion", "/involvedObject/resourceVersion"),
                ("regarding.fieldPath", "/involvedObject/fieldPath"),
                ("reason", "/reason"),
                ("reportingController", "/reportingComponent"),
                ("type", "/type"),
            ]),
            ("", "Namespace") => FieldLabels::Global(&[("status.phase", "/status/phase")]),
            ("", "Secret") => FieldLabels::Known(&[("type", "/type")]),
            ("", "Service") => {
                FieldLabels::Known(&[("spec.clusterIP", "/spec/clusterIP"), ("spec.type", "/spec/type")])
            }
            ("batch", "Job") => FieldLabels::Job(&[("status.successful", "/status/succeeded#")]),
            ("certificates.k8s.io", "CertificateSigningRequest") => {
                FieldLabels::Global(&[("spec.signerName", "/spec/signerName")])
            }
            ("resource.k8s.io", "ResourceSlice") => FieldLabels::ResourceSlice(&[
                ("spec.driver", "/spec/driver"),
                ("spec.nodeName", "/spec/nodeName"),
            ]),
            _ => FieldLabels::Metadata,
        }
    }

    /// Where the field is. A `?` or `#` at the end makes an absent one `false` or `0`; of several places between `|`
    /// the first that is not empty counts.
    fn pointer(&self, label: &str) -> Option<String> {
        match (label, self) {
            ("metadata.name", _) => return Some("/metadata/name".to_owned()),
            (
                "metadata.namespace",
                FieldLabels::Custom { namespaced: false, .. }
                | FieldLabels::Global(_)
                | FieldLabels::ResourceSlice(_),
            ) => {
                return None;
            }
            ("metadata.namespace", _) => return Some("/metadata/namespace".to_owned()),
            _ => {}
        }
        match self {
            FieldLabels::Metadata => None,
            FieldLabels::Known(fields)
            | FieldLabels::Global(fields)
            | FieldLabels::Job(fields)
            | FieldLabels::ResourceSlice(fields) => {
                fields.iter().find(|(known, _)| *known == label).map(|(_, pointer)| (*pointer).to_owned())
            }
            FieldLabels::Custom { paths, .. } => {
                let known = paths.iter().any(|path| path.strip_prefix('.') == Some(label));
                known.then(|| format!("/{}", label.replace('.', "/")))
            }
        }
    }

    fn refusal(&self, label: &str) -> String {
        match self {
            FieldLabels::Metadata => {
                let label = go_text::quote(label);
                format!(
                    "{label} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
                )
            }
            FieldLabels::Job(_) => format!("field label {} not supported for Job", go_text::quote(label)),
            FieldLabels::ResourceSlice(_) => {
                format!("field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: {label}")
            }
            FieldLabels::Known(_) | FieldLabels::Global(_) | FieldLabels::Custom { .. } => {
                format!("field label not supported: {label}")
            }
        }
    }
}

/// The text form: terms sorted, `=` and `!=`.
impl fmt::Display for FieldSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, Term { label, equal, value }) in self.terms.iter().enumerate() {
            let separator = if i > 0 { "," } else { "" };
            let operator = if *equal { "=" } else { "!=" };
            let value = value.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=");
            write!(f, "{separator}{label}{operator}{value}")?;
        }
        Ok(())
    }
}

fn text_at(object: &Value, pointer: &str) -> String {
    if let Some((first, rest)) = pointer.split_once('|') {
        return Some(text_at(object, first))
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| text_at(object, rest));
    }
    let (pointer, absent) = match (pointer.strip_suffix('?'), pointer.strip_suffix('#')) {
        (Some(pointer), _) => (pointer, "false"),
        (_, Some(pointer)) => (pointer, "0"),
        _ => (pointer, ""),
    };
    match object.pointer(pointer) {
        None | Some(Value::Null) => absent.to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Commas separate unless a backslash stands before them.
fn split_terms(text: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let mut start = 0;
    let mut escaped = false;
    for (i, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                terms.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    terms.push(&text[start..]);
    terms
}

/// Label, whether equal is wanted, and the value with its escapes.
fn split_term(term: &str) -> Option<(&str, bool, &str)> {
    let at =
        term.char_indices().find(|(i, _)| term[*i..].starts_with("!=") || term[*i..].starts_with('='))?.0;
    let (label, rest) = term.split_at(at);
    if let Some(value) = rest.strip_prefix("!=") {
        return Some((label, false, value));
    }
    let value = rest.strip_prefix("==").or_else(|| rest.strip_prefix('='))?;
    Some((label, true, value))
}

fn unescape(value: &str) -> Result<String, String> {
    let mut result = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some(c @ ('\\' | ',' | '=')) => result.push(c),
                Some(c) => return Err(format!("invalid field selector: invalid escape sequence: \\{c}")),
                None => return Err("invalid field selector: invalid escape sequence: \\".to_owned()),
            },
            // Go prints the number of the character.
            ',' | '=' => {
                return Err(format!(
                    "invalid field selector: unescaped character in value: {}",
                    u32::from(c)
                ));
            }
            c => result.push(c),
        }
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn matching() {
        let labels = FieldLabels::of_builtin("", "Pod");
        let pod =
            json!({"metadata": {"name": "a", "namespace": "n"}, "spec": {}, "status": {"phase": "Running"}});
        for (selector, expected) in [
            ("", true),
            ("metadata.name=a", true),
            ("metadata.name==a,metadata.namespace=n", true),
            ("metadata.name!=a", false),
            ("status.phase=Running", true),
            ("spec.nodeName=", true),
            ("spec.nodeName!=", false),
            ("spec.host=x", false),
            ("spec.hostNetwork=false", true),
        ] {
            let selector = FieldSelector::parse(selector).unwrap().for_kind(&labels).unwrap();
            assert_eq!(selector.matches(&pod, &labels), expected, "{selector}");
        }
        let labels = FieldLabels::of_builtin("resource.k8s.io", "ResourceSlice");
        let selector =
            FieldSelector::parse("spec.driver=d,spec.nodeName=").unwrap().for_kind(&labels).unwrap();
        assert!(selector.matches(&json!({"spec": {"driver": "d"}}), &labels));
        let paths = [".spec.color".to_owned()];
        let labels = FieldLabels::Custom { namespaced: true, paths: &paths };
        let selector = FieldSelector::parse("spec.color=red").unwrap().for_kind(&labels).unwrap();
        assert!(selector.matches(&json!({"spec": {"color": "red"}}), &labels));
        assert_eq!(FieldSelector::parse("metadata.name=a").unwrap().exact_name(), Some("a"));
    }

    #[test]
    fn errors() {
        let job = FieldLabels::of_builtin("batch", "Job");
        let config_map = FieldLabels::of_builtin("", "ConfigMap");
        let secret = FieldLabels::of_builtin("", "Secret");
        let slice = FieldLabels::of_builtin("resource.k8s.io", "ResourceSlice");
        for (selector, labels, expected) in [
            ("a", &secret, "invalid selector: 'a'; can't understand 'a'"),
            ("a=b\\c", &secret, "invalid field selector: invalid escape sequence: \\c"),
            ("a=b=c", &secret, "invalid field selector: unescaped character in value: 61"),
            ("spec.foo=v", &secret, "field label not supported: spec.foo"),
            ("spec.foo=v", &job, "field label \"spec.foo\" not supported for Job"),
            (
                "spec.pool=v",
                &slice,
                "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: spec.pool",
            ),
            (
                "data.k=v",
                &config_map,
                "\"data.k\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
            ),
        ] {
            let result = FieldSelector::parse(selector).and_then(|s| s.for_kind(labels));
            assert_eq!(result, Err(expected.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "[a-c.=!,\\\\\u{e9}]{0,24}") {
            let _ = FieldSelector::parse(&text);
        }

        #[test]
        fn what_is_printed_parses_to_the_same(text in "[a-c.]{1,4}(=|==|!=)([a-c]|\\\\=|\\\\,|\\\\\\\\){0,4}(,[d-f]=x)?") {
            let selector = FieldSelector::parse(&text).unwrap();
            prop_assert_eq!(FieldSelector::parse(&selector.to_string()), Ok(selector));
        }
    }
}
