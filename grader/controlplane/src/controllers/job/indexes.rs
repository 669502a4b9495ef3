//! Completion indexes as ranges, the way statuses list them (pkg/controller/job/indexed_job_utils.go,
//! orderedIntervals).

use std::collections::BTreeSet;
use std::fmt;

/// A set of indexes.
///
/// # Guarantees
/// Costs what the list of its ranges costs, however many indexes they span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Indexes {
    /// First and last of each range, in order, with a gap between any two.
    ranges: Vec<(i64, i64)>,
}

impl Indexes {
    /// Reads `0-2,5`; what is no number, or not below `completions`, is left out.
    pub(super) fn parse(text: &str, completions: i64) -> Self {
        let range = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (first.parse::<i64>().ok()?, last.parse::<i64>().ok()?);
            (first <= last && first < completions).then_some((first, last.min(completions - 1)))
        };
        text.split(',').filter_map(range).collect()
    }

    /// How many there are.
    pub(super) fn count(&self) -> i64 {
        self.ranges.iter().map(|(first, last)| last - first + 1).sum()
    }

    pub(super) fn contains(&self, index: i64) -> bool {
        let after = self.ranges.partition_point(|(first, _)| *first <= index);
        after.checked_sub(1).is_some_and(|at| index <= self.ranges[at].1)
    }

    /// Those of this set and of the other.
    pub(super) fn union(&self, other: &Self) -> Self {
        self.ranges.iter().chain(&other.ranges).copied().collect()
    }

    /// How many indexes both sets have.
    pub(super) fn overlap(&self, other: &Self) -> i64 {
        let (mut left, mut right) = (self.ranges.iter().peekable(), other.ranges.iter().peekable());
        let mut shared = 0;
        while let (Some((first, last)), Some((from, to))) = (left.peek(), right.peek()) {
            shared += (last.min(to) - first.max(from) + 1).max(0);
            // Whatever ends first shares nothing with what comes later.
            if last < to {
                left.next()
            } else {
                right.next()
            };
        }
        shared
    }

    /// The indexes below `completions` that are missing, the lowest first.
    pub(super) fn missing(&self, completions: i64) -> impl Iterator<Item = i64> + '_ {
        let mut gaps = Vec::new();
        let mut next = 0;
        for (first, last) in &self.ranges {
            gaps.push(next..(*first).min(completions));
            next = last + 1;
        }
        gaps.push(next..completions);
        gaps.into_iter().flatten()
    }
}

impl FromIterator<(i64, i64)> for Indexes {
    fn from_iter<I: IntoIterator<Item = (i64, i64)>>(ranges: I) -> Self {
        let mut all: Vec<(i64, i64)> = ranges.into_iter().collect();
        all.sort_unstable();
        let mut ranges: Vec<(i64, i64)> = Vec::new();
        for (first, last) in all {
            match ranges.last_mut() {
                Some((_, end)) if first <= *end + 1 => *end = last.max(*end),
                _ => ranges.push((first, last)),
            }
        }
        Self { ranges }
    }
}

impl FromIterator<i64> for Indexes {
    fn from_iter<I: IntoIterator<Item = i64>>(indexes: I) -> Self {
        let indexes: BTreeSet<i64> = indexes.into_iter().collect();
        indexes.into_iter().map(|index| (index, index)).collect()
    }
}

impl fmt::Display for Indexes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (first, last)) in self.ranges.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            match last - first {
                0 => write!(f, "{comma}{first}")?,
                1 => write!(f, "{comma}{first},{last}")?,
                _ => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_listed_in_ranges() {
        for (indexes, text) in
            [(vec![], ""), (vec![3], "3"), (vec![0, 1], "0,1"), (vec![5, 0, 1, 2], "0-2,5")]
        {
            let indexes: Indexes = indexes.into_iter().collect();
            assert_eq!(indexes.to_string(), text);
            assert_eq!(Indexes::parse(text, 6), indexes);
        }
        assert_eq!(Indexes::parse("1-9,x,12", 6).to_string(), "1-5");
    }

    #[test]
    fn sets_are_compared_and_completed() {
        let set = Indexes::parse("1-3,7", 10);
        assert_eq!((set.count(), set.contains(3), set.contains(4), set.contains(0)), (4, true, false, false));
        assert_eq!(set.overlap(&Indexes::parse("0-1,3-8", 10)), 3);
        assert_eq!(set.overlap(&Indexes::parse("0,2,7,9", 10)), 2);
        assert_eq!(set.union(&Indexes::parse("4,9", 10)).to_string(), "1-4,7,9");
        assert_eq!(set.missing(9).collect::<Vec<_>>(), [0, 4, 5, 6, 8]);
        assert_eq!(set.missing(3).collect::<Vec<_>>(), [0]);
    }
}
