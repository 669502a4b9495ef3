#!/usr/bin/env bash
# Runs Kubernetes' own e2e specs against a server:   run.sh KUBECONFIG [option...] [focus-regex...]
#   --specs FILE   specs to run (default given.txt; full name in the last tab-separated column)
#   --jobs N       worker processes (default 4)          --limit D      limit for one spec (default 60s; a spec whose
#   --out DIR      results.jsonl, logs of failed specs                  known time is longer gets three times that)
#   --quiet        print only what did not pass          --pod-start D  how long a spec waits for a pod (default 30s)
#   --json         typed clients speak JSON (default: protobuf, as upstream)
# Prints "passed|failed|timedout|skipped  SECONDS  NAME" per spec, then totals by SIG. Exit 0: all passed; 1: not; 2: usage.
# kubectl for the sig-cli specs: $KUBECTL, else the one in PATH.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case "${1:-}" in ''|-h|--help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2;; esac
kubeconfig=$1; shift
specs=$here/given.txt; opts=()
while [ $# -gt 0 ]; do case $1 in
  --specs) specs=$2; shift 2;;
  --jobs|--limit|--out|--pod-start) opts+=("$1" "$2"); shift 2;;
  --quiet) opts+=("$1"); shift;;
  --json) opts+=(-content-type application/json); shift;;
  --) shift; break;;
  -*) echo "unknown option $1" >&2; exit 2;;
  *) break;; esac; done
bin=$("$here/build.sh")
KUBECTL=${KUBECTL:-$(command -v kubectl || echo kubectl)}
exec "$bin" run -kubeconfig "$kubeconfig" -kubectl "$KUBECTL" -specs "$specs" ${opts[@]+"${opts[@]}"} -- "$@"
