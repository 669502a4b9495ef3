//! Expressions as tokens.

use super::ast::Literal;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Literal(Literal),
    Ident(String),
    Symbol(&'static str),
    End,
}

/// A token and where it starts, counted in characters.
#[derive(Debug, Clone)]
pub(super) struct Spanned {
    pub(super) token: Token,
    pub(super) at: usize,
    /// As it is written.
    pub(super) text: String,
}

/// Longer symbols first.
const SYMBOLS: [&str; 25] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",", "(", ")",
    "[", "]", "{", "}", "=",
];

/// A mistake at a character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) at: usize,
    pub(super) text: String,
}

pub(super) fn tokens(source: &str) -> Result<Vec<Spanned>, Mistake> {
    let characters: Vec<char> = source.chars().collect();
    let mut lexer = Lexer { characters: &characters, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_space();
        let at = lexer.at;
        let token = lexer.token()?;
        let text = characters[at..lexer.at].iter().collect();
        let is_end = token == Token::End;
        tokens.push(Spanned { token, at, text });
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    characters: &'a [char],
    at: usize,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.at + ahead).copied()
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, character)| self.peek(ahead) == Some(character))
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> String {
        let start = self.at;
        while self.peek(0).is_some_and(&accept) {
            self.at += 1;
        }
        self.characters[start..self.at].iter().collect()
    }

    fn skip_space(&mut self) {
        loop {
            self.take_while(|character| matches!(character, ' ' | '\t' | '\n' | '\r' | '\u{c}'));
            if !self.starts_with("//") {
                return;
            }
            self.take_while(|character| character != '\n');
        }
    }

    fn token(&mut self) -> Result<Token, Mistake> {
        let Some(first) = self.peek(0) else { return Ok(Token::End) };
        if let Some((raw, bytes, prefix)) = self.string_prefix() {
            self.at += prefix;
            return self.string(raw, bytes);
        }
        if first.is_ascii_digit() || (first == '.' && self.peek(1).is_some_and(|c| c.is_ascii_digit())) {
            return self.number();
        }
        if first.is_ascii_alphabetic() || first == '_' {
            let word = self.take_while(|character| character.is_ascii_alphanumeric() || character == '_');
            return Ok(match word.as_str() {
                "true" => Token::Literal(Literal::Bool(true)),
                "false" => Token::Literal(Literal::Bool(false)),
                "null" => Token::Literal(Literal::Null),
                "in" => Token::Symbol("in"),
                _ => Token::Ident(word),
            });
        }
        match SYMBOLS.iter().find(|symbol| self.starts_with(symbol)) {
            Some(symbol) if *symbol != "=" => {
                self.at += symbol.len();
                Ok(Token::Symbol(symbol))
            }
            _ => Err(self.unrecognized(self.at, &first.to_string())),
        }
    }

    fn unrecognized(&self, at: usize, text: &str) -> Mistake {
        Mistake { at, text: format!("Syntax error: token recognition error at: '{text}'") }
    }

    /// Whether a string starts here: raw, bytes, and how long its prefix is.
    fn string_prefix(&self) -> Option<(bool, bool, usize)> {
        let (mut raw, mut bytes, mut length) = (false, false, 0);
        while let Some(character) = self.peek(length) {
            match character {
                '\'' | '"' => return Some((raw, bytes, length)),
                'r' | 'R' if !raw => raw = true,
                'b' | 'B' if !bytes => bytes = true,
                _ => return None,
            }
            length += 1;
        }
        None
    }

    fn string(&mut self, raw: bool, bytes: bool) -> Result<Token, Mistake> {
        let start = self.at;
        let quote = self.peek(0).unwrap_or('"');
        let triple = self.peek(1) == Some(quote) && self.peek(2) == Some(quote);
        let closing: String = std::iter::repeat_n(quote, if triple { 3 } else { 1 }).collect();
        self.at += closing.len();
        let mut value = Vec::new();
        loop {
            let Some(character) = self.peek(0) else {
                let rest: String = self.characters[start..].iter().collect();
                return Err(self.unrecognized(start, &rest));
            };
            if self.starts_with(&closing) {
                self.at += closing.len();
                break;
            }
            if character == '\n' && !triple {
                let rest: String = self.characters[start..self.at].iter().collect();
                return Err(self.unrecognized(start, &rest));
            }
            self.at += 1;
            if character == '\\' && !raw {
                self.escape(&mut value, bytes, start)?;
            } else {
                push(&mut value, character);
            }
        }
        if bytes {
            return Ok(Token::Literal(Literal::Bytes(value)));
        }
        // Only characters have been pushed.
        Ok(Token::Literal(Literal::String(String::from_utf8_lossy(&value).into_owned())))
    }

    fn escape(&mut self, value: &mut Vec<u8>, bytes: bool, start: usize) -> Result<(), Mistake> {
        let invalid = Mistake { at: start, text: "Syntax error: invalid escape sequence".to_owned() };
        let Some(escaped) = self.peek(0) else { return Err(invalid) };
        self.at += 1;
        let plain = match escaped {
            'a' => Some('\u{7}'),
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\u{b}'),
            '\\' | '\'' | '"' | '`' | '?' => Some(escaped),
            _ => None,
        };
        if let Some(plain) = plain {
            push(value, plain);
            return Ok(());
        }
        let (digits, radix) = match escaped {
            'x' | 'X' => (2, 16),
            'u' if !bytes => (4, 16),
            'U' if !bytes => (8, 16),
            '0'..='3' => {
                self.at -= 1;
                (3, 8)
            }
            _ => return Err(invalid),
        };
        let text: String = (0..digits).filter_map(|ahead| self.peek(ahead)).collect();
        self.at += digits;
        let code = u32::from_str_radix(&text, radix).ok().filter(|_| text.len() == digits);
        match code {
            Some(code) if bytes => value.push(u8::try_from(code).map_err(|_| invalid)?),
            Some(code) => push(value, char::from_u32(code).ok_or(invalid)?),
            None => return Err(invalid),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Token, Mistake> {
        let start = self.at;
        let written = |lexer: &Self| lexer.characters[start..lexer.at].iter().collect::<String>();
        if self.starts_with("0x") || self.starts_with("0X") {
            self.at += 2;
            let digits = self.take_while(|character| character.is_ascii_hexdigit());
            let value = u64::from_str_radix(&digits, 16).ok();
            return self.integer(start, value);
        }
        self.take_while(|character| character.is_ascii_digit());
        let mut is_double = false;
        if self.peek(0) == Some('.') && self.peek(1).is_some_and(|c| c.is_ascii_digit()) {
            is_double = true;
            self.at += 1;
            self.take_while(|character| character.is_ascii_digit());
        }
        let sign = usize::from(matches!(self.peek(1), Some('+' | '-')));
        if matches!(self.peek(0), Some('e' | 'E')) && self.peek(1 + sign).is_some_and(|c| c.is_ascii_digit())
        {
            is_double = true;
            self.at += 1 + sign;
            self.take_while(|character| character.is_ascii_digit());
        }
        let text = written(self);
        if is_double {
            return match text.parse() {
                Ok(value) if f64::is_finite(value) => Ok(Token::Literal(Literal::Double(value))),
                Ok(_) => Err(Mistake { at: start, text: "invalid double literal".to_owned() }),
                Err(_) => Err(self.unrecognized(start, &text)),
            };
        }
        self.integer(start, text.parse().ok())
    }

    /// Ends an integer, which may turn out to be unsigned. One beyond i64 by one may still be negated.
    fn integer(&mut self, start: usize, value: Option<u64>) -> Result<Token, Mistake> {
        if matches!(self.peek(0), Some('u' | 'U')) {
            self.at += 1;
            return match value {
                Some(value) => Ok(Token::Literal(Literal::Uint(value))),
                None => Err(Mistake { at: start, text: "Syntax error: invalid uint literal".to_owned() }),
            };
        }
        match value {
            Some(value) if value <= i64::MAX as u64 + 1 => Ok(Token::Literal(Literal::Int(value as i64))),
            _ => Err(Mistake { at: start, text: "Syntax error: invalid int literal".to_owned() }),
        }
    }
}

fn push(value: &mut Vec<u8>, character: char) {
    let mut buffer = [0; 4];
    value.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
}
