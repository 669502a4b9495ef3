//! How many seats priority levels have, of those of the server (apiserver/pkg/util/flowcontrol/apf_controller.go). Nobody has
//! to wait for one here; clients read of them all the same whether a level is in force.

use crate::object;
use serde_json::Value;
use std::sync::Arc;

/// Requests that a server works on at once (`--max-requests-inflight` and `--max-mutating-requests-inflight`).
const SERVER: f64 = 600.0;

/// The seats of one level.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seats {
    pub(crate) level: String,
    /// Its share of all.
    pub(crate) nominal: u64,
    /// What it keeps when it has lent all that it may.
    pub(crate) lower: u64,
    /// What it has when it has borrowed all that it may.
    pub(crate) upper: u64,
}

/// The seats of each of these levels, which are all that there are.
pub(crate) fn seats(levels: &[Arc<Value>]) -> Vec<Seats> {
    let shares: f64 = levels.iter().map(|level| number(level, "nominalConcurrencyShares")).sum();
    let seats = |level: &Arc<Value>| {
        // Without any share to give there is nothing to divide.
        let nominal = (SERVER * number(level, "nominalConcurrencyShares") / shares.max(1.0)).ceil();
        let part = |percent: f64| (nominal * percent / 100.0).round();
        let borrowed = limit(level)["borrowingLimitPercent"].as_f64().map_or(SERVER, part);
        Seats {
            level: object::name(level).to_owned(),
            nominal: nominal as u64,
            lower: (nominal - part(number(level, "lendablePercent"))) as u64,
            upper: (nominal + borrowed) as u64,
        }
    };
    levels.iter().map(seats).collect()
}

fn number(level: &Value, key: &str) -> f64 {
    limit(level)[key].as_f64().unwrap_or_default()
}

/// What a level says of itself, whatever its type.
fn limit(level: &Value) -> &Value {
    let spec = &level["spec"];
    if spec["limited"].is_object() { &spec["limited"] } else { &spec["exempt"] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Access, Authorization, PRIORITY_LEVELS};
    use crate::{ControlPlane, Options};
    use jiff::Timestamp;
    use serde_json::json;

    #[test]
    fn levels_share_the_seats_of_the_server_whatever_comes_and_goes() {
        let now = Timestamp::UNIX_EPOCH;
        let access = Access { authorization: Authorization::Rbac, ..Access::default() };
        let mut plane = ControlPlane::new(Options { access, start: now, ..Options::default() });
        // As a new kube-apiserver says.
        let own = [
            ("catch-all", 13, 13, 613),
            ("exempt", 0, 0, 600),
            ("global-default", 49, 24, 649),
            ("leader-election", 25, 25, 625),
            ("node-high", 98, 73, 698),
            ("system", 74, 50, 674),
            ("workload-high", 98, 49, 698),
            ("workload-low", 245, 24, 845),
        ];
        assert_eq!(seats(&plane.list(&PRIORITY_LEVELS, None)), own.map(of));
        let mine = json!({
            "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "PriorityLevelConfiguration",
            "metadata": {"name": "mine"},
            "spec": {"type": "Limited", "limited": {
                "nominalConcurrencyShares": 245, "lendablePercent": 10, "borrowingLimitPercent": 5,
                "limitResponse": {"type": "Reject"},
            }},
        });
        plane.act_as("somebody", now, |api| api.create(&PRIORITY_LEVELS, None, mine)).expect("a new level");
        let now_halved = seats(&plane.list(&PRIORITY_LEVELS, None));
        assert!(now_halved.contains(&of(("mine", 300, 270, 315))), "{now_halved:?}");
        assert!(now_halved.contains(&of(("workload-low", 123, 12, 723))), "{now_halved:?}");
    }

    fn of((level, nominal, lower, upper): (&str, u64, u64, u64)) -> Seats {
        Seats { level: level.to_owned(), nominal, lower, upper }
    }
}
