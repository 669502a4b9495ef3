//! Operators, from those that bind least to those that bind most.

use super::super::ast::{Expr, Kind, Literal};
use super::super::deep;
use super::super::lexer::Mistake;
use super::{EXPECTED_EXPRESSION, Parsed, Parser, call};

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Parsed {
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
}
