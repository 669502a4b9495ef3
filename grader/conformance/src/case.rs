//! Reading the recorded cases.

use jiff::SignedDuration;
use serde_json::Value;

/// One recorded case; the format is described in README.md.
#[derive(Clone, Debug)]
pub struct Case {
    pub(crate) name: String,
    pub(crate) area: String,
    pub(crate) needs: Vec<String>,
    pub(crate) setup: Vec<Value>,
    pub(crate) steps: Vec<Value>,
    pub(crate) ignore: Vec<String>,
    pub(crate) managed_fields: bool,
    pub(crate) mask_rv: bool,
}

impl Case {
    pub(crate) fn parse_all(text: &str) -> Result<Vec<Self>, serde_json::Error> {
        Ok(serde_json::from_str::<Vec<Value>>(text)?.iter().map(Self::parse).collect())
    }

    fn parse(case: &Value) -> Self {
        let text = |key: &str| case[key].as_str().unwrap_or_default().to_owned();
        let list = |key: &str| case[key].as_array().cloned().unwrap_or_default();
        Self {
            name: text("name"),
            area: text("area"),
            needs: texts(&case["needs"]),
            setup: list("setup"),
            steps: list("steps"),
            ignore: texts(&case["ignore"]),
            managed_fields: case["managed_fields"] == true,
            mask_rv: case["mask_rv"] == true,
        }
    }

    /// `area/name`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.area, self.name)
    }

    /// Which controllers it needs, in the list syntax of kube-controller-manager. The recording had them all, and no
    /// node: the cases play the kubelet.
    pub fn controllers(&self) -> &'static str {
        let without = ["core", "rbac", "compaction"];
        match self.needs.iter().any(|need| !without.contains(&need.as_str())) {
            true => "*,-node-simulator",
            false => "",
        }
    }

    /// How often history has to be forgotten for it, if at all.
    pub fn compaction(&self) -> Option<SignedDuration> {
        self.needs.iter().any(|need| need == "compaction").then_some(SignedDuration::from_secs(5))
    }
}

/// The texts of a JSON list.
pub(crate) fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
