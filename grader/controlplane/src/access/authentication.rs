//! Who sent a request (apiserver/pkg/authentication/request).

use http::{HeaderMap, header};

/// The bearer token of a request. Any other kind of credential counts as none
/// (apiserver/pkg/authentication/request/bearertoken/bearertoken.go).
pub(super) fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let sent = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim();
    let mut parts = sent.splitn(3, ' ');
    let scheme = parts.next().filter(|scheme| scheme.eq_ignore_ascii_case("bearer"));
    scheme.and_then(|_| parts.next()).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn only_bearer_tokens_are_credentials() {
        for (sent, token) in [
            ("Bearer abc", Some("abc")),
            ("  bEaReR abc", Some("abc")),
            ("Bearer abc def", Some("abc")),
            ("Bearer  abc", None),
            ("Bearer", None),
            ("Basic abc", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(sent))]);
            assert_eq!(bearer_token(&headers), token, "{sent}");
        }
        assert_eq!(bearer_token(&HeaderMap::new()), None);
    }
}
