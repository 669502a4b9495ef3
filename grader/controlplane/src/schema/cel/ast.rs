//! Parsed expressions.

use super::super::pattern::Pattern;
use std::sync::OnceLock;

/// An expression and where it stands.
#[derive(Debug)]
pub(super) struct Expr {
    pub(super) kind: Kind,
    /// The character that errors point at, counted from 0.
    pub(super) at: usize,
}

impl Expr {
    /// The expressions that it is directly made of.
    pub(super) fn parts(&self) -> Vec<&Expr> {
        match &self.kind {
            Kind::Literal(_) | Kind::Ident(_) => Vec::new(),
            Kind::Select { operand, .. } | Kind::Has { operand, .. } => vec![operand],
            Kind::Index { operand, index, .. } => vec![operand, index],
            Kind::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
            Kind::And(operands) | Kind::Or(operands) => operands.iter().collect(),
            Kind::Conditional(parts) => parts.iter().collect(),
            Kind::List(elements) => elements.iter().map(|element| &element.expr).collect(),
            Kind::Struct { fields: entries, .. } | Kind::Map(entries) => {
                entries.iter().flat_map(|(key, value)| [&key.expr, value]).collect()
            }
            Kind::Comprehension(comprehension) => [&comprehension.range]
                .into_iter()
                .chain(&comprehension.condition)
                .chain([&comprehension.body])
                .collect(),
            Kind::OptionalMap { operand, body, .. } => vec![operand, body],
        }
    }
}

#[derive(Debug)]
pub(super) enum Kind {
    Literal(Literal),
    Ident(String),
    /// `operand.field`, or `operand.?field`.
    Select {
        operand: Box<Expr>,
        field: String,
        optional: bool,
    },
    /// `has(operand.field)`.
    Has {
        operand: Box<Expr>,
        field: String,
    },
    /// `operand[index]`, or `operand[?index]`.
    Index {
        operand: Box<Expr>,
        index: Box<Expr>,
        optional: bool,
    },
    Call(Call),
    /// `a && b && ...` as one, so that long chains are not deep.
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Conditional(Box<[Expr; 3]>),
    List(Vec<Element>),
    Map(Vec<(Element, Expr)>),
    /// `Object.spec{replicas: 1}`: a value of a named type.
    Struct {
        type_name: String,
        fields: Vec<(Element, Expr)>,
    },
    Comprehension(Box<Comprehension>),
    /// `operand.optMap(name, body)`, or `operand.optFlatMap(name, body)`, whose body is an optional already.
    OptionalMap {
        operand: Box<Expr>,
        name: String,
        body: Box<Expr>,
        is_flat: bool,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(String),
    Bytes(Vec<u8>),
}

/// A function, method or operator (`_+_`, `!_`) with its arguments.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) function: String,
    pub(super) target: Option<Box<Expr>>,
    pub(super) args: Vec<Expr>,
    /// A regular expression among the arguments that is the same on every call.
    pub(super) pattern: OnceLock<Result<Pattern, String>>,
}

/// One element of a list, or key of a map, which may be optional: `?x`.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) expr: Expr,
    pub(super) optional: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Macro {
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
    TransformList,
    TransformMap,
    TransformMapEntry,
    SortBy,
}

/// A macro over the items of a list or the keys of a map.
#[derive(Debug)]
pub(super) struct Comprehension {
    pub(super) kind: Macro,
    pub(super) range: Expr,
    /// The item, or with two variables the index or key.
    pub(super) first: String,
    /// With two variables, the item or value.
    pub(super) second: Option<String>,
    /// Which items a mapping keeps.
    pub(super) condition: Option<Expr>,
    pub(super) body: Expr,
}
