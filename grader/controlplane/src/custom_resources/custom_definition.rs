//! The parsed form of a definition, made once and shared by every request for its resources.

use super::columns::Column;
use super::json_path::JsonPath;
use super::scale::ScalePaths;
use super::{list, text};
use crate::schema::Schema;
use serde_json::{Value, json};
use std::sync::Arc;

/// What a CustomResourceDefinition defines.
#[derive(Clone, Debug)]
pub struct CustomDefinition {
    /// The API group.
    pub group: String,
    /// The plural name, as in paths.
    pub plural: String,
    /// The singular name.
    pub singular: String,
    /// Short names.
    pub short_names: Vec<String>,
    /// Categories such as `all`.
    pub categories: Vec<String>,
    /// The kind of one object.
    pub kind: String,
    /// The kind of a list.
    pub list_kind: String,
    /// `scope: Namespaced`.
    pub namespaced: bool,
    /// Whether its resources are served: its names are accepted and it is established.
    pub established: bool,
    /// In the order of the definition.
    pub versions: Vec<CustomVersion>,
}

/// One version of a custom resource.
#[derive(Clone, Debug)]
pub struct CustomVersion {
    /// e.g. `v1`.
    pub name: String,
    /// Requests may use it.
    pub served: bool,
    /// Objects are stored in it; exactly one version is.
    pub storage: bool,
    /// The schema with its rules compiled, shared with all who hold this version.
    pub schema: Arc<Schema>,
    /// The status subresource is on.
    pub has_status: bool,
    /// The scale subresource, when it is on.
    pub scale: Option<ScalePaths>,
    /// Columns of tables beside the name; Age when the definition names none.
    pub columns: Vec<Column>,
    /// Fields beside those of metadata that can be selected by, as `(spec.color, path)`.
    pub selectable_fields: Vec<(String, JsonPath)>,
    /// The Warning of every answer, when the version is deprecated.
    pub deprecation_warning: Option<String>,
}

impl CustomDefinition {
    /// Parses a definition that has passed validation.
    ///
    /// Names are those accepted in the status, or else those that the spec asks for.
    ///
    /// # Errors
    /// What no validated definition has, such as a schema that cannot be parsed.
    pub fn from_crd(crd: &Value) -> Result<Self, String> {
        Self::from_crd_sharing(crd, None)
    }

    /// As [`from_crd`](Self::from_crd), with the versions of `parsed`, which came from a definition of the same spec.
    ///
    /// # Errors
    /// As [`from_crd`](Self::from_crd).
    pub fn from_crd_sharing(crd: &Value, parsed: Option<&Self>) -> Result<Self, String> {
        let group = text(crd, "/spec/group").to_owned();
        let name = |key: &str| {
            let accepted = text(crd, &format!("/status/acceptedNames/{key}"));
            if accepted.is_empty() { text(crd, &format!("/spec/names/{key}")) } else { accepted }.to_owned()
        };
        let names = |key: &str| {
            let names = crd.pointer("/spec/names").map_or(&Value::Null, |names| &names[key]);
            names.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let kind = name("kind");
        let versions = list(crd, "/spec/versions")
            .iter()
            .map(|version| CustomVersion::from_json(version, &group, &kind));
        Ok(Self {
            plural: text(crd, "/spec/names/plural").to_owned(),
            singular: name("singular"),
            short_names: names("shortNames"),
            categories: names("categories"),
            list_kind: name("listKind"),
            namespaced: text(crd, "/spec/scope") == "Namespaced",
            established: super::status::is_true(crd, "Established"),
            versions: match parsed {
                Some(parsed) => parsed.versions.clone(),
                None => versions.collect::<Result<_, _>>()?,
            },
            group,
            kind,
        })
    }

    /// The version of this name.
    pub fn version(&self, name: &str) -> Option<&CustomVersion> {
        self.versions.iter().find(|version| version.name == name)
    }

    /// The version that objects are stored in.
    pub fn storage_version(&self) -> Option<&CustomVersion> {
        self.versions.iter().find(|version| version.storage)
    }
}

impl CustomVersion {
    fn from_json(version: &Value, group: &str, kind: &str) -> Result<Self, String> {
        let name = version["name"].as_str().unwrap_or_default().to_owned();
        let schema = match version.pointer("/schema/openAPIV3Schema") {
            Some(schema) => Schema::from_json(schema)?,
            None => {
                Schema::from_json(&json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}))?
            }
        };
        let selectable = version["selectableFields"].as_array().into_iter().flatten();
        let selectable = selectable
            .filter_map(|field| field["jsonPath"].as_str())
            .map(|path| Ok((path.trim_start_matches('.').to_owned(), JsonPath::parse(path)?)));
        let columns = match version["additionalPrinterColumns"].as_array() {
            Some(columns) if !columns.is_empty() => {
                // From the first one on that cannot be read there are none (tableconvertor.go, `New`).
                columns.iter().map_while(|column| Column::from_json(column).ok()).collect()
            }
            _ => vec![Column::age()],
        };
        let warning = || match version["deprecationWarning"].as_str() {
            Some(warning) => warning.to_owned(),
            None => format!("{group}/{name} {kind} is deprecated"),
        };
        Ok(Self {
            served: version["served"] == true,
            storage: version["storage"] == true,
            schema: Arc::new(schema),
            has_status: !version["subresources"]["status"].is_null(),
            scale: ScalePaths::from_json(&version["subresources"]["scale"]),
            columns,
            selectable_fields: selectable.collect::<Result<_, String>>()?,
            deprecation_warning: (version["deprecated"] == true).then(warning),
            name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_is_parsed() {
        let definition = CustomDefinition::from_crd(&json!({
            "spec": {
                "group": "example.com", "scope": "Namespaced",
                "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList", "shortNames": ["wd"]},
                "versions": [
                    {"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}},
                     "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.n", "statusReplicasPath": ".status.n"}},
                     "selectableFields": [{"jsonPath": ".spec.color"}]},
                    {"name": "v2", "served": true, "storage": false, "deprecated": true, "schema": {"openAPIV3Schema": {"type": "object"}},
                     "additionalPrinterColumns": [
                         {"name": "N", "type": "integer", "jsonPath": ".spec.n"},
                         {"name": "Broken", "type": "integer", "jsonPath": ".spec["},
                         {"name": "After", "type": "integer", "jsonPath": ".spec.n"},
                     ]},
                ],
            },
            "status": {"conditions": [{"type": "Established", "status": "True"}]},
        }))
        .unwrap();
        assert!(definition.namespaced && definition.established);
        assert_eq!(
            (definition.plural.as_str(), definition.short_names.as_slice()),
            ("widgets", &["wd".to_owned()][..])
        );
        let v1 = definition.storage_version().unwrap();
        assert!(v1.has_status && v1.scale.is_some() && v1.deprecation_warning.is_none());
        assert_eq!((v1.columns[0].name.as_str(), v1.selectable_fields[0].0.as_str()), ("Age", "spec.color"));
        let v2 = definition.version("v2").unwrap();
        assert_eq!(v2.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["N"]);
        assert_eq!(v2.deprecation_warning.as_deref(), Some("example.com/v2 Widget is deprecated"));
        assert_eq!(v2.columns[0].name, "N");
    }
}
