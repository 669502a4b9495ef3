//! Keeping a cluster that runs: now and then, and when it ends.

use crate::authority::Credentials;
use crate::data::{Data, DataError, DataFile};
use controlplane::service::Service;
use std::time::Duration;

/// How much of its latest past a killed cluster may lose.
const SAVE_EVERY: Duration = Duration::from_secs(2);

/// Where a cluster's data goes.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    pub(crate) file: Option<DataFile>,
    pub(crate) service: Service,
    pub(crate) authority: Credentials,
    pub(crate) token_key: [u8; 32],
}

impl Memory {
    /// Writes the cluster as it is now.
    pub(crate) fn save(&self) -> Result<(), DataError> {
        let Some(file) = &self.file else { return Ok(()) };
        let snapshot = self.service.with(|plane| plane.snapshot());
        let data = Data { snapshot, authority: self.authority.clone(), token_key: self.token_key };
        file.write(&data)
    }

    /// Writes the cluster whenever it has changed, for ever: a crash costs the last seconds and no more.
    pub(crate) async fn keep(self) {
        let mut saved = None;
        while self.file.is_some() {
            let revision = Some(self.service.with(|plane| plane.revision()));
            if saved != revision {
                let memory = self.clone();
                // A disk that is full now may not be the next time, and the last time somebody is told.
                if let Ok(Ok(())) = tokio::task::spawn_blocking(move || memory.save()).await {
                    saved = revision;
                }
            }
            tokio::time::sleep(SAVE_EVERY).await;
        }
    }
}
