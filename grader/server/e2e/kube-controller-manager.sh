#!/usr/bin/env bash
# Runs specs against the API server of this repository while Kubernetes' own kube-controller-manager acts on it, in place of
# the built-in controllers:   kube-controller-manager.sh [option of run.sh...] [focus-regex...]
# KUBEBUILDER_ASSETS names the folder that holds kube-controller-manager. Exit code of run.sh; 4: there is none.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
manager=${KUBEBUILDER_ASSETS:-}/kube-controller-manager
[ -x "$manager" ] || { echo "skipped: KUBEBUILDER_ASSETS names no folder with kube-controller-manager" >&2; exit 4; }
"$here/build.sh" >/dev/null
cd "$here/../../.."
cargo build --quiet --package grader
out=$(mktemp -d) processes=()
stop() { for process in "${processes[@]}"; do kill "$process" 2>/dev/null || true; done; wait; }
trap stop EXIT
mkfifo "$out/ready"
target/debug/grader cluster up --embedded --port 0 --controllers= --node-simulator off --kubeconfig "$out/kubeconfig" >"$out/ready" &
processes+=($!)
exec 3<"$out/ready"; read -r _ <&3 # the first line says that it is ready
sed -n 's/ *certificate-authority-data: //p' "$out/kubeconfig" | base64 -d >"$out/ca.crt"
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=signer -keyout "$out/signer.key" -out "$out/signer.crt" 2>/dev/null
kubeconfigs=(--kubeconfig="$out/kubeconfig" --authentication-kubeconfig="$out/kubeconfig" --authorization-kubeconfig="$out/kubeconfig")
"$manager" "${kubeconfigs[@]}" --use-service-account-credentials --service-account-private-key-file="$out/signer.key" \
  --root-ca-file="$out/ca.crt" --cluster-signing-cert-file="$out/signer.crt" --cluster-signing-key-file="$out/signer.key" \
  --kube-api-qps=200 --kube-api-burst=400 --bind-address=127.0.0.1 --secure-port=0 >"$out/kube-controller-manager.log" 2>&1 &
processes+=($!)
echo "its log: $out/kube-controller-manager.log"
"$here/run.sh" "$out/kubeconfig" "$@"
