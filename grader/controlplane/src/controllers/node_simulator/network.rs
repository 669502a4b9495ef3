//! Addresses of pods.

use std::collections::BTreeMap;

/// Gives every pod an address of its own.
#[derive(Debug, Default)]
pub(super) struct Network {
    given: u32,
    by_uid: BTreeMap<String, String>,
}

impl Network {
    /// The pod's address, the same as long as it is there.
    pub(super) fn address_of(&mut self, uid: &str) -> String {
        if let Some(address) = self.by_uid.get(uid) {
            return address.clone();
        }
        let number = self.given;
        self.given = self.given.wrapping_add(1);
        let address = format!("10.244.{}.{}", number / 254 % 256, number % 254 + 1);
        self.by_uid.insert(uid.to_owned(), address.clone());
        address
    }

    pub(super) fn forget(&mut self, uid: &str) {
        self.by_uid.remove(uid);
    }
}
