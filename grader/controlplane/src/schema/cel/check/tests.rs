use super::super::super::Schema;
use super::super::parser::parse;
use super::*;
use serde_json::json;

fn checked(source: &str) -> Result<(String, u64), String> {
    let schema = Schema::from_json(&json!({"type": "object", "properties": {
        "n": {"type": "integer"}, "s": {"type": "string", "maxLength": 10}, "l": {"type": "array", "maxItems": 5, "items": {"type": "integer"}},
        "m": {"type": "object", "additionalProperties": {"type": "string"}}, "p": {"x-kubernetes-int-or-string": true},
        "u": {"type": "array", "items": {"type": "array", "items": {"type": "string"}}}, "t": {"type": "string", "format": "date-time"},
        "a-b": {"type": "integer"},
    }}))
    .unwrap();
    let (self_type, _) = Type::of_schema(&schema, false).unwrap();
    match check(&parse(source).unwrap(), &[("self", self_type)]) {
        Ok(Checked { type_, cost }) => Ok((type_.to_string(), cost)),
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
