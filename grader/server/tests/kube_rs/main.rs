//! kube-rs against a Kubernetes API: its client, and all of its runtime.
//!
//! The API is the embedded control plane, or the cluster of the kubeconfig that `CLIENTS_KUBECONFIG` names: what
//! passes here must pass on a real control plane too.

mod cluster;
mod objects;
mod operator;
mod streams;
mod workloads;
