//! The fuzz targets on their seeds, and on seeds that were changed a little: what `cargo fuzz` does for hours, for a
//! moment.

#[path = "../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "a library to the fuzz targets, a module here")]
mod targets;

use proptest::prelude::*;
use proptest::sample::Index;
use std::fs;
use std::path::Path;
use targets::TARGETS;

/// The seeds of a target, in the order of their names.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a readable file")).collect()
}

#[test]
fn every_target_takes_its_seeds() {
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name} has no seeds");
        seeds.iter().for_each(|seed| target(seed));
    }
}

#[derive(Clone, Debug)]
enum Mutation {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Repeat(Index, Index, usize),
    Remove(Index, Index),
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let range = |a: &Index, b: &Index| {
            let (a, b) = (a.index(bytes.len() + 1), b.index(bytes.len() + 1));
            a.min(b)..a.max(b)
        };
        match self {
            _ if bytes.is_empty() => {}
            Self::Set(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Self::Insert(at, inserted) => {
                let at = at.index(bytes.len() + 1);
                bytes.splice(at..at, inserted.iter().copied());
            }
            Self::Repeat(from, to, times) => {
                let range = range(from, to);
                let repeated = bytes[range.clone()].repeat(*times);
                bytes.splice(range, repeated);
            }
            Self::Remove(from, to) => {
                let range = range(from, to);
                bytes.drain(range);
            }
        }
    }
}

fn any_mutation() -> impl Strategy<Value = Mutation> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..8),
        prop::sample::select(vec![
            "{", "[", "\"", "null", "-1", "1e999", "\\u0000", "(", "!", "\n---\n", "metadata", "é"
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        (any::<Index>(), piece).prop_map(|(at, piece)| Mutation::Insert(at, piece)),
        (any::<Index>(), any::<Index>(), 2..40_usize).prop_map(|(a, b, times)| Mutation::Repeat(a, b, times)),
        (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Mutation::Remove(a, b)),
    ]
}

proptest! {
    #[test]
    fn every_target_takes_changed_seeds(
        target in 0..TARGETS.len(),
        seed in any::<Index>(),
        mutations in prop::collection::vec(any_mutation(), 1..4),
    ) {
        let (name, target) = TARGETS[target];
        let mut bytes = seed.get(&seeds(name)).clone();
        mutations.iter().for_each(|mutation| mutation.apply(&mut bytes));
        target(&bytes);
    }
}
