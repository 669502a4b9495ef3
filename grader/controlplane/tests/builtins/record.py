#!/usr/bin/env python3
"""Asks a running API server again about every object in probes.jsonl, and writes its answers down.

usage: record.py      kubectl must reach a server whose administrator this is; everything is a dry run, except for a
                      namespace `probes` with the ServiceAccounts `default` and `sa`, which stays.
"""
import json, pathlib, re, subprocess, urllib.error, urllib.request

FILE = pathlib.Path(__file__).with_name("probes.jsonl")
RESOURCES = pathlib.Path(__file__).parents[2] / "data/resources.txt"
NAMESPACE = "probes"


def table():
    result = {}
    for words in map(str.split, RESOURCES.read_text().splitlines()):
        if "/" not in words[1]:
            result[words[0], words[2]] = (words[1], words[3] == "namespaced")
    return result


def post(base, path, body):
    request = urllib.request.Request(base + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def normal(text, uid):
    """What differs from time to time is what the test puts in its place."""
    text = text.replace(uid, "the-uid") if uid else text
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "the-uid", text)
    text = re.sub(r"kube-api-access-[a-z0-9]{5}", "kube-api-access-abcde", text)
    text = re.sub(r'"10\.\d+\.\d+\.\d+"', '"10.96.1.0"', text)
    text = re.sub(r'"(nodePort)": \d+', r'"\1": 30086', text)
    return re.sub(r'"20[2-9]\d-(?!01-01)\d\d-\d\dT\d\d:\d\d:\d\dZ"', '"2026-01-02T03:04:05Z"', text)


def answer(status, body):
    if status in (200, 201):
        metadata = body["metadata"]
        uid = metadata.pop("uid", "")
        for key in ("creationTimestamp", "managedFields"):
            metadata.pop(key, None)
        return {"object": json.loads(normal(json.dumps(body), uid))}
    if status == 422:
        causes = {(c.get("field", ""), c["reason"], normal(c["message"], "")) for c in body["details"].get("causes", [])}
        return {"invalid": [list(cause) for cause in sorted(causes)]}
    return {"refused": [status, body["message"]]}


def main():
    proxy = subprocess.Popen(["kubectl", "proxy", "--port=0"], stdout=subprocess.PIPE, text=True)
    try:
        base = "http://" + proxy.stdout.readline().split()[-1]
        post(base, "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        for account in ("default", "sa"):
            post(base, f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", {"metadata": {"name": account}})
        known, lines = table(), []
        for line in FILE.read_text().splitlines():
            sent = json.loads(line)["send"]
            plural, namespaced = known[sent["apiVersion"], sent["kind"]]
            path = ("/apis/" if "/" in sent["apiVersion"] else "/api/") + sent["apiVersion"]
            path += f"/namespaces/{NAMESPACE}/{plural}" if namespaced else f"/{plural}"
            status, body = post(base, path + "?dryRun=All&fieldValidation=Ignore", sent)
            lines.append(json.dumps({"send": sent, **answer(status, body)}, sort_keys=True))
        FILE.write_text("".join(line + "\n" for line in lines))
    finally:
        proxy.terminate()


if __name__ == "__main__":
    main()
