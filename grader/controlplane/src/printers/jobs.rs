//! Jobs and CronJobs.

use super::printed::Printed;
use crate::custom_resources::columns::age;
use crate::object;
use crate::selector::label;
use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) fn job(job: &Printed<'_>) -> Value {
    let succeeded = job.number("/status/succeeded");
    let completions = match (job.at("/spec/completions").as_i64(), job.number("/spec/parallelism")) {
        (Some(completions), _) => format!("{succeeded}/{completions}"),
        (None, parallelism) if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
        (None, _) => format!("{succeeded}/1"),
    };
    let (names, images) = job.containers("/spec/template/spec");
    json!([
        job.name(),
        status(job),
        completions,
        duration(job),
        job.age(),
        names,
        images,
        label::format(job.object.pointer("/spec/selector")),
    ])
}

fn status(job: &Printed<'_>) -> &'static str {
    let states = [
        ("Complete", "Complete"),
        ("Failed", "Failed"),
        ("", "Terminating"),
        ("Suspended", "Suspended"),
        ("FailureTarget", "FailureTarget"),
        ("SuccessCriteriaMet", "SuccessCriteriaMet"),
    ];
    let holds = |condition: &str| match condition {
        "" => object::is_deleting(job.object),
        condition => job.is_true(condition),
    };
    states.iter().find(|(condition, _)| holds(condition)).map_or("Running", |(_, status)| status)
}

/// From the start to the end, or to now; nothing before the start.
fn duration(job: &Printed<'_>) -> String {
    let time = |pointer| job.text(pointer).parse::<Timestamp>().ok();
    time("/status/startTime")
        .map(|start| age(start, time("/status/completionTime").unwrap_or(job.now)))
        .unwrap_or_default()
}

pub(super) fn cron_job(cron_job: &Printed<'_>) -> Value {
    let last = match cron_job.text("/status/lastScheduleTime") {
        "" => "<none>".to_owned(),
        _ => cron_job.since("/status/lastScheduleTime"),
    };
    let suspend = match cron_job.at("/spec/suspend").as_bool() {
        Some(true) => "True",
        Some(false) => "False",
        None => "<unset>",
    };
    let (names, images) = cron_job.containers("/spec/jobTemplate/spec/template/spec");
    json!([
        cron_job.name(),
        cron_job.text("/spec/schedule"),
        cron_job.at("/spec/timeZone").as_str().unwrap_or("<none>"),
        suspend,
        cron_job.list("/status/active").len(),
        last,
        cron_job.age(),
        names,
        images,
        label::format(cron_job.object.pointer("/spec/jobTemplate/spec/selector")),
    ])
}
