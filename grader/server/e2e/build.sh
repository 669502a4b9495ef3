#!/usr/bin/env bash
# Builds the spec runner (our main package + Kubernetes' e2e packages of the version pinned in go.mod); prints its path.
#   build.sh [DIR]     default: the cache folder below
# Needs Go and the Go module proxy; about 10 minutes the first time, half a minute when only our own files changed, nothing to do otherwise.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=$(sed -nE 's|.*k8s.io/kubernetes (v1\.[0-9]+\.[0-9]+).*|\1|p' "$here/go.mod" | head -1)
dir=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/kubernetes-e2e/$version}
command -v go >/dev/null || { echo "no Go toolchain on this machine: cannot build the spec runner" >&2; exit 4; }
stamp=$(cat "$here"/*.go "$here"/go.mod "$here"/go.sum | sha256sum | cut -c1-16)
if [ "$(cat "$dir/.complete" 2>/dev/null)" != "$stamp" ]; then
  mkdir -p "$dir"
  cd "$here"
  CGO_ENABLED=0 go build -mod=readonly -trimpath -o "$dir/conformance.new" . >&2
  mv "$dir/conformance.new" "$dir/conformance"   # by rename: a run under way keeps its binary
  echo "$stamp" > "$dir/.complete"
fi
echo "$dir/conformance"
