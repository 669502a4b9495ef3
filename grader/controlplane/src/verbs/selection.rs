//! Label and field selectors of a request.

use crate::endpoint::query::ListOptions;
use crate::error::ApiError;
use crate::resources::Resource;
use crate::selector::{FieldSelector, LabelSelector};
use serde_json::Value;

/// Which objects a list, a watch or a deletecollection is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    labels: LabelSelector,
    fields: FieldSelector,
}

impl Selection {
    /// # Errors
    /// 400 for what is no selector, and for fields that the resource does not select by.
    pub(crate) fn parse(resource: &Resource, options: &ListOptions) -> Result<Self, ApiError> {
        let labels = LabelSelector::parse(&options.label_selector).map_err(ApiError::bad_request)?;
        let fields = FieldSelector::parse(&options.field_selector)
            .and_then(|fields| fields.for_kind(&resource.field_labels()))
            .map_err(ApiError::bad_request)?;
        Ok(Self { labels, fields })
    }

    pub(crate) fn matches(&self, resource: &Resource, object: &Value) -> bool {
        self.labels.matches_object(object)
            && (self.fields.is_empty() || self.fields.matches(object, &resource.field_labels()))
    }

    /// Whether no object but that of one name can match: etcd reads it alone, and there is no next page.
    pub(super) fn is_for_one_object(&self) -> bool {
        self.fields.exact_name().is_some()
    }

    pub(super) fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }
}
