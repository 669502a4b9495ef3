//! The field manager of who does not name one.

use http::{HeaderMap, header};

/// The longest name of a manager, in bytes.
const LONGEST: usize = 128;

/// The given name, or the product that the user agent names (`kubectl/v1.36.0 (linux)` is `kubectl`).
pub(crate) fn manager(given: &str, headers: &HeaderMap) -> String {
    if !given.is_empty() {
        return given.to_owned();
    }
    let agent = headers.get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let agent = agent.unwrap_or_default();
    let product = agent.split('/').next().unwrap_or_default();
    let printable: String = product.chars().filter(|character| !character.is_control()).collect();
    let end = printable.floor_char_boundary(LONGEST);
    printable[..end].to_owned()
}
