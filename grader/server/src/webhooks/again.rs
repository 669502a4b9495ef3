//! Which answers ask for the same request once more, and when (client-go/rest/with_retry.go).

use http::{Response, header};
use std::time::Duration;

/// How often a request is sent again.
pub(super) const MOST_ATTEMPTS: usize = 10;

/// How long to wait until the request is sent again; `None` when this is the answer.
pub(super) fn after<B>(response: &Response<B>) -> Option<Duration> {
    let status = response.status().as_u16();
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    (status == 429 || status >= 500).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_busy_says_when_to_come_back() {
        let table = [
            (429, Some("1"), Some(1)),
            (503, Some("0"), Some(0)),
            (500, Some("soon"), None),
            (503, None, None),
            (404, Some("1"), None),
            (200, Some("1"), None),
        ];
        for (status, header, expected) in table {
            let mut response = Response::builder().status(status);
            if let Some(header) = header {
                response = response.header(header::RETRY_AFTER, header);
            }
            let found = after(&response.body(()).expect("a response"));
            assert_eq!(found, expected.map(Duration::from_secs), "{status} {header:?}");
        }
    }
}
