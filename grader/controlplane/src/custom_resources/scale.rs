//! `/scale` of a custom resource (apiextensions-apiserver/pkg/registry/customresource/{etcd,validator}.go).

use crate::field_error::FieldError;
use crate::go_text;
use serde_json::Value;

/// Where an object keeps what `/scale` shows. Paths are as in the definition, e.g. `.spec.replicas`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScalePaths {
    /// `specReplicasPath`.
    pub spec_replicas: String,
    /// `statusReplicasPath`.
    pub status_replicas: String,
    /// `labelSelectorPath`.
    pub label_selector: Option<String>,
}

impl ScalePaths {
    /// Parses `subresources.scale`; null is none.
    pub fn from_json(json: &Value) -> Option<Self> {
        let path = |key: &str| json[key].as_str().filter(|path| !path.is_empty()).map(str::to_owned);
        Some(Self {
            spec_replicas: path("specReplicasPath")?,
            status_replicas: path("statusReplicasPath")?,
            label_selector: path("labelSelectorPath"),
        })
    }

    /// The wanted replicas; `None` when the object does not say.
    ///
    /// # Errors
    /// A value that is no whole number, in the words of Kubernetes.
    pub fn spec_replicas_of(&self, object: &Value) -> Result<Option<i64>, String> {
        integer(object, &self.spec_replicas)
    }

    /// The replicas that status reports.
    ///
    /// # Errors
    /// As [`ScalePaths::spec_replicas_of`].
    pub fn status_replicas_of(&self, object: &Value) -> Result<Option<i64>, String> {
        integer(object, &self.status_replicas)
    }

    /// The selector of the replicas; empty when there is none.
    ///
    /// # Errors
    /// A value that is no text.
    pub fn selector_of(&self, object: &Value) -> Result<String, String> {
        match self.label_selector.as_deref().map(|path| (path, value_at(object, path))) {
            None | Some((_, None)) => Ok(String::new()),
            Some((_, Some(Value::String(selector)))) => Ok(selector.clone()),
            Some((path, Some(other))) => Err(wrong_type(path, other, "string")),
        }
    }

    /// The fields on the way to the wanted replicas.
    pub fn spec_replicas_path(&self) -> Vec<&str> {
        steps(&self.spec_replicas).collect()
    }

    /// Sets the wanted replicas, making the objects on the way.
    pub fn set_spec_replicas(&self, object: &mut Value, replicas: i64) {
        let mut place = object;
        for step in steps(&self.spec_replicas) {
            if !place.is_object() {
                *place = Value::Object(serde_json::Map::new());
            }
            place = &mut place[step];
        }
        *place = replicas.into();
    }

    /// Checks the wanted replicas of an object.
    pub fn validate_spec(&self, object: &Value) -> Vec<FieldError> {
        replicas(object, &self.spec_replicas).into_iter().collect()
    }

    /// Checks the reported replicas and the selector of an object.
    pub fn validate_status(&self, object: &Value) -> Vec<FieldError> {
        let selector = self
            .selector_of(object)
            .err()
            .map(|detail| FieldError::invalid(self.label_selector.clone().unwrap_or_default(), "", detail));
        replicas(object, &self.status_replicas).into_iter().chain(selector).collect()
    }
}

fn replicas(object: &Value, path: &str) -> Option<FieldError> {
    match integer(object, path) {
        Err(detail) => Some(FieldError::invalid(path, 0, detail)),
        Ok(Some(count)) if count < 0 => {
            Some(FieldError::invalid(path, count, "should be a non-negative integer"))
        }
        Ok(Some(count)) if count > i64::from(i32::MAX) => {
            Some(FieldError::invalid(path, count, format!("should be less than or equal to {}", i32::MAX)))
        }
        Ok(_) => None,
    }
}

fn integer(object: &Value, path: &str) -> Result<Option<i64>, String> {
    match value_at(object, path) {
        None => Ok(None),
        Some(value) => value.as_i64().map(Some).ok_or_else(|| wrong_type(path, value, "int64")),
    }
}

fn value_at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    steps(path).try_fold(object, |value, step| value.get(step))
}

fn steps(path: &str) -> impl Iterator<Item = &str> {
    path.trim_start_matches('.').split('.')
}

fn wrong_type(path: &str, value: &Value, expected: &str) -> String {
    let found = go_text::type_name(value);
    let shown = go_text::plain(value);
    format!("{path} accessor error: {shown} is of the type {found}, expected {expected}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn replicas_are_read_written_and_checked() {
        let paths = ScalePaths::from_json(
            &json!({"specReplicasPath": ".spec.a.n", "statusReplicasPath": ".status.n"}),
        )
        .unwrap();
        let mut object = json!({});
        assert_eq!(paths.spec_replicas_of(&object), Ok(None));
        paths.set_spec_replicas(&mut object, 3);
        assert_eq!(object, json!({"spec": {"a": {"n": 3}}}));
        assert_eq!(paths.spec_replicas_of(&object), Ok(Some(3)));
        assert!(paths.validate_spec(&object).is_empty());
        let table = [
            (json!(-1), "should be a non-negative integer"),
            (json!(1_i64 << 31), "should be less than or equal to 2147483647"),
        ];
        for (count, detail) in table {
            object["spec"]["a"]["n"] = count;
            assert_eq!(paths.validate_spec(&object)[0].detail, detail);
        }
        object["status"] = json!({"n": "x"});
        let error = &paths.validate_status(&object)[0];
        assert_eq!(
            error.to_string(),
            ".status.n: Invalid value: 0: .status.n accessor error: x is of the type string, expected int64"
        );
        object["status"] = json!({"n": {"x": 1}});
        assert_eq!(
            paths.validate_status(&object)[0].detail,
            ".status.n accessor error: map[x:1] is of the type map[string]interface {}, expected int64"
        );
    }
}
