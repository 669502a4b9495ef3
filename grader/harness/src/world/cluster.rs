//! What the cluster itself does: its nodes and its controllers.

use crate::World;
use std::time::Duration;

impl World {
    /// At most so many pods of a namespace are ready at the same time, those that were made first; `None` lifts the
    /// limit. Pods beyond it that are ready stop being so.
    pub fn ready_pods_at_most(&mut self, namespace: &str, pods: Option<u32>) {
        match pods {
            Some(pods) => self.tell(format!("at most {pods} pods in {namespace} can be ready")),
            None => self.tell(format!("all pods in {namespace} can be ready")),
        }
        self.backend.ready_pods_at_most(namespace, pods);
    }

    /// From now on a built-in controller, named as in kube-controller-manager, acts so much later than usual.
    pub fn delay_controller(&mut self, controller: &str, by: Duration) {
        self.tell(format!("the {controller} acts {} s late", by.as_secs_f64()));
        self.backend.delay_controller(controller, u64::try_from(by.as_millis()).unwrap_or(u64::MAX));
    }
}
