//! The protobuf form of a v2 document, which Go's discovery client asks for
//! (gnostic-models/openapiv2/OpenAPIv2.proto).
//!
//! Messages are tables of JSON key, field number and form; keys that start with `x-` are extensions.

use serde_json::Value;

/// How a JSON value is written.
enum Form {
    Text,
    Flag,
    Integer,
    Double,
    /// Any JSON, as YAML inside of a message.
    Any,
    Message(&'static Message),
    /// A message with nothing but this field.
    Only(u32, &'static Form),
    /// Every item of a list; a single value counts as one.
    Each(&'static Form),
    /// A message with this repeated field: a name and a value for every member of an object.
    Named(u32, &'static Form),
    /// A message with one of several fields, and which one it is.
    OneOf(&'static [(u32, Form)], fn(&Value) -> usize),
}

struct Message {
    fields: &'static [(&'static str, u32, Form)],
    /// The field of extensions; 0 for none.
    extensions: u32,
}

use Form::{Any, Double, Each, Flag, Integer, Named, OneOf, Only, Text};

/// Appends a document, or a part of one.
pub(super) fn encode(document: &Value, bytes: &mut Vec<u8>) {
    DOCUMENT.write(document, bytes);
}

static DOCUMENT: Message = Message {
    fields: &[
        ("swagger", 1, Text),
        ("info", 2, Form::Message(&INFO)),
        ("paths", 8, Named(2, &Form::Message(&PATH))),
        ("definitions", 9, Named(1, &Form::Message(&SCHEMA))),
        ("parameters", 10, Named(1, &PARAMETER)),
        ("security", 12, Each(&Named(1, &Only(1, &Each(&Text))))),
        ("securityDefinitions", 13, Named(1, &Only(2, &Form::Message(&API_KEY)))),
    ],
    extensions: 16,
};

static INFO: Message = Message { fields: &[("title", 1, Text), ("version", 2, Text)], extensions: 7 };

static API_KEY: Message = Message {
    fields: &[("type", 1, Text), ("name", 2, Text), ("in", 3, Text), ("description", 4, Text)],
    extensions: 5,
};

static PATH: Message = Message {
    fields: &[
        ("get", 2, Form::Message(&OPERATION)),
        ("put", 3, Form::Message(&OPERATION)),
        ("post", 4, Form::Message(&OPERATION)),
        ("delete", 5, Form::Message(&OPERATION)),
        ("options", 6, Form::Message(&OPERATION)),
        ("head", 7, Form::Message(&OPERATION)),
        ("patch", 8, Form::Message(&OPERATION)),
        ("parameters", 9, Each(&PARAMETER_OR_REFERENCE)),
    ],
    extensions: 10,
};

static OPERATION: Message = Message {
    fields: &[
        ("tags", 1, Each(&Text)),
        ("summary", 2, Text),
        ("description", 3, Text),
        ("operationId", 5, Text),
        ("produces", 6, Each(&Text)),
        ("consumes", 7, Each(&Text)),
        ("parameters", 8, Each(&PARAMETER_OR_REFERENCE)),
        ("responses", 9, Named(1, &Only(1, &Form::Message(&RESPONSE)))),
        ("schemes", 10, Each(&Text)),
        ("deprecated", 11, Flag),
    ],
    extensions: 13,
};

static RESPONSE: Message = Message {
    fields: &[("description", 1, Text), ("schema", 2, Only(1, &Form::Message(&SCHEMA)))],
    extensions: 5,
};

static REFERENCE: Message = Message { fields: &[("$ref", 1, Text), ("description", 2, Text)], extensions: 0 };

const PARAMETER_OR_REFERENCE: Form = OneOf(&[(1, PARAMETER), (2, Form::Message(&REFERENCE))], |value| {
    usize::from(value.get("$ref").is_some())
});

const PARAMETER: Form =
    OneOf(&[(1, Form::Message(&BODY)), (2, OUTSIDE_OF_BODY)], |value| usize::from(value["in"] != "body"));

const OUTSIDE_OF_BODY: Form = OneOf(
    &[
        (1, Form::Message(&IN_HEADER_OR_PATH)),
        (3, Form::Message(&IN_QUERY)),
        (4, Form::Message(&IN_HEADER_OR_PATH)),
    ],
    |value| match value["in"].as_str() {
        Some("header") => 0,
        Some("path") => 2,
        _ => 1,
    },
);

static BODY: Message = Message {
    fields: &[
        ("description", 1, Text),
        ("name", 2, Text),
        ("in", 3, Text),
        ("required", 4, Flag),
        ("schema", 5, Form::Message(&SCHEMA)),
    ],
    extensions: 6,
};

static IN_HEADER_OR_PATH: Message = Message {
    fields: &[
        ("required", 1, Flag),
        ("in", 2, Text),
        ("description", 3, Text),
        ("name", 4, Text),
        ("type", 5, Text),
        ("format", 6, Text),
        ("uniqueItems", 19, Flag),
    ],
    extensions: 22,
};

static IN_QUERY: Message = Message {
    fields: &[
        ("required", 1, Flag),
        ("in", 2, Text),
        ("description", 3, Text),
        ("name", 4, Text),
        ("type", 6, Text),
        ("format", 7, Text),
        ("uniqueItems", 20, Flag),
    ],
    extensions: 23,
};

static SCHEMA: Message = Message {
    fields: &[
        ("$ref", 1, Text),
        ("format", 2, Text),
        ("title", 3, Text),
        ("description", 4, Text),
        ("default", 5, Any),
        ("multipleOf", 6, Double),
        ("maximum", 7, Double),
        ("exclusiveMaximum", 8, Flag),
        ("minimum", 9, Double),
        ("exclusiveMinimum", 10, Flag),
        ("maxLength", 11, Integer),
        ("minLength", 12, Integer),
        ("pattern", 13, Text),
        ("maxItems", 14, Integer),
        ("minItems", 15, Integer),
        ("uniqueItems", 16, Flag),
        ("maxProperties", 17, Integer),
        ("minProperties", 18, Integer),
        ("required", 19, Each(&Text)),
        ("enum", 20, Each(&Any)),
        (
            "additionalProperties",
            21,
            OneOf(&[(1, Form::Message(&SCHEMA)), (2, Flag)], |value| usize::from(value.is_boolean())),
        ),
        ("type", 22, Only(1, &Each(&Text))),
        ("items", 23, Only(1, &Each(&Form::Message(&SCHEMA)))),
        ("properties", 25, Named(1, &Form::Message(&SCHEMA))),
        ("externalDocs", 29, Form::Message(&EXTERNAL_DOCUMENTATION)),
        ("example", 30, Any),
    ],
    extensions: 31,
};

static EXTERNAL_DOCUMENTATION: Message =
    Message { fields: &[("description", 1, Text), ("url", 2, Text)], extensions: 3 };

impl Message {
    fn write(&self, value: &Value, bytes: &mut Vec<u8>) {
        for (key, number, form) in self.fields {
            if let Some(value) = value.get(key) {
                form.write(*number, value, bytes);
            }
        }
        if self.extensions == 0 {
            return;
        }
        for (key, value) in value.as_object().into_iter().flatten().filter(|(key, _)| key.starts_with("x-")) {
            named(self.extensions, key, &Any, value, bytes);
        }
    }
}

impl Form {
    /// Writes a field.
    fn write(&self, number: u32, value: &Value, bytes: &mut Vec<u8>) {
        let mut inner = Vec::new();
        match self {
            Text => inner.extend_from_slice(value.as_str().unwrap_or_default().as_bytes()),
            Flag => return variable(number, u64::from(value == true), bytes),
            Integer => return variable(number, value.as_u64().unwrap_or_default(), bytes),
            Double => {
                varint(u64::from(number << 3 | 1), bytes);
                return bytes.extend_from_slice(&value.as_f64().unwrap_or_default().to_le_bytes());
            }
            // JSON is YAML.
            Any => delimited(2, format!("{value}\n").as_bytes(), &mut inner),
            Form::Message(message) => message.write(value, &mut inner),
            Only(field, form) => form.write(*field, value, &mut inner),
            Each(form) => {
                let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
                return items.iter().for_each(|item| form.write(number, item, bytes));
            }
            Named(field, form) => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    named(*field, key, form, value, &mut inner);
                }
            }
            OneOf(forms, choose) => {
                if let Some((field, form)) = forms.get(choose(value)) {
                    form.write(*field, value, &mut inner);
                }
            }
        }
        delimited(number, &inner, bytes);
    }
}

/// A message of a name and a value.
fn named(number: u32, name: &str, form: &Form, value: &Value, bytes: &mut Vec<u8>) {
    let mut inner = Vec::new();
    delimited(1, name.as_bytes(), &mut inner);
    form.write(2, value, &mut inner);
    delimited(number, &inner, bytes);
}

fn variable(number: u32, value: u64, bytes: &mut Vec<u8>) {
    varint(u64::from(number << 3), bytes);
    varint(value, bytes);
}

fn delimited(number: u32, content: &[u8], bytes: &mut Vec<u8>) {
    varint(u64::from(number << 3 | 2), bytes);
    varint(content.len() as u64, bytes);
    bytes.extend_from_slice(content);
}

fn varint(mut value: u64, bytes: &mut Vec<u8>) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    /// The document, and its bytes as gnostic's Go library writes them.
    const DOCUMENT: &str = r##"{"swagger":"2.0","info":{"title":"T","version":"1"},
        "paths":{"/a/{name}":{
            "get":{"tags":["t"],
                "description":"reads",
                "operationId":"readA",
                "produces":["application/json"],
                "consumes":["*/*"],
                "parameters":[{"$ref":"#/parameters/p"},{"name":"body","in":"body","required":true,"schema":{"$ref":"#/definitions/A"}}],
                "responses":{"200":{"description":"OK","schema":{"$ref":"#/definitions/A"}},"401":{"description":"Unauthorized"}},
                "schemes":["https"]},
            "parameters":[{"uniqueItems":true,"type":"string","description":"d","name":"name","in":"path","required":true}]}},
        "definitions":{"A":{"description":"d","type":"object","required":["s"],"properties":{
            "i":{"type":"integer","format":"int32","maximum":300,"minimum":0.5,"maxLength":300},
            "l":{"type":"array","items":{"type":"string"}},
            "m":{"type":"object","additionalProperties":{"type":"number"}},
            "o":{"type":"object","additionalProperties":true},
            "s":{"$ref":"#/definitions/B","description":"s"}}}},
        "parameters":{"p":{"uniqueItems":true,"type":"string","name":"p","in":"query"}},
        "security":[{"T":[]}],
        "securityDefinitions":{"T":{"type":"apiKey","name":"authorization","in":"header"}}}"##;
    const BYTES: &str = "CgMyLjASBgoBVBIBMULhARLeAQoJL2Eve25hbWV9EtABEqkBCgF0GgVyZWFkcyoFcmVhZEEyEGFwcGxpY2F0aW9uL2pzb246Ayov\
        KkISEhAKDiMvcGFyYW1ldGVycy9wQiUKIwohEgRib2R5GgRib2R5IAEqEQoPIy9kZWZpbml0aW9ucy9BSj0KIgoDMjAwEhsKGQoC\
        T0sSEwoRCg8jL2RlZmluaXRpb25zL0EKFwoDNDAxEhAKDgoMVW5hdXRob3JpemVkUgVodHRwc0oiCiASHiIcCAESBHBhdGgaAWQi\
        BG5hbWUqBnN0cmluZ5gBAUrDAQrAAQoBQRK6ASIBZJoBAXOyAQgKBm9iamVjdMoBpAEKLQoBaRIoEgVpbnQzMjkAAAAAAMByQEkA\
        AAAAAADgP1isArIBCQoHaW50ZWdlcgofCgFsEhqyAQcKBWFycmF5ugENCguyAQgKBnN0cmluZwogCgFtEhuqAQ0KC7IBCAoGbnVt\
        YmVysgEICgZvYmplY3QKFQoBbxIQqgECEAGyAQgKBm9iamVjdAoZCgFzEhQKDyMvZGVmaW5pdGlvbnMvQiIBc1IgCh4KAXASGRIX\
        GhUSBXF1ZXJ5IgFwMgZzdHJpbmegAQFiBwoFCgFUEgBqKAomCgFUEiESHwoGYXBpS2V5Eg1hdXRob3JpemF0aW9uGgZoZWFkZXI=";

    #[test]
    fn a_document_has_the_bytes_that_go_writes() {
        let mut bytes = Vec::new();
        encode(&serde_json::from_str(DOCUMENT).expect("JSON"), &mut bytes);
        assert_eq!(STANDARD.encode(bytes), BYTES);
    }

    #[test]
    fn extensions_are_yaml_in_a_message_with_their_name() {
        let mut bytes = Vec::new();
        SCHEMA.write(&serde_json::json!({"x-a": ["b"], "y": 1}), &mut bytes);
        assert_eq!(bytes, b"\xfa\x01\x0f\n\x03x-a\x12\x08\x12\x06[\"b\"]\n");
    }
}
