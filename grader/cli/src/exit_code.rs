//! How a command ends: the documented exit codes, and the problems that are not a verdict.

use std::fmt;

/// The exit codes of every command. Scripts build on them, so a number never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ExitCode {
    /// Everything that was asked for passed, or the command did what it was asked to.
    Passed = 0,
    /// The lab was judged and something in it failed.
    Failed = 1,
    /// The command line names something that does not exist, or contradicts itself.
    Usage = 2,
    /// The lab does not build; nothing could be judged.
    DoesNotBuild = 3,
    /// This machine lacks something. The message says how to get it.
    Machine = 4,
    /// The grader itself broke. That is never the student's fault and costs no points.
    GraderBroke = 5,
}

impl ExitCode {
    /// All of them with what they mean, for the help text and the man page.
    pub(crate) const TABLE: [(Self, &'static str); 6] = [
        (Self::Passed, "everything asked for passed"),
        (Self::Failed, "something failed"),
        (Self::Usage, "wrong usage"),
        (Self::DoesNotBuild, "the lab does not build"),
        (Self::Machine, "this machine lacks something; the message says how to get it"),
        (Self::GraderBroke, "the grader itself broke; that costs nobody points"),
    ];

    /// The number that the shell sees.
    pub(crate) fn number(self) -> u8 {
        self as u8
    }

    /// The exit code of two results together. A broken grader outranks everything, because it makes every other
    /// statement doubtful; otherwise what kept the grader from judging outranks what it judged.
    pub(crate) fn and(self, other: Self) -> Self {
        self.max(other)
    }
}

/// Why a command could not do what it was asked to: what happened, and the next step.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) exit_code: ExitCode,
    what: String,
    next: Option<String>,
}

impl Problem {
    /// The command line names something that does not exist, or contradicts itself.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::new(ExitCode::Usage, what)
    }

    /// The lab's files cannot be turned into an operator.
    pub(crate) fn does_not_build(what: impl Into<String>) -> Self {
        Self::new(ExitCode::DoesNotBuild, what)
    }

    /// This machine lacks something, or refuses it.
    pub(crate) fn machine(what: impl Into<String>) -> Self {
        Self::new(ExitCode::Machine, what)
    }

    /// Something that the course or the grader got wrong by itself.
    pub(crate) fn broken(what: impl Into<String>) -> Self {
        Self::new(ExitCode::GraderBroke, what)
    }

    fn new(exit_code: ExitCode, what: impl Into<String>) -> Self {
        Self { exit_code, what: what.into(), next: None }
    }

    /// Adds the next step: a command, or a place to read.
    #[must_use]
    pub(crate) fn next(mut self, step: impl Into<String>) -> Self {
        self.next = Some(step.into());
        self
    }

    /// What happened, without the next step.
    pub(crate) fn what(&self) -> &str {
        &self.what
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.what)?;
        if let Some(next) = &self.next {
            write!(out, "\n  next  {next}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_documented_ones() {
        let numbers: Vec<u8> = ExitCode::TABLE.iter().map(|(code, _)| code.number()).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_broken_grader_outranks_a_failed_scenario() {
        assert_eq!(ExitCode::Failed.and(ExitCode::GraderBroke), ExitCode::GraderBroke);
        assert_eq!(ExitCode::Passed.and(ExitCode::Failed), ExitCode::Failed);
    }

    #[test]
    fn a_problem_ends_with_the_next_step() {
        let problem = Problem::usage("`lab-09` is not a lab of this course").next("grader list");
        assert_eq!(problem.to_string(), "`lab-09` is not a lab of this course\n  next  grader list");
    }
}
