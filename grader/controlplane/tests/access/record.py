#!/usr/bin/env python3
"""Asks a real API server what stories.json and controllers.json ask, and writes the answers into them.

usage: record.py URL CA_FILE     a fresh server with RBAC, a kube-controller-manager that runs
                                 `--controllers=*,bootstrap-signer-controller,token-cleaner-controller` and has a
                                 key to sign certificates with, and a static token file in which
                                 `admin-token` is of system:masters and `alice-token` of the user alice (uid u-alice,
                                 group dev)

A step names who asks (`as`: a token, `${NAME}` for a captured one, nobody when it is missing), the request, and what to
capture of the answer. `settle` waits until the server has noticed what happened before: informers and token caches
lag behind. Everything that differs from server to server is masked, here as in main.rs.
"""
import json, pathlib, re, ssl, sys, time, urllib.error, urllib.request

HERE = pathlib.Path(__file__).parent
# In seconds.
PAUSES = {"cache": 12, "policies": 3, "resync": 17, "nodes": 130}
MASKS = [
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uid>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<time>"),
    (r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", "<token>"),
    (r"ZXlK[A-Za-z0-9+/=]+", "<token>"),
    (r"LS0tLS1CRUdJTi[A-Za-z0-9+/=]+", "<certificate>"),
    (r"-----BEGIN CERTIFICATE-----[^-]*(-----END CERTIFICATE-----\n)?", "<certificate>"),
    (r"kube-api-access-[a-z0-9]{5}", "kube-api-access-<suffix>"),
]


def masked(value):
    if isinstance(value, str):
        for pattern, name in MASKS:
            value = re.sub(pattern, name, value)
        return value
    if isinstance(value, list):
        return [masked(item) for item in value]
    if isinstance(value, dict):
        drop = ("managedFields", "resourceVersion")
        return {key: masked(item) for key, item in value.items() if key not in drop}
    return value


def pointer(value, path):
    for part in path.strip("/").split("/"):
        value = value[part]
    return value


def ask(url, context, step, captured):
    def fill(text):
        return re.sub(r"\$\{(\w+)\}", lambda found: captured[found[1]], text)

    headers = {"User-Agent": "stories/1", "Content-Type": "application/json"}
    headers.update(step.get("headers", {}))
    if "as" in step:
        headers["Authorization"] = "Bearer " + fill(step["as"])
    body = fill(json.dumps(step["body"])).encode() if "body" in step else None
    request = urllib.request.Request(url + step["path"], body, headers, method=step.get("method", "GET"))
    try:
        answer = urllib.request.urlopen(request, context=context)
    except urllib.error.HTTPError as error:
        answer = error
    text = answer.read().decode()
    try:
        body = json.loads(text)
    except ValueError:
        body = text
    return answer.status, body, answer.headers.get_all("Warning") or []


url, authority = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
for file in sorted(HERE.glob("*.json")):
    stories = json.loads(file.read_text())
    for story in stories:
        captured = {}
        for step in story["steps"]:
            time.sleep(PAUSES.get(step.get("settle"), 0.5 if "settle" in step else 0))
            step["status"], body, warnings = ask(url, context, step, captured)
            for name, path in step.get("capture", {}).items():
                captured[name] = pointer(body, path)
            step["answer"] = masked(body)
            if warnings:
                step["warnings"] = warnings
    lines = []
    for story in stories:
        steps = ",\n".join("  " + json.dumps(step) for step in story["steps"])
        lines.append('{"name": %s, "steps": [\n%s\n]}' % (json.dumps(story["name"]), steps))
    file.write_text("[\n" + ",\n".join(lines) + "\n]\n")
