//! What every operator does with a list of conditions, whatever they are about.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

/// The condition of this type, if there is one.
pub fn find<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == type_)
}

/// Whether there is a condition of this type and its status is `True`.
pub fn is_true(conditions: &[Condition], type_: &str) -> bool {
    find(conditions, type_).is_some_and(|condition| condition.status == "True")
}

/// Puts `new` into the list: in the place of the condition of its type, or at the end.
///
/// `new.last_transition_time` is the time to take if the status is another one than before; as long as the status
/// stays, so does the time.
pub fn set(conditions: &mut Vec<Condition>, new: Condition) {
    // TODO (01.2): let the time tell since when. Now every visit replaces the whole condition, so that "Ready for
    // three days" reads "for two seconds". Wanted: one condition per type, with the reason, message and observed
    // generation of `new`; the time moves only when the status does; every condition keeps its place in the list.
    // Done when: `grader check lab-01 --exercise 2`. About 8 lines. Stuck? `grader hint lab-01 2`.
    conditions.retain(|known| known.type_ != new.type_);
    conditions.push(new);
}
