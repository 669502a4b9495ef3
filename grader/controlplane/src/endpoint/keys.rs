//! The keys of a JSON document where they stand, for texts about them
//! (sigs.k8s.io/json, internal/golang/encoding/json/kubernetes_patch.go).

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use std::collections::{BTreeSet, HashMap};
use std::fmt;

/// All keys of a document, as a tree: written out, many keys below a long one would take far more room than the
/// document.
#[derive(Debug)]
pub(crate) struct Keys {
    /// The root first; parents come before their children.
    nodes: Vec<Node>,
    known: HashMap<(usize, Step), usize>,
    /// The keys read so far.
    count: usize,
}

#[derive(Debug)]
struct Node {
    parent: usize,
    step: Step,
    /// Where it stands first.
    first: usize,
    /// Where its object has it for the second time.
    again: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Step {
    Key(String),
    Index(usize),
}

impl Keys {
    /// Reads a document up to the first error in it.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let root = Node { parent: 0, step: Step::Key(String::new()), first: 0, again: None };
        let mut keys = Self { nodes: vec![root], known: HashMap::new(), count: 0 };
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        // A document that cannot be parsed has been refused before.
        let _ = Below { keys: &mut keys, parent: 0, step: None }.deserialize(&mut reader);
        keys
    }

    /// The paths of the first keys that are there twice (`spec.ports[0].name`), in the order of the second ones.
    pub(crate) fn repeated(&self, most: usize) -> Vec<String> {
        let again = self.nodes.iter().enumerate().filter_map(|(node, known)| Some((known.again?, node)));
        let mut again: Vec<(usize, usize)> = again.collect();
        again.sort_unstable();
        again.into_iter().take(most).map(|(_, node)| self.path(node)).collect()
    }

    /// Where the key of this path stands first.
    pub(crate) fn place(&self, path: &str) -> Option<usize> {
        Some(self.nodes[self.find(path)?].first)
    }

    /// Where the key of this path stands for the second time in its object.
    pub(crate) fn place_again(&self, path: &str) -> Option<usize> {
        self.nodes[self.find(path)?].again
    }

    fn find(&self, path: &str) -> Option<usize> {
        (1..self.nodes.len()).find(|node| self.is_at(*node, path))
    }

    /// Whether a node's path is this one. Most are told apart by their last step.
    fn is_at(&self, mut node: usize, mut path: &str) -> bool {
        while node != 0 {
            let Node { parent, step, .. } = &self.nodes[node];
            let rest = match step {
                Step::Key(key) if *parent == 0 => path.strip_suffix(key.as_str()),
                Step::Key(key) => path.strip_suffix(key.as_str()).and_then(|rest| rest.strip_suffix('.')),
                Step::Index(index) => path.strip_suffix(']').and_then(|path| {
                    let (rest, digits) = path.rsplit_once('[')?;
                    (digits.parse() == Ok(*index)).then_some(rest)
                }),
            };
            let Some(rest) = rest else { return false };
            (node, path) = (*parent, rest);
        }
        path.is_empty()
    }

    fn path(&self, mut node: usize) -> String {
        let mut steps = Vec::new();
        while node != 0 {
            steps.push(&self.nodes[node].step);
            node = self.nodes[node].parent;
        }
        let mut path = String::new();
        for step in steps.into_iter().rev() {
            match step {
                Step::Key(key) if path.is_empty() => path.push_str(key),
                Step::Key(key) => path.extend([".", key]),
                Step::Index(index) => path.push_str(&format!("[{index}]")),
            }
        }
        path
    }

    fn child(&mut self, parent: usize, step: Step) -> usize {
        let next = self.nodes.len();
        let node = *self.known.entry((parent, step.clone())).or_insert(next);
        if node == next {
            self.nodes.push(Node { parent, step, first: self.count, again: None });
        }
        node
    }
}

/// A value that lies below a node: at the step, or itself the root.
struct Below<'a> {
    keys: &'a mut Keys,
    parent: usize,
    step: Option<Step>,
}

impl Below<'_> {
    /// Scalars need no node of their own.
    fn node(&mut self) -> usize {
        match self.step.take() {
            Some(step) => self.keys.child(self.parent, step),
            None => self.parent,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Below<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Below<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        let parent = self.node();
        for index in 0.. {
            let item = Below { keys: self.keys, parent, step: Some(Step::Index(index)) };
            if items.next_element_seed(item)?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        let parent = self.node();
        let mut here = BTreeSet::new();
        while let Some(key) = members.next_key::<String>()? {
            self.keys.count += 1;
            let node = self.keys.child(parent, Step::Key(key));
            if !here.insert(node) {
                let count = self.keys.count;
                self.keys.nodes[node].again.get_or_insert(count);
            }
            members.next_value_seed(Below { keys: self.keys, parent: node, step: None })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_with_their_paths() {
        let text = br#"{"a": {"b": 1, "b": 2}, "l": [{"c": 1}, {"c": 1, "c": {"d": 1, "d": 2}}], "a": 3}"#;
        let keys = Keys::read(text);
        assert_eq!(keys.repeated(10), ["a.b", "l[1].c", "l[1].c.d", "a"]);
        assert_eq!(keys.repeated(2), ["a.b", "l[1].c"]);
        let places = ["a", "a.b", "l", "l[0].c", "l[1].c.d", "d"].map(|path| keys.place(path));
        assert_eq!(places, [Some(1), Some(2), Some(4), Some(5), Some(8), None]);
        assert_eq!([keys.place_again("a"), keys.place_again("l")], [Some(10), None]);
    }
}
