//! Where an answer sends the client instead (net/http/client.go).

use http::{Response, StatusCode, Uri, header};

/// Where to ask instead; `None` when the answer is the final one.
///
/// # Errors
/// The answer sends to what is no HTTPS URL.
pub(super) fn target<B>(asked: &Uri, response: &Response<B>) -> Result<Option<Uri>, String> {
    let location = response.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
    match location {
        Some(location) if is_redirection(response.status()) => resolved(asked, location).map(Some),
        _ => Ok(None),
    }
}

/// Whether the body is sent again. Otherwise, the answer is asked for without one.
pub(super) fn keeps_body(status: StatusCode) -> bool {
    matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT)
}

fn is_redirection(status: StatusCode) -> bool {
    keeps_body(status)
        || matches!(status, StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER)
}

/// A location as seen from the URL that was asked.
fn resolved(asked: &Uri, location: &str) -> Result<Uri, String> {
    let authority = asked.authority().map_or("", |authority| authority.as_str());
    let text = if location.contains("://") {
        location.to_owned()
    } else if location.starts_with("//") {
        format!("https:{location}")
    } else if location.starts_with('/') {
        format!("https://{authority}{location}")
    } else {
        let folder = asked.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("https://{authority}{folder}/{location}")
    };
    let uri: Uri = text.parse().map_err(|_| format!("failed to parse Location header {location:?}"))?;
    match uri.scheme_str() {
        Some("https") => Ok(uri),
        scheme => Err(format!("unsupported protocol scheme {:?}", scheme.unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_seen_from_what_was_asked() {
        let asked = Uri::from_static("https://127.0.0.1:9443//failing");
        let table = [
            (307, Some("/failing"), Ok(Some("https://127.0.0.1:9443/failing"))),
            (301, Some("other?dry=1"), Ok(Some("https://127.0.0.1:9443//other?dry=1"))),
            (308, Some("//b.svc/x"), Ok(Some("https://b.svc/x"))),
            (302, Some("https://b.svc:8443/x"), Ok(Some("https://b.svc:8443/x"))),
            (303, Some("http://b.svc/x"), Err("unsupported protocol scheme \"http\"")),
            (302, Some("https://"), Err("failed to parse Location header \"https://\"")),
            (307, None, Ok(None)),
            (200, Some("/failing"), Ok(None)),
            (304, Some("/failing"), Ok(None)),
        ];
        for (status, location, expected) in table {
            let mut response = Response::builder().status(status);
            if let Some(location) = location {
                response = response.header(header::LOCATION, location);
            }
            let found = target(&asked, &response.body(()).expect("a response"));
            let found = found.map(|target| target.map(|uri| uri.to_string()));
            assert_eq!(
                found,
                expected.map(|text| text.map(str::to_owned)).map_err(str::to_owned),
                "{location:?}"
            );
        }
    }
}
