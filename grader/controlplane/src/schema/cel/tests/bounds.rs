//! Expressions that would keep an evaluation busy for ever, fill the memory, or come to the end of the stack.

use crate::schema::cel::evaluate::TOO_EXPENSIVE;
use crate::schema::cel::expression::Failure;
use crate::schema::cel::{Activation, Evaluation, Expression, Scope, Variable, Wanted};
use serde_json::{Value, json};

/// What an expression over these variables gives.
fn value(sources: &[(String, String)], source: &str, object: &Value) -> Result<Value, String> {
    let mut scope = Scope::of_policy(false);
    let mut variables = Vec::new();
    for (name, source) in sources {
        let expression = Expression::compile(source, &scope, Wanted::Any);
        scope.define(name, expression.as_ref().ok());
        variables.push(Variable { name: name.clone(), expression });
    }
    let expression = Expression::compile(source, &scope, Wanted::Any)?;
    let activation = Activation { values: vec![("object", object)], requester: None, variables: &variables };
    Evaluation::new(&activation, Evaluation::POLICY_BUDGET).value(&expression).map_err(
        |failure| match failure {
            Failure::Error { why, .. } => why,
            failure => failure.to_string(),
        },
    )
}

/// As many variables as a policy may have, each made of the one before it, which stands for `_`.
fn chain(first: &str, next: &str) -> Vec<(String, String)> {
    let name = |index: usize| format!("v{index}");
    let source = |index: usize| match index {
        0 => first.to_owned(),
        index => next.replace('_', &format!("variables.{}", name(index - 1))),
    };
    (0..100).map(|index| (name(index), source(index))).collect()
}

const DOUBLED: [(&str, &str); 5] = [
    ("[1]", "[_, _]"),
    ("[1]", "[dyn(_), dyn(_)]"),
    ("{'k': 1}", "{'a': _, 'b': _}"),
    ("optional.of(1)", "optional.of([_, _])"),
    ("[1]", "[1, 2].map(x, _)"),
];

#[test]
fn comparing_what_is_doubled_again_and_again_is_too_expensive() {
    for (first, next) in DOUBLED {
        let found = value(&chain(first, next), "variables.v99 == variables.v99", &Value::Null);
        assert_eq!(found, Err(TOO_EXPENSIVE.to_owned()), "{next}");
    }
    for source in [
        "dyn(variables.v99) != variables.v99",
        "variables.v99 in [variables.v99]",
        "[variables.v99].indexOf(variables.v99) == 0",
        "[variables.v99, variables.v99].distinct().size() == 1",
        "sets.contains([variables.v99], [variables.v99])",
        "sets.equivalent([variables.v99], [variables.v99])",
        "sets.intersects([variables.v99], [variables.v99])",
    ] {
        let found = value(&chain("[1]", "[_, _]"), source, &Value::Null);
        assert_eq!(found, Err(TOO_EXPENSIVE.to_owned()), "{source}");
    }
}

#[test]
fn showing_what_is_doubled_again_and_again_is_too_expensive() {
    for (first, next) in [DOUBLED[0], DOUBLED[2], ("'text'", "[_, _]")] {
        for source in ["variables.v99", "{'a': variables.v99}"] {
            let found = value(&chain(first, next), source, &Value::Null);
            assert_eq!(found, Err(TOO_EXPENSIVE.to_owned()), "{source} of {next}");
        }
    }
    let formatted = value(&chain("[1]", "[_, _]")[..30], "'%s'.format([variables.v29])", &Value::Null);
    assert_eq!(formatted, Err(TOO_EXPENSIVE.to_owned()));
}

#[test]
fn what_one_expression_doubles_is_too_expensive_as_well() {
    let nested =
        |times: usize| (0..times).fold("[1]".to_owned(), |inner, _| format!("[{inner}].map(x, [x, x])[0]"));
    let source = format!("{0} == {0}", nested(25));
    assert_eq!(value(&[], &source, &Value::Null), Err(TOO_EXPENSIVE.to_owned()));
}

#[test]
fn values_may_nest_deeper_than_a_stack() {
    let around = |open: &str, close: &str| format!("{}_{}", open.repeat(50), close.repeat(50));
    for (open, close) in [("[", "]"), ("{'k': ", "}"), ("optional.of(", ")")] {
        let variables = chain("1", &around(open, close));
        assert_eq!(
            value(&variables, "variables.v99 == variables.v99", &Value::Null),
            Ok(json!(true)),
            "{open}"
        );
        assert_eq!(
            value(&variables, "variables.v99 == variables.v98", &Value::Null),
            Ok(json!(false)),
            "{open}"
        );
        let shown = value(&variables, "variables.v99", &Value::Null);
        assert_eq!(shown, Err("the value cannot be shown as JSON".to_owned()), "{open}");
    }
}

#[test]
fn types_of_keys_do_not_double() {
    let source = (0..35).fold("0".to_owned(), |inner, _| format!("[{inner}].map(x, {{x: x}})[0]"));
    assert_eq!(value(&[], &source, &Value::Null), Err("unsupported key type: map".to_owned()));
}

#[test]
fn work_that_kubernetes_does_not_count_is_too_expensive() {
    let object = json!({
        "text": "x".repeat(1 << 20),
        "list": vec![0; 100_000],
        "map": (0..20_000).map(|index| (index.to_string(), json!(index))).collect::<serde_json::Map<_, _>>(),
    });
    for source in [
        "lists.range(50000).all(i, size(object.text) > i)",
        "lists.range(50000).all(i, [object.text, object.text].join('') != '')",
        "lists.range(50000).all(i, [object.list].flatten() != [])",
        "lists.range(50000).all(i, 'x'.replace('x', object.text) != '')",
        "lists.range(50000).all(i, {'a': object.map} == {'a': object.map})",
        "lists.range(50000).all(i, '%.1000f'.format([1.5]) != '')",
    ] {
        assert_eq!(value(&[], source, &object), Err(TOO_EXPENSIVE.to_owned()), "{source}");
    }
}

#[test]
fn maps_take_no_longer_than_lists() {
    let entries = (0..20_000).map(|index| (index.to_string(), json!(index)));
    let object = json!({"map": entries.collect::<serde_json::Map<_, _>>()});
    for source in [
        "lists.range(15000).transformMapEntry(i, v, {v: i}).size() == 15000",
        "lists.range(15000).transformMap(i, v, v)[14999] == 14999",
        "lists.range(30000).all(i, object.map.exists(key, true))",
        "object.map.transformMap(key, value, value) == object.map",
    ] {
        assert_eq!(value(&[], source, &object), Ok(json!(true)), "{source}");
    }
}

#[test]
fn patterns_are_compiled_once_and_counted() {
    let object = json!({"pattern": "[a-z]([-a-z0-9]*[a-z0-9])?", "long": "(ab|cd)*".repeat(2_000)});
    for (source, expected) in [
        ("lists.range(20000).all(i, 'x'.matches(object.pattern))", Ok(json!(true))),
        ("lists.range(300).all(i, !'x'.find(object.long).endsWith('x'))", Err(TOO_EXPENSIVE.to_owned())),
        (
            "lists.range(50000).all(i, 'x'.matches(object.pattern + string(i)) || true)",
            Err(TOO_EXPENSIVE.to_owned()),
        ),
    ] {
        assert_eq!(value(&[], source, &object), expected, "{source}");
    }
}

#[test]
fn numbers_are_not_written_with_any_number_of_digits() {
    for digits in ["1001", "65536", "99999999999999999999"] {
        let source = format!("'%.{digits}f'.format([1.5])");
        assert_eq!(value(&[], &source, &Value::Null), Err("invalid precision in format string".to_owned()));
    }
}
