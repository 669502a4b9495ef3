//! The JSONPath of printer columns and selectable fields (client-go/util/jsonpath): fields, indexes, slices, wildcards,
//! recursive descent and filters such as `.status.conditions[?(@.type=="Ready")].status`. Missing keys find nothing.

use serde_json::Value;

/// How deep filters may be inside of filters.
const DEEPEST: usize = 8;
/// After about so many values a search ends with what it has found: every `..` may find the same ones again and again.
const MOST_VISITS: usize = 100_000;

/// A parsed path.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonPath {
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Field(String),
    Index(i64),
    Slice(Option<i64>, Option<i64>),
    All,
    Descend,
    Filter(Filter),
}

#[derive(Clone, Debug, PartialEq)]
struct Filter {
    left: Operand,
    /// `None`: only that left exists.
    comparison: Option<(Comparison, Operand)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Path(JsonPath),
    Literal(Value),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl JsonPath {
    /// Parses a path such as `.spec.replicas`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(path: &str) -> Result<Self, String> {
        Self::parse_within(path, DEEPEST)
    }

    fn parse_within(path: &str, filters: usize) -> Result<Self, String> {
        let mut steps = Vec::new();
        let mut rest = path.strip_prefix('$').unwrap_or(path);
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix("..") {
                steps.push(Step::Descend);
                rest = after;
                if !rest.starts_with('[') {
                    rest = parse_name(rest, &mut steps)?;
                }
            } else if let Some(after) = rest.strip_prefix('.') {
                // A path of one dot is the object itself; a dot may stand before a bracket.
                rest = if after.is_empty() || after.starts_with('[') {
                    after
                } else {
                    parse_name(after, &mut steps)?
                };
            } else if let Some(after) = rest.strip_prefix('[') {
                let (inside, after) =
                    split_bracket(after).ok_or_else(|| format!("unterminated array in {path:?}"))?;
                steps.push(parse_bracket(inside.trim(), filters)?);
                rest = after;
            } else {
                return Err(format!("unexpected {rest:?} in the path {path:?}"));
            }
        }
        Ok(Self { steps })
    }

    /// Every value that the path leads to, in the order of the object.
    pub fn find<'a>(&self, object: &'a Value) -> Vec<&'a Value> {
        self.find_within(object, &mut { MOST_VISITS })
    }

    fn find_within<'a>(&self, object: &'a Value, visits: &mut usize) -> Vec<&'a Value> {
        let mut found = vec![object];
        for step in &self.steps {
            let mut next = Vec::new();
            for value in found {
                if *visits == 0 {
                    break;
                }
                let before = next.len();
                step.apply(value, &mut next, visits);
                *visits = visits.saturating_sub(1 + next.len() - before);
            }
            found = next;
        }
        found
    }
}

impl Step {
    fn apply<'a>(&self, value: &'a Value, found: &mut Vec<&'a Value>, visits: &mut usize) {
        match (self, value) {
            (Step::Field(name), Value::Object(fields)) => found.extend(fields.get(name)),
            (Step::Index(index), Value::Array(items)) => {
                found.extend(position(*index, items.len()).and_then(|i| items.get(i)))
            }
            (Step::Slice(from, to), Value::Array(items)) => {
                let bound = |bound: &Option<i64>, default: usize| {
                    bound.map_or(default, |bound| {
                        let bound = if bound < 0 { bound + items.len() as i64 } else { bound };
                        usize::try_from(bound).unwrap_or(0).min(items.len())
                    })
                };
                let (from, to) = (bound(from, 0), bound(to, items.len()));
                found.extend(items.get(from..to).unwrap_or_default());
            }
            (Step::All, Value::Array(items)) => found.extend(items),
            (Step::All, Value::Object(fields)) => found.extend(fields.values()),
            (Step::Descend, value) => descend(value, found),
            (Step::Filter(filter), Value::Array(items)) => {
                found.extend(items.iter().filter(|item| filter.holds(item, visits)))
            }
            (Step::Filter(filter), Value::Object(fields)) => {
                found.extend(fields.values().filter(|item| filter.holds(item, visits)))
            }
            _ => {}
        }
    }
}

impl Filter {
    fn holds(&self, item: &Value, visits: &mut usize) -> bool {
        let Some(left) = self.left.value(item, visits) else { return false };
        let Some((comparison, right)) = &self.comparison else { return true };
        let Some(right) = right.value(item, visits) else { return false };
        let order = match (left, right) {
            (Value::Number(left), Value::Number(right)) => left.as_f64().partial_cmp(&right.as_f64()),
            (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
            (left, right) => (left == right).then_some(std::cmp::Ordering::Equal),
        };
        match comparison {
            Comparison::Equal => order.is_some_and(|order| order.is_eq()),
            Comparison::NotEqual => !order.is_some_and(|order| order.is_eq()),
            Comparison::Less => order.is_some_and(|order| order.is_lt()),
            Comparison::LessOrEqual => order.is_some_and(|order| order.is_le()),
            Comparison::Greater => order.is_some_and(|order| order.is_gt()),
            Comparison::GreaterOrEqual => order.is_some_and(|order| order.is_ge()),
        }
    }
}

impl Operand {
    fn value<'a>(&'a self, item: &'a Value, visits: &mut usize) -> Option<&'a Value> {
        match self {
            Operand::Literal(value) => Some(value),
            Operand::Path(path) => path.find_within(item, visits).into_iter().next(),
        }
    }
}

fn descend<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    found.push(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| descend(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| descend(field, found)),
        _ => {}
    }
}

fn position(index: i64, length: usize) -> Option<usize> {
    let index = if index < 0 { index + length as i64 } else { index };
    usize::try_from(index).ok()
}

/// A name up to the next `.` or `[`; a backslash takes a dot into the name.
fn parse_name<'a>(rest: &'a str, steps: &mut Vec<Step>) -> Result<&'a str, String> {
    let mut name = String::new();
    let mut characters = rest.char_indices();
    let mut end = rest.len();
    while let Some((index, character)) = characters.next() {
        match character {
            '\\' => name.extend(characters.next().map(|(_, escaped)| escaped)),
            '.' | '[' => {
                end = index;
                break;
            }
            character => name.push(character),
        }
    }
    match name.as_str() {
        "" => return Err(format!("a name is missing before {rest:?}")),
        "*" => steps.push(Step::All),
        _ => steps.push(Step::Field(name)),
    }
    Ok(&rest[end..])
}

/// What stands before the bracket that closes this one, and what after it.
fn split_bracket(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    let mut depth = 0_u32;
    for (index, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), character) if character == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '[') => depth += 1,
            (None, ']') if depth > 0 => depth -= 1,
            (None, ']') => return Some((&text[..index], &text[index + 1..])),
            (None, _) => {}
        }
    }
    None
}

fn parse_bracket(inside: &str, filters: usize) -> Result<Step, String> {
    let integer = |text: &str| text.trim().parse::<i64>().map_err(|_| format!("invalid array index {text}"));
    let bound = |text: &str| if text.trim().is_empty() { Ok(None) } else { integer(text).map(Some) };
    if inside == "*" {
        return Ok(Step::All);
    }
    if let Some(name) = unquoted(inside) {
        return Ok(Step::Field(name));
    }
    if let Some(filter) = inside.strip_prefix("?(").and_then(|filter| filter.strip_suffix(')')) {
        return parse_filter(filter, filters).map(Step::Filter);
    }
    match inside.split_once(':') {
        Some((from, to)) => Ok(Step::Slice(bound(from)?, bound(to.split(':').next().unwrap_or(to))?)),
        None => integer(inside).map(Step::Index),
    }
}

fn parse_filter(filter: &str, filters: usize) -> Result<Filter, String> {
    let operators = [
        ("==", Comparison::Equal),
        ("!=", Comparison::NotEqual),
        ("<=", Comparison::LessOrEqual),
        (">=", Comparison::GreaterOrEqual),
        ("<", Comparison::Less),
        (">", Comparison::Greater),
    ];
    let filters = filters.checked_sub(1).ok_or("there are too many filters inside of filters")?;
    let operand = |text: &str| parse_operand(text, filters);
    let found =
        operators.into_iter().find_map(|(sign, comparison)| Some((filter.split_once(sign)?, comparison)));
    match found {
        Some(((left, right), comparison)) => {
            Ok(Filter { left: operand(left)?, comparison: Some((comparison, operand(right)?)) })
        }
        None => Ok(Filter { left: operand(filter)?, comparison: None }),
    }
}

fn parse_operand(text: &str, filters: usize) -> Result<Operand, String> {
    let text = text.trim();
    if let Some(path) = text.strip_prefix('@') {
        return JsonPath::parse_within(path, filters).map(Operand::Path);
    }
    if let Some(literal) = unquoted(text) {
        return Ok(Operand::Literal(literal.into()));
    }
    serde_json::from_str(text)
        .map(Operand::Literal)
        .map_err(|_| format!("unrecognized operand {text} in a filter"))
}

fn unquoted(text: &str) -> Option<String> {
    ['\'', '"'].into_iter().find_map(|quote| {
        let inside = text.strip_prefix(quote)?.strip_suffix(quote)?;
        Some(inside.replace("\\'", "'").replace("\\\"", "\""))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_find_what_kubectl_finds() {
        let object = json!({
            "spec": {"n": 3, "a.b": 1, "list": [1, 2, 3]},
            "status": {"conditions": [{"type": "Other", "status": "A"}, {"type": "Ready", "status": "True"}]},
        });
        let table = [
            (".spec.n", json!([3])),
            (".spec.a\\.b", json!([1])),
            (".spec['a.b']", json!([1])),
            (".spec.list[0]", json!([1])),
            (".spec.list[-1]", json!([3])),
            (".spec.list[1:]", json!([2, 3])),
            (".spec.list[*]", json!([1, 2, 3])),
            (".spec.missing.deep", json!([])),
            (r#".status.conditions[?(@.type=="Ready")].status"#, json!(["True"])),
            (".status.conditions[?(@.type=='Ready')].status", json!(["True"])),
            (".status.conditions[?(@.type != 'Ready')].status", json!(["A"])),
            (".status.conditions[?(@.missing)].status", json!([])),
            ("..status", json!([{"conditions": object["status"]["conditions"]}, "A", "True"])),
        ];
        for (path, found) in table {
            assert_eq!(json!(JsonPath::parse(path).unwrap().find(&object)), found, "{path}");
        }
    }

    #[test]
    fn malformed_paths_are_errors() {
        for path in ["spec", ".spec[", ".spec[x]", ".a..", ".a[?(b)]"] {
            assert!(JsonPath::parse(path).is_err(), "{path}");
        }
        let nested = |depth: usize| format!("{}{}", ".a[?(@".repeat(depth), ")]".repeat(depth));
        assert!(JsonPath::parse(&nested(DEEPEST)).is_ok());
        assert!(JsonPath::parse(&nested(100_000)).is_err());
    }

    #[test]
    fn a_search_that_finds_the_same_again_and_again_ends() {
        let mut object = json!(1);
        for _ in 0..100 {
            object = json!([object]);
        }
        let found = JsonPath::parse(&"..[*]".repeat(50)).unwrap().find(&object).len();
        assert!(found <= MOST_VISITS, "{found}");
    }
}
