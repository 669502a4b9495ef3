//! Relative links and their anchors.

use crate::files::markdown_files;
use anyhow::{Context, Result};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// A relative link that leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLink {
    /// The file it stands in, relative to the root.
    pub file: PathBuf,
    /// The target as written.
    pub target: String,
    /// What is missing.
    pub reason: String,
}

/// All dead relative links of all Markdown files below `root`. Links with a scheme are not followed.
///
/// # Errors
/// A file that cannot be read.
pub fn links(root: &Path) -> Result<Vec<DeadLink>> {
    let mut dead = Vec::new();
    for file in markdown_files(root)? {
        for target in targets(&read(root, &file)?) {
            if let Some(reason) = problem(root, &file, &target)? {
                dead.push(DeadLink { file: file.clone(), target, reason });
            }
        }
    }
    Ok(dead)
}

fn read(root: &Path, file: &Path) -> Result<String> {
    let path = root.join(file);
    std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))
}

fn targets(text: &str) -> Vec<String> {
    let links = Parser::new_ext(text, Options::ENABLE_TABLES).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.to_string()),
        _ => None,
    });
    links.filter(|target| !target.contains("://") && !target.starts_with("mailto:")).collect()
}

fn problem(root: &Path, file: &Path, target: &str) -> Result<Option<String>> {
    let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let folder = file.parent().unwrap_or(Path::new(""));
    let Some(to) = (if path.is_empty() { Some(file.to_owned()) } else { normalize(&folder.join(path)) })
    else {
        return Ok(Some("it leaves the checkout".to_owned()));
    };
    if !root.join(&to).exists() {
        return Ok(Some(format!("there is no {}", to.display())));
    }
    let markdown = to.extension().is_some_and(|extension| extension == "md");
    match anchor {
        Some(anchor) if markdown && !anchors(&read(root, &to)?).contains(anchor) => {
            Ok(Some(format!("{} has no heading #{anchor}", to.display())))
        }
        _ => Ok(None),
    }
}

/// `a/../b` as `b`; `None` when it climbs above the root.
fn normalize(path: &Path) -> Option<PathBuf> {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => clean.pop().then_some(())?,
            Component::CurDir => {}
            other => clean.push(other),
        }
    }
    Some(clean)
}

/// The anchors GitHub gives to the headings of a text: lower case, punctuation dropped, blanks as hyphens, repeated
/// ones numbered.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut heading: Option<String> = None;
    for event in Parser::new(text) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                let slug = slug(&heading.take().unwrap_or_default());
                let repeated = (1..).map(|n| format!("{slug}-{n}"));
                let free = std::iter::once(slug.clone()).chain(repeated).find(|name| !found.contains(name));
                found.extend(free);
            }
            Event::Text(part) | Event::Code(part) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&part);
                }
            }
            _ => {}
        }
    }
    found
}

fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_those_github_makes() {
        let found = anchors("# A `b` c: d!\n## Same\n## Same\n");
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a-b-c-d", "same", "same-1"]);
    }

    #[test]
    fn dead_links_are_found_and_live_ones_are_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path();
        std::fs::create_dir(root.join("a")).expect("a folder");
        std::fs::write(root.join("a/x.md"), "# Here\n[up](../y.md#there) [self](#here) [no](#gone)")
            .expect("a file");
        std::fs::write(
            root.join("y.md"),
            "# There\n[x](a/x.md) [out](../z) [none](q.md) [web](https://x.org)",
        )
        .expect("a file");
        let dead: Vec<_> = links(root).expect("readable").into_iter().map(|d| d.target).collect();
        assert_eq!(dead, ["#gone", "../z", "q.md"]);
    }
}
