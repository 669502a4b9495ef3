//! What stands inside of other values.

use super::super::deep;
use std::ops::Deref;

/// A part of a value, which may have parts in turn. However deep they nest, letting go of them does not take more of the
/// stack than there is.
#[derive(Debug, Default)]
pub(in super::super) struct Nested<T: Default>(T);

impl<T: Default> From<T> for Nested<T> {
    fn from(part: T) -> Self {
        Self(part)
    }
}

impl<T: Default> Deref for Nested<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Default> Drop for Nested<T> {
    fn drop(&mut self) {
        deep(|| drop(std::mem::take(&mut self.0)));
    }
}
