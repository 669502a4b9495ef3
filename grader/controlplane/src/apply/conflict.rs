//! Conflicts between appliers (apimachinery/pkg/util/managedfields/internal/conflict.go).

use super::managers::Manager;
use super::set::Set;
use crate::error::{ApiError, Cause};

/// One field that an apply would change although another manager owns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The owner, as texts name it.
    pub manager: String,
    /// The field, e.g. `.spec.ports[port=80].name`.
    pub field: String,
}

/// All conflicts of one apply, grouped by manager; never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflicts(Vec<(Manager, Set)>);

impl Conflicts {
    pub(super) fn of(mut conflicts: Vec<(Manager, Set)>) -> Self {
        conflicts.sort_by_cached_key(|(manager, _)| manager.identifier());
        Conflicts(conflicts)
    }

    pub(super) fn all_in(&self, allowed: &Set) -> bool {
        self.0.iter().all(|(_, fields)| fields.clone().difference(allowed).is_empty())
    }

    pub(super) fn without(&self, allowed: &Set) -> Self {
        let left =
            self.0.iter().map(|(manager, fields)| (manager.clone(), fields.clone().difference(allowed)));
        Conflicts(left.filter(|(_, fields)| !fields.is_empty()).collect())
    }

    /// Each conflict on its own.
    pub fn iter(&self) -> impl Iterator<Item = Conflict> {
        self.0.iter().flat_map(|(manager, fields)| {
            let manager = manager.describe();
            fields
                .paths()
                .into_iter()
                .map(move |path| Conflict { manager: manager.clone(), field: path.to_string() })
        })
    }

    /// The message of the Status.
    pub fn message(&self) -> String {
        let all: Vec<Conflict> = self.iter().collect();
        if let [Conflict { manager, field }] = all.as_slice() {
            return format!("Apply failed with 1 conflict: conflict with {manager}: {field}");
        }
        let mut lines = Vec::new();
        for (manager, fields) in &self.0 {
            lines.push(format!("conflicts with {}:", manager.describe()));
            lines.extend(fields.paths().iter().map(|path| format!("- {path}")));
        }
        format!("Apply failed with {} conflicts: {}", all.len(), lines.join("\n"))
    }
}

impl From<&Conflicts> for ApiError {
    fn from(conflicts: &Conflicts) -> Self {
        let causes = conflicts
            .iter()
            .map(|Conflict { manager, field }| Cause {
                reason: "FieldManagerConflict".to_owned(),
                message: format!("conflict with {manager}"),
                field,
            })
            .collect();
        ApiError::apply_conflict(causes, conflicts.message())
    }
}
