//! What Go makes of the same bytes, and that no bytes do harm.

use super::{body, decode, message, open};
use crate::builtins;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use proptest::prelude::*;
use serde_json::Value;
use std::io::Read;

/// Bodies of every kind, whole and damaged, with the JSON or the error that Go has for them. `data/protobuf` has the
/// program that writes the file.
const VECTORS: &[u8] = include_bytes!("../../tests/protobuf/vectors.gz");

fn vectors() -> Vec<(Vec<u8>, String)> {
    let mut text = String::new();
    GzDecoder::new(VECTORS).read_to_string(&mut text).expect("a text file");
    text.lines()
        .map(|line| {
            let (body, outcome) = line.split_once(' ').expect("two columns");
            (STANDARD.decode(body).expect("base64"), outcome.to_owned())
        })
        .collect()
}

/// The object in a body that gives apiVersion and kind.
fn read(body: &[u8]) -> Result<Value, String> {
    let envelope = open(body).map_err(|error| error.to_string())?;
    let (group, version) = envelope.api_version.split_once('/').unwrap_or(("", &envelope.api_version));
    let definition = builtins::definition_of(group, version, &envelope.kind).ok_or("unknown kind")?;
    let message = message(definition.name).ok_or("unknown message")?;
    let mut object = decode(message, envelope.raw).map_err(|error| error.to_string())?;
    object["apiVersion"] = envelope.api_version.into();
    object["kind"] = envelope.kind.into();
    Ok(object)
}

#[test]
fn bodies_say_what_they_say_to_go() {
    let mut different = Vec::new();
    let vectors = vectors();
    for (line, (body, outcome)) in vectors.iter().enumerate() {
        let expected = match outcome.strip_prefix('!') {
            Some(error) => Err(error.to_owned()),
            None => Ok(serde_json::from_str::<Value>(outcome).expect("JSON")),
        };
        let found = read(body);
        if found != expected {
            different.push(format!("line {}\n  expected {expected:?}\n  found    {found:?}", line + 1));
        }
    }
    assert!(vectors.len() > 500);
    assert!(different.is_empty(), "{} of {}\n{}", different.len(), vectors.len(), different.join("\n"));
}

#[test]
fn what_is_written_reads_the_same() {
    for (_, outcome) in vectors().iter().filter(|(_, outcome)| !outcome.starts_with('!')) {
        let object: Value = serde_json::from_str(outcome).expect("JSON");
        let written = body(&object).expect("every kind has a message");
        assert_eq!(read(&written), Ok(object));
    }
}

proptest! {
    #[test]
    fn any_bytes_have_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = open(&bytes);
        for name in ["core.v1.Pod", "apiextensions.v1.CustomResourceDefinition", "meta.v1.DeleteOptions"] {
            let _ = decode(message(name).expect("in the table"), &bytes);
        }
    }

    #[test]
    fn any_damage_has_an_answer(
        vector in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        thread_local!(static BODIES: Vec<(Vec<u8>, String)> = vectors());
        BODIES.with(|bodies| {
            let mut body = bodies[vector.index(bodies.len())].0.clone();
            body.truncate(cut.index(body.len() + 1));
            for (at, byte) in changes {
                if !body.is_empty() {
                    *at.get_mut(&mut body) = byte;
                }
            }
            let _ = read(&body);
        });
    }
}

#[test]
fn messages_end_somewhere() {
    let mut bytes = Vec::new();
    // JSONSchemaProps.not, field 28, again and again.
    for _ in 0..2000 {
        let mut outer = vec![0xE2, 0x01];
        let mut length = bytes.len();
        while length > 0x7F {
            outer.push((length & 0x7F) as u8 | 0x80);
            length >>= 7;
        }
        outer.push(length as u8);
        outer.extend(&bytes);
        bytes = outer;
    }
    let schema = message("apiextensions.v1.JSONSchemaProps").expect("in the table");
    assert_eq!(
        decode(schema, &bytes).map_err(|error| error.to_string()),
        Err("exceeded max depth".to_owned())
    );
}
