//! The README tells what the judges found.

use std::fmt::Write;
use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- differences: begin -->\n";
const END: &str = "<!-- differences: end -->";

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn table() -> String {
    let mut table = "\n| area | Kubernetes | here |\n|---|---|---|\n".to_owned();
    for line in lines(&read("differences.txt")) {
        let cells: Vec<&str> = line.split(" | ").collect();
        assert_eq!(cells.len(), 3, "differences.txt: {line}");
        let _ = writeln!(table, "| {} |", cells.join(" | "));
    }
    for line in lines(&read("../conformance/known-misses.txt")) {
        let (case, reason) = line.split_once(": ").expect("a case and a reason");
        let _ = writeln!(table, "| recorded exchange `{case}` | answers as recorded | {reason} |");
    }
    table + "\n"
}

#[test]
fn the_table_of_differences_is_up_to_date() {
    let readme = read("README.md");
    let (before, rest) = readme.split_once(BEGIN).expect("README.md has a place for the table");
    let (shown, after) = rest.split_once(END).expect("the table has an end");
    let table = table();
    if std::env::var_os("UPDATE_README").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        fs::write(path, format!("{before}{BEGIN}{table}{END}{after}")).expect("README.md can be written");
        return;
    }
    assert_eq!(
        shown, table,
        "README.md is out of date: UPDATE_README=1 cargo test -p controlplane --test documentation"
    );
}
