use super::super::super::Schema;
use super::super::parser::parse;
use super::*;
use serde_json::json;

fn checked(source: &str) -> Result<(String, u64), String> {
    let schema = Schema::from_json(&json!({"type": "object", "properties": {
        "n": {"type": "integer"}, "s": {"type": "string", "maxLength": 10}, "l": {"type": "array", "maxItems": 5, "items": {"type": "integer"}},
        "m": {"type": "object", "additionalProperties": {"type": "string"}}, "p": {"x-kubernetes-int-or-string": true},
        "u": {"type": "array", "items": {"type": "array", "items": {"type": "string"}}}, "t": {"type": "string", "format": "date-time"},
        "a-b": {"type": "integer"}, "namespace": {"type": "string"},
        "k": {"type": "object", "maxProperties": 3, "additionalProperties": {"type": "string", "maxLength": 2}},
    }}))
    .unwrap();
    let (self_type, _) = Type::of_schema(&schema, false).unwrap();
    match check(&parse(source).unwrap(), &[("self", self_type)]) {
        Ok(Checked { type_, cost, .. }) => Ok((type_.to_string(), cost)),
        Err(mistakes) => Err(show(&mistakes, source)),
    }
}

#[test]
fn types_follow_from_the_schema() {
    let table = [
        ("self.n > 1 && has(self.s)", "bool"),
        ("self.l.map(x, x * 2)", "list(int)"),
        ("self.m.all(k, k.startsWith('a'))", "bool"),
        ("self.m['a'] + self.s", "string"),
        ("type(self.p) == int ? self.p > 0 : self.p != ''", "bool"),
        ("self.t < timestamp('2030-01-01T00:00:00Z')", "bool"),
        ("quantity('1').isGreaterThan(quantity('2'))", "bool"),
        ("self.a__dash__b", "int"),
        ("self.namespace + self.__namespace__", "string"),
        ("[self.l, self.l].flatten()", "list(int)"),
        ("self.?s.orValue('x')", "string"),
        ("[1, 2].sum()", "int"),
        ("self.n in self.l && 'k' in self.m && self.s in ['a', 'b'] && !(1 in {2: 'b'})", "bool"),
        ("{'a': 1}.transformList(k, v, k)", "list(string)"),
        ("self.l.exists_one(x, x == 1) || sets.contains([1], self.l)", "bool"),
    ];
    for (source, type_) in table {
        assert_eq!(checked(source).map(|(type_, _)| type_), Ok(type_.to_owned()), "{source}");
    }
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let table = [
        ("self.nope > 1", "ERROR: <input>:1:5: undefined field 'nope'\n | self.nope > 1\n | ....^"),
        (
            "self.s > 5",
            "ERROR: <input>:1:8: found no matching overload for '_>_' applied to '(string, int)'\n | self.s > 5\n | .......^",
        ),
        (
            "1 in [self.s]",
            "ERROR: <input>:1:3: found no matching overload for '@in' applied to '(int, list(string))'\n | 1 in [self.s]\n | ..^",
        ),
        ("foo", "ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo\n | ^"),
        (
            "true &&\nself.s.frob()",
            "ERROR: <input>:2:12: undeclared reference to 'frob' (in container '')\n | self.s.frob()\n | ...........^",
        ),
        (
            "self.n.all(x, true)",
            "ERROR: <input>:1:5: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)\n | self.n.all(x, true)\n | ....^",
        ),
    ];
    for (source, text) in table {
        assert_eq!(checked(source).map(|(type_, _)| type_), Err(text.to_owned()));
    }
}

#[test]
fn mistakes_in_literals_and_macros_are_found() {
    let table = [
        ("self.n && true", "1:5: expected type 'bool' but found 'int'"),
        ("self.l.all(x, x)", "1:15: expected type 'bool' but found 'int'"),
        (
            "self.l.filter(x, x)",
            "1:14: found no matching overload for '_?_:_' applied to '(int, list(int), list(int))'",
        ),
        (
            "self.l.exists_one(x, x)",
            "1:18: found no matching overload for '_?_:_' applied to '(int, int, int)'",
        ),
        ("[1, 'a']", "1:5: expected type 'int' but found 'string'"),
        ("[self.p, 1]", "1:10: expected type 'dyn' but found 'int'"),
        ("{'a': [1], 'b': ['x']}", "1:17: expected type 'list(int)' but found 'list(string)'"),
        ("duration('x')", "1:10: invalid duration argument"),
        ("duration(1)", "1:10: invalid duration argument"),
        ("timestamp('2020-01-01')", "1:11: invalid timestamp argument"),
        ("self.s.matches('(')", "1:16: invalid matches argument"),
        ("'%s %s'.format([self.s])", "1:15: index 1 out of range"),
        (
            "'%s'.format([self.s, 1])",
            "1:12: too many arguments supplied to string.format (expected 1, got 2)",
        ),
        ("'%y'.format([1])", "1:12: could not parse formatting clause: unrecognized formatting clause \"y\""),
        ("'%'.format([])", "1:11: unexpected end of string"),
        (
            "'%.3'.format([1])",
            "1:13: could not parse formatting clause: error while parsing precision: could not find end of precision specifier",
        ),
        (
            "'%d'.format([self.s])",
            "1:18: error during formatting: decimal clause can only be used on integers, was given string",
        ),
        ("self.s.optMap(v, v)", "1:14: found no matching overload for 'hasValue' applied to 'string.()'"),
        (
            "self.l.sortBy(x, [x])",
            "1:14: found no matching overload for '@sortByAssociatedKeys' applied to 'list(int).(list(list(int)))'",
        ),
        (
            "self.m.transformMapEntry(k, v, v)",
            "1:25: found no matching overload for 'cel.@mapInsert' applied to '(map(dyn, dyn), string)'",
        ),
        ("cel.bind(x, 1, true)", "1:1: undeclared reference to 'cel' (in container '')"),
        ("math.abs(1)", "1:1: undeclared reference to 'math' (in container '')"),
        ("self.s.reverse()", "1:15: found no matching overload for 'reverse' applied to 'string.()'"),
        ("self.l.flatten()", "1:15: found no matching overload for 'flatten' applied to 'list(int).()'"),
        ("self.u.sort()", "1:12: found no matching overload for 'sort' applied to 'list(list(string)).()'"),
        ("self.as", "1:5: undefined field 'as'"),
    ];
    for (source, text) in table {
        let found = checked(source).expect_err(source);
        let first = found.split('\n').next().unwrap_or_default();
        assert_eq!(first.trim_start_matches("ERROR: <input>:"), text, "{source}");
    }
    for source in
        ["'%s %d %f'.format([self.s, self.n, 1.5])", "self.t == null", "[[], [1]] == []", "'%%'.format([])"]
    {
        assert!(checked(source).is_ok(), "{source}: {:?}", checked(source));
    }
}

#[test]
fn some_expressions_are_right_and_still_no_programs() {
    let table = [
        ("int('x') == 1", Some("type conversion error from 'string' to 'int'")),
        ("true || uint(-1) == 1u", Some("unsigned integer overflow")),
        ("self.s.find('(') == ''", Some("error parsing regexp: missing closing ): `(`")),
        ("int('1') == 1 / 0", None),
    ];
    for (source, text) in table {
        assert_eq!(unusable(&parse(source).unwrap()).as_deref(), text, "{source}");
    }
}

#[test]
fn costs_are_those_of_kubernetes() {
    let table = [
        ("has(self.n)", 1),
        ("self.n == self.a__dash__b", 4),
        ("self.t == self.t", 8),
        ("type(self.n) == int", 4),
        ("dyn(self.s) == 'a'", 4),
        ("self.s.contains('abc')", 6),
        ("self.k.all(k, k.matches('^[a-z]+$'))", 21),
        ("self.k.all(k, self.k[k] == self.k['a'])", 36),
        ("self.k['a'] == 'x'", 4),
        ("[self.s].all(x, x == self.s)", 19),
        ("self.l.map(x, x + 1).sum() > 3", 89),
        ("self.l.filter(x, x > 1).size() > 0", 90),
        ("self.l.sort() == self.l", 66),
        ("self.l.sortBy(x, -x)[0] == 1", 157),
        ("self.l.distinct().size() == 5", 65),
        ("self.l.slice(0, 2) == [1, 2]", 26),
        ("self.s.split('/', 2).exists(x, x == 'a')", 21),
        ("self.k.transformMap(k, v, v).size() > 1", 47),
        ("self.?n.optMap(x, x + 1).orValue(1) == 1", 21),
        ("(self.n > 1 ? self.s : 'abcdefghijklmnopqrstuvwxyz').contains('a')", 9),
        ("matches(self.s, '^a+$')", 3),
        ("isIP(self.s) && ip(self.s) == ip('127.0.0.1')", 14),
        ("format.dns1123Label().validate(self.s).hasValue()", 132),
        ("cidr('10.0.0.0/8').containsCIDR(self.s)", 14),
        ("self.k.exists(k, v, k == v)", 21),
        ("self.l.all(i, x, i < x)", 33),
        ("self.s.replace('aa', 'b').size() > 1", 12),
    ];
    for (source, cost) in table {
        assert_eq!(checked(source).map(|(_, cost)| cost), Ok(cost), "{source}");
    }
}

#[test]
fn sizes_are_looked_up_where_kubernetes_looks() {
    let unknown =
        ["self.k.a == self.k.b", "self.?s.orValue('').contains('a')", "self.namespace.contains('a')"];
    for source in unknown {
        assert!(checked(source).unwrap().1 > 10_000_000, "{source}: {}", checked(source).unwrap().1);
    }
    // The items of a list that an expression makes are taken for as large as the object, which has no size.
    assert_eq!(checked("[self.namespace].all(x, x.contains(x))").map(|(_, cost)| cost), Ok(18));
}

#[test]
fn what_is_unbounded_is_expensive() {
    let cheap = [
        "self.n > 1",
        "self.l.all(x, x > 0)",
        "self.s.contains('a')",
        "self.m.size() < 5",
        "self.u.all(a, a.size() < 3)",
    ];
    for source in cheap {
        assert!(checked(source).unwrap().1 < 10_000_000, "{source}: {}", checked(source).unwrap().1);
    }
    let expensive =
        ["self.u.all(a, a.all(b, a.all(c, b == c || b.contains(c))))", "'n is ' + string(self.n) == ''"];
    for source in expensive {
        assert!(checked(source).unwrap().1 > 10_000_000, "{source}: {}", checked(source).unwrap().1);
    }
}
