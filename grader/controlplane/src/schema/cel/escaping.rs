//! Field names as CEL identifiers (apiserver/pkg/cel/escaping.go).

use std::borrow::Cow;

/// Words that no identifier may be.
const RESERVED: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// Escapes and what they stand for.
const ESCAPES: [(&str, &str); 4] =
    [("__underscores__", "__"), ("__dot__", "."), ("__dash__", "-"), ("__slash__", "/")];

/// Whether a word is reserved.
pub(super) fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word)
}

/// The identifier of a field; `None` when it has none and rules cannot see it.
pub(super) fn escape(name: &str) -> Option<Cow<'_, str>> {
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if is_reserved(name) {
        return Some(format!("__{name}__").into());
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'/')) {
        return None;
    }
    if !name.contains(['.', '-', '/']) && !name.contains("__") {
        return Some(name.into());
    }
    let mut escaped = String::with_capacity(name.len() + 16);
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let (escape, plain) =
            ESCAPES.iter().find(|(_, plain)| rest.starts_with(plain)).copied().unwrap_or(("", ""));
        if plain.is_empty() {
            escaped.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            escaped.push_str(escape);
            rest = &rest[plain.len()..];
        }
    }
    Some(escaped.into())
}

/// The field that an identifier stands for; a text that no name escapes to stands for itself.
pub(super) fn unescape(identifier: &str) -> Cow<'_, str> {
    if !identifier.contains("__") {
        return identifier.into();
    }
    if let Some(word) = identifier.strip_prefix("__").and_then(|rest| rest.strip_suffix("__"))
        && is_reserved(word)
    {
        return word.into();
    }
    let mut name = String::with_capacity(identifier.len());
    let mut rest = identifier;
    while let Some(first) = rest.chars().next() {
        match ESCAPES.iter().find(|(escape, _)| rest.starts_with(escape)) {
            Some((escape, plain)) => {
                name.push_str(plain);
                rest = &rest[escape.len()..];
            }
            None => {
                name.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_as_in_kubernetes() {
        let table = [
            ("replicas", Some("replicas")),
            ("my_field", Some("my_field")),
            ("_x", Some("_x")),
            ("a-b", Some("a__dash__b")),
            ("x.y", Some("x__dot__y")),
            ("a/b", Some("a__slash__b")),
            ("d__u", Some("d__underscores__u")),
            ("a___b", Some("a__underscores___b")),
            ("namespace", Some("__namespace__")),
            ("ä", None),
            ("1a", None),
            ("a b", None),
        ];
        for (name, identifier) in table {
            assert_eq!(escape(name).as_deref(), identifier, "{name}");
            if let Some(identifier) = identifier {
                assert_eq!(unescape(identifier), name);
            }
        }
    }
}
