//! Custom resources whose versions a webhook converts. Texts and statuses are those of kube-apiserver v1.36.

mod autoscalers;
mod driven;
mod reads_and_writes;
mod world;
