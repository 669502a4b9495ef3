//! Which items of sets and list maps are the same.

use super::super::super::ListType;
use super::super::meter::Meter;
use super::{Key, Value};
use std::collections::BTreeMap;

/// The items of a list, found by what identifies them.
pub(in super::super) struct Identified<'t, 'a> {
    list_type: &'t ListType,
    items: Vec<Value<'a>>,
    positions: BTreeMap<Vec<Option<Key<'a>>>, usize>,
    /// The positions of those that nothing simple identifies.
    others: Vec<usize>,
}

impl<'t, 'a> Identified<'t, 'a> {
    pub(in super::super) fn new(list_type: &'t ListType) -> Self {
        Self { list_type, items: Vec::new(), positions: BTreeMap::new(), others: Vec::new() }
    }

    /// Sets an item, where the same one stands or behind all others.
    pub(in super::super) fn set(&mut self, item: Value<'a>, meter: &Meter) {
        let position = self.position(&item, meter);
        if let Some(earlier) = position.and_then(|position| self.items.get_mut(position)) {
            *earlier = item;
            return;
        }
        match self.identity(&item) {
            Some(identity) => _ = self.positions.insert(identity, self.items.len()),
            None => self.others.push(self.items.len()),
        }
        self.items.push(item);
    }

    /// The same item.
    pub(in super::super) fn get(&self, item: &Value<'a>, meter: &Meter) -> Option<&Value<'a>> {
        self.items.get(self.position(item, meter)?)
    }

    /// All items in order.
    pub(in super::super) fn into_items(self) -> Vec<Value<'a>> {
        self.items
    }

    fn position(&self, item: &Value<'a>, meter: &Meter) -> Option<usize> {
        if let Some(identity) = self.identity(item) {
            return self.positions.get(&identity).copied();
        }
        self.others.iter().copied().find(|position| self.is_same(&self.items[*position], item, meter))
    }

    fn is_same(&self, one: &Value<'a>, other: &Value<'a>, meter: &Meter) -> bool {
        match self.list_type {
            ListType::Map(keys) => keys.iter().all(|key| match (one.field(key), other.field(key)) {
                (Some(one), Some(other)) => meter.step(1) && one.equals(&other, meter),
                (one, other) => one.is_none() && other.is_none(),
            }),
            _ => meter.step(1) && one.equals(other, meter),
        }
    }

    /// What identifies an item; `None` when that is nothing simple.
    fn identity(&self, item: &Value<'a>) -> Option<Vec<Option<Key<'a>>>> {
        match self.list_type {
            ListType::Map(keys) => {
                let part = |name: &String| match item.field(name) {
                    None => Some(None),
                    Some(value) => Key::of(&value).map(Some),
                };
                keys.iter().map(part).collect()
            }
            _ => Some(vec![Some(Key::of(item)?)]),
        }
    }
}
