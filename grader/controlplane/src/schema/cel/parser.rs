//! The grammar of CEL (github.com/google/cel-spec, langdef.md) with Kubernetes' macros.
//!
//! Time and depth are bounded: one pass without backtracking, and an expression that nests too deeply is an error.

use super::ast::{Call, Element, Expr, Kind, Literal};
use super::deep;
use super::escaping::is_reserved;
use super::lexer::{Mistake, Spanned, Token, tokens};
use super::macros;
use std::sync::OnceLock;

/// The most characters of an expression, as in Kubernetes.
const LONGEST: usize = 100_000;
/// How deep an expression may nest.
const DEEPEST: usize = 120;

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

    fn expression(&mut self) -> Parsed {
        deep(|| self.nested_expression())
    }

    fn nested_expression(&mut self) -> Parsed {
        self.enter()?;
        let condition = self.or()?;
        let expr = match self.take("?") {
            None => condition,
            Some(at) => {
                let yes = self.or()?;
                self.expect(":")?;
                let no = self.expression()?;
                Expr { kind: Kind::Conditional(Box::new([condition, yes, no])), at }
            }
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn or(&mut self) -> Parsed {
        self.chain("||", Self::and, Kind::Or)
    }

    fn and(&mut self) -> Parsed {
        self.chain("&&", Self::relation, Kind::And)
    }

    fn chain(
        &mut self,
        symbol: &str,
        operand: fn(&mut Self) -> Parsed,
        kind: fn(Vec<Expr>) -> Kind,
    ) -> Parsed {
        let first = operand(self)?;
        let mut operands = vec![first];
        let mut first_at = None;
        while let Some(at) = self.take(symbol) {
            first_at.get_or_insert(at);
            operands.push(operand(self)?);
        }
        match first_at {
            None => Ok(operands.remove(0)),
            Some(at) => Ok(Expr { kind: kind(operands), at }),
        }
    }

    fn relation(&mut self) -> Parsed {
        let symbols = ["<", "<=", ">=", ">", "==", "!=", "in"];
        self.left(&symbols, |parser| {
            parser.left(&["+", "-"], |parser| parser.left(&["*", "/", "%"], Self::unary))
        })
    }

    /// Operators of one rank, from left to right.
    fn left(&mut self, symbols: &[&'static str], operand: impl Fn(&mut Self) -> Parsed) -> Parsed {
        let depth = self.depth;
        let mut expr = operand(self)?;
        while let Some((symbol, at)) = symbols.iter().find_map(|symbol| Some((*symbol, self.take(symbol)?))) {
            self.enter()?;
            let function = if symbol == "in" { "@in".to_owned() } else { format!("_{symbol}_") };
            let right = operand(self)?;
            expr = call(function, None, vec![expr, right], at);
        }
        self.depth = depth;
        Ok(expr)
    }

    fn unary(&mut self) -> Parsed {
        let depth = self.depth;
        let mut signs = Vec::new();
        while let Some((sign, at)) = ["!", "-"].iter().find_map(|sign| Some((*sign, self.take(sign)?))) {
            if signs.last().is_some_and(|(last, _)| *last != sign) {
                return Err(self.unexpected("extraneous input", EXPECTED_EXPRESSION));
            }
            self.enter()?;
            signs.push((sign, at));
        }
        let mut expr = self.member()?;
        for (sign, at) in signs.into_iter().rev() {
            expr = match (sign, expr.kind) {
                ("-", Kind::Literal(Literal::Int(value))) => {
                    Expr { kind: Kind::Literal(Literal::Int(value.wrapping_neg())), at }
                }
                ("-", Kind::Literal(Literal::Double(value))) => {
                    Expr { kind: Kind::Literal(Literal::Double(-value)), at }
                }
                (sign, kind) => {
                    let operand = Expr { kind, at: expr.at };
                    call(if sign == "-" { "-_" } else { "!_" }.to_owned(), None, vec![operand], at)
                }
            };
        }
        self.depth = depth;
        // Only the negation of it is a number.
        match expr.kind {
            Kind::Literal(Literal::Int(i64::MIN)) if self.tokens[self.next - 1].at == expr.at => {
                Err(Mistake { at: expr.at, text: "Syntax error: invalid int literal".to_owned() })
            }
            _ => Ok(expr),
        }
    }

    fn member(&mut self) -> Parsed {
        let depth = self.depth;
        let mut expr = self.primary()?;
        loop {
            if let Some(at) = self.take(".") {
                self.enter()?;
                let optional = self.take("?").is_some();
                let name = self.name()?;
                let open = if optional { None } else { self.take("(") };
                expr = match open {
                    Some(open) => {
                        let args = self.arguments()?;
                        macros::method(expr, name, args, open)?
                    }
                    None => {
                        Expr { kind: Kind::Select { operand: Box::new(expr), field: name, optional }, at }
                    }
                };
            } else if let Some(at) = self.take("[") {
                self.enter()?;
                let optional = self.take("?").is_some();
                let index = Box::new(self.expression()?);
                self.expect("]")?;
                expr = Expr { kind: Kind::Index { operand: Box::new(expr), index, optional }, at };
            } else if let Some(type_name) = self.is("{").then(|| dotted_name(&expr)).flatten() {
                self.enter()?;
                let at = self.expect("{")?;
                let fields = self.fields()?;
                expr = Expr { kind: Kind::Struct { type_name, fields }, at };
            } else {
                self.depth = depth;
                return Ok(expr);
            }
        }
    }

    /// The fields of a value of a named type, up to the closing brace.
    fn fields(&mut self) -> Parsed<Vec<(Element, Expr)>> {
        let mut fields = Vec::new();
        while !self.is("}") {
            let optional = self.take("?").is_some();
            let at = self.current().at;
            let name = Literal::String(self.name()?);
            self.expect(":")?;
            let key = Element { expr: Expr { kind: Kind::Literal(name), at }, optional };
            fields.push((key, self.expression()?));
            if self.take(",").is_none() {
                break;
            }
        }
        self.expect("}")?;
        Ok(fields)
    }

    /// A name after a dot, where `in` is one too.
    fn name(&mut self) -> Parsed<String> {
        match self.peek().clone() {
            Token::Ident(name) => {
                self.next += 1;
                Ok(name)
            }
            token => {
                let Spanned { at, text, .. } = self.current();
                let dot = self.tokens[..self.next].last().map_or(*at, |dot| dot.at);
                let shown = if token == Token::End { "" } else { text };
                let text = format!("Syntax error: no viable alternative at input '.{shown}'");
                Err(Mistake { at: if token == Token::End { *at } else { dot + 1 }, text })
            }
        }
    }

    fn primary(&mut self) -> Parsed {
        let at = self.current().at;
        match self.peek().clone() {
            Token::Literal(literal) => {
                self.next += 1;
                Ok(Expr { kind: Kind::Literal(literal), at })
            }
            Token::Ident(name) => {
                self.next += 1;
                self.named(name, at)
            }
            Token::Symbol(".") => {
                self.next += 1;
                let name = self.name()?;
                self.named(name, at)
            }
            Token::Symbol("(") => {
                self.next += 1;
                let expr = self.expression()?;
                self.expect(")")?;
                Ok(expr)
            }
            Token::Symbol("[") => {
                self.next += 1;
                let mut elements = Vec::new();
                while !self.is("]") {
                    let optional = self.take("?").is_some();
                    elements.push(Element { expr: self.expression()?, optional });
                    if self.take(",").is_none() {
                        break;
                    }
                }
                self.expect("]")?;
                Ok(Expr { kind: Kind::List(elements), at })
            }
            Token::Symbol("{") => {
                self.next += 1;
                let mut entries = Vec::new();
                while !self.is("}") {
                    let optional = self.take("?").is_some();
                    let key = Element { expr: self.expression()?, optional };
                    self.expect(":")?;
                    entries.push((key, self.expression()?));
                    if self.take(",").is_none() {
                        break;
                    }
                }
                self.expect("}")?;
                Ok(Expr { kind: Kind::Map(entries), at })
            }
            _ => Err(self.unexpected("mismatched input", EXPECTED_EXPRESSION)),
        }
    }

    /// An identifier, or a call of it.
    fn named(&mut self, name: String, at: usize) -> Parsed {
        if is_reserved(&name) {
            return Err(Mistake { at, text: format!("reserved identifier: {name}") });
        }
        match self.take("(") {
            Some(open) => {
                let args = self.arguments()?;
                macros::function(name, args, open)
            }
            None => Ok(Expr { kind: Kind::Ident(name), at }),
        }
    }

    fn arguments(&mut self) -> Parsed<Vec<Expr>> {
        let mut args = Vec::new();
        if !self.is(")") {
            args.push(self.expression()?);
            while self.take(",").is_some() {
                args.push(self.expression()?);
            }
        }
        self.expect(")")?;
        Ok(args)
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
