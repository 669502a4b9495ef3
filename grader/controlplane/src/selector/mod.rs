//! Label and field selectors, as lists, watches and deletecollection take them.

pub mod field;
pub mod label;

pub use field::FieldSelector;
pub use label::LabelSelector;
