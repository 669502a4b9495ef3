//! Paths relative to a schema, as in the `fieldPath` of a rule and in selectable fields (`ValidFieldPath`).

use super::super::Schema;

/// Whether names may be written `['name']`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brackets {
    /// They may.
    Allowed,
    /// They may not.
    Refused,
}

/// What a path leads to.
#[derive(Clone, Debug)]
pub struct Found<'a> {
    /// The path as Kubernetes shows it: map keys in brackets.
    pub path: String,
    /// The schema of the field.
    pub schema: &'a Schema,
}

/// Follows a path such as `.spec.list` through a schema.
///
/// # Errors
/// Why it leads nowhere, in the words of Kubernetes.
pub fn resolve<'a>(path: &str, schema: &'a Schema, brackets: Brackets) -> Result<Found<'a>, String> {
    let mut found = Found { path: String::new(), schema };
    let mut rest = path;
    let end = || "unexpected end of JSON path".to_owned();
    while !rest.is_empty() {
        let name;
        if let Some(after) = rest.strip_prefix('.') {
            let length = after.find(['.', '[', ']']).unwrap_or(after.len());
            if after.is_empty() {
                return Err(end());
            }
            // A delimiter directly after the dot is taken for the name.
            let length = length.max(usize::from(length == 0));
            name = after[..length].to_owned();
            rest = &after[length..];
        } else if let Some(after) = rest.strip_prefix('[') {
            if brackets == Brackets::Refused {
                return Err("array notation is not allowed".to_owned());
            }
            let (quoted, remaining) =
                quoted(after).ok_or_else(|| match after.split(['.', '[', ']']).next() {
                    None | Some("") => end(),
                    Some(token) => format!("expected single quoted string but got {token}"),
                })?;
            name = unescape(quoted)?;
            rest = remaining.strip_prefix(']').ok_or_else(|| match remaining {
                "" => end(),
                other => format!("expected ] but got {other}"),
            })?;
        } else {
            let token =
                rest.split(['.', '[', ']']).next().filter(|token| !token.is_empty()).unwrap_or(&rest[..1]);
            return Err(format!("expected [ or . but got: {token}"));
        }
        found = step(found, &name)?;
    }
    Ok(found)
}

fn step<'a>(found: Found<'a>, name: &str) -> Result<Found<'a>, String> {
    let nowhere = || "does not refer to a valid field".to_owned();
    let Found { mut path, schema } = found;
    if schema.properties.is_empty() {
        let schema = schema.additional_properties.as_deref().ok_or_else(nowhere)?;
        path.push_str(&format!("[{name}]"));
        return Ok(Found { path, schema });
    }
    let schema = schema.properties.get(name).ok_or_else(nowhere)?;
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(name);
    Ok(Found { path, schema })
}

/// The inside of a single-quoted text at the start, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('\'')?;
    let is_end = |index: usize| !inside[..index].ends_with('\\');
    let end = inside.match_indices('\'').map(|(index, _)| index).find(|index| is_end(*index))?;
    Some((&inside[..end], &inside[end + 1..]))
}

fn unescape(text: &str) -> Result<String, String> {
    let mut unescaped = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            unescaped.push(character);
            continue;
        }
        unescaped.push(match characters.next() {
            Some('a') => '\u{7}',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('v') => '\u{b}',
            Some('\'') => '\'',
            Some('\\') => '\\',
            Some(other) => return Err(format!("invalid string literal: invalid escape char \\{other}")),
            None => '\\',
        });
    }
    Ok(unescaped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_lead_to_fields_or_say_why_not() {
        let schema = Schema::from_json(&json!({"type": "object", "properties": {
            "a": {"type": "object", "properties": {"b.c": {"type": "string"}}},
            "m": {"type": "object", "additionalProperties": {"type": "object", "properties": {"k": {"type": "string"}}}},
        }}))
        .unwrap();
        let table = [
            (".a", Ok("a")),
            (".a['b.c']", Ok("a.b.c")),
            (".m.x.k", Ok("m[x].k")),
            (".m['x'].k", Ok("m[x].k")),
            (".nope", Err("does not refer to a valid field")),
            (".a['b.c'].d", Err("does not refer to a valid field")),
            ("a", Err("expected [ or . but got: a")),
            (".", Err("unexpected end of JSON path")),
            (".a[0]", Err("expected single quoted string but got 0")),
            (".a['b.c'", Err("unexpected end of JSON path")),
        ];
        for (path, expected) in table {
            let found = resolve(path, &schema, Brackets::Allowed).map(|found| found.path);
            assert_eq!(found.as_deref().map_err(String::as_str), expected, "{path}");
        }
        assert!(resolve(".a['b.c']", &schema, Brackets::Refused).is_err());
    }
}
