//! From objects to bytes: JSON or YAML, whole objects, their metadata, or Tables
//! (apiserver/pkg/endpoints/handlers/response.go).

use super::accept::{self, Accept, Format, Shape};
use super::table::{self, IncludeObject};
use super::written::Written;
use crate::builtins;
use crate::error::ApiError;
use crate::object;
use crate::protobuf;
use crate::resources::{Nature, Resource};
use crate::verbs::page::Page;
use bytes::Bytes;
use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Room for most objects, in bytes.
const USUAL_SIZE: usize = 1024;

/// How a client wants to see what it reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Representation {
    pub(crate) accept: Accept,
    pub(crate) include: IncludeObject,
}

impl Representation {
    pub(crate) const JSON: Self = Self { accept: Accept::JSON, include: IncludeObject::Metadata };

    /// The media type of the answer.
    pub(crate) fn content_type(&self) -> &'static str {
        match self.accept.format {
            Format::Json => "application/json",
            Format::Yaml => "application/yaml",
            Format::Protobuf => accept::PROTOBUF,
        }
    }

    fn api_version(&self) -> &'static str {
        match self.accept.shape {
            Shape::Table { beta: true } | Shape::Metadata { beta: true, .. } => "meta.k8s.io/v1beta1",
            _ => "meta.k8s.io/v1",
        }
    }

    /// The media type of a stream of events.
    pub(crate) fn stream_type(&self) -> &'static str {
        match self.accept.format {
            Format::Protobuf => "application/vnd.kubernetes.protobuf;stream=watch",
            _ => self.content_type(),
        }
    }

    /// One event of a watch.
    pub(crate) fn event(&self, kind: &str, object: Written<'_>) -> Bytes {
        if self.accept.format == Format::Protobuf {
            return protobuf::frame(kind, object.object).unwrap_or_default().into();
        }
        let mut frame = Vec::with_capacity(USUAL_SIZE);
        frame.extend_from_slice(b"{\"type\":\"");
        frame.extend_from_slice(kind.as_bytes());
        frame.extend_from_slice(b"\",\"object\":");
        // Writing JSON to memory cannot fail.
        let _ = serde_json::to_writer(&mut frame, &object);
        frame.extend_from_slice(b"}\n");
        frame.into()
    }

    /// The bytes of any value.
    pub(crate) fn bytes(&self, value: &impl Serialize) -> Bytes {
        let written = match (self.accept.format, self.accept.pretty) {
            (Format::Json, false) => {
                let mut bytes = Vec::with_capacity(USUAL_SIZE);
                serde_json::to_writer(&mut bytes, value).map(|()| bytes).map_err(|error| error.to_string())
            }
            (Format::Json, true) => serde_json::to_vec_pretty(value).map_err(|error| error.to_string()),
            (Format::Protobuf, _) => serde_json::to_value(value)
                .map(|value| protobuf::body(&value).unwrap_or_default())
                .map_err(|error| error.to_string()),
            // YAML is written from a map, whose keys are in order.
            (Format::Yaml, _) => serde_json::to_value(value)
                .map_err(|error| error.to_string())
                .and_then(|value| serde_saphyr::to_string(&value).map_err(|error| error.to_string()))
                .map(String::into_bytes),
        };
        // JSON values have nothing that cannot be written.
        let mut bytes = written.unwrap_or_default();
        if self.accept.format == Format::Json {
            bytes.push(b'\n');
        }
        bytes.into()
    }

    /// The bytes of an object of a type of Kubernetes.
    pub(crate) fn bytes_of_struct(&self, object: &Value) -> Bytes {
        self.bytes(&Written::of_struct(object))
    }

    /// One object in its shape.
    pub(crate) fn object(
        &self,
        resource: &Resource,
        object: &Value,
        now: Timestamp,
    ) -> Result<Bytes, ApiError> {
        match self.accept.shape {
            Shape::Plain => Ok(self.bytes(&self.written(resource, object))),
            Shape::Metadata { list: true, .. } => Err(ApiError::unexpected(format!(
                "you requested PartialObjectMetadataList, but the requested object is not a list ({})",
                go_type(resource, "")
            ))),
            _ => Ok(self.bytes_of_struct(&self.shaped(resource, object, true, now))),
        }
    }

    /// An object of a resource, or what it looks like in another shape, in the order of its members.
    pub(crate) fn written<'a>(&self, resource: &Resource, object: &'a Value) -> Written<'a> {
        match self.accept.shape {
            Shape::Plain if resource.is_custom() => Written::of_map(object),
            _ => Written::of_struct(object),
        }
    }

    /// The scale of an object of this resource.
    ///
    /// # Errors
    /// 406 when a list is asked for.
    pub(crate) fn scale(
        &self,
        resource: &Resource,
        scale: &Value,
        now: Timestamp,
    ) -> Result<Bytes, ApiError> {
        match self.accept.shape {
            Shape::Plain => Ok(self.bytes_of_struct(scale)),
            Shape::Metadata { list: false, .. } => Ok(self.bytes_of_struct(&self.metadata(scale))),
            Shape::Metadata { list: true, .. } => Err(ApiError::not_acceptable(
                "you requested PartialObjectMetadataList, but the requested object is not a list (*v1.Scale)",
            )),
            Shape::Table { .. } => Ok(self.bytes_of_struct(&json!({
                "kind": "Table", "apiVersion": self.api_version(),
                "metadata": {"resourceVersion": object::resource_version(scale)},
                "columnDefinitions": table::scale_columns(resource),
                "rows": [table::scale_row(scale, self.include, self.api_version(), now)],
            }))),
        }
    }

    /// An object as Table or metadata; only the first Table of a watch says what its columns are.
    pub(crate) fn shaped(&self, resource: &Resource, object: &Value, columns: bool, now: Timestamp) -> Value {
        match self.accept.shape {
            Shape::Plain => object.clone(),
            Shape::Metadata { .. } => self.metadata(object),
            Shape::Table { .. } => {
                let columns = if columns { Value::from(table::columns(resource)) } else { Value::Null };
                let metadata = match object::resource_version(object) {
                    "" => json!({}),
                    version => json!({"resourceVersion": version}),
                };
                json!({
                    "kind": "Table", "apiVersion": self.api_version(), "metadata": metadata,
                    "columnDefinitions": columns,
                    "rows": [self.row(resource, object, now)],
                })
            }
        }
    }

    fn metadata(&self, object: &Value) -> Value {
        json!({
            "kind": "PartialObjectMetadata", "apiVersion": self.api_version(), "metadata": object["metadata"],
        })
    }

    fn row(&self, resource: &Resource, object: &Value, now: Timestamp) -> Value {
        table::row(resource, object, self.include, self.api_version(), now)
    }

    /// A list in its shape.
    pub(crate) fn list(&self, resource: &Resource, page: &Page, now: Timestamp) -> Result<Bytes, ApiError> {
        let mut metadata = Map::new();
        if let Some(revision) = page.revision {
            metadata.insert("resourceVersion".into(), revision.to_string().into());
        }
        if let Some(next) = &page.next {
            metadata.insert("continue".into(), next.as_str().into());
        }
        if let Some(remaining) = page.remaining {
            metadata.insert("remainingItemCount".into(), remaining.into());
        }
        match self.accept.shape {
            Shape::Plain => {
                if resource.is_custom() {
                    // Lists of custom resources always say where they go on, if only to say nowhere.
                    metadata.entry("continue").or_insert_with(|| "".into());
                }
                Ok(self.bytes(&List { resource, metadata, page }))
            }
            Shape::Metadata { list: false, .. } => Err(ApiError::not_acceptable(format!(
                "you requested PartialObjectMetadata, but the requested object is a list ({})",
                go_type(resource, "List")
            ))),
            Shape::Metadata { .. } => {
                let items: Vec<Value> = page.items.iter().map(|object| self.metadata(object)).collect();
                // In Go this is a list that was never begun.
                let items = if items.is_empty() { Value::Null } else { items.into() };
                Ok(self.bytes_of_struct(&json!({
                    "kind": "PartialObjectMetadataList", "apiVersion": self.api_version(),
                    "metadata": metadata, "items": items,
                })))
            }
            Shape::Table { .. } => {
                let objects = table::ordered(resource, &page.items);
                let rows: Vec<Value> =
                    objects.into_iter().map(|object| self.row(resource, object, now)).collect();
                let rows = match rows.is_empty() && table::is_by_default(resource) {
                    true => Value::Null,
                    false => rows.into(),
                };
                Ok(self.bytes_of_struct(&json!({
                    "kind": "Table", "apiVersion": self.api_version(), "metadata": metadata,
                    "columnDefinitions": table::columns(resource), "rows": rows,
                })))
            }
        }
    }

    /// The object of a BOOKMARK: nothing but the revision that the watch has reached. A Table has a row for it, with the
    /// metadata of the one that ends the initial objects even where no objects are wanted.
    pub(crate) fn bookmark(
        &self,
        resource: &Resource,
        revision: u64,
        initial_end: bool,
        columns: bool,
        now: Timestamp,
    ) -> Value {
        let mut metadata = json!({"resourceVersion": revision.to_string()});
        if initial_end {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        if matches!(self.accept.shape, Shape::Metadata { .. }) {
            return json!({
                "kind": "PartialObjectMetadata", "apiVersion": self.api_version(), "metadata": metadata,
            });
        }
        let mut bookmark = json!({"metadata": metadata});
        if let Nature::BuiltIn(builtin) = &resource.nature
            && let Some(definition) = builtins::definition_of(builtin.group, builtin.version, builtin.kind)
        {
            // An empty object of its Go type; it cannot fail to decode.
            let _ = builtins::decode(definition, &mut bookmark);
        }
        bookmark["kind"] = resource.kind.as_str().into();
        bookmark["apiVersion"] = resource.api_version().into();
        if self.accept.shape == Shape::Plain {
            return bookmark;
        }
        let include = match self.include {
            IncludeObject::None if initial_end => IncludeObject::Metadata,
            include => include,
        };
        Self { include, ..*self }.shaped(resource, &bookmark, columns, now)
    }
}

/// The Go type that an error names.
fn go_type(resource: &Resource, suffix: &str) -> String {
    match (&resource.nature, resource.id.group()) {
        (Nature::Custom(_), _) => format!("*unstructured.Unstructured{suffix}"),
        (_, "") => format!("*core.{}{suffix}", resource.kind),
        (_, group) => {
            format!("*{}.{}{suffix}", group.split('.').next().unwrap_or_default(), resource.kind)
        }
    }
}

/// A list whose items are written as they are, without a copy; one of custom resources is a map, like these.
struct List<'a> {
    resource: &'a Resource,
    metadata: Map<String, Value>,
    page: &'a Page,
}

impl Serialize for List<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_map = self.resource.is_custom();
        let items = Items { items: &self.page.items, bare: !is_map };
        let mut map = serializer.serialize_map(Some(4))?;
        if is_map {
            map.serialize_entry("apiVersion", &self.resource.api_version())?;
            map.serialize_entry("items", &items)?;
        }
        map.serialize_entry("kind", &self.resource.list_kind)?;
        if !is_map {
            map.serialize_entry("apiVersion", &self.resource.api_version())?;
        }
        map.serialize_entry("metadata", &self.metadata)?;
        if !is_map {
            map.serialize_entry("items", &items)?;
        }
        map.end()
    }
}

/// The items of a list, those of built-in kinds bare: without kind and apiVersion.
struct Items<'a> {
    items: &'a [Arc<Value>],
    bare: bool,
}

impl Serialize for Items<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { items, bare } = *self;
        serializer.collect_seq(items.iter().map(|item| Item { item, bare }))
    }
}

struct Item<'a> {
    item: &'a Value,
    bare: bool,
}

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.item {
            Value::Object(members) if self.bare => {
                let metadata = members.get_key_value("metadata").into_iter();
                let others = members
                    .iter()
                    .filter(|(key, _)| !matches!(key.as_str(), "kind" | "apiVersion" | "metadata"));
                serializer.collect_map(metadata.chain(others))
            }
            other => other.serialize(serializer),
        }
    }
}
