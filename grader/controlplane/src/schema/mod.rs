//! Structural schemas: the shape of every resource, built-in or custom, in one type.
//!
//! Custom resources get theirs from a CustomResourceDefinition, built-in ones from the reduced OpenAPI document
//! of a real API server ([`crate::builtins`]). Apply, strategic merge, pruning, defaulting and validation all
//! read this one type.

use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A JSON type name of OpenAPI v3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A JSON object.
    Object,
    /// A JSON array.
    Array,
    /// A JSON string.
    String,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// `true` or `false`.
    Boolean,
}

impl Type {
    /// The type of this name in a schema.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Object, Self::Array, Self::String, Self::Integer, Self::Number, Self::Boolean]
            .into_iter()
            .find(|type_| type_.name() == name)
    }

    /// The name in a schema.
    pub fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Array => "array",
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }
}

/// `x-kubernetes-list-type` with its keys.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum ListType {
    /// Replaced as a whole (the default).
    #[default]
    Atomic,
    /// Scalars, each once.
    Set,
    /// Objects, told apart by these keys.
    Map(Vec<String>),
}

/// What strategic merge patch knows about a built-in field (`x-kubernetes-patch-strategy`, `-merge-key`).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct StrategicMerge {
    /// `patchStrategy` contains `merge`.
    pub merge: bool,
    /// `patchStrategy` contains `retainKeys`.
    pub retain_keys: bool,
    /// `patchMergeKey`.
    pub merge_key: Option<String>,
}

/// The structure of a value. What no keyword says is allowed.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// `type`; none with `x-kubernetes-int-or-string` or `x-kubernetes-preserve-unknown-fields` alone.
    pub type_: Option<Type>,
    /// `format`, e.g. `date-time`, `int32`.
    pub format: Option<String>,
    /// `nullable`.
    pub nullable: bool,
    /// `default`.
    pub default: Option<Value>,
    /// `properties`.
    pub properties: BTreeMap<String, Arc<Schema>>,
    /// `additionalProperties` as a schema; `true` and `false` are an empty one: any scalar, but nothing inside of objects.
    pub additional_properties: Option<Arc<Schema>>,
    /// `additionalProperties: false`.
    pub forbids_additional_properties: bool,
    /// `items`.
    pub items: Option<Arc<Schema>>,
    /// `x-kubernetes-preserve-unknown-fields: true`.
    pub preserve_unknown_fields: bool,
    /// `x-kubernetes-embedded-resource: true`.
    pub embedded_resource: bool,
    /// `x-kubernetes-int-or-string: true` (also the built-in format `int-or-string`).
    pub int_or_string: bool,
    /// `x-kubernetes-list-type` and keys; `None` when not said.
    pub list_type: Option<ListType>,
    /// `x-kubernetes-map-type: atomic` (for objects).
    pub atomic_map: bool,
    /// Strategic merge facts of a built-in field.
    pub strategic_merge: StrategicMerge,
    /// `required`.
    pub required: Vec<String>,
    /// Everything else that restricts values (enum, pattern, minimum, allOf, ...), parsed by the validation module.
    pub validation: validation::ValueValidation,
    /// `x-kubernetes-validations`, compiled once.
    pub rules: Vec<cel::Rule>,
    /// Whether this schema or one below it has rules; lets validation pass over the rest.
    pub has_rules: bool,
    /// Whether this schema or one below it has a default; lets defaulting pass over the rest.
    pub has_defaults: bool,
}

impl Schema {
    /// The schema of the value at `key` of an object: declared by name, or the one of additional properties.
    pub fn field(&self, key: &str) -> Option<&Arc<Schema>> {
        self.properties.get(key).or(self.additional_properties.as_ref())
    }

    /// The fields that an item of this list is told apart by; empty when it is no list map.
    pub fn list_map_keys(&self) -> &[String] {
        match &self.list_type {
            Some(ListType::Map(keys)) => keys,
            _ => &[],
        }
    }

    /// The schemas directly below, without those of value validation.
    pub fn children(&self) -> impl Iterator<Item = &Arc<Schema>> {
        self.properties.values().chain(&self.additional_properties).chain(&self.items)
    }

    /// Works out the summaries of what is below; for whoever builds a schema by hand, after its children.
    pub fn summarize(&mut self) {
        let ruled = self.children().any(|child| child.has_rules);
        let defaulted = self.children().any(|child| child.default.is_some() || child.has_defaults);
        self.has_rules = ruled || !self.rules.is_empty();
        self.has_defaults = defaulted;
    }
}

pub mod cel;
pub mod defaulting;
pub mod parse;
pub mod pattern;
pub mod pruning;
pub mod validation;
