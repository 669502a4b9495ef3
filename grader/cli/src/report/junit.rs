//! JUnit XML, as CI systems show it: a suite per lab, a case per scenario.

use std::fmt::Write;

use harness::Outcome;

use crate::report::json::rounded;
use crate::verdict::Verdict;

/// The document about these verdicts.
pub(crate) fn render(verdicts: &[Verdict]) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"grader\">\n");
    for verdict in verdicts {
        suite(&mut xml, verdict);
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn suite(xml: &mut String, verdict: &Verdict) {
    let count = |wanted: &[Outcome]| {
        verdict.scenarios.iter().filter(|judged| wanted.contains(&judged.result.outcome)).count()
    };
    // Writing to a string cannot fail.
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\">",
        escape(&verdict.lab),
        verdict.scenarios.len(),
        count(&[Outcome::Failed, Outcome::Crashed, Outcome::TimedOut]),
        count(&[Outcome::GraderBroke]),
        count(&[Outcome::Skipped]),
        rounded(verdict.judge_seconds)
    );
    for judged in &verdict.scenarios {
        let result = &judged.result;
        let message = escape(result.message.as_deref().unwrap_or_default());
        let _ = write!(
            xml,
            "    <testcase classname=\"{}\" name=\"{} {}\"",
            escape(&verdict.lab),
            result.id,
            escape(result.title)
        );
        let element = match result.outcome {
            Outcome::Passed => {
                xml.push_str("/>\n");
                continue;
            }
            Outcome::Failed | Outcome::Crashed | Outcome::TimedOut => "failure",
            Outcome::Skipped => "skipped",
            Outcome::GraderBroke => "error",
        };
        let _ = writeln!(xml, "><{element} message=\"{message}\"/></testcase>");
    }
    xml.push_str("  </testsuite>\n");
}

/// Text for an attribute. Control characters that XML cannot hold become spaces.
fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, character| {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            character if character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}') => {
                escaped.push(' ')
            }
            character => escaped.push(character),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn a_verdict_as_junit() {
        insta::assert_snapshot!(render(&[example::verdict()]));
    }

    #[test]
    fn text_cannot_leave_its_attribute() {
        assert_eq!(escape("a\"><b c='&'\u{0}"), "a&quot;&gt;&lt;b c=&apos;&amp;&apos; ");
    }
}
