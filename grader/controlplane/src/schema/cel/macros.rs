//! Calls that are more than calls: macros, and functions in a namespace.

use super::ast::{Comprehension, Expr, Kind, Macro};
use super::lexer::Mistake;
use super::parser::{Parsed, call};

/// A method, or a macro that looks like one.
pub(super) fn method(target: Expr, name: String, args: Vec<Expr>, at: usize) -> Parsed {
    let kind = match (name.as_str(), args.len()) {
        ("all", 2 | 3) => Macro::All,
        ("exists", 2 | 3) => Macro::Exists,
        ("exists_one" | "existsOne", 2 | 3) => Macro::ExistsOne,
        ("filter", 2) => Macro::Filter,
        ("map", 2 | 3) => Macro::Map,
        ("transformList", 3 | 4) => Macro::TransformList,
        ("transformMap", 3 | 4) => Macro::TransformMap,
        ("transformMapEntry", 3 | 4) => Macro::TransformMapEntry,
        ("sortBy", 2) => Macro::SortBy,
        ("optMap" | "optFlatMap", 2) => return optional_map(target, &name, args, at),
        _ => return Ok(qualified(target, name, args, at)),
    };
    let two_variables = match kind {
        Macro::Filter | Macro::Map | Macro::SortBy => false,
        Macro::TransformList | Macro::TransformMap | Macro::TransformMapEntry => true,
        _ => args.len() == 3,
    };
    let mut args = args.into_iter();
    let not_a_name = match kind {
        Macro::Filter | Macro::Map | Macro::SortBy => "argument is not an identifier",
        _ => "argument must be a simple name",
    };
    let variable = |args: &mut std::vec::IntoIter<Expr>| match args.next() {
        Some(Expr { kind: Kind::Ident(name), at }) => Ok((name, at)),
        other => Err(Mistake { at: other.map_or(at, |other| other.at), text: not_a_name.to_owned() }),
    };
    let (first, _) = variable(&mut args)?;
    let second = match two_variables.then(|| variable(&mut args)).transpose()? {
        Some((second, at)) if second == first => {
            return Err(Mistake { at, text: format!("duplicate variable name: {second}") });
        }
        second => second.map(|(second, _)| second),
    };
    // One variable or two, one expression or a condition before it.
    let (condition, body) = match (args.next(), args.next()) {
        (Some(condition), Some(body)) => (Some(condition), body),
        (Some(body), None) => (None, body),
        _ => return Err(Mistake { at, text: "too few arguments".to_owned() }),
    };
    let comprehension = Comprehension { kind, range: target, first, second, condition, body };
    Ok(Expr { kind: Kind::Comprehension(Box::new(comprehension)), at })
}

/// A global function, or the macro `has`.
pub(super) fn function(name: String, mut args: Vec<Expr>, at: usize) -> Parsed {
    if name != "has" || args.len() != 1 {
        return Ok(call(name, None, args, at));
    }
    match args.remove(0) {
        Expr { kind: Kind::Select { operand, field, optional: false }, .. } => {
            Ok(Expr { kind: Kind::Has { operand, field }, at })
        }
        other => Err(Mistake { at: other.at, text: "invalid argument to has() macro".to_owned() }),
    }
}

/// A method, or a function in a namespace such as `sets.contains`.
fn qualified(target: Expr, name: String, args: Vec<Expr>, at: usize) -> Expr {
    const NAMESPACES: [&str; 7] = ["optional", "sets", "jsonpatch", "format", "ip", "lists", "strings"];
    match &target.kind {
        Kind::Ident(namespace) if NAMESPACES.contains(&namespace.as_str()) => {
            call(format!("{namespace}.{name}"), None, args, at)
        }
        _ => call(name, Some(Box::new(target)), args, at),
    }
}

fn optional_map(operand: Expr, macro_: &str, args: Vec<Expr>, at: usize) -> Parsed {
    let mut args = args.into_iter();
    let name = args.next();
    match (name, args.next()) {
        (Some(Expr { kind: Kind::Ident(name), .. }), Some(body)) => {
            let is_flat = macro_ == "optFlatMap";
            let kind = Kind::OptionalMap { operand: Box::new(operand), name, body: Box::new(body), is_flat };
            Ok(Expr { kind, at })
        }
        (name, _) => {
            let text = format!("{macro_}() variable name must be a simple identifier");
            Err(Mistake { at: name.map_or(at, |name| name.at), text })
        }
    }
}
