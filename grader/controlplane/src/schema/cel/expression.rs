//! Expressions that stand alone, over whole objects: match conditions, admission policies
//! (apiserver/pkg/admission/plugin/cel).

use super::ast::Expr;
use super::authorization::{Authorization, Requester, ResourceCheck};
use super::check::{self, Checked};
use super::composition::Composition;
use super::evaluate::{AUTHORIZER, Evaluator, Fault, REQUEST_RESOURCE_AUTHORIZER, TOO_EXPENSIVE};
use super::meter::Meter;
use super::parser::parse;
use super::scope::Scope;
use super::types::Type;
use super::value::Value;
use serde_json::Value as Json;
use std::rc::Rc;

/// How deep the type of a variable may nest.
const DEEPEST_TYPE: usize = 32;

/// What an expression must give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Bool,
    Text,
    /// A text or nothing.
    TextOrNull,
    /// An `Object{...}` that is merged into the object.
    Object,
    /// A list of `JSONPatch{...}`.
    Patches,
    Any,
}

/// An expression that may be evaluated in its scope.
#[derive(Debug)]
pub(crate) struct Expression {
    source: String,
    expr: Expr,
    type_: Type,
}

/// A variable that a policy defines, or why it cannot.
#[derive(Debug)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) expression: Result<Expression, String>,
}

/// What expressions are evaluated with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activation<'a> {
    pub(crate) values: Vec<(&'a str, &'a Json)>,
    /// Who asks, and what the request is about, where expressions may ask about that.
    pub(crate) requester: Option<(Requester<'a>, ResourceCheck)>,
    pub(crate) variables: &'a [Variable],
}

/// Expressions that are evaluated one after the other, within a budget.
#[derive(Debug)]
pub(crate) struct Evaluation<'a> {
    composition: Rc<Composition<'a>>,
    budget: u64,
}

/// Why there is no value, in the words of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    #[error("expression '{expression}' resulted in error: {why}")]
    Error { expression: String, why: String },
    /// No further expression is evaluated.
    #[error("validation failed due to running out of cost budget, no further validation rules will be run")]
    OutOfBudget,
}

impl Failure {
    /// Whether no further expression is to be evaluated.
    pub(crate) fn ends_all(&self) -> bool {
        *self == Failure::OutOfBudget
    }
}

impl Expression {
    /// Parses and checks an expression.
    ///
    /// # Errors
    /// What is wrong with it, in the words of Kubernetes.
    pub(crate) fn compile(source: &str, scope: &Scope, wanted: Wanted) -> Result<Self, String> {
        let failed = |mistakes: String| format!("compilation failed: {mistakes}");
        let expr = parse(source).map_err(|mistake| failed(check::show(&[mistake], source)))?;
        let variables: Vec<(&str, Type)> =
            scope.variables().iter().map(|(name, type_)| (name.as_str(), type_.clone())).collect();
        let Checked { type_, .. } =
            check::check(&expr, &variables).map_err(|mistakes| failed(check::show(&mistakes, source)))?;
        if !wanted.allows(&type_) {
            return Err(format!("must evaluate to {} but got {}", wanted.shown(), type_.full_name()));
        }
        if let Some(unusable) = check::unusable(&expr) {
            return Err(format!("program instantiation failed: {unusable}"));
        }
        Ok(Self { source: source.to_owned(), expr, type_ })
    }

    /// The type that a variable of it has: only simple ones are known (convertCelTypeToDeclType), and those only that do
    /// not nest too deep, for each variable may nest those before it.
    pub(super) fn declared_type(&self) -> Type {
        fn known(type_: &Type, depth: usize) -> Type {
            let Some(depth) = depth.checked_sub(1) else { return Type::Dyn(None) };
            match type_ {
                Type::List(item, size) => Type::List(Box::new(known(item, depth)), *size),
                Type::Map(key, value, size) => {
                    Type::Map(Box::new(known(key, depth)), Box::new(known(value, depth)), *size)
                }
                Type::Object(_) | Type::Optional(_) | Type::Opaque(_) | Type::Name => Type::Dyn(None),
                simple => simple.clone(),
            }
        }
        known(&self.type_, DEEPEST_TYPE)
    }

    pub(super) fn expr(&self) -> &Expr {
        &self.expr
    }
}

impl<'a> Evaluation<'a> {
    /// The most that the expressions of a policy may cost (`RuntimeCELCostBudget`).
    pub(crate) const POLICY_BUDGET: u64 = super::BUDGET;
    /// The most that match conditions may cost (`RuntimeCELCostBudgetMatchConditions`).
    pub(crate) const CONDITIONS_BUDGET: u64 = super::BUDGET / 4;

    pub(crate) fn new(activation: &Activation<'a>, budget: u64) -> Self {
        let values = activation.values.iter();
        let mut scope: Vec<_> = values.map(|(name, value)| (*name, Value::dynamic(value))).collect();
        if let Some((requester, resource)) = &activation.requester {
            scope.push((AUTHORIZER, Authorization::Authorizer(requester.clone()).into()));
            let resource = Authorization::Resource(requester.clone(), resource.clone());
            scope.push((REQUEST_RESOURCE_AUTHORIZER, resource.into()));
        }
        Self { composition: Rc::new(Composition::new(scope, activation.variables)), budget }
    }

    /// Evaluates an expression.
    ///
    /// # Errors
    /// Why there is no value.
    pub(crate) fn value(&mut self, expression: &'a Expression) -> Result<Json, Failure> {
        let (value, cost) = Evaluator::of_composition(self.composition.clone()).evaluate(&expression.expr);
        let meter = Meter::default();
        let json = value.map(|value| value.to_json(&meter));
        let cost = cost.saturating_add(self.composition.take_cost()).saturating_add(meter.spent());
        self.budget = self.budget.checked_sub(cost).ok_or(Failure::OutOfBudget)?;
        let failed =
            |why: &str| Failure::Error { expression: expression.source.clone(), why: why.to_owned() };
        match meter.check().and(json) {
            Ok(json) => json.ok_or_else(|| failed("the value cannot be shown as JSON")),
            Err(Fault::Error(why)) => Err(failed(&why)),
            Err(Fault::TooExpensive) => Err(failed(TOO_EXPENSIVE)),
        }
    }

    /// What further expressions may cost.
    pub(crate) fn remaining(&self) -> u64 {
        self.budget
    }
}

impl Wanted {
    /// Whether an expression of this type gives it. What is not known before is not enough.
    fn allows(self, type_: &Type) -> bool {
        match (self, type_) {
            (Wanted::Any, _)
            | (Wanted::Bool, Type::Bool)
            | (Wanted::Text | Wanted::TextOrNull, Type::String(_))
            | (Wanted::TextOrNull, Type::Null)
            | (Wanted::Object, Type::Opaque("Object")) => true,
            (Wanted::Patches, Type::List(item, _)) => matches!(**item, Type::Opaque("JSONPatch")),
            _ => false,
        }
    }

    fn shown(self) -> &'static str {
        match self {
            Wanted::Bool => "bool",
            Wanted::Text => "string",
            Wanted::TextOrNull => "one of [string null_type]",
            Wanted::Object => "Object",
            Wanted::Patches => "list(JSONPatch)",
            Wanted::Any => "any",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn value(expression: &Expression, values: Vec<(&str, &Json)>) -> Result<Json, Failure> {
        let activation = Activation { values, ..Activation::default() };
        Evaluation::new(&activation, Evaluation::POLICY_BUDGET).value(expression)
    }

    #[test]
    fn expressions_see_the_object_and_the_request() {
        let object = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"replicas": 3}});
        let request = json!({"operation": "UPDATE", "userInfo": {"username": "alice"}, "dryRun": false});
        let old = json!(null);
        let table = [
            ("object.spec.replicas > 2", json!(true)),
            ("oldObject == null", json!(true)),
            ("has(object.spec.paused)", json!(false)),
            ("request.operation == 'UPDATE' && request.userInfo.username.startsWith('al')", json!(true)),
            ("object.metadata.labels.all(key, key == 'app')", json!(true)),
        ];
        for (source, expected) in table {
            let compiled = Expression::compile(source, &Scope::of_request(), Wanted::Bool).expect(source);
            let values = vec![("object", &object), ("oldObject", &old), ("request", &request)];
            assert_eq!(value(&compiled, values), Ok(expected), "{source}");
        }
    }

    #[test]
    fn mistakes_are_found_before() {
        let table = [
            (
                "xyz",
                "compilation failed: ERROR: <input>:1:1: undeclared reference to 'xyz' (in container '')\n | xyz\n | ^",
            ),
            (
                "request.nope == ''",
                "compilation failed: ERROR: <input>:1:8: undefined field 'nope'\n | request.nope == ''\n | .......^",
            ),
            ("'text'", "must evaluate to bool but got string"),
        ];
        for (source, expected) in table {
            let compiled = Expression::compile(source, &Scope::of_request(), Wanted::Bool);
            assert_eq!(compiled.map(drop), Err(expected.to_owned()));
        }
    }

    #[test]
    fn mutations_make_objects_and_patches() {
        let scope = Scope::of_policy(false).with_mutations();
        let object = json!({"metadata": {"name": "a"}});
        let table = [
            (
                "Object{metadata: Object.metadata{annotations: {'a/b': object.metadata.name}}}",
                Wanted::Object,
                json!({"metadata": {"annotations": {"a/b": "a"}}}),
            ),
            (
                "[JSONPatch{op: 'add', path: '/metadata/labels', value: {}}]",
                Wanted::Patches,
                json!([{"op": "add", "path": "/metadata/labels", "value": {}}]),
            ),
        ];
        for (source, wanted, expected) in table {
            let compiled = Expression::compile(source, &scope, wanted).expect(source);
            assert_eq!(value(&compiled, vec![("object", &object)]), Ok(expected), "{source}");
        }
    }

    /// What a real server said to each of these.
    #[test]
    fn rare_texts_are_those_of_a_real_server() {
        let prefix = "network address parse error during conversion from string";
        let prefix = format!("{prefix}: {prefix}: netip.ParsePrefix");
        let address = |text: &str, why: &str| {
            format!(
                "IP Address {text:?} parse error during conversion from string: ParseAddr({text:?}): {why}"
            )
        };
        let table = [
            ("semver('1.2')", "No Major.Minor.Patch elements found".to_owned()),
            ("semver('v1.2.3')", "Invalid character(s) found in major number \"v1\"".to_owned()),
            ("semver('1.02.3')", "Minor number must not contain leading zeroes \"02\"".to_owned()),
            ("semver('1.2.3.4')", "Invalid character(s) found in patch number \"3.4\"".to_owned()),
            ("semver('1.2.3-alpha..1')", "Prerelease is empty".to_owned()),
            (
                "semver('1.2.3-01')",
                "Numeric PreRelease version must not contain leading zeroes \"01\"".to_owned(),
            ),
            ("semver('1.2.3+')", "Build meta data is empty".to_owned()),
            ("semver('')", "Version string empty".to_owned()),
            (
                "semver('99999999999999999999.1.1')",
                "strconv.ParseUint: parsing \"99999999999999999999\": value out of range".to_owned(),
            ),
            (
                "[1,2,3].slice(2,1)",
                "cannot slice(2, 1), start index must be less than or equal to end index".to_owned(),
            ),
            ("[1,2,3].slice(0,4)", "cannot slice(0, 4), list is length 3".to_owned()),
            ("[1,2,3].slice(-1,1)", "cannot slice(-1, 1), negative indexes not supported".to_owned()),
            ("duration('1s') + duration('9223372036s')", "integer overflow".to_owned()),
            ("ip('1.2.3')", address("1.2.3", "IPv4 address too short")),
            ("ip('1.2.3.4.5')", address("1.2.3.4.5", "IPv4 address too long")),
            ("ip('256.1.1.1')", address("256.1.1.1", "IPv4 field has value >255")),
            ("ip('01.1.1.1')", address("01.1.1.1", "IPv4 field has octet with leading zero")),
            ("ip('a')", address("a", "unable to parse IP")),
            ("cidr('10.0.0.0')", format!("{prefix}(\"10.0.0.0\"): no '/'")),
            ("cidr('10.0.0.0/33')", format!("{prefix}(\"10.0.0.0/33\"): prefix length out of range")),
            (
                "cidr('1.2.3/8')",
                format!("{prefix}(\"1.2.3/8\"): ParseAddr(\"1.2.3\"): IPv4 address too short"),
            ),
            ("cidr('1.2.3.4/08')", format!("{prefix}(\"1.2.3.4/08\"): bad bits after slash: \"08\"")),
            ("dyn([1])['a']", "unsupported index type 'string' in list".to_owned()),
            ("dyn(1).b", "no such key: b".to_owned()),
            ("dyn('a').startsWith(dyn(1))", "no such overload".to_owned()),
            ("dyn(1).size()", "no such overload: size".to_owned()),
        ];
        for (source, expected) in table {
            let compiled = Expression::compile(source, &Scope::of_request(), Wanted::Any).expect(source);
            let failure = Failure::Error { expression: source.to_owned(), why: expected };
            assert_eq!(value(&compiled, Vec::new()), Err(failure));
        }
        let table = [
            ("'%e'.format([1234.5])", json!("1.234500×10⁰³")),
            ("'%.2e'.format([1e100])", json!("1.000000×10¹⁰⁰")),
            ("'a %e %% %d'.format([-0.00012, 5])", json!("a -1.200000×10⁻⁰⁴ % 5")),
            ("'%s'.format([1.0])", json!("1")),
            ("'%s'.format([1e21])", json!("1e+21")),
            ("'abc'.indexOf('c', 5)", json!(-1)),
            ("'abc'.lastIndexOf('a', 5)", json!(-1)),
            ("has(dyn(1).b)", json!(false)),
            ("[?optional.none()].size() + [?optional.of(1), 2].size()", json!(2)),
        ];
        for (source, expected) in table {
            let compiled = Expression::compile(source, &Scope::of_request(), Wanted::Any).expect(source);
            assert_eq!(value(&compiled, Vec::new()), Ok(expected), "{source}");
        }
        let infinite = Expression::compile("1e400", &Scope::of_request(), Wanted::Any).map(drop);
        let mistake = "compilation failed: ERROR: <input>:1:1: invalid double literal\n | 1e400\n | ^";
        assert_eq!(infinite, Err(mistake.to_owned()));
    }
}
