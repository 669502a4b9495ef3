//! Sentences of the text form of a label selector.

use super::lexer::{Token, words};
use super::{Operator, Requirement};
use crate::builtins::names;
use crate::field_error::FieldError;

pub(super) fn parse(text: &str) -> Result<Vec<Requirement>, String> {
    let mut parser = Parser { words: words(text), position: 0 };
    let mut requirements = Vec::new();
    loop {
        let (token, literal) = parser.value_ahead();
        match token {
            Token::End => return Ok(requirements),
            Token::Identifier | Token::Not => {
                let requirement = parser.requirement();
                requirements.push(requirement.map_err(|e| format!("unable to parse requirement: {e}"))?);
                match parser.value() {
                    (Token::End, _) => return Ok(requirements),
                    (Token::Comma, _) => {
                        let (next, literal) = parser.value_ahead();
                        if !matches!(next, Token::Identifier | Token::Not) {
                            return Err(format!("found '{literal}', expected: identifier after ','"));
                        }
                    }
                    (_, literal) => {
                        return Err(format!("found '{literal}', expected: ',' or 'end of string'"));
                    }
                }
            }
            _ => return Err(format!("found '{literal}', expected: !, identifier, or 'end of string'")),
        }
    }
}

struct Parser {
    /// [`Token::End`] last; reading past it gives it again.
    words: Vec<(Token, String)>,
    position: usize,
}

impl Parser {
    fn ahead(&self) -> (Token, String) {
        self.words.get(self.position).cloned().unwrap_or((Token::End, String::new()))
    }

    fn next(&mut self) -> (Token, String) {
        let word = self.ahead();
        self.position += 1;
        word
    }

    /// Where a key or a value stands, `in` and `notin` are words like any other.
    fn value_ahead(&self) -> (Token, String) {
        as_value(self.ahead())
    }

    fn value(&mut self) -> (Token, String) {
        as_value(self.next())
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let mut not = false;
        let (mut token, mut key) = self.value();
        if token == Token::Not {
            not = true;
            (token, key) = self.value();
        }
        if token != Token::Identifier {
            return Err(format!("found '{key}', expected: identifier"));
        }
        let bad = names::qualified_name(&key);
        if !bad.is_empty() {
            return Err(FieldError::invalid("<nil>", key, bad.join("; ")).to_string());
        }
        if not {
            return Requirement::new(&key, Operator::DoesNotExist, Vec::new());
        }
        if matches!(self.value_ahead().0, Token::End | Token::Comma) {
            return Requirement::new(&key, Operator::Exists, Vec::new());
        }
        let operator = self.operator()?;
        let values = match operator {
            Operator::In | Operator::NotIn => self.values()?,
            _ => vec![self.exact_value()?],
        };
        Requirement::new(&key, operator, values)
    }

    fn operator(&mut self) -> Result<Operator, String> {
        Ok(match self.next() {
            (Token::In, _) => Operator::In,
            (Token::NotIn, _) => Operator::NotIn,
            (Token::Equals, _) => Operator::Equals,
            (Token::DoubleEquals, _) => Operator::DoubleEquals,
            (Token::NotEquals, _) => Operator::NotEquals,
            (Token::GreaterThan, _) => Operator::GreaterThan,
            (Token::LessThan, _) => Operator::LessThan,
            (_, literal) => return Err(format!("found '{literal}', expected: in, notin, =, ==, !=, gt, lt")),
        })
    }

    fn values(&mut self) -> Result<Vec<String>, String> {
        let (token, literal) = self.value();
        if token != Token::Open {
            return Err(format!("found '{literal}' expected: '('"));
        }
        let (token, literal) = self.value_ahead();
        match token {
            Token::Identifier | Token::Comma => {
                let values = self.list()?;
                match self.value() {
                    (Token::Close, _) => Ok(values),
                    _ => Err(format!("found '{literal}', expected: ')'")),
                }
            }
            // `in ()` is the set of the empty value.
            Token::Close => {
                self.value();
                Ok(vec![String::new()])
            }
            _ => Err(format!("found '{literal}', expected: ',', ')' or identifier")),
        }
    }

    fn list(&mut self) -> Result<Vec<String>, String> {
        let mut values = Vec::new();
        loop {
            match self.value() {
                (Token::Identifier, literal) => {
                    values.push(literal);
                    match self.value_ahead() {
                        (Token::Comma, _) => {}
                        (Token::Close, _) => return Ok(values),
                        (_, literal) => return Err(format!("found '{literal}', expected: ',' or ')'")),
                    }
                }
                (Token::Comma, _) => {
                    if values.is_empty() {
                        values.push(String::new());
                    }
                    match self.value_ahead().0 {
                        Token::Close => {
                            values.push(String::new());
                            return Ok(values);
                        }
                        Token::Comma => values.push(String::new()),
                        _ => {}
                    }
                }
                (_, literal) => return Err(format!("found '{literal}', expected: ',', or identifier")),
            }
        }
    }

    fn exact_value(&mut self) -> Result<String, String> {
        if matches!(self.value_ahead().0, Token::End | Token::Comma) {
            return Ok(String::new());
        }
        match self.value() {
            (Token::Identifier, literal) => Ok(literal),
            (_, literal) => Err(format!("found '{literal}', expected: identifier")),
        }
    }
}

fn as_value((token, literal): (Token, String)) -> (Token, String) {
    match token {
        Token::In | Token::NotIn => (Token::Identifier, literal),
        _ => (token, literal),
    }
}
