//! Where a JSON pointer points to.

use serde_json::Value;

/// A member of a map or an item of an array, there or not, in its container, which is there.
pub(super) struct Place<'a> {
    container: &'a mut Value,
    pub(super) key: String,
}

/// Finds the container that `path` points into. As in the library, what stands before the first slash is ignored.
pub(super) fn place<'a>(document: &'a mut Value, path: &str) -> Option<Place<'a>> {
    let (parents, key) = path.rsplit_once('/')?;
    let mut container = document;
    for part in parents.split('/').skip(1) {
        let part = unescape(part);
        container = match container {
            Value::Object(members) => members.get_mut(&part)?,
            Value::Array(items) => {
                let index = index(&part, items.len()).ok()?;
                items.get_mut(index)?
            }
            _ => return None,
        };
    }
    matches!(container, Value::Object(_) | Value::Array(_)).then(|| Place { container, key: unescape(key) })
}

impl Place<'_> {
    pub(super) fn get(&self) -> Result<Option<&Value>, String> {
        match &*self.container {
            Value::Object(members) => Ok(members.get(&self.key)),
            Value::Array(items) => Ok(items.get(index(&self.key, items.len())?)),
            _ => Ok(None),
        }
    }

    pub(super) fn add(&mut self, value: Value) -> Result<(), String> {
        match self.container {
            Value::Object(members) => {
                members.insert(self.key.clone(), value);
            }
            Value::Array(items) if self.key == "-" => items.push(value),
            Value::Array(items) => {
                let index = index(&self.key, items.len() + 1).map_err(|error| {
                    if self.key.parse::<i64>().is_ok() {
                        error
                    } else {
                        format!("value was not a proper array index: '{}': {error}", self.key)
                    }
                })?;
                items.insert(index, value);
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn set(&mut self, value: Value) -> Result<(), String> {
        match self.container {
            Value::Object(members) => {
                members.insert(self.key.clone(), value);
            }
            Value::Array(items) => {
                let index = index(&self.key, items.len())?;
                items[index] = value;
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn remove(&mut self) -> Result<Value, String> {
        let missing = || format!("Unable to remove nonexistent key: {}: missing value", self.key);
        match self.container {
            Value::Object(members) => members.remove(&self.key).ok_or_else(missing),
            Value::Array(items) => {
                let index = index(&self.key, items.len())?;
                Ok(items.remove(index))
            }
            _ => Err(missing()),
        }
    }
}

/// An index below `length`; negative ones count from the end.
fn index(key: &str, length: usize) -> Result<usize, String> {
    let number: i64 = key.parse().map_err(|_| format!("strconv.Atoi: parsing \"{key}\": invalid syntax"))?;
    let length = length as i64;
    if (-length..length).contains(&number) {
        return Ok(if number < 0 { number + length } else { number } as usize);
    }
    Err(format!("Unable to access invalid index: {number}: invalid index referenced"))
}

fn unescape(part: &str) -> String {
    if part.contains('~') { part.replace("~1", "/").replace("~0", "~") } else { part.to_owned() }
}
