//! The control plane over HTTPS, in real time: what kubectl and any other client of Kubernetes talks to.
//!
//! A thin shell around [`controlplane`], which knows no socket, clock or key. In the order in which a request meets
//! them:
//!
//! - [`Server`] accepts connections, and ends them when it is told to stop;
//! - [`Limits`] bound what one client can cost: time, headers, bodies;
//! - [`Authority`] is the cluster's certificate authority: it signs the server's certificate and those of clients;
//! - [`tokens`] reads kube-apiserver's static token file;
//! - [`Cluster`] is all of it together with a control plane and its controllers, as `grader cluster up` starts it;
//! - [`kubeconfig`] tells a client how to reach it.

mod attention;
mod authority;
mod client_certificate;
mod client_key;
mod cluster;
mod connection;
mod data;
pub mod kubeconfig;
mod limits;
mod memory;
mod server;
pub mod tokens;
mod web_socket;
mod webhook_certificate;
mod webhooks;

pub use authority::{Authority, Credentials};
pub use cluster::{Cluster, RunError, Settings, StartError, Stop};
pub use data::DataError;
pub use limits::Limits;
pub use server::Server;
