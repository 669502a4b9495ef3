//! Query parameters and the options they make (apimachinery/pkg/runtime/conversion.go,
//! apis/meta/v1/validation/validation.go, apis/meta/internalversion/validation).

use crate::builtins::meta;
use crate::error::ApiError;
use crate::field_error::FieldError;
use crate::go_text;
use crate::routing;
use crate::selector::FieldSelector;
use crate::verbs::write::FieldValidation;
use serde_json::Value;
use std::borrow::Cow;
use std::num::{IntErrorKind, ParseIntError};

/// The parameters of a request, in the order sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Parses a raw query; pairs with broken percent encoding are left out, as Go does.
    pub(crate) fn parse(text: &str) -> Self {
        let decode = |text: &str| routing::percent_decode(&text.replace('+', " ")).map(Cow::into_owned);
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).filter_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(key)?, decode(value)?))
        });
        Self(pairs.collect())
    }

    /// The first value of a parameter.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// A text; empty when the parameter is missing.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.get(key).unwrap_or_default()
    }

    /// All values of a parameter.
    pub(crate) fn all(&self, key: &str) -> Vec<&str> {
        self.0.iter().filter(|(name, _)| name == key).map(|(_, value)| value.as_str()).collect()
    }

    /// Anything but `false` and `0` is true.
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        self.get(key).map(|value| !value.eq_ignore_ascii_case("false") && value != "0")
    }

    /// A whole number.
    ///
    /// # Errors
    /// 400 with the text of Go's parser.
    pub(crate) fn number(&self, key: &str) -> Result<Option<i64>, ApiError> {
        match self.get(key) {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|error: ParseIntError| {
                let why = match error.kind() {
                    IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "value out of range",
                    _ => "invalid syntax",
                };
                let quoted = go_text::quote(text);
                ApiError::bad_request(format!("strconv.ParseInt: parsing {quoted}: {why}"))
            }),
        }
    }
}

/// CreateOptions, UpdateOptions, PatchOptions.
#[derive(Clone, Debug)]
pub(crate) struct WriteOptions {
    pub(crate) dry_run: bool,
    /// Empty when not given.
    pub(crate) field_manager: String,
    pub(crate) field_validation: FieldValidation,
    pub(crate) force: Option<bool>,
}

/// Which options a request may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OptionsKind {
    Create,
    Update,
    Patch,
    Apply,
}

impl WriteOptions {
    /// # Errors
    /// 422 about the first kind of options that are not valid.
    pub(crate) fn parse(query: &Query, kind: OptionsKind) -> Result<Self, ApiError> {
        let dry_run = query.all("dryRun");
        let field_manager = query.text("fieldManager").to_owned();
        let force = query.flag("force");
        let mut errors = Vec::new();
        match kind {
            OptionsKind::Apply if field_manager.is_empty() => {
                errors.push(FieldError::required("fieldManager", "is required for apply patch"));
            }
            OptionsKind::Patch if force.is_some() => {
                errors.push(FieldError::forbidden("force", "may not be specified for non-apply patch"));
            }
            _ => {}
        }
        errors.extend(meta::validate_field_manager(&field_manager, || "fieldManager".to_owned()));
        errors.extend(validate_dry_run(&dry_run));
        let field_validation = match query.text("fieldValidation") {
            "" | "Warn" => FieldValidation::Warn,
            "Strict" => FieldValidation::Strict,
            "Ignore" => FieldValidation::Ignore,
            other => {
                let supported = ["", "Ignore", "Strict", "Warn"];
                errors.push(FieldError::not_supported("fieldValidation", other, supported));
                FieldValidation::Warn
            }
        };
        if !errors.is_empty() {
            let kind = match kind {
                OptionsKind::Create => "CreateOptions",
                OptionsKind::Update => "UpdateOptions",
                OptionsKind::Patch | OptionsKind::Apply => "PatchOptions",
            };
            return Err(invalid_options(kind, &errors));
        }
        Ok(Self { dry_run: !dry_run.is_empty(), field_manager, field_validation, force })
    }
}

pub(crate) fn invalid_options(kind: &str, errors: &[FieldError]) -> ApiError {
    ApiError::invalid("meta.k8s.io", kind, "", errors)
}

/// Only `All` is known.
pub(crate) fn validate_dry_run(values: &[&str]) -> Option<FieldError> {
    let wrong = values.iter().any(|value| *value != "All");
    wrong.then(|| {
        let shown: Value = values.iter().copied().collect();
        FieldError::not_supported("dryRun", shown, ["All"])
    })
}

/// DeleteOptions.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) propagation: Option<String>,
    pub(crate) orphan_dependents: Option<bool>,
    pub(crate) grace_period_seconds: Option<i64>,
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
    pub(crate) dry_run: bool,
}

impl DeleteOptions {
    /// From a body; `Value::Null` for none.
    ///
    /// # Errors
    /// 400 for a field of the wrong type, 422 for options that make no sense.
    pub(crate) fn from_body(body: &Value) -> Result<Self, ApiError> {
        let mistyped = [
            ("gracePeriodSeconds", "int64", body["gracePeriodSeconds"].is_i64()),
            ("orphanDependents", "bool", body["orphanDependents"].is_boolean()),
            ("propagationPolicy", "v1.DeletionPropagation", body["propagationPolicy"].is_string()),
            ("dryRun", "[]string", body["dryRun"].is_array()),
            ("preconditions", "v1.Preconditions", body["preconditions"].is_object()),
        ];
        for (field, type_, fits) in mistyped {
            if !fits && !body[field].is_null() {
                let given = go_text::json_kind(&body[field]);
                let text = format!(
                    "json: cannot unmarshal {given} into Go struct field DeleteOptions.{field} of type {type_}"
                );
                return Err(ApiError::bad_request(text));
            }
        }
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let dry_run: Vec<&str> =
            body["dryRun"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        Self {
            propagation: text("/propagationPolicy"),
            orphan_dependents: body["orphanDependents"].as_bool(),
            grace_period_seconds: body["gracePeriodSeconds"].as_i64(),
            uid: text("/preconditions/uid"),
            resource_version: text("/preconditions/resourceVersion"),
            dry_run: !dry_run.is_empty(),
        }
        .validated(&dry_run)
    }

    /// From the query of a request without a body.
    pub(crate) fn from_query(query: &Query) -> Result<Self, ApiError> {
        let dry_run = query.all("dryRun");
        Self {
            propagation: query.get("propagationPolicy").map(str::to_owned),
            orphan_dependents: query.flag("orphanDependents"),
            grace_period_seconds: query.number("gracePeriodSeconds")?,
            uid: query.get("uid").map(str::to_owned),
            resource_version: query.get("resourceVersion").map(str::to_owned),
            dry_run: !dry_run.is_empty(),
        }
        .validated(&dry_run)
    }

    fn validated(self, dry_run: &[&str]) -> Result<Self, ApiError> {
        const POLICIES: [&str; 3] = ["Foreground", "Background", "Orphan"];
        let mut errors = Vec::new();
        if let Some(policy) = self.propagation.as_deref() {
            if self.orphan_dependents.is_some() {
                let text = "orphanDependents and deletionPropagation cannot be both set";
                errors.push(FieldError::invalid("propagationPolicy", policy, text));
            }
            if !POLICIES.contains(&policy) {
                let supported = POLICIES.into_iter().chain(["nil"]);
                errors.push(FieldError::not_supported("propagationPolicy", policy, supported));
            }
        }
        errors.extend(validate_dry_run(dry_run));
        if errors.is_empty() { Ok(self) } else { Err(invalid_options("DeleteOptions", &errors)) }
    }
}

/// ListOptions, also those of watches.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListOptions {
    pub(crate) watch: bool,
    pub(crate) label_selector: String,
    pub(crate) field_selector: String,
    pub(crate) resource_version: String,
    pub(crate) resource_version_match: String,
    pub(crate) limit: i64,
    pub(crate) continue_token: String,
    pub(crate) timeout_seconds: Option<i64>,
    pub(crate) allow_bookmarks: bool,
    pub(crate) send_initial_events: Option<bool>,
}

impl ListOptions {
    /// # Errors
    /// 400 for what cannot be read, 422 for combinations that make no sense.
    pub(crate) fn parse(query: &Query) -> Result<Self, ApiError> {
        let mut options = Self {
            watch: query.flag("watch").unwrap_or(false),
            label_selector: query.text("labelSelector").to_owned(),
            field_selector: query.text("fieldSelector").to_owned(),
            resource_version: query.text("resourceVersion").to_owned(),
            resource_version_match: query.text("resourceVersionMatch").to_owned(),
            limit: query.number("limit")?.unwrap_or(0),
            continue_token: query.text("continue").to_owned(),
            timeout_seconds: query.number("timeoutSeconds")?,
            allow_bookmarks: query.flag("allowWatchBookmarks").unwrap_or(false),
            send_initial_events: query.flag("sendInitialEvents"),
        };
        options.default_initial_events();
        let errors = if options.watch { options.watch_errors() } else { options.list_errors() };
        if errors.is_empty() { Ok(options) } else { Err(invalid_options("ListOptions", &errors)) }
    }

    /// A watch that says neither where it begins nor how is a streamed list
    /// (apimachinery/pkg/apis/meta/internalversion/defaults.go).
    fn default_initial_events(&mut self) {
        let is_silent = self.send_initial_events.is_none() && self.resource_version_match.is_empty();
        if self.watch && is_silent && is_unset(&self.resource_version) {
            self.send_initial_events = Some(true);
            "NotOlderThan".clone_into(&mut self.resource_version_match);
        }
    }

    /// Selects nothing but the object of this name.
    ///
    /// # Errors
    /// 400 for a selector that is about another one, or does not say.
    pub(crate) fn select_name(&mut self, name: &str) -> Result<(), ApiError> {
        if self.field_selector.is_empty() {
            self.field_selector = FieldSelector::for_name(name);
            return Ok(());
        }
        let selector = FieldSelector::parse(&self.field_selector).map_err(ApiError::bad_request)?;
        match selector.exact_name() == Some(name) {
            true => Ok(()),
            false => Err(ApiError::bad_request("fieldSelector metadata.name doesn't match requested name")),
        }
    }

    fn list_errors(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let forbidden = |text: &str| FieldError::forbidden("resourceVersionMatch", text);
        if !self.resource_version_match.is_empty() {
            if self.resource_version.is_empty() {
                errors
                    .push(forbidden("resourceVersionMatch is forbidden unless resourceVersion is provided"));
            }
            if !self.continue_token.is_empty() {
                errors.push(forbidden("resourceVersionMatch is forbidden when continue is provided"));
            }
            match self.resource_version_match.as_str() {
                "NotOlderThan" => {}
                "Exact" if self.resource_version == "0" => {
                    let text = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
                    errors.push(forbidden(text));
                }
                "Exact" => {}
                other => {
                    let supported = ["Exact", "NotOlderThan", ""];
                    errors.push(FieldError::not_supported("resourceVersionMatch", other, supported));
                }
            }
        }
        if self.send_initial_events.is_some() {
            let text = "sendInitialEvents is forbidden for list";
            errors.push(FieldError::forbidden("sendInitialEvents", text));
        }
        errors
    }

    fn watch_errors(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let field = "resourceVersionMatch";
        let wanted = self.resource_version_match == "NotOlderThan";
        if self.send_initial_events.is_some() && !wanted {
            let text = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
            errors.push(FieldError::forbidden(field, text));
        }
        if !self.resource_version_match.is_empty() {
            if self.send_initial_events.is_none() {
                let text = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
                errors.push(FieldError::forbidden(field, text));
            }
            if !wanted {
                let given = self.resource_version_match.as_str();
                errors.push(FieldError::not_supported(field, given, ["NotOlderThan"]));
            }
            if !self.continue_token.is_empty() {
                let text = "resourceVersionMatch is forbidden when continue is provided";
                errors.push(FieldError::forbidden(field, text));
            }
        }
        errors
    }
}

/// No resourceVersion at all, or the one that means "any".
pub(crate) fn is_unset(resource_version: &str) -> bool {
    matches!(resource_version, "" | "0")
}
