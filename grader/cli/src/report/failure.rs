//! The first thing to look at, in full: what happened, what was expected, what was there instead, what that means,
//! where the work is, and where to read on.

use std::fmt::Write;
use std::path::Path;

use course::Lab;
use harness::{Failure, StoryLine};

use crate::checkout::command;
use crate::console::{Look, harmless, shorten, wrap};
use crate::report::terminal::{in_words, last_words, span};
use crate::verdict::Judged;

/// Beginning and end of a long story are kept.
const STORY_BEGINNING: usize = 6;
const STORY_END: usize = 12;
const LABEL: usize = 12;

/// What surrounds a failure and is not in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    /// The place in the source, rendered.
    pub(crate) source: Option<String>,
    /// How the object differs from the reference's, rendered.
    pub(crate) object: Option<String>,
    /// How the writes differ from the reference's, rendered.
    pub(crate) writes: Option<String>,
    /// The lesson's section, as a heading, when the lesson has it.
    pub(crate) section: Option<String>,
    /// Whether it is the student at the keyboard, who can be told the next command.
    pub(crate) own_work: bool,
}

/// The report.
pub(crate) fn render(look: Look, lab: &Lab, judged: &Judged, lesson: &str, around: &Surroundings) -> String {
    let result = &judged.result;
    let mut text = String::new();
    let title = format!("✗ {}  {}", result.id, result.title);
    let seed = if judged.seed == 1 { String::new() } else { format!(", seed {}", judged.seed) };
    let facts =
        format!("({} of {} points, {}{seed})", result.earned, result.possible, in_words(result.outcome));
    let _ = writeln!(text, "{}  {}", look.bold(&look.bad(&title)), look.dim(&facts));
    match &result.failure {
        Some(failure) => body(&mut text, look, failure),
        None => entry(&mut text, look, "because", result.message.as_deref().unwrap_or("it was not told")),
    }
    if let Some(words) = last_words(look, judged) {
        block(&mut text, look, "what your operator printed last", &words);
    }
    if let Some(object) = &around.object {
        block(&mut text, look, "the object at the end (- reference, + yours)", object);
    }
    if let Some(writes) = &around.writes {
        block(&mut text, look, "the writes of your operator (- reference, + yours)", writes);
    }
    if let Some(source) = &around.source {
        block(&mut text, look, "where", source);
    }
    text.push('\n');
    let section = around.section.as_deref().map(|heading| format!(", \"{heading}\"")).unwrap_or_default();
    entry(&mut text, look, "read", &format!("{lesson}{section}"));
    if around.own_work {
        entry(&mut text, look, "next", &next_commands(lab, judged));
    }
    text
}

fn body(text: &mut String, look: Look, failure: &Failure) {
    if !failure.story.is_empty() {
        text.push('\n');
        let _ = writeln!(text, "  {}", look.dim("story so far"));
        for line in story(look, &failure.story) {
            let _ = writeln!(text, "  {line}");
        }
    }
    text.push('\n');
    if let Some(point) = &failure.crash_point {
        entry(text, look, "crashed", point);
    }
    entry(text, look, "expected", &failure.expected);
    entry(text, look, "last seen", &failure.last_seen);
    if let Some(means) = &failure.means {
        entry(text, look, "this means", means);
    }
}

fn story(look: Look, lines: &[StoryLine]) -> Vec<String> {
    let line = |line: &StoryLine| {
        let at = span(line.at_ms as f64 / 1000.0);
        shorten(&format!("{at:>12}  {}", harmless(&line.text, 400)), look.width.saturating_sub(2))
    };
    if lines.len() <= STORY_BEGINNING + STORY_END + 1 {
        return lines.iter().map(line).collect();
    }
    let left_out = lines.len() - STORY_BEGINNING - STORY_END;
    let mut shown: Vec<_> = lines[..STORY_BEGINNING].iter().map(line).collect();
    shown.push(look.dim(&format!("{:>12}  … {left_out} more …", "")));
    shown.extend(lines[lines.len() - STORY_END..].iter().map(line));
    shown
}

fn next_commands(lab: &Lab, judged: &Judged) -> String {
    let explain = command(&format!("explain {}", judged.result.id));
    if lab.exercise(judged.result.exercise).is_none() {
        return explain;
    }
    let hint = command(&format!("hint {} {}", lab.id, judged.result.exercise));
    format!("{hint}   or   {explain}")
}

/// `label  text`, wrapped below itself.
fn entry(text: &mut String, look: Look, label: &str, value: &str) {
    let lines = wrap(&harmless(value.trim(), 4_000), look.width.saturating_sub(LABEL + 4));
    for (index, line) in lines.iter().take(24).enumerate() {
        let label = if index == 0 { look.dim(&format!("{label:<LABEL$}")) } else { " ".repeat(LABEL) };
        let _ = writeln!(text, "{}", format!("  {label}  {line}").trim_end());
    }
}

fn block(text: &mut String, look: Look, label: &str, rendered: &str) {
    let _ = writeln!(text, "\n  {}", look.dim(label));
    for line in rendered.lines() {
        let _ = writeln!(text, "    {line}");
    }
}

/// The heading of a lesson that has this anchor.
pub(crate) fn section_heading(lesson: &Path, anchor: &str) -> Option<String> {
    let text = std::fs::read_to_string(lesson).ok()?;
    text.lines()
        .filter_map(|line| line.strip_prefix('#').map(|rest| rest.trim_start_matches('#').trim()))
        .find(|heading| slug(heading) == anchor)
        .map(|heading| heading.replace('`', ""))
}

/// The anchor that renderers of Markdown give a heading.
fn slug(heading: &str) -> String {
    heading
        .chars()
        .filter_map(|character| match character {
            ' ' => Some('-'),
            character if character.is_alphanumeric() || character == '-' || character == '_' => {
                Some(character.to_ascii_lowercase())
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn the_first_failure_is_shown_in_full() {
        let verdict = example::verdict();
        let around = Surroundings {
            source: Some("→ labs/lab-01-x/src/derive.rs:4\n4 │ // TODO (01.2): …\n".into()),
            object: Some("- status.ready: true\n+ status.ready: false\n".into()),
            writes: None,
            section: Some("What Ready means".into()),
            own_work: true,
        };
        let failed = verdict.first_failure().unwrap();
        insta::assert_snapshot!(render(
            Look::PLAIN,
            &example::lab(),
            failed,
            "lessons/01-x.md#what-ready-means",
            &around
        ));
    }

    #[test]
    fn a_crash_shows_where_and_the_last_words() {
        let failed = example::crashed();
        let around = Surroundings { own_work: true, ..Surroundings::default() };
        insta::assert_snapshot!(render(Look::PLAIN, &example::lab(), &failed, "lessons/01-x.md", &around));
    }

    #[test]
    fn a_long_story_keeps_its_beginning_and_its_end() {
        let lines: Vec<_> = (0..100)
            .map(|number| StoryLine { at_ms: number * 1000, text: format!("thing {number}") })
            .collect();
        let shown = story(Look::PLAIN, &lines);
        assert_eq!(shown.len(), STORY_BEGINNING + STORY_END + 1);
        assert!(shown[STORY_BEGINNING].contains("82 more"), "{}", shown[STORY_BEGINNING]);
    }

    #[test]
    fn anchors_are_those_of_markdown() {
        let check = |heading: &str, anchor: &str| assert_eq!(slug(heading), anchor);
        check("What `Ready` means", "what-ready-means");
        check("Time moves: when, and when not", "time-moves-when-and-when-not");
    }
}
