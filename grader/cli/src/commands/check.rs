//! `grader check`: builds an operator, lives through a lab's stories with it, and reports the verdict.

use std::path::{Path, PathBuf};

use clap::Args;
use course::Lab;
use harness::{Event, Suite};

use crate::build::submission::Submission;
use crate::build::workshop::Workshop;
use crate::build::{self, BuildError, Built, pristine, submission};
use crate::checkout::{Checkout, command};
use crate::console::Console;
use crate::exit_code::{ExitCode, Problem};
use crate::report::failure::{Surroundings, section_heading};
use crate::report::{comparison, failure, json, junit, source, terminal};
use crate::selection::{self, Seeds};
use crate::state::State;
use crate::verdict::{Plan, Verdict, judge, not_told};
use crate::{files, state};

/// Grade a lab: build the operator and live through the lab's stories with it
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The lab by any name (lab-01, 01, 1, its folder), several, or `all`; without one, the lab you are in or at
    labs: Vec<String>,
    /// Only the scenarios of this exercise
    #[arg(long, short, value_name = "N", conflicts_with = "scenario")]
    exercise: Option<u8>,
    /// Only this scenario, such as 01.07; may be given several times
    #[arg(long, short, value_name = "ID")]
    scenario: Vec<String>,
    /// Where the stories take place: simulated, embedded, envtest, kind or context=NAME
    #[arg(long, value_name = "BACKEND", default_value = "simulated")]
    on: String,
    /// Fixes everything that the API leaves open: names, order, delays
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "seeds")]
    seed: u64,
    /// Judge once with each of these seeds, both ends included
    #[arg(long, value_name = "A..B")]
    seeds: Option<Seeds>,
    /// Judge so many times and compare the traces
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    repeat: u32,
    /// How many stories are lived at the same time; one per core unless given
    #[arg(long, short, value_name = "N")]
    jobs: Option<usize>,
    /// Judge the reference solution
    #[arg(long, conflicts_with = "submission")]
    solution: bool,
    /// Judge the lab's editable files from this folder, on top of a pristine lab
    #[arg(long, value_name = "DIR")]
    submission: Option<PathBuf>,
    /// Write the verdict as JSON, `-` for stdout
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the verdict as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// Whose work is judged.
enum Source {
    Own,
    Solution,
    Submission(PathBuf),
}

impl Check {
    pub(super) fn run(self, checkout: &Checkout) -> Result<ExitCode, Problem> {
        refuse_other_backends(&self.on)?;
        let labs = self.labs(checkout)?;
        if labs.len() > 1
            && (self.exercise.is_some() || !self.scenario.is_empty() || self.submission.is_some())
        {
            return Err(Problem::usage("an exercise, a scenario or a submission belongs to one lab")
                .next(command("check LAB, with one lab")));
        }
        let to_stdout = self.json.as_deref() == Some(Path::new("-"));
        let mut console = if to_stdout { Console::stderr() } else { Console::stdout() };
        let mut verdicts = Vec::new();
        for lab in labs {
            verdicts.push(self.check(checkout, lab, &mut console)?);
        }
        if let Some(file) = &self.json {
            let document = json::render(&verdicts);
            if to_stdout {
                super::man::print(document.as_bytes());
            } else {
                files::write_whole(file, document.as_bytes())?;
            }
        }
        if let Some(file) = &self.junit {
            files::write_whole(file, junit::render(&verdicts).as_bytes())?;
        }
        Ok(verdicts.iter().map(Verdict::exit_code).fold(ExitCode::Passed, ExitCode::and))
    }

    fn labs<'a>(&self, checkout: &'a Checkout) -> Result<Vec<&'a Lab>, Problem> {
        if self.labs.iter().any(|name| name == "all") {
            return Ok(checkout.course.labs.iter().collect());
        }
        if self.labs.is_empty() {
            return Ok(vec![super::next::current(checkout)?]);
        }
        self.labs.iter().map(|name| checkout.lab(name)).collect()
    }

    fn source(&self) -> Source {
        match &self.submission {
            Some(folder) => Source::Submission(folder.clone()),
            None if self.solution => Source::Solution,
            None => Source::Own,
        }
    }

    fn plan(&self, lab: &Lab, suite: &Suite) -> Result<Plan, Problem> {
        Ok(Plan {
            seeds: self.seeds.as_ref().map_or(self.seed..=self.seed, |seeds| seeds.0.clone()),
            repeat: self.repeat,
            only: selection::only(lab, suite, self.exercise, &self.scenario)?,
            jobs: self.jobs,
        })
    }

    fn check(&self, checkout: &Checkout, lab: &Lab, console: &mut Console) -> Result<Verdict, Problem> {
        let suite = selection::suite(lab)?;
        let plan = self.plan(lab, suite)?;
        let source = self.source();
        let look = console.look();
        console.line(terminal::heading(look, lab));
        // An open workshop is ours alone; it is held until the operator in it has been judged.
        let mut workshop = None;
        let shown = shown_source(checkout, lab, &source);
        let unjudged = |code, why: &str, seconds| Verdict {
            lab: lab.id.clone(),
            source: shown.clone(),
            backend: "simulated",
            build_seconds: seconds,
            judge_seconds: 0.0,
            scenarios: not_told(suite, &plan, why),
            not_judged: Some((code, why.to_owned())),
            plan: plan.clone(),
        };
        let built = match build_source(checkout, lab, &source, &mut workshop, console) {
            Ok(built) => built,
            Err(BuildError::Compiler { errors, seconds }) => {
                console.line(terminal::compiler_errors(look, lab, &errors));
                return Ok(unjudged(ExitCode::DoesNotBuild, "the lab does not build", seconds));
            }
            Err(BuildError::Problem(problem)) if problem.exit_code == ExitCode::Usage => return Err(problem),
            Err(BuildError::Problem(problem)) => {
                console.line(format!("{} {problem}", look.bad("error:")));
                let why = problem.what().lines().next().unwrap_or_default();
                return Ok(unjudged(problem.exit_code, why, 0.0));
            }
        };
        console.line(terminal::built_line(look, &shown, built.seconds, built.warnings));
        let (scenarios, judge_seconds) = told_live(lab, suite, &plan, &built, console);
        let build_seconds = built.seconds;
        let verdict = Verdict {
            lab: lab.id.clone(),
            source: shown,
            backend: "simulated",
            plan,
            build_seconds,
            judge_seconds,
            scenarios,
            not_judged: None,
        };
        self.report(checkout, lab, &source, &verdict, console);
        if matches!(source, Source::Own) {
            remember(checkout, &verdict);
        }
        Ok(verdict)
    }

    /// The first failure, the score and what is next.
    fn report(
        &self,
        checkout: &Checkout,
        lab: &Lab,
        source: &Source,
        verdict: &Verdict,
        console: &mut Console,
    ) {
        let look = console.look();
        let own_work = matches!(source, Source::Own);
        if let Some(first) = verdict.first_failure() {
            let anchor = section(lab, first.result.exercise, suite_lesson(lab, first.result.id));
            let lesson = format!("{}#{anchor}", lab.lesson.display());
            let around = Surroundings {
                source: excerpt(checkout, lab, source, first.result.exercise, console),
                section: section_heading(&checkout.root.join(&lab.lesson), &anchor),
                own_work,
                ..beside_reference(lab, first, console)
            };
            console.line(format!("\n{}", failure::render(look, lab, first, &lesson, &around).trim_end()));
            let others =
                verdict.asked().filter(|judged| judged.result.outcome != harness::Outcome::Passed).count()
                    - 1;
            if others > 0 {
                let one_more = crate::console::plural(others, "more scenario");
                let passes = if others == 1 { "does" } else { "do" };
                console.line(look.dim(&format!("  {one_more} {passes} not pass yet; this one comes first")));
            }
        }
        let labs = &checkout.course.labs;
        let next_lab = labs.iter().find(|other| other.number > lab.number);
        console.line(format!("\n{}", terminal::summary(look, lab, verdict, own_work, next_lab)));
    }
}

fn refuse_other_backends(on: &str) -> Result<(), Problem> {
    match on {
        "simulated" => Ok(()),
        "embedded" | "envtest" | "kind" => Err(Problem::machine(format!(
            "checking on `{on}` is not available in this version of the grader"
        ))
        .next(command("check LAB, which needs no cluster"))),
        context if context.strip_prefix("context=").is_some_and(|name| !name.is_empty()) => Err(
            Problem::machine("checking on a cluster of yours is not available in this version of the grader")
                .next(command("check LAB, which needs no cluster")),
        ),
        _ => Err(Problem::usage(format!(
            "`{on}` is no backend; there are simulated, embedded, envtest, kind and context=NAME"
        ))
        .next(command("check LAB, which needs no cluster"))),
    }
}

fn shown_source(checkout: &Checkout, lab: &Lab, source: &Source) -> String {
    match source {
        Source::Solution if !lab.exercises.is_empty() => checkout.shown(&lab.solution_path(&checkout.root)),
        Source::Own | Source::Solution => checkout.shown(&lab.path(&checkout.root)),
        Source::Submission(folder) => folder.display().to_string(),
    }
}

fn build_source(
    checkout: &Checkout,
    lab: &Lab,
    source: &Source,
    workshop: &mut Option<Workshop>,
    console: &mut Console,
) -> Result<Built, BuildError> {
    match source {
        Source::Solution if !lab.exercises.is_empty() => {
            build::in_place(checkout, lab, &lab.solution_package(), console)
        }
        Source::Own | Source::Solution => build::in_place(checkout, lab, lab.package(), console),
        Source::Submission(folder) => {
            let Submission { files, taken, missing } = submission::read(checkout, lab, folder)?;
            let names = |paths: &[PathBuf]| {
                paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
            };
            let look = console.look();
            console.line(look.dim(&format!("taken from {}: {}", folder.display(), names(&taken))));
            if !missing.is_empty() {
                console.line(
                    look.warn(&format!("not handed in, so taken from the pristine lab: {}", names(&missing))),
                );
            }
            workshop.insert(Workshop::open(checkout, lab)?).build(lab, &files, &lab.id, console)
        }
    }
}

/// Judges, and prints each scenario as soon as it is decided and its turn has come.
fn told_live(
    lab: &Lab,
    suite: &Suite,
    plan: &Plan,
    built: &Built,
    console: &mut Console,
) -> (Vec<crate::verdict::Judged>, f64) {
    let mut lines = terminal::Lines::new(console.look(), lab, suite, plan);
    let rounds = plan.rounds();
    let mut decided = 0;
    let mut expected = 0;
    let (scenarios, seconds) = judge(suite, built.executable.clone(), plan, |round, event| match event {
        Event::Started { scenarios } => {
            (decided, expected) = (0, scenarios);
            console.status(&format!("living through {scenarios} stories …"));
        }
        Event::ScenarioFinished(result) if rounds == 1 => {
            decided += 1;
            for line in lines.decided(result) {
                console.line(line);
            }
            console.status(&format!("{decided} of {expected} scenarios decided …"));
        }
        Event::ScenarioFinished(_) => {
            decided += 1;
            console.status(&format!(
                "round {} of {rounds}: {decided} of {expected} scenarios decided …",
                round + 1
            ));
        }
        Event::Finished => console.clear_status(),
    });
    if rounds > 1 {
        for judged in scenarios.iter().filter(|judged| judged.asked) {
            for line in lines.decided(&judged.result) {
                console.line(line);
            }
        }
    }
    (scenarios, seconds)
}

fn suite_lesson(lab: &Lab, scenario: &str) -> Option<&'static str> {
    let suite = scenarios::suite(&lab.id)?;
    let scenario = suite.scenarios.iter().find(|known| known.id == scenario)?;
    (!scenario.lesson.is_empty()).then_some(scenario.lesson)
}

/// The anchor to read: the scenario's own, or its exercise's.
fn section(lab: &Lab, exercise: u8, of_scenario: Option<&str>) -> String {
    let of_exercise = lab.exercise(exercise).map(|exercise| exercise.lesson_section.as_str());
    of_scenario.or(of_exercise).unwrap_or_default().trim_start_matches('#').to_owned()
}

fn excerpt(
    checkout: &Checkout,
    lab: &Lab,
    source: &Source,
    exercise: u8,
    console: &Console,
) -> Option<String> {
    let folder = match source {
        Source::Own => lab.path(&checkout.root),
        Source::Submission(folder) if folder.is_dir() => folder.clone(),
        Source::Submission(_) | Source::Solution => return None,
    };
    let given = pristine::skeleton(checkout, lab).unwrap_or_default();
    let text_of = |file: &Path| String::from_utf8(given.get(file)?.clone()).ok();
    let place = source::place(&folder, lab, exercise, text_of)?;
    source::excerpt(console.look(), &folder, &checkout.shown(&folder), &place)
}

/// What the reference does differently in the same story. Names differ from seed to seed, so only a story with the
/// recorded seed is compared; and where only a crash broke it, the undisturbed run says nothing.
fn beside_reference(lab: &Lab, judged: &crate::verdict::Judged, console: &Console) -> Surroundings {
    let result = &judged.result;
    let recorded = scenarios::reference(&lab.id).filter(|reference| reference.seed == judged.seed);
    let Some((failure, recorded)) = result.failure.as_ref().zip(recorded) else {
        return Surroundings::default();
    };
    let Some(reference) = recorded.scenarios.get(result.id).filter(|_| failure.crash_point.is_none()) else {
        return Surroundings::default();
    };
    let yours = scenarios::recorded_part(&result.behaviour);
    let object = failure.object.as_ref();
    let object = object.and_then(|about| comparison::object(console.look(), reference, &yours, about));
    let writes = comparison::writes(console.look(), reference, &yours);
    Surroundings { object, writes, ..Surroundings::default() }
}

/// Progress for `list` and `next`: of every exercise that was judged completely.
fn remember(checkout: &Checkout, verdict: &Verdict) {
    let mut remembered = State::load(&checkout.root);
    let progress: &mut state::Progress = remembered.progress.entry(verdict.lab.clone()).or_default();
    progress.possible = verdict.possible();
    let mut exercises: Vec<u8> = verdict.scenarios.iter().map(|judged| judged.result.exercise).collect();
    exercises.dedup();
    for exercise in exercises {
        let of_exercise = || verdict.scenarios.iter().filter(|judged| judged.result.exercise == exercise);
        if of_exercise().all(|judged| judged.asked) {
            let earned = of_exercise().map(|judged| judged.result.earned).sum();
            progress.exercises.insert(exercise, earned);
        }
    }
    progress.earned = progress.exercises.values().sum();
    if verdict.exit_code() == ExitCode::Passed && verdict.plan.only.is_none() {
        progress.once_passed = true;
    }
    remembered.save(&checkout.root);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_backends_are_known_but_not_here_yet() {
        let code = |on: &str| refuse_other_backends(on).err().map(|problem| problem.exit_code);
        assert_eq!(code("simulated"), None);
        for on in ["embedded", "envtest", "kind", "context=kind-course"] {
            assert_eq!(code(on), Some(ExitCode::Machine), "{on}");
        }
        for on in ["", "context=", "minikube"] {
            assert_eq!(code(on), Some(ExitCode::Usage), "{on}");
        }
    }
}
