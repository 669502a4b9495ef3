#!/usr/bin/env python3
"""Writes recorded.json.gz: what a real API server answers on the paths of discovery, in every format.

usage: record.py     kubectl must reach a server as an administrator; two definitions are made there and taken away
"""
import gzip, json, pathlib, subprocess, time, urllib.error, urllib.request

FILE = pathlib.Path(__file__).with_name("recorded.json.gz")
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
BEFORE = AGGREGATED.replace("v2", "v2beta1")
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
ACCEPTS = [
    None, "*/*", "application/json", "application/yaml", "text/html", TABLE, f"{TABLE},application/json", AGGREGATED,
    BEFORE, f"{AGGREGATED},{BEFORE},application/json", f"application/json,{AGGREGATED}",
    AGGREGATED.replace("json", "yaml"),
]
PATHS = [
    "/api", "/api/", "/apis", "/apis/", "/api/v1", "/api/v1/", "/api/v2", "/apis/apps", "/apis/apps/", "/apis/apps/v1",
    "/apis/apps/v1/", "/apis/apps/v2", "/apis/nothing", "/apis/nothing/v1", "/apis/autoscaling",
    "/apis/probes.example.com", "/apis/probes.example.com/v1", "/apis/probes.example.com/v1beta1/", "/version",
    "/healthz", "/healthz?verbose", "/livez/ping", "/livez?verbose=1&exclude=log&exclude=etcd", "/readyz?verbose",
    "/readyz/nothing", "/nothing", "/api/v1/componentstatuses?fieldSelector=metadata.name%3Detcd-0",
    "/api/v1/componentstatuses?labelSelector=a", "/api/v1/componentstatuses/etcd-0", "/api/v1/componentstatuses/none",
]
METHODS = [("POST", "/apis"), ("POST", "/api"), ("DELETE", "/apis/apps"), ("PUT", "/apis/apps/v1"), ("POST", "/apis/probes.example.com/v1"), ("POST", "/version"), ("POST", "/healthz")]


def definitions():
    version = lambda name, **more: {"name": name, "served": True, "storage": False, "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}, **more}
    scale = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    names = {"plural": "gadgets", "kind": "Gadget", "shortNames": ["gd", "gg"], "categories": ["all", "things"]}
    versions = [version("v1beta1"), version("v1alpha2"), version("v1", storage=True, subresources={"status": {}, "scale": scale}), version("v10")]
    yield {"group": "probes.example.com", "names": names, "scope": "Namespaced", "versions": versions}
    yield {"group": "more.example.com", "names": {"plural": "worlds", "kind": "World", "singular": "planet"}, "scope": "Cluster", "versions": [version("v1", storage=True)]}


def main():
    made = [{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"{spec['names']['plural']}.{spec['group']}"}, "spec": spec} for spec in definitions()]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": made})
    proxy = subprocess.Popen(["kubectl", "proxy", "--port=0"], stdout=subprocess.PIPE, text=True)
    url = "http://" + proxy.stdout.readline().split()[-1]

    def ask(path, accept, method="GET"):
        # An empty header is none; without one, Python's own library would send one.
        request = urllib.request.Request(url + path, headers={"Accept": accept or ""}, method=method)
        try:
            answer = urllib.request.urlopen(request)
        except urllib.error.HTTPError as error:
            answer = error
        headers = {name: answer.headers[name] for name in ("Content-Type", "Vary", "Cache-Control", "X-Content-Type-Options") if name in answer.headers}
        return {"method": method, "path": path, "accept": accept or "", "status": answer.status, "headers": headers, "tagged": "Etag" in answer.headers, "body": answer.read().decode()}

    try:
        subprocess.run(["kubectl", "apply", "--server-side", "-f", "-"], input=text, text=True, check=True)
        # The order of groups is that in which they were noticed, until the server has sorted them.
        time.sleep(10)
        groups = json.loads(ask("/apis", "")["body"])["groups"]
        answers = [ask(path, accept) for path in PATHS for accept in ACCEPTS]
        answers += [ask("/apis/" + group["name"], "") for group in groups]
        answers += [ask("/apis/" + version["groupVersion"], "") for group in groups for version in group["versions"]]
        answers += [ask(path, "application/json", method) for method, path in METHODS]
        recorded = {"create": made, "answers": answers}
        FILE.write_bytes(gzip.compress(json.dumps(recorded, sort_keys=True).encode(), 9, mtime=0))
    finally:
        subprocess.run(["kubectl", "delete", "-f", "-"], input=text, text=True)
        proxy.terminate()


if __name__ == "__main__":
    main()
