//! How a schema looks to apply: which values are taken apart and which are owned as a whole
//! (kube-openapi/pkg/schemaconv, structured-merge-diff/schema).

use super::path::PathElement;
use crate::schema::{ListType, Schema, Type};
use serde_json::Value;
use std::sync::{Arc, LazyLock};

/// The schema of a value, in the place where the value stands.
#[derive(Clone, Copy)]
pub(super) struct Shape<'a> {
    schema: &'a Schema,
    /// A preserve-unknown-fields above opens everything below it.
    preserves_unknown: bool,
    /// The value is an object with metadata of its own, whatever the schema says.
    is_object: bool,
}

/// How a value is handled, given its schema and, where the schema leaves it open, the value itself.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Map,
    Scalar(Scalar),
    List,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Scalar {
    Numeric,
    String,
    Boolean,
    Any,
}

/// How the items of a list are told apart.
#[derive(Clone, Copy)]
pub(super) enum Items<'a> {
    /// Not at all: the list is one value.
    Atomic,
    /// By their value.
    Set,
    /// By these fields.
    Map(&'a [String]),
}

impl<'a> Shape<'a> {
    /// The shape of a whole object. What a custom resource's schema says about metadata is not used: metadata is the
    /// same for all.
    pub(super) fn of_object(schema: &'a Schema, is_custom: bool) -> Self {
        Shape { schema, preserves_unknown: schema.preserve_unknown_fields, is_object: is_custom }
    }

    fn of_field(self, schema: &'a Schema) -> Self {
        Shape {
            schema,
            preserves_unknown: self.preserves_unknown || schema.preserve_unknown_fields,
            is_object: schema.embedded_resource,
        }
    }

    /// How a value of this shape is handled. A null or ill-typed value counts as what the schema prefers.
    pub(super) fn kind(self, value: Option<&Value>) -> Kind {
        match (self.scalar(), self.schema.type_, value) {
            (_, Some(Type::Object), _) => Kind::Map,
            (_, Some(Type::Array), _) => Kind::List,
            (Some(scalar), Some(_), _) => Kind::Scalar(scalar),
            (_, _, Some(Value::Bool(_) | Value::Number(_) | Value::String(_))) => Kind::Scalar(Scalar::Any),
            (_, _, Some(Value::Array(_))) => Kind::List,
            _ => Kind::Map,
        }
    }

    fn scalar(self) -> Option<Scalar> {
        match self.schema.type_? {
            Type::Integer | Type::Number => Some(Scalar::Numeric),
            Type::Boolean => Some(Scalar::Boolean),
            Type::String => match self.schema.format.as_deref() {
                None | Some("" | "byte") => Some(Scalar::String),
                Some(_) => Some(Scalar::Any),
            },
            Type::Object | Type::Array => None,
        }
    }

    /// Whether a map of this shape is owned as a whole.
    pub(super) fn is_atomic_map(self) -> bool {
        self.schema.atomic_map
    }

    /// The shape of a member that the schema names.
    pub(super) fn named_field(self, name: &str) -> Option<Self> {
        if self.is_object
            && let Some(schema) = OBJECT.properties.get(name)
        {
            return Some(self.of_field(schema));
        }
        self.schema.properties.get(name).map(|schema| self.of_field(schema))
    }

    /// The shape of a member, none if the schema does not know it.
    pub(super) fn field(self, name: &str) -> Option<Self> {
        if let Some(field) = self.named_field(name) {
            return Some(field);
        }
        if let Some(schema) = &self.schema.additional_properties {
            return (!self.schema.forbids_additional_properties).then(|| self.of_field(schema));
        }
        let is_open = self.preserves_unknown || (self.schema.properties.is_empty() && !self.is_object);
        is_open.then(Shape::deduced)
    }

    /// The shape of a list's items.
    pub(super) fn item(self) -> Self {
        match &self.schema.items {
            Some(schema) => self.of_field(schema),
            None => Shape::deduced(),
        }
    }

    /// How the items of a list are told apart.
    pub(super) fn items(self) -> Items<'a> {
        match (&self.schema.list_type, &self.schema.strategic_merge) {
            (Some(ListType::Atomic), _) => Items::Atomic,
            (Some(ListType::Set), _) => Items::Set,
            (Some(ListType::Map(keys)), _) => Items::Map(keys),
            (None, strategy) if strategy.merge => match &strategy.merge_key {
                Some(key) => Items::Map(std::slice::from_ref(key)),
                None => Items::Set,
            },
            (None, _) => Items::Atomic,
        }
    }

    /// What is known only by its value: maps are taken apart, lists are not.
    pub(super) fn deduced() -> Self {
        static DEDUCED: LazyLock<Schema> = LazyLock::new(Schema::default);
        Shape { schema: &DEDUCED, preserves_unknown: true, is_object: false }
    }

    /// Whether nothing is known about the members of a map: its shape cannot change with the schema.
    pub(super) fn is_deduced(self) -> bool {
        self.schema.properties.is_empty() && self.schema.additional_properties.is_none() && !self.is_object
    }

    /// The default of a member, with which list items that leave out a key are told apart.
    fn default_of(self, field: &str) -> Option<&'a Value> {
        self.schema.properties.get(field)?.default.as_ref()
    }
}

/// The path element of an item of a set or list map.
///
/// # Errors
/// Upstream's text for an item that cannot be told apart from others.
pub(super) fn item_element(list: Shape<'_>, item: &Value) -> Result<PathElement, String> {
    match list.items() {
        Items::Atomic => Err("invalid indexing of non-associative list".to_owned()),
        Items::Set => match item {
            Value::Object(_) => {
                Err("associative list without keys has an element that's a map type".to_owned())
            }
            Value::Array(_) => Err("not supported: associative list with lists as elements".to_owned()),
            Value::Null => {
                Err("associative list without keys has an element that's an explicit null".to_owned())
            }
            scalar => Ok(PathElement::Value(scalar.clone())),
        },
        Items::Map(names) => {
            let fields = match item {
                Value::Object(fields) => fields,
                Value::Null => {
                    return Err("associative list with keys may not have a null element".to_owned());
                }
                _ => return Err("associative list with keys may not have non-map elements".to_owned()),
            };
            let mut keys: Vec<(String, Value)> = names
                .iter()
                .filter_map(|name| {
                    let value = fields.get(name).or_else(|| list.item().default_of(name))?;
                    Some((name.clone(), value.clone()))
                })
                .collect();
            if keys.is_empty() && !names.is_empty() {
                let names: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
                return Err(format!(
                    "associative list with keys has an element that omits all key fields [{}] (and doesn't have \
                     default values for any key fields)",
                    names.join(" ")
                ));
            }
            keys.sort_by(|(a, _), (b, _)| a.cmp(b));
            Ok(PathElement::Key(keys))
        }
    }
}

/// What every object has: type and metadata (apimachinery/pkg/apis/meta/v1/types.go).
static OBJECT: LazyLock<Schema> = LazyLock::new(|| {
    let string = || Arc::new(Schema { type_: Some(Type::String), ..Schema::default() });
    let empty = || {
        Arc::new(Schema { type_: Some(Type::String), default: Some(Value::from("")), ..Schema::default() })
    };
    let number = || Arc::new(Schema { type_: Some(Type::Integer), ..Schema::default() });
    let boolean = || Arc::new(Schema { type_: Some(Type::Boolean), ..Schema::default() });
    let time = || {
        let format = Some("date-time".to_owned());
        Arc::new(Schema { type_: Some(Type::String), format, ..Schema::default() })
    };
    let strings = || {
        let additional_properties = Some(string());
        Arc::new(Schema { type_: Some(Type::Object), additional_properties, ..Schema::default() })
    };
    let list = |items: Arc<Schema>, list_type: ListType| {
        Arc::new(Schema {
            type_: Some(Type::Array),
            items: Some(items),
            list_type: Some(list_type),
            ..Schema::default()
        })
    };
    let object = |fields: Vec<(&str, Arc<Schema>)>, atomic_map: bool| {
        Arc::new(Schema {
            type_: Some(Type::Object),
            properties: fields.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect(),
            atomic_map,
            ..Schema::default()
        })
    };
    let owner_reference = object(
        vec![
            ("apiVersion", string()),
            ("blockOwnerDeletion", boolean()),
            ("controller", boolean()),
            ("kind", string()),
            ("name", string()),
            ("uid", empty()),
        ],
        true,
    );
    let managed_fields_entry = object(
        vec![
            ("apiVersion", string()),
            ("fieldsType", string()),
            ("fieldsV1", object(Vec::new(), false)),
            ("manager", string()),
            ("operation", string()),
            ("subresource", string()),
            ("time", time()),
        ],
        false,
    );
    let metadata = object(
        vec![
            ("annotations", strings()),
            ("creationTimestamp", time()),
            ("deletionGracePeriodSeconds", number()),
            ("deletionTimestamp", time()),
            ("finalizers", list(string(), ListType::Set)),
            ("generateName", string()),
            ("generation", number()),
            ("labels", strings()),
            ("managedFields", list(managed_fields_entry, ListType::Atomic)),
            ("name", string()),
            ("namespace", string()),
            ("ownerReferences", list(owner_reference, ListType::Map(vec!["uid".to_owned()]))),
            ("resourceVersion", string()),
            ("selfLink", string()),
            ("uid", string()),
        ],
        false,
    );
    let object = object(vec![("apiVersion", string()), ("kind", string()), ("metadata", metadata)], false);
    Arc::unwrap_or_clone(object)
});
