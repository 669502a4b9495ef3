//! Which functions there are, and what they take and give: the libraries of Kubernetes' base environment
//! (apiserver/pkg/cel/environment/base.go). `signatures.txt` has them as `target.name(arguments) result`.

use super::types::Type;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// One overload of a function.
#[derive(Debug)]
pub(super) struct Signature {
    pub(super) target: Option<Type>,
    pub(super) args: Vec<Type>,
    pub(super) result: Type,
}

/// The overloads of a function; none when there is no such function.
pub(super) fn overloads(name: &str) -> &'static [Signature] {
    SIGNATURES.get(name).map_or(&[], Vec::as_slice)
}

static SIGNATURES: LazyLock<BTreeMap<String, Vec<Signature>>> = LazyLock::new(|| {
    let mut signatures: BTreeMap<String, Vec<Signature>> = BTreeMap::new();
    for line in TABLE.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, signature) = parse(line);
        signatures.entry(name).or_default().push(signature);
    }
    for name in ["_==_", "_!=_"] {
        signatures.entry(name.into()).or_default().push(parse("x(A, A) bool").1);
    }
    const ORDERED: [&str; 8] = ["bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration"];
    for type_ in ORDERED {
        let list = format!("list({type_})");
        for (function, result) in
            [("isSorted", "bool"), ("min", type_), ("max", type_), ("sort", list.as_str())]
        {
            let (name, signature) = parse(&format!("list({type_}).{function}() {result}"));
            signatures.entry(name).or_default().push(signature);
        }
    }
    for comparison in ["_<_", "_<=_", "_>_", "_>=_"] {
        for type_ in ORDERED {
            signatures
                .entry(comparison.into())
                .or_default()
                .push(parse(&format!("x({type_}, {type_}) bool")).1);
        }
        // Numbers of different kinds can be compared.
        for (one, other) in [("int", "uint"), ("int", "double"), ("uint", "double")] {
            for (left, right) in [(one, other), (other, one)] {
                signatures
                    .entry(comparison.into())
                    .or_default()
                    .push(parse(&format!("x({left}, {right}) bool")).1);
            }
        }
    }
    signatures
});

/// Reads one line of the table. The table is part of the program and well-formed.
fn parse(line: &str) -> (String, Signature) {
    let open = opening(line);
    let close = closing(line, open);
    let args = split(&line[open + 1..close]).into_iter().map(type_).collect();
    let result = type_(line[close + 1..].trim());
    match line[..open].rsplit_once('.') {
        Some((target, name)) if !target.starts_with('@') => {
            (name.to_owned(), Signature { target: Some(type_(target)), args, result })
        }
        // A function of a namespace is written `@sets.contains`, and the operator `@in` therefore `@@in`.
        _ => {
            let name = line[..open].strip_prefix('@').unwrap_or(&line[..open]);
            (name.to_owned(), Signature { target: None, args, result })
        }
    }
}

/// The parenthesis of the arguments: the first that does not belong to the target's type.
fn opening(line: &str) -> usize {
    let mut from = 0;
    loop {
        let open = from + line[from..].find('(').unwrap_or(0);
        let close = closing(line, open);
        if !line[close + 1..].starts_with('.') {
            return open;
        }
        from = close + 1;
    }
}

fn closing(line: &str, open: usize) -> usize {
    let mut depth = 0;
    for (index, character) in line.char_indices().skip(open) {
        match character {
            '(' => depth += 1,
            ')' if depth == 1 => return index,
            ')' => depth -= 1,
            _ => {}
        }
    }
    line.len() - 1
}

fn split(args: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (index, character) in args.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(args[start..index].trim());
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(args[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

fn type_(name: &str) -> Type {
    let inside = |prefix: &str| name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(')'));
    if let Some(item) = inside("list(") {
        return Type::List(Box::new(type_(item)), None);
    }
    if let Some(inner) = inside("optional(") {
        return Type::Optional(Box::new(type_(inner)));
    }
    if let Some(entry) = inside("map(") {
        let entry = split(entry);
        return Type::Map(Box::new(type_(entry[0])), Box::new(type_(entry[1])), None);
    }
    match name {
        "A" => Type::Parameter('A'),
        "B" => Type::Parameter('B'),
        "null" => Type::Null,
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::String(None),
        "bytes" => Type::Bytes(None),
        "timestamp" => Type::Timestamp(None),
        "duration" => Type::Duration,
        "type" => Type::Name,
        "quantity" => Type::Opaque("kubernetes.Quantity"),
        "url" => Type::Opaque("kubernetes.URL"),
        "ip" => Type::Opaque("net.IP"),
        "cidr" => Type::Opaque("net.CIDR"),
        "semver" => Type::Opaque("kubernetes.Semver"),
        "format" => Type::Opaque("kubernetes.NamedFormat"),
        "authorizer" => Type::Opaque("kubernetes.authorization.Authorizer"),
        "pathcheck" => Type::Opaque("kubernetes.authorization.PathCheck"),
        "groupcheck" => Type::Opaque("kubernetes.authorization.GroupCheck"),
        "resourcecheck" => Type::Opaque("kubernetes.authorization.ResourceCheck"),
        "decision" => Type::Opaque("kubernetes.authorization.Decision"),
        _ => Type::Dyn(None),
    }
}

const TABLE: &str = include_str!("signatures.txt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_as_meant() {
        let shown = |name: &str| -> Vec<String> {
            let text = |signature: &Signature| {
                let target = signature.target.as_ref().map(|target| format!("{target}.")).unwrap_or_default();
                let args: Vec<String> = signature.args.iter().map(ToString::to_string).collect();
                format!("{target}({}) {}", args.join(", "), signature.result)
            };
            overloads(name).iter().map(text).collect()
        };
        assert_eq!(shown("join"), ["list(string).() string", "list(string).(string) string"]);
        assert_eq!(shown("sets.contains"), ["(list(A), list(A)) bool"]);
        assert_eq!(shown("getQuery"), ["kubernetes.URL.() map(string, list(string))"]);
        assert_eq!(shown("optional.of"), ["(A) optional_type(A)"]);
        assert_eq!(shown("_[_]"), ["(list(A), int) A", "(map(A, B), A) B"]);
        assert_eq!(shown("ip").len(), 2);
        assert_eq!(shown("@in"), ["(A, list(A)) bool", "(A, map(A, B)) bool"]);
        assert_eq!(shown("nope"), Vec::<String>::new());
    }
}
