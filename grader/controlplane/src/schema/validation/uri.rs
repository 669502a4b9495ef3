//! URIs as Go's `url.ParseRequestURI` accepts them.

/// Whether the text is an absolute URI or an absolute path.
pub(crate) fn is_request_uri(text: &str) -> bool {
    if text.is_empty() || text.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
        return false;
    }
    if text == "*" {
        return true;
    }
    let Some((has_scheme, rest)) = split_scheme(text) else { return false };
    let rest = rest.split_once('?').map_or(rest, |(before, _)| before);
    if !rest.starts_with('/') {
        // Without a slash it is opaque: fine with a scheme, meaningless without.
        return has_scheme;
    }
    let path = match rest.strip_prefix("//") {
        Some(after) if has_scheme || !rest.starts_with("///") => {
            let (authority, path) = after.find('/').map_or((after, ""), |slash| after.split_at(slash));
            if !is_authority(authority) {
                return false;
            }
            path
        }
        _ => rest,
    };
    escapes_are_valid(path)
}

/// Whether there is a scheme, and what follows it; `None` when the text starts with a colon.
fn split_scheme(text: &str) -> Option<(bool, &str)> {
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if index > 0 => {}
            b':' if index == 0 => return None,
            b':' => return Some((true, &text[index + 1..])),
            _ => break,
        }
    }
    Some((false, text))
}

fn is_authority(authority: &str) -> bool {
    let host = match authority.rsplit_once('@') {
        Some((user, host)) => {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
            if !user.bytes().all(allowed) || !escapes_are_valid(user) {
                return false;
            }
            host
        }
        None => authority,
    };
    let is_port = |port: &str| {
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()))
    };
    if host.starts_with('[') {
        return host.rfind(']').is_some_and(|end| is_port(&host[end + 1..]));
    }
    let port = host.rfind(':').map_or("", |colon| &host[colon..]);
    let allowed =
        |byte: u8| byte >= 0x80 || byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"%".contains(&byte);
    is_port(port) && host.bytes().all(allowed) && escapes_are_valid(host)
}

/// Every `%` is followed by two hexadecimal digits.
fn escapes_are_valid(text: &str) -> bool {
    let bytes = text.as_bytes();
    let hex = |index: usize| bytes.get(index).is_some_and(u8::is_ascii_hexdigit);
    (0..bytes.len()).all(|index| bytes[index] != b'%' || (hex(index + 1) && hex(index + 2)))
}
