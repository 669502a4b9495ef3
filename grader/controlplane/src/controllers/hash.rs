//! The short hashes in generated names (`db-79cbfc6564`).

/// Letters without vowels and look-alikes, so that no words come out (apimachinery/pkg/util/rand).
const SAFE_LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// FNV-1, 32 bits, of several parts one after the other (Go's hash/fnv.New32).
pub(super) fn fnv1<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u32 {
    parts
        .into_iter()
        .flatten()
        .fold(0x811c_9dc5, |hash: u32, &byte| hash.wrapping_mul(0x0100_0193) ^ u32::from(byte))
}

/// A number as names carry it.
pub(super) fn safe(number: u32) -> String {
    let letter = |digit: u8| char::from(SAFE_LETTERS[usize::from(digit) % SAFE_LETTERS.len()]);
    number.to_string().bytes().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_a_real_controller() {
        // The revision of a one-container StatefulSet, as kube-controller-manager v1.36 names it.
        let data = concat!(
            r#"{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"app":"a"}},"spec":{"containers":"#,
            r#"[{"image":"img:1","imagePullPolicy":"IfNotPresent","name":"c","resources":{},"#,
            r#""terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}],"#,
            r#""dnsPolicy":"ClusterFirst","restartPolicy":"Always","schedulerName":"default-scheduler","#,
            r#""securityContext":{},"terminationGracePeriodSeconds":30}}}}"#,
        );
        assert_eq!(safe(fnv1([data.as_bytes(), b"0"])), "8965cb899");
    }
}
