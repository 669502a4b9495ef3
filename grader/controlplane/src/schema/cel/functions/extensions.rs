//! Quantities, URLs, addresses, versions and named formats: the functions of the kube-cel crate.
//!
//! Only values go in and out. Expressions are never given to the crate: every call is one of a few fixed ones.

use super::super::evaluate::{Evaluated, Fault};
use super::super::meter::Meter;
use super::super::value::{Entries, Value};
use super::{go_errors, numbers};
use crate::builtins::quantity::Quantity;
use kube_cel::KubeCelExt;
use kube_cel::cel::objects::{Key, Map, OptionalValue};
use kube_cel::cel::{Context, ExecutionError, Program, Value as Foreign};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

thread_local! {
    static EXTENSIONS: Extensions = Extensions { context: Context::default().with_all(), calls: RefCell::default() };
}

/// How deep values may nest that are given to the crate, which looks at them recursively.
const DEEPEST: usize = 100;

struct Extensions {
    context: Context<'static>,
    calls: RefCell<BTreeMap<String, Rc<Program>>>,
}

/// Calls a function of the extensions.
pub(super) fn call<'a>(
    name: &str,
    target: Option<&Value<'a>>,
    args: &[Value<'a>],
    meter: &Meter,
) -> Evaluated<'a> {
    if let ("quantity", [Value::String(text)]) = (name, args)
        && let Err(error) = Quantity::parse(text)
    {
        return Err(Fault::Error(error.to_owned()));
    }
    if name == "format"
        && let Some((format, args)) = numbers::of_call(target, args, meter)?
    {
        return call_of_crate(name, Some(&Value::text(format)), &[Value::list(args)], meter);
    }
    if let ("semver", [text]) = (name, args)
        && let Some(why) = super::text(text).and_then(go_errors::of_version)
    {
        return Err(Fault::Error(why));
    }
    // The crate reads these.
    if let ("cidr" | "isCIDR", [prefix]) = (name, args)
        && super::text(prefix).is_some_and(go_errors::has_padded_bits)
    {
        let why = in_words_of_go("cidr", args, "invalid CIDR".to_owned());
        return if name == "cidr" { Err(Fault::Error(why)) } else { Ok(Value::Bool(false)) };
    }
    call_of_crate(name, target, args, meter)
}

fn call_of_crate<'a>(
    name: &str,
    target: Option<&Value<'a>>,
    args: &[Value<'a>],
    meter: &Meter,
) -> Evaluated<'a> {
    // What Kubernetes has as a function, the crate has as a method.
    let (target, args) = match (name, args) {
        ("sign", [quantity]) => (Some(quantity), &[][..]),
        _ => (target, args),
    };
    let names = ["a", "b", "c"];
    let Some(names) = names.get(..args.len()) else { return Err(Fault::no_such_overload()) };
    let method = if target.is_some() { "t." } else { "" };
    let source = format!("{method}{name}({})", names.join(", "));
    let mut variables = Vec::new();
    for (name, value) in names.iter().zip(args).chain(target.map(|target| (&"t", target))) {
        let value = to_foreign(value, DEEPEST, meter);
        meter.check()?;
        variables.push((*name, value.ok_or_else(Fault::no_such_overload)?));
    }
    EXTENSIONS.with(|extensions| {
        let program = extensions.program(&source)?;
        let mut context = extensions.context.new_inner_scope();
        for (name, value) in variables {
            context.add_variable_from_value(name, value);
        }
        // The crate is not trusted to handle every argument; a panic in it fails the rule, nothing else.
        let result = catch_unwind(AssertUnwindSafe(|| program.execute(&context)));
        match result {
            // The crate answers with a format, or with nothing.
            Ok(Ok(value)) if name == "format.named" => Ok(match from_foreign(value) {
                Value::Null => Value::Optional(None),
                format => Value::some(format),
            }),
            Ok(Ok(value)) => Ok(from_foreign(value)),
            Ok(Err(error)) => Err(Fault::Error(in_words_of_go(name, args, message(error)))),
            Err(_) => Err(Fault::Error(format!("internal error in {name}"))),
        }
    })
}

impl Extensions {
    fn program(&self, source: &str) -> Result<Rc<Program>, Fault> {
        if let Some(program) = self.calls.borrow().get(source) {
            return Ok(program.clone());
        }
        let program = Rc::new(Program::compile(source).map_err(|error| Fault::Error(error.to_string()))?);
        self.calls.borrow_mut().insert(source.to_owned(), program.clone());
        Ok(program)
    }
}

/// What Kubernetes says of an argument that a function cannot read.
fn in_words_of_go(name: &str, args: &[Value<'_>], message: String) -> String {
    let text = args.first().and_then(super::text).unwrap_or_default();
    let quoted = crate::go_text::quote(text);
    match name {
        "ip" | "ip.isCanonical" if message.contains("zone") => {
            format!("IP address {quoted} with zone value is not allowed")
        }
        "ip" | "ip.isCanonical" if message.contains("IPv4-mapped") => {
            format!("IPv4-mapped IPv6 address {quoted} is not allowed")
        }
        "ip" | "ip.isCanonical" => {
            let why = go_errors::of_address(text);
            format!("IP Address {quoted} parse error during conversion from string: {why}")
        }
        "cidr" if message.starts_with("invalid CIDR") => {
            let failed = "network address parse error during conversion from string";
            format!("{failed}: {failed}: {}", go_errors::of_prefix(text))
        }
        "url" => {
            let failed = "URL parse error during conversion from string";
            format!("{failed}: parse {quoted}: invalid URI for request")
        }
        "asInteger" => "cannot convert value to integer".to_owned(),
        _ => message,
    }
}

fn message(error: ExecutionError) -> String {
    match error {
        ExecutionError::FunctionError { message, .. } => message,
        ExecutionError::NoSuchOverload
        | ExecutionError::UndeclaredReference(_)
        | ExecutionError::UnexpectedType { .. } => "no such overload".to_owned(),
        error => error.to_string(),
    }
}

/// `None` for what no function of the extensions takes, for what nests too deep, and when the meter runs out.
fn to_foreign(value: &Value<'_>, depth: usize, meter: &Meter) -> Option<Foreign> {
    let bytes = match value {
        Value::String(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    };
    (meter.step_over(bytes) && meter.step(1)).then_some(())?;
    let part = |value: &Value<'_>| to_foreign(value, depth.checked_sub(1)?, meter);
    Some(match value {
        Value::Null => Foreign::Null,
        Value::Bool(value) => Foreign::Bool(*value),
        Value::Int(value) => Foreign::Int(*value),
        Value::Uint(value) => Foreign::UInt(*value),
        Value::Double(value) => Foreign::Float(*value),
        Value::String(text) => Foreign::String(Arc::new(text.to_string())),
        Value::Bytes(bytes) => Foreign::Bytes(Arc::new(bytes.to_vec())),
        Value::Foreign(value) => (**value).clone(),
        Value::List(_) | Value::JsonList(..) => {
            Foreign::List(Arc::new(value.each().map(|item| part(&item)).collect::<Option<_>>()?))
        }
        Value::Map(_) | Value::JsonMap(..) | Value::Object(..) => {
            let mut map = HashMap::new();
            for (key, value) in value.entries()? {
                map.insert(Key::String(Arc::new(super::shown(&key))), part(&value)?);
            }
            Foreign::Map(Map { map: Arc::new(map) })
        }
        Value::Timestamp(_) | Value::Duration(_) | Value::Type(_) => {
            Foreign::String(Arc::new(super::shown(value)))
        }
        Value::Optional(_) | Value::Authorization(_) => return None,
    })
}

fn from_foreign<'a>(value: Foreign) -> Value<'a> {
    match value {
        Foreign::Null => Value::Null,
        Foreign::Bool(value) => Value::Bool(value),
        Foreign::Int(value) => Value::Int(value),
        Foreign::UInt(value) => Value::Uint(value),
        Foreign::Float(value) => Value::Double(value),
        Foreign::String(text) => Value::text(text.as_str()),
        Foreign::Bytes(bytes) => Value::Bytes(bytes.as_slice().into()),
        Foreign::List(items) => Value::list(items.iter().cloned().map(from_foreign).collect()),
        Foreign::Map(map) => {
            let mut entries: Vec<(Key, Foreign)> =
                map.map.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
            // The crate keeps maps in hash order; ours is the order of keys.
            entries.sort_by(|(one, _), (other, _)| one.cmp(other));
            let mut map = Entries::default();
            for (key, value) in entries {
                // Its keys are of the types that ours may have.
                let _ = map.set(from_foreign(key.into()), from_foreign(value));
            }
            Value::map(map)
        }
        other => match <&OptionalValue>::try_from(&other) {
            Ok(optional) => Value::optional(optional.value().cloned().map(from_foreign)),
            Err(_) => Value::Foreign(Rc::new(other)),
        },
    }
}
