#!/usr/bin/env bash
# Runs the lists against the control plane of this repository and compares with results.txt:   ours.sh [LIST...]
#   LIST: core | given | core-simulator | simulator-given (default: all); each with typed clients in JSON and in protobuf
# Every spec that does not pass must have its reason in results.txt, and every one with a reason must not pass.
# Exit 0: as recorded; 1: otherwise; 4: no Go.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ "${1:-}" != --help ] || { sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 2; }
"$here/build.sh" >/dev/null
cd "$here/../../.."
cargo build --quiet --package grader
out=$(mktemp -d); server=
stop() { [ -z "$server" ] || kill "$server" 2>/dev/null || true; wait; server=; }
trap stop EXIT
bad=0
[ $# -gt 0 ] || set -- core given core-simulator simulator-given
for list in "$@"; do
  simulator=off; case $list in *simulator*) simulator=on;; esac
  for codec in json protobuf; do
    rm -f "$out/ready"; mkfifo "$out/ready"
    target/debug/grader cluster up --embedded --port 0 --node-simulator $simulator --kubeconfig "$out/kubeconfig" >"$out/ready" &
    server=$!
    exec 3<"$out/ready"; read -r _ <&3 # the first line says that it is ready
    options=(--quiet --limit 12m --specs "$here/$list.txt" --out "$out/$list-$codec"); [ $codec = protobuf ] || options+=(--json)
    "$here/run.sh" "$out/kubeconfig" "${options[@]}" | tail -1 || true
    exec 3<&-; stop
    # NAME of every spec that did not pass, without those that the record knows for this codec
    sed -n 's/^{"name":"\(.*\)","state":"\(failed\|timedout\)".*/\1/p' "$out/$list-$codec/results.jsonl" |
      sed 's/\\\(.\)/\1/g' | sort >"$out/missed"
    awk -F ' [|] ' -v c=$codec '$1 == c || $1 == "both" { print $2 }' "$here/results.txt" | sort >"$out/known"
    new=$(comm -23 "$out/missed" "$out/known")
    [ -z "$new" ] || { bad=1; echo "$list ($codec), not in results.txt:"; echo "$new"; }
    asked=$(awk -F '\t' '{ print $NF }' "$here/$list.txt" | sort)
    fixed=$(comm -23 "$out/known" "$out/missed" | comm -12 - <(echo "$asked"))
    [ -z "$fixed" ] || { bad=1; echo "$list ($codec), passes now; remove it from results.txt:"; echo "$fixed"; }
  done
done
echo "logs: $out"
exit $bad
