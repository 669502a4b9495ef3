//! The grammar of CEL (github.com/google/cel-spec, langdef.md) with Kubernetes' macros.
//!
//! Time and depth are bounded: one pass without backtracking, and an expression that nests too deeply is an error.

mod operands;
mod operators;

use super::ast::{Call, Expr, Kind};
use super::lexer::{Mistake, Spanned, Token, tokens};
use std::sync::OnceLock;

/// The most characters of an expression, as in Kubernetes.
const LONGEST: usize = 100_000;
/// How deep an expression may nest.
const DEEPEST: usize = 120;

/// What an expression can begin with, as errors list it.
const EXPECTED_EXPRESSION: &str = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

/// Parses an expression.
pub(super) fn parse(source: &str) -> Result<Expr, Mistake> {
    let size = source.chars().count();
    if size > LONGEST {
        let text = format!("expression code point size exceeds limit: size: {size}, limit {LONGEST}");
        return Err(Mistake { at: 0, text });
    }
    let tokens = tokens(source)?;
    let mut parser = Parser { tokens: &tokens, next: 0, depth: 0 };
    let expr = parser.expression()?;
    match parser.peek() {
        Token::End => Ok(expr),
        _ => Err(parser.unexpected(parser.superfluous(), "<EOF>")),
    }
}

struct Parser<'a> {
    tokens: &'a [Spanned],
    next: usize,
    depth: usize,
}

pub(super) type Parsed<T = Expr> = Result<T, Mistake>;

impl Parser<'_> {
    fn current(&self) -> &Spanned {
        // The last token is the end and is never taken.
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn peek(&self) -> &Token {
        &self.current().token
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(self.peek(), Token::Symbol(next) if *next == symbol)
    }

    /// Takes a symbol if it is next, and answers where it stood.
    fn take(&mut self, symbol: &str) -> Option<usize> {
        let at = self.is(symbol).then(|| self.current().at)?;
        self.next += 1;
        Some(at)
    }

    fn expect(&mut self, symbol: &str) -> Parsed<usize> {
        self.take(symbol).ok_or_else(|| match self.current() {
            Spanned { token: Token::End, at, .. } if matches!(symbol, ")" | "]") => {
                Mistake { at: *at, text: format!("Syntax error: missing '{symbol}' at '<EOF>'") }
            }
            _ => self.unexpected("mismatched input", &format!("'{symbol}'")),
        })
    }

    /// What is wrong with the next token where the expression should end: it can be left out when nothing follows it.
    fn superfluous(&self) -> &'static str {
        match self.tokens.get(self.next + 1) {
            Some(Spanned { token: Token::End, .. }) => "extraneous input",
            _ => "mismatched input",
        }
    }

    fn unexpected(&self, what: &str, expected: &str) -> Mistake {
        let Spanned { token, at, text } = self.current();
        let shown = if *token == Token::End { "<EOF>" } else { text };
        Mistake { at: *at, text: format!("Syntax error: {what} '{shown}' expecting {expected}") }
    }

    /// Counts a level of nesting; the caller subtracts what it has added.
    fn enter(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > DEEPEST {
            let text = format!("expression recursion limit exceeded: {DEEPEST}");
            return Err(Mistake { at: self.current().at, text });
        }
        Ok(())
    }
}

/// `a.b.c`; nothing for other expressions.
pub(super) fn dotted_name(expr: &Expr) -> Option<String> {
    match &expr.kind {
        Kind::Ident(name) => Some(name.clone()),
        Kind::Select { operand, field, optional: false } => {
            Some(format!("{}.{field}", dotted_name(operand)?))
        }
        _ => None,
    }
}

pub(super) fn call(function: String, target: Option<Box<Expr>>, args: Vec<Expr>, at: usize) -> Expr {
    Expr { kind: Kind::Call(Call { function, target, args, pattern: OnceLock::new() }), at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_parse_or_point_at_the_mistake() {
        for source in [
            "self.a <= 5 && !has(self.b)",
            "[1, 2,].map(x, x * 2)",
            "{'a': 1}[?'a']",
            "a ? b : c ? d : e",
            "-9223372036854775808",
            r#"'\u00e4' + b"\xff" + r'\d'"#,
            "--1 == 1",
            "x.?y.orValue(2)",
        ] {
            assert!(parse(source).is_ok(), "{source}: {:?}", parse(source));
        }
        let table = [
            ("self.x >", 8, "Syntax error: mismatched input '<EOF>' expecting {'[', "),
            ("a b", 2, "Syntax error: extraneous input 'b' expecting <EOF>"),
            ("a # b", 2, "Syntax error: token recognition error at: '#'"),
            ("has(a)", 4, "invalid argument to has() macro"),
            ("9223372036854775808", 0, "Syntax error: invalid int literal"),
            ("'a", 0, "Syntax error: token recognition error at: ''a'"),
            ("if", 0, "reserved identifier: if"),
        ];
        for (source, at, text) in table {
            let mistake = parse(source).unwrap_err();
            assert_eq!(mistake.at, at, "{source}");
            assert!(mistake.text.starts_with(text), "{source}: {}", mistake.text);
        }
    }

    #[test]
    fn nesting_is_bounded_and_chains_are_not() {
        for deep in [
            "(".repeat(5000),
            "[".repeat(5000),
            "{".repeat(5000),
            "-!".repeat(5000),
            "!".repeat(5000),
            format!("a{}", "+a".repeat(5000)),
            format!("a{}", ".a".repeat(5000)),
            "a?b:".repeat(5000),
        ] {
            let mistake = parse(&deep).unwrap_err();
            assert!(
                mistake.text.contains("limit exceeded") || mistake.text.starts_with("Syntax"),
                "{}",
                mistake.text
            );
        }
        assert!(parse(&format!("a{}", " && a".repeat(5000))).is_ok());
        assert!(parse(&"a".repeat(200_000)).unwrap_err().text.contains("size exceeds limit"));
    }
}
