//! Objects that the API server makes, keeps or makes up by itself (pkg/controlplane in the Kubernetes repository).

pub(crate) mod api_services;
pub(crate) mod bootstrap;
pub(crate) mod component_statuses;
pub(crate) mod flow_schema_status;
pub(crate) mod own_service;
pub(crate) mod service_addresses;
