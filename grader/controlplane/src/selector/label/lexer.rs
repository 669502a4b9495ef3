//! Words of the text form of a label selector.

/// One word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Error,
    End,
    Close,
    Comma,
    Not,
    DoubleEquals,
    Equals,
    GreaterThan,
    Identifier,
    In,
    LessThan,
    NotEquals,
    NotIn,
    Open,
}

/// All words of the text with what they look like, [`Token::End`] last.
pub(super) fn words(text: &str) -> Vec<(Token, String)> {
    let mut words = Vec::new();
    // Upstream reads bytes and takes a zero byte for the end.
    let mut rest = text.split('\0').next().unwrap_or_default();
    loop {
        rest = rest.trim_start_matches(is_space);
        let (token, literal, length) = match rest.chars().next() {
            None => {
                words.push((Token::End, String::new()));
                return words;
            }
            Some(c) if is_special(c) => symbol(rest),
            Some(_) => {
                let end = rest.find(|c| is_special(c) || is_space(c)).unwrap_or(rest.len());
                let token = match &rest[..end] {
                    "in" => Token::In,
                    "notin" => Token::NotIn,
                    _ => Token::Identifier,
                };
                (token, rest[..end].to_owned(), end)
            }
        };
        words.push((token, literal));
        rest = &rest[length..];
    }
}

/// The longest operator that the text starts with.
fn symbol(text: &str) -> (Token, String, usize) {
    const SYMBOLS: [(&str, Token); 9] = [
        ("==", Token::DoubleEquals),
        ("!=", Token::NotEquals),
        (")", Token::Close),
        (",", Token::Comma),
        ("!", Token::Not),
        ("=", Token::Equals),
        (">", Token::GreaterThan),
        ("<", Token::LessThan),
        ("(", Token::Open),
    ];
    match SYMBOLS.iter().find(|(symbol, _)| text.starts_with(symbol)) {
        Some((symbol, token)) => (*token, (*symbol).to_owned(), symbol.len()),
        None => (Token::Error, format!("error expected: keyword found '{text}'"), text.len()),
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_special(c: char) -> bool {
    matches!(c, '=' | '!' | '(' | ')' | ',' | '>' | '<')
}
