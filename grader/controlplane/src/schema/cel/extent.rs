//! How large the values of an expression can be (cel-go/checker/cost.go).

use super::ast::Literal;
use super::types::Type;

/// The fewest and the most characters, bytes, items or entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) least: u64,
    pub(super) most: u64,
}

impl Size {
    pub(super) const UNKNOWN: Size = Size { least: 0, most: u64::MAX };

    pub(super) fn fixed(size: u64) -> Self {
        Self { least: size, most: size }
    }

    pub(super) fn up_to(most: u64) -> Self {
        Self { least: 0, most }
    }

    pub(super) fn plus(self, other: Size) -> Self {
        Self { least: self.least.saturating_add(other.least), most: self.most.saturating_add(other.most) }
    }

    pub(super) fn times(self, other: Size) -> Self {
        Self { least: self.least.saturating_mul(other.least), most: self.most.saturating_mul(other.most) }
    }

    pub(super) fn or(self, other: Size) -> Self {
        Self { least: self.least.min(other.least), most: self.most.max(other.most) }
    }

    /// The size that covers these; of none of them, nothing.
    pub(super) fn covering(sizes: impl IntoIterator<Item = Size>) -> Self {
        sizes.into_iter().reduce(Size::or).unwrap_or(Size::fixed(0))
    }
}

/// How large the keys and values, or indices and items, of a map or list are that an expression makes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entries {
    pub(super) of_list: bool,
    pub(super) key: Size,
    pub(super) value: Size,
}

impl Entries {
    pub(super) fn of_items(value: Size) -> Self {
        Self { of_list: true, key: Size::fixed(1), value }
    }

    pub(super) fn or(self, other: Entries) -> Self {
        Self { of_list: self.of_list, key: self.key.or(other.key), value: self.value.or(other.value) }
    }
}

/// Where in the declared type of `self` the values of an expression stand.
///
/// Kubernetes looks for a path there without its first part, which it takes for a variable. What has no path of its own,
/// such as a list that an expression makes, so has items as large as `self`.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// They are made by the expression.
    Nowhere,
    /// They are of this declared type; of none when the path leads nowhere.
    Declared(Option<Type>),
}

/// A step from a value to a part of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    Field(&'a str),
    /// An item of a list, or a value of a map.
    Value,
    Key,
    Index,
}

impl Place {
    /// The place of a part, where `root` is the declared type of `self`.
    pub(super) fn part(&self, step: Step<'_>, root: Option<&Type>) -> Place {
        let Place::Declared(type_) = self else { return Place::Declared(root.cloned()) };
        let part = match (step, type_) {
            (Step::Field(name), Some(type_)) => type_.declared_field(name).cloned(),
            (Step::Value, Some(Type::List(value, _) | Type::Map(_, value, _))) => Some((**value).clone()),
            (Step::Key, Some(Type::Map(key, ..))) => Some((**key).clone()),
            _ => None,
        };
        Place::Declared(part)
    }

    /// How large a value may be there; `None` when nothing says so.
    pub(super) fn size(&self) -> Option<Size> {
        match self {
            Place::Nowhere | Place::Declared(None) => None,
            Place::Declared(Some(type_)) => type_.size().map(Size::up_to),
        }
    }
}

/// What is known of how large the values of an expression are.
#[derive(Clone, Debug)]
pub(super) struct Extent {
    pub(super) place: Place,
    /// `None` when nothing is known.
    pub(super) size: Option<Size>,
    pub(super) entries: Option<Entries>,
}

impl Extent {
    /// Of what has its size from where it is declared, or from its type.
    pub(super) fn of(place: Place, type_: &Type) -> Self {
        let size = place.size().or_else(|| of_scalar(type_));
        Self { place, size, entries: None }
    }

    /// Of what an expression makes. Its type tells its size when nothing else does.
    pub(super) fn made(size: Option<Size>, type_: &Type) -> Self {
        Self { place: Place::Nowhere, size: size.or_else(|| of_scalar(type_)), entries: None }
    }

    pub(super) fn with_entries(self, entries: Option<Entries>) -> Self {
        Self { entries, ..self }
    }

    pub(super) fn of_literal(literal: &Literal) -> Self {
        let size = match literal {
            Literal::String(text) => text.chars().count() as u64,
            Literal::Bytes(bytes) => bytes.len() as u64,
            _ => 1,
        };
        Self { place: Place::Nowhere, size: Some(Size::fixed(size)), entries: None }
    }

    pub(super) fn size_or_unknown(&self) -> Size {
        self.size.unwrap_or(Size::UNKNOWN)
    }
}

/// Values of some types are of one size.
fn of_scalar(type_: &Type) -> Option<Size> {
    match type_ {
        Type::Bool | Type::Double | Type::Duration | Type::Int | Type::Timestamp(_) | Type::Uint => {
            Some(Size::fixed(1))
        }
        Type::Optional(inner) => of_scalar(inner),
        _ => None,
    }
}
