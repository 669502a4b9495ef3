//! `grader explain`: a scenario in plain words, without its test code.

use clap::Args;
use course::Lab;
use harness::Scenario;

use crate::checkout::{Checkout, command};
use crate::console::{Console, Look, wrap};
use crate::exit_code::{ExitCode, Problem};
use crate::selection;

/// Tell the story of a scenario and the rule it enforces
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// Lab and number, such as 01.07
    scenario: String,
}

impl Explain {
    pub(super) fn run(self, checkout: &Checkout, console: &mut Console) -> Result<ExitCode, Problem> {
        let (lab, scenario) = selection::scenario_anywhere(checkout, &self.scenario)?;
        console.line(render(console.look(), lab, scenario));
        Ok(ExitCode::Passed)
    }
}

fn render(look: Look, lab: &Lab, scenario: &Scenario) -> String {
    let mut lines = vec![look.bold(&format!("{}  {}", scenario.id, scenario.title))];
    let exercise = lab.exercise(scenario.exercise);
    let belongs = exercise.map(|exercise| format!("exercise {}, {}; ", exercise.number, exercise.title));
    lines.push(look.dim(&format!("{}{} points", belongs.unwrap_or_default(), scenario.points)));
    let mut part = |label: &str, text: &str| {
        lines.push(format!("\n{}", look.accent(label)));
        lines.extend(
            wrap(text.trim(), look.width - 2)
                .into_iter()
                .map(|line| format!("  {line}").trim_end().to_owned()),
        );
    };
    part("The story", scenario.story);
    part("The rule", scenario.rule);
    if scenario.crash_consistent {
        part(
            "And again with crashes",
            "The story is told once more for each write of your operator: killed just before it, killed just after it, \
             and started again. It must end as it does undisturbed.",
        );
    }
    let anchor = match scenario.lesson.trim_start_matches('#') {
        "" => exercise.map(|exercise| exercise.lesson_section.as_str()).unwrap_or_default(),
        anchor => anchor,
    };
    let lesson = lab.lesson.display();
    lines.push(format!(
        "\n  read  {}",
        if anchor.is_empty() { lesson.to_string() } else { format!("{lesson}#{anchor}") }
    ));
    lines.push(format!("  next  {}", command(&format!("check {} --scenario {}", lab.id, scenario.id))));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn a_scenario_is_told_in_plain_words() {
        insta::assert_snapshot!(render(Look::PLAIN, &example::lab(), &example::SUITE.scenarios[2]));
    }
}
