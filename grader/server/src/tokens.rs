//! kube-apiserver's static token file (apiserver/pkg/authentication/token/tokenfile).

use controlplane::access::User;
use std::collections::BTreeMap;

/// Why a token file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// A record has too few columns.
    #[error("line {line} has {columns} columns; it must have at least 3: token, user name, user uid")]
    Columns {
        /// Where, counted from 1.
        line: u64,
        /// How many there are.
        columns: usize,
    },
    /// The text is no CSV.
    #[error("it is not a file of comma-separated values")]
    Format(#[from] csv::Error),
}

/// Reads `token,user,uid,"group,group"` line by line; the groups may be missing. A record without a token is left
/// out, and of two with the same token the last counts, as in kube-apiserver.
///
/// # Errors
/// The first record that is none of that.
///
/// # Example
/// ```
/// let tokens = controlplane_server::tokens::parse("secret,alice,7,\"dev,ops\"\n")?;
/// assert_eq!(tokens["secret"].groups, ["dev", "ops"]);
/// # Ok::<(), controlplane_server::tokens::TokenFileError>(())
/// ```
pub fn parse(text: &str) -> Result<BTreeMap<String, User>, TokenFileError> {
    let mut tokens = BTreeMap::new();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    for record in reader.records() {
        let record = record?;
        let (Some(token), Some(name), Some(uid)) = (record.get(0), record.get(1), record.get(2)) else {
            let line = record.position().map_or(0, csv::Position::line);
            return Err(TokenFileError::Columns { line, columns: record.len() });
        };
        let groups = record.get(3).unwrap_or_default().split(',').filter(|group| !group.is_empty());
        let user = User { uid: uid.to_owned(), ..User::new(name, groups) };
        if !token.is_empty() {
            tokens.insert(token.to_owned(), user);
        }
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, uid: &str, groups: &[&str]) -> User {
        User { uid: uid.into(), ..User::new(name, groups.iter().copied()) }
    }

    #[test]
    fn records_are_read_as_kube_apiserver_reads_them() {
        let table = [
            ("t,alice,1", user("alice", "1", &[])),
            ("t,alice,1,dev", user("alice", "1", &["dev"])),
            ("t,alice,1,\"dev,ops\"", user("alice", "1", &["dev", "ops"])),
            ("t,alice,1,\"dev,ops,\",more", user("alice", "1", &["dev", "ops"])),
            ("t,\"a \"\"b\"\", c\",,", user("a \"b\", c", "", &[])),
            ("t,bob,1\n\nt,alice,2\n", user("alice", "2", &[])),
            (",nobody,1\r\nt,alice,2\r\n", user("alice", "2", &[])),
        ];
        for (text, expected) in table {
            assert_eq!(
                parse(text).expect("a good file"),
                BTreeMap::from([("t".to_owned(), expected)]),
                "{text}"
            );
        }
        assert!(parse("").expect("nobody").is_empty());
    }

    #[test]
    fn a_record_that_is_too_short_is_named_by_its_line() {
        let error = parse("t,alice,1\nt,bob").expect_err("two columns");
        assert_eq!(
            error.to_string(),
            "line 2 has 2 columns; it must have at least 3: token, user name, user uid"
        );
    }
}
