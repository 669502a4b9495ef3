//! The rules of `openAPIV3Schema` (`ValidateCustomResourceDefinitionOpenAPISchema`).

use super::keywords::Keywords;
use super::rules::{self, Costs};
use super::{default_values, structural, topology};
use crate::field_error::{FieldError, FieldPath};
use crate::schema::Schema;
use serde_json::Value;
use std::cell::RefCell;

/// Keywords that a root schema may have beside a status subresource, as Go fields and in JSON.
const ALLOWED_AT_ROOT: [(&str, &str); 22] = [
    ("Description", "description"),
    ("Type", "type"),
    ("Format", "format"),
    ("Title", "title"),
    ("Maximum", "maximum"),
    ("ExclusiveMaximum", "exclusiveMaximum"),
    ("Minimum", "minimum"),
    ("ExclusiveMinimum", "exclusiveMinimum"),
    ("MaxLength", "maxLength"),
    ("MinLength", "minLength"),
    ("Pattern", "pattern"),
    ("MaxItems", "maxItems"),
    ("MinItems", "minItems"),
    ("UniqueItems", "uniqueItems"),
    ("MultipleOf", "multipleOf"),
    ("Required", "required"),
    ("Items", "items"),
    ("Properties", "properties"),
    ("ExternalDocs", "externalDocs"),
    ("Example", "example"),
    ("XPreserveUnknownFields", "x-kubernetes-preserve-unknown-fields"),
    ("XValidations", "x-kubernetes-validations"),
];

/// Keywords of JSON Schema that Kubernetes knows and refuses.
const NOT_SUPPORTED: [&str; 6] =
    ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"];

/// Checks a root schema at this path. Where the schema was stored like this before, the costs of single rules are
/// not counted again.
pub(super) fn validate(schema: &Value, path: &str, has_status: bool, is_unchanged: bool) -> Vec<FieldError> {
    let path = FieldPath::root(path);
    let keywords = Keywords(schema);
    let mut errors = Vec::new();
    if has_status {
        errors.extend(status_at_root(keywords, path));
    }
    if keywords.flag("nullable") {
        errors.push(FieldError::forbidden(path.child("nullable"), "nullable cannot be true at the root"));
    }

    let mut parsed = None;
    if !has_unsupported(keywords) {
        let not_structural = structural::validate(keywords, path);
        if not_structural.is_empty() {
            // What cannot be parsed is reported keyword by keyword below.
            if let Ok(schema) = Schema::from_json(schema) {
                let bad_defaults = default_values::validate(&schema, path);
                parsed = bad_defaults.is_empty().then_some(schema);
                errors.extend(bad_defaults);
            }
        } else {
            errors.extend(not_structural);
        }
    }
    let walk = Walk { costs: RefCell::new(Costs::new(is_unchanged)) };
    let place = Place { is_root: true, ..Place::default() };
    let node = Node { keywords, schema: parsed.as_ref(), cardinality: Some(1) };
    let (schema_errors, rule_errors) = walk.node(node, path, place);
    errors.extend(schema_errors);
    errors.extend(rule_errors);
    errors.extend(walk.costs.into_inner().total(path));
    errors
}

/// With a status subresource the schema of status is used by itself, so the root must not say more than properties do.
fn status_at_root(schema: Keywords<'_>, path: FieldPath<'_>) -> Option<FieldError> {
    if schema.type_() != "object" && !schema.type_().is_empty() {
        let detail = r#"only "object" is allowed as the type at the root of the schema if the status subresource is enabled"#;
        return Some(FieldError::invalid(path.child("type"), schema.type_(), detail));
    }
    let is_set = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    };
    let allowed = |keyword: &String| ALLOWED_AT_ROOT.iter().any(|(_, allowed)| allowed == keyword);
    let keywords = schema.0.as_object()?;
    keywords.iter().find(|(keyword, value)| is_set(value) && !allowed(keyword))?;
    let names: Vec<&str> = ALLOWED_AT_ROOT.iter().map(|(name, _)| *name).collect();
    let detail = format!(
        "only [{}] fields are allowed at the root of the schema if the status subresource is enabled",
        names.join(" ")
    );
    Some(FieldError::invalid(path, schema.0.clone(), detail))
}

fn has_unsupported(schema: Keywords<'_>) -> bool {
    let below = || {
        let by_name =
            ["properties"].into_iter().flat_map(|keyword| schema.schemas_by_name(keyword)).map(|(_, s)| s);
        let single =
            ["items", "additionalProperties", "not"].into_iter().filter_map(|keyword| schema.schema(keyword));
        let several = ["allOf", "anyOf", "oneOf"].into_iter().flat_map(|keyword| schema.schemas(keyword));
        by_name.chain(single).chain(several).any(has_unsupported)
    };
    NOT_SUPPORTED.iter().any(|keyword| schema.get(keyword).is_some())
        || schema.get("items").is_some_and(Value::is_array)
        || schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(false))
        || below()
}

/// A schema as written and, where rules can be compiled, as parsed, with how often its values can occur in an object.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) keywords: Keywords<'a>,
    pub(super) schema: Option<&'a Schema>,
    /// `None` without a limit.
    pub(super) cardinality: Option<u64>,
}

impl<'a> Node<'a> {
    fn child(&self, keywords: Keywords<'a>, schema: Option<&'a Schema>) -> Node<'a> {
        let most = match self.keywords.type_() {
            "object" if self.keywords.get("additionalProperties").is_some() => {
                limit(self.keywords, "maxProperties")
            }
            "array" => limit(self.keywords, "maxItems"),
            _ => Some(1),
        };
        let cardinality =
            self.cardinality.zip(most).map(|(cardinality, most)| cardinality.saturating_mul(most));
        Node { keywords, schema, cardinality }
    }
}

fn limit(schema: Keywords<'_>, keyword: &str) -> Option<u64> {
    schema.get(keyword)?.as_i64().map(|most| u64::try_from(most).unwrap_or(0))
}

/// Where in a schema a node stands.
#[derive(Clone, Copy, Default)]
pub(super) struct Place<'a> {
    pub(super) is_root: bool,
    /// Why there may be no default, if so.
    no_defaults: Option<&'a str>,
    inside_metadata: bool,
    /// The nearest schema whose old values cannot be told, if any.
    pub(super) uncorrelatable: Option<FieldPath<'a>>,
}

impl<'a> Place<'a> {
    fn below(self) -> Self {
        Self { is_root: false, ..self }
    }

    fn without_correlation(self, path: FieldPath<'a>) -> Self {
        Self { uncorrelatable: self.uncorrelatable.or(Some(path)), ..self }
    }
}

struct Walk {
    costs: RefCell<Costs>,
}

/// Errors of the schema itself, and errors of its rules, which are only looked at when there are none of the former.
type Errors = (Vec<FieldError>, Vec<FieldError>);

impl Walk {
    fn node(&self, node: Node<'_>, path: FieldPath<'_>, place: Place<'_>) -> Errors {
        let schema = node.keywords;
        let mut errors = keyword_errors(schema, path, place);
        let mut rule_errors = Vec::new();
        let mut add = |(of_schema, of_rules): Errors| {
            errors.extend(of_schema);
            rule_errors.extend(of_rules);
        };

        let additional_path = path.child("additionalProperties");
        if let Some(additional) = schema.schema("additionalProperties") {
            let reason = "inside additionalProperties applying to object metadata";
            let below = place.below();
            let no_defaults = if place.inside_metadata { Some(reason) } else { below.no_defaults };
            let parsed = node.schema.and_then(|schema| schema.additional_properties.as_deref());
            add(self.node(node.child(additional, parsed), additional_path, Place { no_defaults, ..below }));
        }
        let properties = path.child("properties");
        for (name, property) in schema.schemas_by_name("properties") {
            let mut below = place.below();
            if schema.text("x-kubernetes-map-type") == Some("atomic") {
                below = below.without_correlation(path);
            }
            let reason;
            if (place.is_root || schema.flag("x-kubernetes-embedded-resource"))
                && matches!(name.as_str(), "metadata" | "kind" | "apiVersion")
            {
                below.inside_metadata = true;
                if place.is_root {
                    reason = format!("in top-level {name}");
                    below.no_defaults = Some(&reason);
                }
            }
            let parsed = node.schema.and_then(|schema| schema.properties.get(name)).map(|schema| &**schema);
            add(self.node(node.child(property, parsed), properties.key(name), below));
        }
        let unparsed = |keywords| Node { keywords, schema: None, cardinality: None };
        if let Some(not) = schema.schema("not") {
            add(self.node(unparsed(not), path.child("not"), place.below()));
        }
        for keyword in ["allOf", "oneOf", "anyOf"] {
            let junctor = path.child(keyword);
            for (index, alternative) in schema.schemas(keyword).enumerate() {
                add(self.node(unparsed(alternative), junctor.index(index), place.below()));
            }
        }
        if let Some(items) = schema.schema("items") {
            let mut below = place.below();
            if schema.text("x-kubernetes-list-type") != Some("map") {
                below = below.without_correlation(path);
            }
            let parsed = node.schema.and_then(|schema| schema.items.as_deref());
            add(self.node(node.child(items, parsed), path.child("items"), below));
        }

        errors.extend(rules::form(schema, path));
        if errors.is_empty() && node.schema.is_some() {
            rule_errors.extend(rules::compile(node, path, place, &mut self.costs.borrow_mut()));
        }
        (errors, rule_errors)
    }
}

/// Checks the keywords of one schema, not of those below it.
fn keyword_errors(schema: Keywords<'_>, path: FieldPath<'_>, place: Place<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let type_ = schema.type_();
    let types = ["array", "boolean", "integer", "number", "object", "string"];
    if !type_.is_empty() && !types.contains(&type_) {
        errors.push(FieldError::not_supported(path.child("type"), type_, types));
    }
    if let (Some(_), Some(reason)) = (schema.get("default"), place.no_defaults) {
        errors.push(FieldError::forbidden(path.child("default"), format!("must not be set {reason}")));
    }
    for keyword in NOT_SUPPORTED.into_iter().filter(|keyword| schema.get(keyword).is_some()) {
        errors.push(FieldError::forbidden(path.child(keyword), format!("{keyword} is not supported")));
    }
    if type_ == "null" {
        let detail = "type cannot be set to null, use nullable as an alternative";
        errors.push(FieldError::forbidden(path.child("type"), detail));
    }
    if schema.get("items").is_some_and(Value::is_array) {
        errors.push(FieldError::forbidden(
            path.child("items"),
            "items must be a schema object and not an array",
        ));
    }
    if place.inside_metadata && schema.flag("x-kubernetes-embedded-resource") {
        let detail = "must not be used inside of resource meta";
        errors.push(FieldError::forbidden(path.child("x-kubernetes-embedded-resource"), detail));
    }
    if schema.flag("uniqueItems") {
        let detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        errors.push(FieldError::forbidden(path.child("uniqueItems"), detail));
    }
    if schema.get("additionalProperties").is_some_and(|value| value != &Value::Bool(true))
        && schema.has_properties()
    {
        let detail = "additionalProperties and properties are mutual exclusive";
        errors.push(FieldError::forbidden(path.child("additionalProperties"), detail));
    }
    let preserve = "x-kubernetes-preserve-unknown-fields";
    if schema.get(preserve) == Some(&Value::Bool(false)) {
        errors.push(FieldError::invalid(path.child(preserve), false, "must be true or undefined"));
    }
    topology::validate(schema, path, &mut errors);
    errors
}
