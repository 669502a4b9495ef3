//! How Kubernetes' client writes the URL of a webhook (client-go/rest/url_utils.go, path.Clean, net/url).

use std::fmt::Write;

/// The URL of a path, which is made as short as it can be: `//a/./b/../c/` is `/a/c`.
pub(crate) fn url(authority: &str, path: &str, query: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    let mut url = format!("https://{authority}/");
    escape(&segments.join("/"), &mut url);
    if !query.is_empty() {
        url.push('?');
        url.push_str(query);
    }
    url
}

fn escape(path: &str, url: &mut String) {
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_made_short() {
        let table = [
            ("", "", "https://a.example:9443/"),
            ("/", "", "https://a.example:9443/"),
            ("//hook", "timeout=1s", "https://a.example:9443/hook?timeout=1s"),
            ("a/b/", "", "https://a.example:9443/a/b"),
            ("/a/../../b/./c", "", "https://a.example:9443/b/c"),
            ("a/b c%(", "", "https://a.example:9443/a/b%20c%25%28"),
        ];
        for (path, query, expected) in table {
            assert_eq!(url("a.example:9443", path, query), expected, "{path}");
        }
    }
}
