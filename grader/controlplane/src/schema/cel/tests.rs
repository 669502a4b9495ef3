mod bounds;

use super::*;
use proptest::prelude::*;
use serde_json::json;

/// The texts of what rules say about `spec`.
fn errors(spec_schema: Value, new: Value, old: Option<Value>) -> Vec<String> {
    let schema = Schema::from_json(&json!({"type": "object", "properties": {"spec": spec_schema}})).unwrap();
    let wrap = |spec: Value| json!({"metadata": {"name": "x"}, "spec": spec});
    let old = old.map(wrap);
    let outcome = validate(&schema, &wrap(new), old.as_ref());
    let ratcheted = outcome.ratcheted.iter().map(|error| format!("warning: {error}"));
    outcome.errors.iter().map(ToString::to_string).chain(ratcheted).collect()
}

fn with_rules(mut schema: Value, rules: Value) -> Value {
    schema["x-kubernetes-validations"] = rules;
    schema
}

fn anything() -> Value {
    json!({"type": "object", "properties": {
        "n": {"type": "integer"}, "s": {"type": "string"}, "l": {"type": "array", "items": {"type": "integer"}},
        "m": {"type": "object", "additionalProperties": {"type": "string"}}, "p": {"x-kubernetes-int-or-string": true},
        "d": {"type": "string", "format": "duration"}, "t": {"type": "string", "format": "date-time"}, "x": {"type": "number"},
        "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        "my_field": {"type": "integer"}, "a-b": {"type": "integer"}, "x.y": {"type": "integer"}, "namespace": {"type": "string"}, "d__u": {"type": "integer"},
        "e": {"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true},
        "hidden": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
    }})
}

fn object() -> Value {
    json!({"n": 3, "s": "abc", "l": [3, 1, 2], "m": {"k": "v", "x": "y"}, "p": "http", "d": "90s", "t": "2020-02-29T12:30:00Z", "x": 2,
        "set": ["a", "b"], "my_field": 1, "a-b": 2, "x.y": 3, "namespace": "n", "d__u": 4,
        "e": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {}}, "spec": {}}, "hidden": {"a": 1}})
}

#[test]
fn expressions_that_hold() {
    for rule in [
        "self.n == 3 && self.n != 4 && self.n < 4 && 2 <= self.n && self.n > 2.5",
        "1 + 2 * 3 == 7 && 7 / 2 == 3 && 7 % 2 == 1 && -self.n == -3 && 1.5 + 1.5 == 3.0",
        "'a' + 'b' == 'ab' && b'a' + b'b' == b'ab' && [1] + [2] == [1, 2]",
        "has(self.n) && !has(self.m.nope) && 'k' in self.m && 3 in self.l && !(9 in self.l)",
        "self.m.k == 'v' && self.m['x'] == 'y' && self.l[0] == 3 && self.m == {'x': 'y', 'k': 'v'}",
        "self.l.all(x, x > 0) && self.l.exists(x, x == 2) && self.l.exists_one(x, x == 1) && self.m.all(k, k != 'z')",
        "self.l.map(x, x * 2) == [6, 2, 4] && self.l.filter(x, x > 1) == [3, 2] && self.l.map(x, x > 1, x) == [3, 2]",
        "self.l.all(i, x, i < 3 && x > 0) && {'a': 1}.transformList(k, v, k) == ['a'] && {'a': 1}.transformMap(k, v, v + 1) == {'a': 2}",
        "self.l.sum() == 6 && self.l.max() == 3 && self.l.min() == 1 && !self.l.isSorted() && self.l.indexOf(2) == 2",
        "[1, 1, 2].distinct() == [1, 2] && [2, 1].sort() == [1, 2] && [[1], [2]].flatten() == [1, 2] && lists.range(3) == [0, 1, 2]",
        "self.s.size() == 3 && size(self.l) == 3 && self.s.startsWith('a') && self.s.contains('b') && self.s.matches('^[a-z]+$')",
        "'a,b'.split(',') == ['a', 'b'] && ['a', 'b'].join('-') == 'a-b' && 'aXb'.lowerAscii() == 'axb' && ' x '.trim() == 'x'",
        "'abcb'.replace('b', 'x') == 'axcx' && 'abc'.substring(1, 2) == 'b' && 'abc'.indexOf('c') == 2 && 'abcb'.lastIndexOf('b') == 3 && 'äb'.charAt(1) == 'b'",
        "'a1b22'.findAll('[0-9]+') == ['1', '22'] && 'a1'.find('[0-9]') == '1' && ''.split('') == [] && 'ab'.split('') == ['a', 'b']",
        "type(self.p) == string && type(self.n) == int && type(self.l) == list && type(self.t) == google.protobuf.Timestamp",
        "int('5') == 5 && string(5) == '5' && double('1.5') == 1.5 && bool('true') && string(duration('90s')) == '90s' && uint(5) == 5u",
        "self.d == duration('1m30s') && self.d.getMinutes() == 1 && duration('1h') > self.d && self.d + self.d == duration('3m')",
        "self.t < timestamp('2030-01-01T00:00:00Z') && self.t.getFullYear() == 2020 && self.t.getMonth() == 1 && self.t.getHours('+01:00') == 13",
        "timestamp('2020-01-02T00:00:00Z') - timestamp('2020-01-01T00:00:00Z') == duration('24h')",
        "self.my_field == 1 && self.a__dash__b == 2 && self.x__dot__y == 3 && self.__namespace__ == 'n' && self.d__underscores__u == 4",
        "has(self.my_field) && has(self.__namespace__)",
        "self.x == 2.0 && type(self.x) == double",
        "self.set == ['b', 'a'] && self.set != ['a', 'c'] && self.set + ['a', 'c'] == ['a', 'b', 'c']",
        "duration('1.5s').getMilliseconds() == 1500 && type(self.e) == map && {'a': 1, 'a': 2}.a == 2",
        "timestamp('2020-02-29T23:00:00Z').getDate('Asia/Tokyo') == 1 && self.t.getHours('-05:00') == 7",
        "format.named('uuid').hasValue() && !format.named('nope').hasValue()",
        "self.e.kind == 'Pod' && self.e.metadata.name == 'p'",
        "self.?s.orValue('z') == 'abc' && !self.?m.?nope.hasValue() && optional.of(1).value() == 1 && [?optional.none(), 2] == [2]",
        "self.?s.optMap(s, s + 'd') == optional.of('abcd') && !optional.none().optMap(x, x).hasValue()",
        "self.?s.optFlatMap(s, optional.of(s.size())).value() == 3 && self.?m.optMap(m, m.size()).orValue(0) == 2",
        "self.l.sortBy(x, -x) == [3, 2, 1] && self.l.first().value() == 3 && self.l.last() == optional.of(2)",
        "self.m.transformMapEntry(k, v, {v: k}) == {'v': 'k', 'y': 'x'} && ['a'].transformMap(i, v, v) == {0: 'a'}",
        "optional.unwrap([optional.of(1), optional.none()]) == [1] && [optional.of(2)].unwrapOpt() == [2]",
        "{?'a': optional.of(1), ?'b': optional.none()} == {'a': 1} && sign(quantity('-1')) == -1",
        "quantity('1Gi').isGreaterThan(quantity('500Mi')) && isQuantity('5') && !isQuantity('x') && quantity('2').asInteger() == 2",
        "isURL('https://a.b/c') && url('https://a.b:80/c').getPort() == '80' && isIP('10.0.0.1') && cidr('10.0.0.0/8').containsIP('10.1.2.3')",
        "semver('1.2.3').isLessThan(semver('2.0.0')) && sets.contains([1, 2], [1]) && sets.equivalent([1, 2], [2, 1])",
        "'%s is %d'.format(['a', 5]) == 'a is 5' && !format.dns1123Label().validate('abc').hasValue()",
        "true || 1 / 0 == 1",
        "1 / 0 == 1 || true",
        "!(false && 1 / 0 == 1)",
        "[1, 2].exists(x, x == 2 || 1 / 0 == 1)",
        "self.n > 2 ? true : 1 / 0 == 1",
        "'\\u00e4' == 'ä' && r'\\d' == '\\\\d' && \"a\" 'b' == 'x' || true",
    ] {
        let rule = rule.replace("\"a\" 'b' == 'x' || true", "'''a''' == 'a'");
        assert_eq!(
            errors(with_rules(anything(), json!([{"rule": rule}])), object(), None),
            Vec::<String>::new(),
            "{rule}"
        );
    }
}

#[test]
fn what_fails_says_so_in_the_words_of_kubernetes() {
    let table = [
        (json!({"rule": "self.n > 5"}), "spec: Invalid value: failed rule: self.n > 5"),
        (json!({"rule": "self.n > 5", "message": "too small"}), "spec: Invalid value: too small"),
        (
            json!({"rule": "self.n > 5", "messageExpression": "'n is ' + string(self.n)"}),
            "spec: Invalid value: n is 3",
        ),
        (
            json!({"rule": "self.n > 5", "message": "fallback", "messageExpression": "self.s.substring(9)"}),
            "spec: Invalid value: fallback",
        ),
        (
            json!({"rule": "self.n > 5", "reason": "FieldValueRequired", "fieldPath": ".n", "message": "m"}),
            "spec.n: Required value: m",
        ),
        (
            json!({"rule": "self.n > 5", "reason": "FieldValueForbidden", "fieldPath": ".n"}),
            "spec.n: Forbidden: failed rule: self.n > 5",
        ),
        (json!({"rule": "self.n > 5", "reason": "FieldValueDuplicate"}), "spec: Duplicate value"),
        (
            json!({"rule": "self.nope == 1"}),
            r#"spec: Invalid value: "object": no such key: nope evaluating rule: self.nope == 1"#,
        ),
        (
            json!({"rule": "self.hidden.a == 1"}),
            r#"spec: Invalid value: "object": no such key: a evaluating rule: self.hidden.a == 1"#,
        ),
        (
            json!({"rule": "1 / (self.n - 3) > 0"}),
            r#"spec: Invalid value: "object": division by zero evaluating rule: 1 / (self.n - 3) > 0"#,
        ),
        (
            json!({"rule": "self.l[9] == 1"}),
            r#"spec: Invalid value: "object": index out of bounds: 9 evaluating rule: self.l[9] == 1"#,
        ),
        (
            json!({"rule": "self.p > 5"}),
            r#"spec: Invalid value: "object": 'no such overload': call arguments did not match a supported operator, function or macro signature for rule: self.p > 5"#,
        ),
        (
            json!({"rule": "self.n >"}),
            "spec: Invalid value: \"object\": rule compile error: compilation failed: ERROR: <input>:1:9: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | self.n >\n | ........^",
        ),
        (
            json!({"rule": "frob(self.n)"}),
            r#"spec: Invalid value: "object": 'no such overload': call arguments did not match a supported operator, function or macro signature for rule: frob(self.n)"#,
        ),
    ];
    for (rule, text) in table {
        assert_eq!(errors(with_rules(anything(), json!([rule])), object(), None), [text]);
    }
}

#[test]
fn what_has_no_order_is_not_put_into_one() {
    const NAN: &str = "(self.x - 2.0) / 0.0";
    let told = |rule: &str| {
        let rule = rule.replace("NAN", NAN);
        let found = errors(with_rules(anything(), json!([{"rule": rule, "message": "no"}])), object(), None);
        found.first().map(|error| error.trim_start_matches("spec: Invalid value: ").to_owned())
    };
    let unordered = "\"object\": NaN values cannot be ordered evaluating rule: no";
    let incomparable = "\"object\": list elements must be comparable evaluating rule: no";
    let mixed = "\"object\": list elements must have the same type evaluating rule: no";
    for (rule, expected) in [
        ("NAN < 1.0", unordered),
        ("1 >= NAN", unordered),
        ("dyn(NAN) < dyn('a')", unordered),
        ("[dyn(1), dyn('a')].sort() == []", mixed),
        ("[dyn([1])].sort() == []", incomparable),
        ("[dyn(null), dyn(1)].sort() == []", incomparable),
        ("[1, 2].sortBy(x, dyn([x])) == []", incomparable),
        ("[1, 2].sortBy(x, x == 1 ? dyn('a') : dyn(2)) == []", mixed),
    ] {
        assert_eq!(told(rule).as_deref(), Some(expected), "{rule}");
    }
    let signature =
        "call arguments did not match a supported operator, function or macro signature for rule: no";
    for (rule, overload) in [
        ("dyn([1]) < dyn([2])", "no such overload: _<_"),
        ("dyn(1) < dyn([2])", "no such overload"),
        ("[dyn([1])].min() == 5", "no such overload: min(list)"),
        ("[dyn([1])].isSorted()", "no such overload: isSorted(list)"),
    ] {
        assert_eq!(told(rule), Some(format!("\"object\": '{overload}': {signature}")), "{rule}");
    }
    for rule in [
        "NAN != NAN && [NAN, 1.0].isSorted() && [dyn('a'), dyn(1)].isSorted()",
        "[1.0, NAN].min() == 1.0 && [NAN, 1.0].min() != 1.0 && [dyn(1), dyn('a')].min() == dyn(1)",
        "lists.range(100).map(x, x % 3 == 0 ? NAN : -double(x)).sort()[0] == -98.0",
    ] {
        assert_eq!(told(rule), None, "{rule}");
    }
}

#[test]
fn calls_that_compare_items_cost_as_much_as_in_kubernetes() {
    let told = |rule: &str| errors(with_rules(anything(), json!([{"rule": rule}])), object(), None);
    for (cheap, expensive) in [
        ("lists.range(700).distinct().size() == 700", "lists.range(720).distinct().size() == 720"),
        ("lists.range(690).sortBy(x, -x)[0] == 689", "lists.range(720).sortBy(x, -x)[0] == 719"),
        (
            "lists.range(680).map(x, string(x)).sort()[0] == '0'",
            "lists.range(695).map(x, string(x)).sort()[0] == '0'",
        ),
        (
            "sets.contains(lists.range(985), lists.range(985))",
            "sets.contains(lists.range(1005), lists.range(1005))",
        ),
        (
            "sets.equivalent(lists.range(700), lists.range(700))",
            "sets.equivalent(lists.range(712), lists.range(712))",
        ),
        ("lists.range(999000).size() == 999000", "lists.range(1000100).size() == 1000100"),
        ("lists.range(499000).reverse()[0] == 498999", "lists.range(501000).reverse()[0] == 500999"),
        (
            "lists.range(990000).slice(0, 9000).size() == 9000",
            "lists.range(990000).slice(0, 11000).size() == 11000",
        ),
    ] {
        assert_eq!(told(cheap), Vec::<String>::new(), "{cheap}");
        assert!(told(expensive).concat().contains("actual cost limit exceeded"), "{expensive}");
    }
}

#[test]
fn lists_are_joined_without_copies() {
    let told = |rule: &str| errors(with_rules(anything(), json!([{"rule": rule}])), object(), None);
    let deep = vec!["l"; 100].join(" + ");
    for rule in [
        "[lists.range(100)].all(l, (l + l)[150] == 50 && (l + l).size() == 200 && (l + l).reverse()[199] == 0)",
        "[lists.range(100)].all(l, l + l == l + l && l + l != l && 99 in l + l && !(100 in l + l))",
        "[lists.range(100)].all(l, (l + l).exists(i, x, i == 199 && x == 99) && (l + [7])[100] == 7)",
        "[lists.range(10000)].map(l, l.map(x, l + l))[0].size() == 10000",
        &format!("[lists.range(20)].all(l, ({deep})[1999] == 19)"),
    ] {
        assert_eq!(told(rule), Vec::<String>::new(), "{rule}");
    }
}

#[test]
fn what_would_not_fit_into_memory_is_too_expensive() {
    let told = |rule: &str| errors(with_rules(anything(), json!([{"rule": rule}])), object(), None);
    let deep = vec!["l"; 100].join(" + ");
    let text = |length: u32| format!("[lists.range({length}).map(x, 'a').join()]");
    for (cheap, expensive) in [
        (
            format!("[lists.range(10)].map(l, lists.range(1000).map(x, {deep}))[0].size() == 1000"),
            format!("[lists.range(1000)].map(l, lists.range(1000).map(x, {deep}))[0].size() == 1000"),
        ),
        (
            "[lists.range(900)].all(l, l.map(x, l).flatten().size() == 810000)".to_owned(),
            "[lists.range(1100)].all(l, l.map(x, l).flatten().size() == 1210000)".to_owned(),
        ),
        (
            format!("{}.all(t, t.replace('a', t).size() == 9000000)", text(3000)),
            format!("{}.all(t, t.replace('a', t).size() == 10240000)", text(3200)),
        ),
        (
            format!("{}.all(t, lists.range(3000).map(x, t).join().size() == 9000000)", text(3000)),
            format!("{}.all(t, lists.range(3400).map(x, t).join().size() == 10200000)", text(3000)),
        ),
    ] {
        assert_eq!(told(&cheap), Vec::<String>::new(), "{cheap}");
        assert!(told(&expensive).concat().contains("actual cost limit exceeded"), "{expensive}");
    }
}

#[test]
fn rules_apply_to_scalars_items_and_map_values() {
    let scalar = json!({"type": "integer", "x-kubernetes-validations": [{"rule": "self % 2 == 0", "message": "must be even"}]});
    assert_eq!(
        errors(json!({"type": "object", "properties": {"n": scalar}}), json!({"n": 3}), None),
        ["spec.n: Invalid value: 3: must be even"]
    );
    assert_eq!(
        errors(
            json!({"type": "object", "properties": {"l": {"type": "array", "items": scalar}}}),
            json!({"l": [2, 3]}),
            None
        ),
        ["spec.l[1]: Invalid value: 3: must be even"]
    );
    assert_eq!(
        errors(json!({"type": "object", "additionalProperties": scalar}), json!({"k": 3}), None),
        ["spec[k]: Invalid value: 3: must be even"]
    );
    assert_eq!(
        errors(json!({"type": "object", "properties": {"n": scalar}}), json!({"n": null}), None),
        Vec::<String>::new()
    );
}

#[test]
fn rules_at_the_root_see_the_name() {
    let schema = Schema::from_json(&json!({"type": "object", "x-kubernetes-validations": [
        {"rule": "self.metadata.name.startsWith('good') && self.kind == 'K' && !has(self.metadata.generateName)", "message": "bad name"}]})).unwrap();
    let object =
        |name: &str| json!({"apiVersion": "a/v1", "kind": "K", "metadata": {"name": name, "labels": {}}});
    assert_eq!(validate(&schema, &object("good-x"), None).errors, []);
    assert_eq!(
        validate(&schema, &object("bad"), None).errors[0].to_string(),
        "<nil>: Invalid value: bad name"
    );
}

#[test]
fn transition_rules_compare_with_the_old_value() {
    let n = json!({"type": "integer", "x-kubernetes-validations": [{"rule": "self >= oldSelf", "message": "may not shrink"}]});
    let schema = json!({"type": "object", "properties": {"n": n}});
    let none = Vec::<String>::new();
    assert_eq!(errors(schema.clone(), json!({"n": 5}), None), none, "on create");
    assert_eq!(errors(schema.clone(), json!({"n": 5}), Some(json!({}))), none, "of a new field");
    assert_eq!(errors(schema.clone(), json!({}), Some(json!({"n": 5}))), none, "of a removed field");
    assert_eq!(
        errors(schema, json!({"n": 4}), Some(json!({"n": 5}))),
        ["spec.n: Invalid value: 4: may not shrink"]
    );

    let optional = json!({"type": "object", "properties": {"n": {"type": "integer", "x-kubernetes-validations": [
        {"rule": "oldSelf.hasValue() ? self >= oldSelf.value() : self == 0", "optionalOldSelf": true}]}}});
    assert_eq!(errors(optional.clone(), json!({"n": 0}), None), none);
    assert_eq!(errors(optional.clone(), json!({"n": 5}), None).len(), 1);
    assert_eq!(errors(optional.clone(), json!({"n": 3}), Some(json!({"n": 0}))), none);
    assert_eq!(errors(optional, json!({"n": 1}), Some(json!({"n": 3}))).len(), 1);

    let items = json!({"type": "object", "properties": {"l": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
        "items": {"type": "object", "properties": {"k": {"type": "string"}, "v": {"type": "integer", "x-kubernetes-validations": [{"rule": "self >= oldSelf"}]}}}}}});
    let old = json!({"l": [{"k": "a", "v": 1}, {"k": "b", "v": 5}]});
    let new = json!({"l": [{"k": "b", "v": 4}, {"k": "a", "v": 2}, {"k": "c", "v": 0}]});
    assert_eq!(
        errors(items, new, Some(old)),
        ["spec.l[0].v: Invalid value: 4: failed rule: self >= oldSelf"]
    );
}

#[test]
fn a_value_that_failed_before_is_only_warned_about() {
    let n = json!({"type": "integer", "x-kubernetes-validations": [{"rule": "self > 5"}]});
    let schema = json!({"type": "object", "properties": {"n": n, "x": {"type": "string"}}});
    let old = || Some(json!({"n": 1, "x": "1"}));
    assert_eq!(
        errors(schema.clone(), json!({"n": 1, "x": "2"}), old()),
        ["warning: spec.n: Invalid value: 1: failed rule: self > 5"]
    );
    assert_eq!(
        errors(schema, json!({"n": 2, "x": "1"}), old()),
        ["spec.n: Invalid value: 2: failed rule: self > 5"]
    );
}

#[test]
fn evaluation_is_bounded() {
    let schema = with_rules(
        anything(),
        json!([{"rule": "self.l.all(a, self.l.all(b, self.l.all(c, a + b + c >= 0)))"}, {"rule": "false"}]),
    );
    let object = json!({"l": (0..1000).collect::<Vec<i32>>()});
    let errors = errors(schema, object, None);
    assert_eq!(errors.len(), 1);
    assert!(errors[0].contains("cost limit exceeded"), "{}", errors[0]);
}

proptest! {
    #[test]
    fn no_text_upsets_parsing_or_evaluating(source in "[a-z0-9 .()\\[\\]{}'\"!&|<>=+*/%?:,-]{0,40}", name in "(self|has|all|exists|map|size|type|matches|split|int|duration|quantity|[a-z]){0,3}") {
        for text in [source.clone(), format!("self.{name}({source})"), format!("{name}(self, {source})")] {
            errors(with_rules(anything(), json!([{"rule": text}])), object(), None);
        }
    }

    #[test]
    fn no_call_upsets_the_functions(function in prop::sample::select(vec!["contains", "split", "substring", "charAt", "indexOf", "lastIndexOf", "replace", "format", "join", "slice", "flatten", "sum", "min", "size", "quantity", "url", "ip", "cidr", "semver", "duration", "timestamp", "int", "double", "matches", "find", "findAll", "getHours", "isSorted", "sort"]),
        target in prop::sample::select(vec!["''", "'äbc'", "[]", "[1, 'a']", "self", "self.t", "self.d", "quantity('1')", "1", "null"]),
        args in prop::collection::vec(prop::sample::select(vec!["''", "'ä'", "'['", "-1", "0", "9223372036854775807", "1.5", "[]", "null", "self.l", "quantity('1Gi')", "'%s%d%e%x'"]), 0..4)) {
        let call = format!("({target}).{function}({})", args.join(", "));
        errors(with_rules(anything(), json!([{"rule": format!("{call} == 1")}])), object(), None);
        let all: Vec<&str> = std::iter::once(target).chain(args.iter().copied()).collect();
        errors(with_rules(anything(), json!([{"rule": format!("{function}({}) == 1", all.join(", "))}])), object(), None);
    }
}
