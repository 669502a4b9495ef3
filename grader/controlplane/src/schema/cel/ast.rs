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
    /// `cel.bind(name, value, body)`.
    Bind {
        name: String,
        value: Box<Expr>,
        body: Box<Expr>,
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
