//! The fields of a document that its type does not know.

/// How much text is collected. Paths may be far longer together than the document is: think of many fields below one
/// long key.
const ROOM: usize = 4 * 1024 * 1024;

/// Paths of unknown fields, as many as there is room for.
#[derive(Debug)]
pub(crate) struct UnknownFields {
    paths: Vec<String>,
    room: usize,
}

impl Default for UnknownFields {
    fn default() -> Self {
        Self { paths: Vec::new(), room: ROOM }
    }
}

impl UnknownFields {
    pub(crate) fn note(&mut self, path: impl FnOnce() -> String) {
        if self.room > 0 {
            let path = path();
            self.room = self.room.saturating_sub(path.len());
            self.paths.push(path);
        }
    }

    pub(crate) fn into_paths(self) -> Vec<String> {
        self.paths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_fields_below_a_long_key_fit_into_memory() {
        let mut unknown = UnknownFields::default();
        (0..1_000_000).for_each(|_| unknown.note(|| "x".repeat(ROOM / 3 + 1)));
        assert_eq!(unknown.into_paths().len(), 3);
    }
}
