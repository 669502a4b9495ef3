//! Replays exchanges recorded from a real kube-apiserver and compares the answers; see README.md in this folder.

mod case;
mod compare;
mod normalise;
mod pointer;
mod replay;
mod world;

use case::Case;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// How far a case got: 0 nothing, 1 status codes, 2 bodies, 3 everything.
type Level = u8;
const MUST_REACH: Level = 2;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
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

#[test]
fn recorded_exchanges_are_answered_as_kubernetes_does() {
    let only = std::env::var("ONLY").ok();
    let selected = |case: &Case| {
        only.as_deref().is_none_or(|only| {
            only.split(',').any(|pattern| pattern == case.area || matches(pattern, &case.id()))
        })
    };
    let known = known_misses();
    let mut areas: BTreeMap<String, [usize; 4]> = BTreeMap::new();
    let mut report = String::new();
    let mut wrong: Vec<String> = Vec::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for case in cases() {
        seen.insert(case.id());
        if !selected(&case) {
            continue;
        }
        let differences = std::panic::catch_unwind(|| replay::replay(&case))
            .unwrap_or_else(|_| vec![compare::Difference::problem("the server panicked")]);
        let level = differences.iter().map(|difference| difference.level).min().unwrap_or(4) - 1;
        let figures = areas.entry(case.area.clone()).or_default();
        figures[0] += 1;
        for reached in 1..=level.min(3) {
            figures[usize::from(reached)] += 1;
        }
        if level < 3 {
            let _ = writeln!(report, "MISS {}  reaches level {level}", case.id());
            for difference in differences.iter().take(8) {
                let _ = writeln!(report, "  {difference}");
            }
        }
        match (level >= MUST_REACH, known.contains_key(&case.id())) {
            (false, false) => wrong.push(format!("{} misses level {MUST_REACH}", case.id())),
            (true, true) => {
                wrong.push(format!("{} passes: take it off known-misses.txt", case.id()));
            }
            _ => {}
        }
    }
    for stale in known.keys().filter(|id| !seen.contains(*id)) {
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
