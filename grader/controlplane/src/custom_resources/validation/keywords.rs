//! A `JSONSchemaProps` as it was written, where null and empty mean absent.

use serde_json::Value;

/// One node of a schema in JSON.
#[derive(Clone, Copy)]
pub(super) struct Keywords<'a>(pub(super) &'a Value);

impl<'a> Keywords<'a> {
    pub(super) fn get(self, keyword: &str) -> Option<&'a Value> {
        self.0.get(keyword).filter(|value| !value.is_null())
    }

    pub(super) fn text(self, keyword: &str) -> Option<&'a str> {
        self.get(keyword)?.as_str()
    }

    pub(super) fn type_(self) -> &'a str {
        self.text("type").unwrap_or_default()
    }

    pub(super) fn flag(self, keyword: &str) -> bool {
        self.get(keyword) == Some(&Value::Bool(true))
    }

    pub(super) fn list(self, keyword: &str) -> &'a [Value] {
        self.get(keyword).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    pub(super) fn texts(self, keyword: &str) -> impl Iterator<Item = &'a str> {
        self.list(keyword).iter().filter_map(Value::as_str)
    }

    /// The schemas below a keyword such as `properties`, by name.
    pub(super) fn schemas_by_name(self, keyword: &str) -> impl Iterator<Item = (&'a String, Keywords<'a>)> {
        let schemas = self.get(keyword).and_then(Value::as_object).into_iter().flatten();
        schemas.map(|(name, schema)| (name, Keywords(schema)))
    }

    /// The schemas below a keyword such as `allOf`.
    pub(super) fn schemas(self, keyword: &str) -> impl Iterator<Item = Keywords<'a>> {
        self.list(keyword).iter().map(Keywords)
    }

    pub(super) fn property(self, name: &str) -> Option<Keywords<'a>> {
        self.get("properties")?.get(name).map(Keywords)
    }

    pub(super) fn has_properties(self) -> bool {
        self.schemas_by_name("properties").next().is_some()
    }

    /// The schema below a keyword such as `items`; a boolean or a list is none.
    pub(super) fn schema(self, keyword: &str) -> Option<Keywords<'a>> {
        self.get(keyword).filter(|value| value.is_object()).map(Keywords)
    }

    /// Whether two schemas `integer` and `string` and nothing else are the alternatives, as an int-or-string may say.
    pub(super) fn is_int_or_string_any_of(self) -> bool {
        let only_type = |keywords: Keywords<'_>, type_: &str| {
            keywords.type_() == type_ && keywords.0.as_object().is_some_and(|keywords| keywords.len() == 1)
        };
        let mut schemas = self.schemas("anyOf");
        self.list("anyOf").len() == 2
            && schemas.next().is_some_and(|schema| only_type(schema, "integer"))
            && schemas.next().is_some_and(|schema| only_type(schema, "string"))
    }
}
