//! What operators stand between: literals, names, calls, and the members of these.

use super::super::ast::{Element, Expr, Kind, Literal};
use super::super::escaping::is_reserved;
use super::super::lexer::{Mistake, Spanned, Token};
use super::super::macros;
use super::{EXPECTED_EXPRESSION, Parsed, Parser, dotted_name};

impl Parser<'_> {
    pub(super) fn member(&mut self) -> Parsed {
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
