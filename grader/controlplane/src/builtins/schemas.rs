//! From the Go types of the built-in API to [`Schema`], for apply, strategic merge and defaulting.

use super::definitions::{Definition, Field, Scalar, Type, definition, definition_of};
use crate::schema::{Schema, StrategicMerge, Type as SchemaType};
use serde_json::json;
use std::sync::{Arc, LazyLock};

/// The format of quantities, by which they differ from other values that are integers or texts.
pub(crate) const QUANTITY: &str = "kubernetes.quantity";

/// The schema of a built-in kind; an empty one that keeps everything if there is no such kind.
pub fn schema(group: &str, version: &str, kind: &str) -> Arc<Schema> {
    definition_of(group, version, kind).map_or_else(any, of_definition)
}

/// The schema of a definition by its short name, e.g. `meta.v1.ObjectMeta`.
pub fn schema_of(name: &str) -> Arc<Schema> {
    definition(name).map_or_else(any, of_definition)
}

fn of_definition(definition: &'static Definition) -> Arc<Schema> {
    Builder { open: Vec::new() }.definition(definition)
}

struct Builder {
    /// The definitions being built, outermost first: one that contains itself is cut there.
    open: Vec<&'static str>,
}

impl Builder {
    fn definition(&mut self, definition: &'static Definition) -> Arc<Schema> {
        if let Some(known) = definition.schema.get() {
            return known.clone();
        }
        if self.open.contains(&definition.name) {
            return any();
        }
        self.open.push(definition.name);
        let fields = definition.fields.iter();
        let schema = Arc::new(Schema {
            type_: Some(SchemaType::Object),
            properties: fields.map(|(name, field)| ((*name).to_owned(), self.field(field))).collect(),
            atomic_map: definition.atomic,
            required: definition
                .fields
                .iter()
                .filter(|(_, field)| field.required)
                .map(|(name, _)| (*name).to_owned())
                .collect(),
            ..Schema::default()
        });
        self.open.pop();
        // What was cut because of an outer definition must not be reused outside of it.
        if self.open.is_empty() || !is_recursive(definition) {
            return definition.schema.get_or_init(|| schema).clone();
        }
        schema
    }

    fn field(&mut self, field: &'static Field) -> Arc<Schema> {
        let mut schema = self.type_(&field.type_);
        // OpenAPI writes the zero value as the default of what is neither a pointer nor left out.
        let zero = match &field.type_ {
            Type::Scalar(scalar, _) if !field.pointer && !field.omit_empty => match scalar {
                Scalar::String => Some(json!("")),
                Scalar::Int32 | Scalar::Int64 | Scalar::Float64 => Some(json!(0)),
                Scalar::Bool => Some(json!(false)),
                _ => None,
            },
            Type::Struct(_) if !field.pointer => Some(json!({})),
            _ => None,
        };
        let default = field.default.clone().or(zero);
        if default.is_some()
            || field.list_type.is_some()
            || field.atomic_map
            || field.strategic_merge != StrategicMerge::default()
        {
            let own = Arc::make_mut(&mut schema);
            own.default = default;
            own.list_type.clone_from(&field.list_type);
            own.atomic_map |= field.atomic_map;
            own.strategic_merge = field.strategic_merge.clone();
        }
        schema
    }

    fn type_(&mut self, type_: &'static Type) -> Arc<Schema> {
        let schema = match type_ {
            Type::Struct(reference) => return self.definition(reference.get()),
            Type::StructOrOther(_) => return any(),
            Type::List(item) => {
                Schema { type_: Some(SchemaType::Array), items: Some(self.type_(item)), ..Schema::default() }
            }
            Type::Map(value) => Schema {
                type_: Some(SchemaType::Object),
                additional_properties: Some(self.type_(value)),
                ..Schema::default()
            },
            Type::Scalar(scalar, _) => {
                let (type_, format) = match scalar {
                    Scalar::String => (SchemaType::String, None),
                    Scalar::Int32 => (SchemaType::Integer, Some("int32")),
                    Scalar::Int64 => (SchemaType::Integer, Some("int64")),
                    Scalar::Float64 => (SchemaType::Number, Some("double")),
                    Scalar::Bool => (SchemaType::Boolean, None),
                    Scalar::Bytes => (SchemaType::String, Some("byte")),
                    Scalar::Time | Scalar::MicroTime => (SchemaType::String, Some("date-time")),
                    Scalar::Quantity => {
                        let format = Some(QUANTITY.to_owned());
                        return Arc::new(Schema { int_or_string: true, format, ..Schema::default() });
                    }
                    Scalar::IntOrString => {
                        return Arc::new(Schema { int_or_string: true, ..Schema::default() });
                    }
                    Scalar::Any => return any(),
                    Scalar::Opaque => {
                        return Arc::new(Schema { atomic_map: true, ..Schema::clone(&any()) });
                    }
                };
                Schema { type_: Some(type_), format: format.map(str::to_owned), ..Schema::default() }
            }
        };
        Arc::new(schema)
    }
}

/// Only JSONSchemaProps contains itself.
fn is_recursive(definition: &Definition) -> bool {
    fn leads_to(type_: &Type, name: &str) -> bool {
        match type_ {
            Type::List(t) | Type::Map(t) => leads_to(t, name),
            Type::Struct(r) | Type::StructOrOther(r) => r.name == name,
            Type::Scalar(..) => false,
        }
    }
    definition.fields.values().any(|field| leads_to(&field.type_, definition.name))
}

fn any() -> Arc<Schema> {
    static ANY: LazyLock<Arc<Schema>> =
        LazyLock::new(|| Arc::new(Schema { preserve_unknown_fields: true, ..Schema::default() }));
    ANY.clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::ListType;

    #[test]
    fn a_pod_schema_knows_how_its_lists_merge() {
        let pod = schema("", "v1", "Pod");
        let containers = &pod.properties["spec"].properties["containers"];
        assert_eq!(containers.list_type, Some(ListType::Map(vec!["name".into()])));
        assert_eq!(containers.strategic_merge.merge_key.as_deref(), Some("name"));
        let ports = &containers.items.as_ref().unwrap().properties["ports"];
        let port = ports.items.as_ref().unwrap();
        assert_eq!(port.properties["protocol"].default, Some(json!("TCP")));
        assert_eq!(port.properties["hostIP"].default, None);
    }

    #[test]
    fn definitions_are_shared() {
        let pod = schema("", "v1", "Pod");
        let template = schema("", "v1", "PodTemplate");
        let claim = schema("", "v1", "PersistentVolumeClaim");
        assert_eq!(
            pod.properties["metadata"].properties.len(),
            claim.properties["metadata"].properties.len()
        );
        assert!(Arc::ptr_eq(&schema("", "v1", "Pod"), &pod));
        assert!(template.properties["template"].properties.contains_key("spec"));
    }

    #[test]
    fn a_type_that_contains_itself_is_cut() {
        let schema = schema_of("apiextensions.v1.JSONSchemaProps");
        assert!(schema.properties["not"].preserve_unknown_fields);
    }
}
