//! What of a lab to judge: the words of the command line made exact.

use std::ops::RangeInclusive;
use std::str::FromStr;

use course::Lab;
use harness::{Scenario, Suite};

use crate::checkout::{Checkout, command};
use crate::exit_code::Problem;

/// The scenarios of a lab. Every listed lab has some.
pub(crate) fn suite(lab: &Lab) -> Result<&'static Suite, Problem> {
    scenarios::suite(&lab.id).ok_or_else(|| {
        Problem::broken(format!("this grader has no scenarios for {}", lab.id)).next(command("list"))
    })
}

/// The scenario by its number in any form: `01.07`, `1.7`, or just `7` where the lab is known.
pub(crate) fn scenario<'a>(suite: &'a Suite, words: &str) -> Result<&'a Scenario, Problem> {
    let lab_number = suite.lab.strip_prefix("lab-").and_then(|digits| digits.parse::<u8>().ok());
    let (lab, number) = match words.trim().split_once('.') {
        Some((lab, number)) => (lab.trim_start_matches("lab-").parse::<u8>().ok(), number),
        None => (lab_number, words.trim()),
    };
    let wanted = lab.zip(number.parse::<u8>().ok()).map(|(lab, number)| format!("{lab:02}.{number:02}"));
    suite.scenarios.iter().find(|scenario| Some(scenario.id) == wanted.as_deref()).ok_or_else(|| {
        let known: Vec<_> = suite.scenarios.iter().map(|scenario| scenario.id).collect();
        let range = match known.as_slice() {
            [] => "it has none".to_owned(),
            [only] => format!("there is {only}"),
            [first, .., last] => format!("there are {first} to {last}"),
        };
        Problem::usage(format!("`{words}` is no scenario of {}; {range}", suite.lab))
            .next(command(&format!("check {}", suite.lab)))
    })
}

/// The scenario by its number with the lab in it: `02.7`.
pub(crate) fn scenario_anywhere<'a>(
    checkout: &'a Checkout,
    words: &str,
) -> Result<(&'a Lab, &'static Scenario), Problem> {
    let (lab, _) = words.split_once('.').ok_or_else(|| {
        Problem::usage(format!("`{words}` is no scenario; a scenario is lab and number, such as 01.07"))
            .next(command("list"))
    })?;
    let lab = checkout.lab(lab)?;
    Ok((lab, scenario(suite(lab)?, words)?))
}

/// The ids to judge, or `None` for all.
pub(crate) fn only(
    lab: &Lab,
    suite: &Suite,
    exercise: Option<u8>,
    scenarios: &[String],
) -> Result<Option<Vec<String>>, Problem> {
    if let Some(number) = exercise
        && suite.scenarios.iter().all(|scenario| scenario.exercise != number)
    {
        return Err(no_exercise(lab, number));
    }
    if exercise.is_none() && scenarios.is_empty() {
        return Ok(None);
    }
    let mut only: Vec<String> = Vec::new();
    for words in scenarios {
        only.push(scenario(suite, words)?.id.to_owned());
    }
    if scenarios.is_empty() {
        let of_exercise = suite.scenarios.iter().filter(|scenario| Some(scenario.exercise) == exercise);
        only.extend(of_exercise.map(|scenario| scenario.id.to_owned()));
    }
    Ok(Some(only))
}

/// The lab has no exercise of that number.
pub(crate) fn no_exercise(lab: &Lab, number: u8) -> Problem {
    let there_are = match lab.exercises.len() {
        0 => "it is complete and has none".to_owned(),
        1 => "there is exercise 1".to_owned(),
        count => format!("there are exercises 1 to {count}"),
    };
    Problem::usage(format!("{} has no exercise {number}; {there_are}", lab.id))
        .next(command(&format!("list {}", lab.id)))
}

/// `A..B`, both ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seeds(pub(crate) RangeInclusive<u64>);

impl FromStr for Seeds {
    type Err = String;

    fn from_str(words: &str) -> Result<Self, String> {
        let wrong = || format!("`{words}` is no range of seeds; write it as 1..50, which takes both ends");
        let (from, to) = words.split_once("..").ok_or_else(wrong)?;
        let to = to.strip_prefix('=').unwrap_or(to);
        let (from, to) = (from.trim().parse().map_err(|_| wrong())?, to.trim().parse().map_err(|_| wrong())?);
        if from > to {
            return Err(format!("`{words}` ends before it begins"));
        }
        if to - from >= 100_000 {
            return Err(format!("`{words}` are more seeds than anyone waits for"));
        }
        Ok(Self(from..=to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(_: &mut harness::World) -> Result<(), harness::Failure> {
        Ok(())
    }

    const fn example(id: &'static str) -> Scenario {
        Scenario {
            id,
            title: "",
            exercise: 1,
            points: 50,
            story: "",
            rule: "",
            lesson: "",
            crash_consistent: false,
            virtual_time_only: false,
            run: told,
        }
    }

    static SCENARIOS: [Scenario; 2] = [example("02.01"), example("02.12")];
    const SUITE: Suite = Suite { lab: "lab-02", scenarios: &SCENARIOS };

    #[test]
    fn a_scenario_is_found_by_any_form_of_its_number() {
        for (words, id) in
            [("02.01", "02.01"), ("2.1", "02.01"), ("12", "02.12"), ("lab-02.12", "02.12"), ("1", "02.01")]
        {
            assert_eq!(scenario(&SUITE, words).unwrap().id, id, "{words}");
        }
        for words in ["", "3", "1.1", "02.", ".1", "x", "02.1.1", "999.1"] {
            assert!(scenario(&SUITE, words).is_err(), "{words}");
        }
        assert_eq!(
            scenario(&SUITE, "2.3").unwrap_err().what(),
            "`2.3` is no scenario of lab-02; there are 02.01 to 02.12"
        );
    }

    #[test]
    fn seeds_are_a_range_with_both_ends() {
        assert_eq!("1..50".parse(), Ok(Seeds(1..=50)));
        assert_eq!("7..=7".parse(), Ok(Seeds(7..=7)));
        for wrong in ["", "5", "5..", "..5", "a..b", "5..4", "1..99999999999"] {
            assert!(wrong.parse::<Seeds>().is_err(), "{wrong}");
        }
    }
}
