//! Replaying every case, and the figures.

use crate::case::Case;
use crate::compare::Difference;
use crate::replay;
use crate::world::World;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// How far a case got: 0 nothing, 1 status codes, 2 bodies, 3 everything.
type Level = u8;
const MUST_REACH: Level = 2;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn cases() -> Vec<Case> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder().join("cases"))
        .expect("the cases are there")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
        .iter()
        .flat_map(|path| {
            let text = std::fs::read_to_string(path).expect("a file of cases can be read");
            Case::parse_all(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        })
        .collect()
}

/// `area/name` of the listed cases, with the reason.
fn known_misses() -> BTreeMap<String, String> {
    std::fs::read_to_string(folder().join("known-misses.txt"))
        .expect("the list of known misses is there")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (case, reason) = line.split_once(": ").unwrap_or_else(|| panic!("no reason given: {line}"));
            (case.to_owned(), reason.to_owned())
        })
        .collect()
}

/// `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            (0..=text.len()).any(|at| text.is_char_boundary(at) && matches(rest, &text[at..]))
        }),
    }
}

/// Replays the recorded cases, `jobs` at a time, each in a world that `open` makes for it, and prints the figures. The
/// environment variable `ONLY` picks areas or `area/name` patterns.
///
/// # Panics
/// A case misses level 2 that is not on the list of known misses, or reaches it although it is on the list.
pub fn judge<W: World>(jobs: usize, open: impl Fn(&Case) -> W + Sync) {
    let only = std::env::var("ONLY").ok();
    let selected = |case: &&Case| {
        only.as_deref().is_none_or(|only| {
            only.split(',').any(|pattern| pattern == case.area || matches(pattern, &case.id()))
        })
    };
    let cases = cases();
    let open_cases = Mutex::new(cases.iter().filter(selected));
    let results: Mutex<BTreeMap<String, (&Case, Vec<Difference>)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                let next = || open_cases.lock().ok()?.next();
                while let Some(case) = next() {
                    let replayed = catch_unwind(AssertUnwindSafe(|| replay::replay(case, open(case))));
                    let differences =
                        replayed.unwrap_or_else(|_| vec![Difference::problem("the server panicked")]);
                    if let Ok(mut results) = results.lock() {
                        results.insert(case.id(), (case, differences));
                    }
                }
            });
        }
    });
    let results = results.into_inner().expect("no replay panics while it notes its result");
    let all: BTreeSet<String> = cases.iter().map(Case::id).collect();
    report(&results, &all);
}

fn report(results: &BTreeMap<String, (&Case, Vec<Difference>)>, all: &BTreeSet<String>) {
    let known = known_misses();
    let mut areas: BTreeMap<String, [usize; 4]> = BTreeMap::new();
    let mut report = String::new();
    let mut wrong: Vec<String> = Vec::new();
    for (id, (case, differences)) in results {
        let level = differences.iter().map(|difference| difference.level).min().unwrap_or(4) - 1;
        let figures = areas.entry(case.area.clone()).or_default();
        figures[0] += 1;
        for reached in 1..=level.min(3) {
            figures[usize::from(reached)] += 1;
        }
        if level < 3 {
            let _ = writeln!(report, "MISS {id}  reaches level {level}");
            for difference in differences.iter().take(8) {
                let _ = writeln!(report, "  {difference}");
            }
        }
        match (level >= MUST_REACH, known.contains_key(id)) {
            (false, false) => wrong.push(format!("{id} misses level {MUST_REACH}")),
            (true, true) => wrong.push(format!("{id} passes: take it off known-misses.txt")),
            _ => {}
        }
    }
    for stale in known.keys().filter(|id| !all.contains(*id)) {
        wrong.push(format!("{stale} is in known-misses.txt, but there is no such case"));
    }
    println!("{report}{}", table(&areas));
    assert!(wrong.is_empty(), "{}\n{}", table(&areas), wrong.join("\n"));
}

fn table(areas: &BTreeMap<String, [usize; 4]>) -> String {
    let mut table = format!("{:<24} {:>6} {:>8} {:>8} {:>8}\n", "area", "cases", "status", "body", "full");
    let mut total = [0; 4];
    for (area, figures) in areas {
        let [cases, status, body, full] = figures;
        let _ = writeln!(table, "{area:<24} {cases:>6} {status:>8} {body:>8} {full:>8}");
        for (sum, figure) in total.iter_mut().zip(figures) {
            *sum += figure;
        }
    }
    let [cases, status, body, full] = total;
    let _ = write!(table, "{:<24} {cases:>6} {status:>8} {body:>8} {full:>8}", "total");
    table
}
