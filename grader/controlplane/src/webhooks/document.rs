//! What comes back from a webhook, as Kubernetes' client reads it (client-go/rest/request.go).

use super::WebhookAnswer;
use crate::go_text;
use http::StatusCode;
use serde_json::Value;

/// What the client reads the kind of a document with, as encoding/json names it.
const TYPE_META: &str = r#"Go value of type struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#;

/// How much of a refusal is quoted, in bytes.
const LONGEST_QUOTE: usize = 2048;

/// The document that a webhook answered with.
///
/// # Errors
/// Why there is none.
pub(crate) fn document(answer: &WebhookAnswer, url: &str) -> Result<Value, String> {
    match answer {
        WebhookAnswer::Failed(why) => Err(format!("Post {}: {why}", go_text::quote(url))),
        WebhookAnswer::Unread(why) => {
            Err(format!("unexpected error when reading response body. Please retry. Original error: {why}"))
        }
        WebhookAnswer::Response { status, content_type, body } if !(200..=206).contains(&status.as_u16()) => {
            Err(told(body).unwrap_or_else(|| refused(*status, content_type, body)))
        }
        WebhookAnswer::Response { status, content_type, body } if body.is_empty() => {
            let content_type = if content_type.is_empty() { "application/json" } else { content_type };
            let code = status.as_u16();
            Err(format!("0-length response with status code: {code} and content type: {content_type}"))
        }
        WebhookAnswer::Response { body, .. } => read(body),
    }
}

fn read(body: &[u8]) -> Result<Value, String> {
    let found = match serde_json::from_slice(body) {
        Ok(document @ Value::Object(_)) => return Ok(document),
        Ok(other) => go_text::json_kind(&other),
        // What is no JSON is taken for YAML, and words are a string there.
        Err(_) => "string",
    };
    Err(format!(
        "couldn't get version/kind; json parse error: json: cannot unmarshal {found} into {TYPE_META}"
    ))
}

/// The message of a Status, which counts more than what the code says.
fn told(body: &[u8]) -> Option<String> {
    let status: Value = serde_json::from_slice(body).ok()?;
    let is = |key: &str, value: &str| status.get(key).is_none_or(|given| given == value);
    let is_failure = status["status"] == "Failure" && is("kind", "Status") && is("apiVersion", "v1");
    is_failure.then(|| status["message"].as_str().unwrap_or_default().to_owned())
}

/// What a code says (apimachinery/pkg/api/errors, `NewGenericServerResponse`).
fn refused(status: StatusCode, content_type: &str, body: &[u8]) -> String {
    let is_text = content_type.is_empty() || content_type.starts_with("text/");
    let quoted = String::from_utf8_lossy(&body[..body.len().min(LONGEST_QUOTE)]);
    let message = if is_text { quoted.trim() } else { "unknown" };
    let text = match status.as_u16() {
        400 => "the server rejected our request for an unknown reason",
        401 => "the server has asked for the client to provide credentials",
        406 if matches!(message, "" | "unknown") => {
            "the server was unable to respond with a content type that the client supports"
        }
        403 | 406 | 415 => message,
        404 => "the server could not find the requested resource",
        405 => "the server does not allow this method on the requested resource",
        409 => "the server reported a conflict",
        422 => "the server rejected our request due to an error in our request",
        429 => "the server has received too many requests and has asked us to try again later",
        503 => "the server is currently unable to handle the request",
        504 => {
            "the server was unable to return a response in the time allotted, but may still be processing the request"
        }
        500.. => {
            let message = go_text::quote(message);
            return format!("an error on the server ({message}) has prevented the request from succeeding");
        }
        code => {
            return format!(
                "the server responded with the status code {code} but did not return more information"
            );
        }
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_document_says_why() {
        let status = r#"{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "told so"}"#;
        let table = [
            (
                500,
                "text/plain",
                "it broke\n",
                r#"an error on the server ("it broke") has prevented the request from succeeding"#,
            ),
            (500, "", "", r#"an error on the server ("") has prevented the request from succeeding"#),
            (
                502,
                "application/json",
                "{}",
                r#"an error on the server ("unknown") has prevented the request from succeeding"#,
            ),
            (500, "application/json", status, "told so"),
            (404, "text/plain", "404 page not found\n", "the server could not find the requested resource"),
            (403, "text/plain", "not you", "not you"),
            (
                406,
                "application/json",
                "",
                "the server was unable to respond with a content type that the client supports",
            ),
            (
                418,
                "",
                "",
                "the server responded with the status code 418 but did not return more information",
            ),
            (200, "", "", "0-length response with status code: 200 and content type: application/json"),
            (
                200,
                "text/html",
                "<html>",
                &format!(
                    "couldn't get version/kind; json parse error: json: cannot unmarshal string into {TYPE_META}"
                ),
            ),
            (
                200,
                "",
                "[]",
                &format!(
                    "couldn't get version/kind; json parse error: json: cannot unmarshal array into {TYPE_META}"
                ),
            ),
        ];
        for (code, content_type, body, expected) in table {
            let answer = WebhookAnswer::Response {
                status: StatusCode::from_u16(code).expect("a status"),
                content_type: content_type.to_owned(),
                body: body.to_owned().into(),
            };
            assert_eq!(document(&answer, "https://a.example"), Err(expected.to_owned()), "{code} {body}");
        }
    }
}
