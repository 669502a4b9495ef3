//! The server as a process of its own, over HTTPS.
//!
//! ```text
//! cargo bench -p controlplane-server                    figures, beside a real kube-apiserver with the same client
//!                                                       where KUBEBUILDER_ASSETS names a folder with one and etcd
//! cargo bench -p controlplane-server -- soak [SECONDS]  twenty clients for a while (30 s unless said otherwise)
//! ```

mod client;
mod cluster;
mod measure;
mod soak;

use client::Failure;
use std::time::Duration;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let [cluster::SERVE, certificate] = arguments[..] {
        return cluster::serve(certificate);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match arguments[..] {
        ["soak"] => runtime.block_on(soak::soak(Duration::from_secs(30))),
        ["soak", seconds] => runtime.block_on(soak::soak(Duration::from_secs(seconds.parse()?))),
        _ => runtime.block_on(measure::compare()),
    }
}
