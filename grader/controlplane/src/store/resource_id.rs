//! Names of resources.

use std::borrow::Cow;
use std::fmt;

/// A resource of the API, whatever its version: `statefulsets.apps`, `pods`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId {
    group: Cow<'static, str>,
    resource: Cow<'static, str>,
}

impl ResourceId {
    /// Names a resource by its group (empty for the core group) and its plural.
    pub fn new(group: impl Into<Cow<'static, str>>, resource: impl Into<Cow<'static, str>>) -> Self {
        Self { group: group.into(), resource: resource.into() }
    }

    /// Names a resource that is known when the program is compiled.
    pub const fn known(group: &'static str, resource: &'static str) -> Self {
        Self { group: Cow::Borrowed(group), resource: Cow::Borrowed(resource) }
    }

    /// The API group; empty for the core group.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The plural, as in paths.
    pub fn resource(&self) -> &str {
        &self.resource
    }
}

/// `pods`, `statefulsets.apps`: as Kubernetes' messages name resources.
impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        Ok(())
    }
}
