//! What a cluster remembers between two runs, in one file.

use crate::authority::Credentials;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use controlplane::store::{ResourceId, Snapshot};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The format that this version writes, and the only one that it reads.
const SCHEMA: &str = "grader.cluster/1";

/// A file of data that one cluster uses, and nobody else as long as any clone of this lives.
#[derive(Clone, Debug)]
pub(crate) struct DataFile {
    path: PathBuf,
    _lock: Arc<File>,
}

/// Everything that makes the next run the same cluster: its objects, and the keys that kubeconfigs and tokens rest on.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    pub(crate) snapshot: Snapshot,
    pub(crate) authority: Credentials,
    pub(crate) token_key: [u8; 32],
}

/// Why a file of data cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The system does not let us.
    #[error("failed to read or write it")]
    File(#[from] io::Error),
    /// It is no such file, or a damaged one.
    #[error("it does not hold a cluster")]
    Format(#[from] serde_json::Error),
    /// It was written by a version of the program that this one does not understand.
    #[error("it holds a cluster in the format {found:?}; this version reads {SCHEMA:?}")]
    Schema {
        /// What it says it is.
        found: String,
    },
    /// Another cluster runs with it: each would undo what the other one writes.
    #[error("another cluster is using it")]
    InUse,
    /// A key in it is none.
    #[error("a key in it is damaged")]
    Key,
}

#[derive(Serialize, Deserialize)]
struct Document<O> {
    schema: String,
    revision: u64,
    authority: Keys,
    token_key: String,
    resources: Vec<Stored<O>>,
}

#[derive(Serialize, Deserialize)]
struct Keys {
    certificate: String,
    key: String,
}

#[derive(Serialize, Deserialize)]
struct Stored<O> {
    group: String,
    resource: String,
    objects: Vec<O>,
}

impl DataFile {
    /// Takes a file, which need not be there yet. It is replaced by every write, so that the lock is on an empty file
    /// beside it, which stays.
    ///
    /// # Errors
    /// See [`DataError`].
    pub(crate) fn open(path: PathBuf) -> Result<Self, DataError> {
        let mut beside = path.clone().into_os_string();
        beside.push(".lock");
        let lock = File::options().create(true).truncate(false).write(true).open(beside)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: Arc::new(lock) }),
            Err(TryLockError::WouldBlock) => Err(DataError::InUse),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Reads the file; `None` when there is none yet.
    ///
    /// # Errors
    /// See [`DataError`].
    pub(crate) fn read(&self) -> Result<Option<Data>, DataError> {
        let text = match std::fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text?,
        };
        let found: Value = serde_json::from_slice(&text)?;
        if found["schema"] != SCHEMA {
            let found = found["schema"].as_str().unwrap_or_default().to_owned();
            return Err(DataError::Schema { found });
        }
        let document: Document<Value> = serde_json::from_value(found)?;
        let token_key = STANDARD.decode(&document.token_key).ok().and_then(|key| key.try_into().ok());
        let objects = document.resources.into_iter().flat_map(|stored| {
            let id = ResourceId::new(stored.group, stored.resource);
            stored.objects.into_iter().map(move |object| (id.clone(), Arc::new(object)))
        });
        Ok(Some(Data {
            snapshot: Snapshot { revision: document.revision, objects: objects.collect() },
            authority: Credentials {
                certificate: document.authority.certificate,
                key: document.authority.key,
            },
            token_key: token_key.ok_or(DataError::Key)?,
        }))
    }

    /// Writes the file whole or not at all, for nobody but its owner to read: it holds keys.
    ///
    /// # Errors
    /// See [`DataError`].
    pub(crate) fn write(&self, data: &Data) -> Result<(), DataError> {
        let mut resources: BTreeMap<&ResourceId, Vec<&Value>> = BTreeMap::new();
        for (id, object) in &data.snapshot.objects {
            resources.entry(id).or_default().push(object);
        }
        let stored = resources.into_iter().map(|(id, objects)| Stored {
            group: id.group().to_owned(),
            resource: id.resource().to_owned(),
            objects,
        });
        let document = Document {
            schema: SCHEMA.to_owned(),
            revision: data.snapshot.revision,
            authority: Keys {
                certificate: data.authority.certificate.clone(),
                key: data.authority.key.clone(),
            },
            token_key: STANDARD.encode(data.token_key),
            resources: stored.collect(),
        };
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
        let mut writer = io::BufWriter::new(&mut file);
        serde_json::to_writer(&mut writer, &document)?;
        writer.flush()?;
        drop(writer);
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}
