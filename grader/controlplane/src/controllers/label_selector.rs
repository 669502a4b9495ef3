//! `LabelSelector` objects (matchLabels, matchExpressions) against labels
//! (apimachinery/pkg/apis/meta/v1/helpers.go).

use super::fields;
use serde_json::Value;

/// Whether the selector selects an object; an empty or missing one selects nothing here, as workloads may not have it.
pub(super) fn selects(selector: &Value, object: &Value) -> bool {
    let labels = fields::map(object, "/metadata/labels");
    let label = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
    let equalities = fields::map(selector, "/matchLabels");
    let expressions = fields::items(selector, "/matchExpressions");
    if equalities.is_none_or(|equalities| equalities.is_empty()) && expressions.is_empty() {
        return false;
    }
    equalities.into_iter().flatten().all(|(key, value)| label(key) == value.as_str())
        && expressions.iter().all(|expression| {
            let value = label(fields::text(expression, "/key"));
            let listed =
                || fields::items(expression, "/values").iter().any(|wanted| wanted.as_str() == value);
            match fields::text(expression, "/operator") {
                "In" => value.is_some() && listed(),
                "NotIn" => value.is_none() || !listed(),
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                _ => false,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn equalities_and_expressions_must_all_hold() {
        let object = json!({"metadata": {"labels": {"app": "a", "tier": "db"}}});
        let table = [
            (json!({}), false),
            (json!({"matchLabels": {"app": "a"}}), true),
            (json!({"matchLabels": {"app": "b"}}), false),
            (
                json!({"matchLabels": {"app": "a"}, "matchExpressions": [{"key": "tier", "operator": "In", "values": ["web"]}]}),
                false,
            ),
            (json!({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["web", "db"]}]}), true),
            (json!({"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["x"]}]}), true),
            (json!({"matchExpressions": [{"key": "zone", "operator": "Exists"}]}), false),
            (json!({"matchExpressions": [{"key": "zone", "operator": "DoesNotExist"}]}), true),
            (json!({"matchExpressions": [{"key": "app", "operator": "Near"}]}), false),
        ];
        for (selector, expected) in table {
            assert_eq!(selects(&selector, &object), expected, "{selector}");
        }
    }
}
