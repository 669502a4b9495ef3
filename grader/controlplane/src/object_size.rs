//! How large an object may be: one request has to bring it to etcd.

use crate::error::ApiError;
use crate::protobuf;
use crate::store::weight;
use serde_json::Value;
use std::io::{self, Write};

/// The largest request that etcd takes, in bytes (etcd/server/embed/config.go, DefaultMaxRequestBytes).
const LARGEST_REQUEST: usize = 3 << 19;
/// The largest that its client sends, in bytes (etcd/client/v3/options.go, defaultMaxCallSendMsgSize).
const LARGEST_MESSAGE: usize = 2 << 20;
/// What all objects together may take, in bytes (etcd/server/storage/quota.go, DefaultQuotaBytes).
const SPACE: usize = 2 << 30;
/// The longest that one byte of a text becomes when it is written (`\u0000`).
const LONGEST_ESCAPE: usize = 6;

/// Whether etcd would take the object: built-in kinds are kept there as protobuf, others as JSON.
///
/// # Errors
/// 500 in the words of etcd, or of its client for an object that is larger still.
pub(crate) fn check(object: &Value) -> Result<(), ApiError> {
    // What is small in memory is small when it is written, too: only large objects are worth the writing.
    if weight(object) < LARGEST_REQUEST / LONGEST_ESCAPE {
        return Ok(());
    }
    match protobuf::body(object).map_or_else(|| json(object), |body| body.len()) {
        size if size > LARGEST_MESSAGE => Err(ApiError::unexpected(format!(
            "rpc error: code = ResourceExhausted desc = trying to send message larger than max ({size} vs. \
             {LARGEST_MESSAGE})"
        ))),
        size if size > LARGEST_REQUEST => Err(ApiError::too_large_to_store()),
        _ => Ok(()),
    }
}

/// Whether there is room for one more write.
///
/// # Errors
/// 500 in the words of etcd. What is deleted makes room at once.
pub(crate) fn check_space(weight: usize) -> Result<(), ApiError> {
    match weight {
        0..=SPACE => Ok(()),
        _ => Err(ApiError::unexpected("etcdserver: mvcc: database space exceeded")),
    }
}

/// The length as Go writes it.
fn json(object: &Value) -> usize {
    let mut counter = Counter(0);
    match serde_json::to_writer(&mut counter, object) {
        Ok(()) => counter.0,
        // A counter takes everything, and values have texts as keys.
        Err(_) => usize::MAX,
    }
}

struct Counter(usize);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let escaped = bytes.iter().filter(|byte| matches!(byte, b'<' | b'>' | b'&')).count();
        self.0 += bytes.len() + escaped * (LONGEST_ESCAPE - 1);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
