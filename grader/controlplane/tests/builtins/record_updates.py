#!/usr/bin/env python3
"""Makes every object in updates.jsonl on a running API server again, writes to it, and notes the answers.

usage: record_updates.py     kubectl must reach a server whose administrator this is, with the controller of
                             ServiceAccounts alone: others would write statuses in between. The objects are made in a
                             namespace `probes`, with the ServiceAccounts `default` and `sa`, and deleted afterwards.
"""
import json, pathlib, subprocess, urllib.error, urllib.request

from record import NAMESPACE, answer, post, table

FILE = pathlib.Path(__file__).with_name("updates.jsonl")


def send(method, url, body=None):
    content = "application/merge-patch+json" if method == "PATCH" else "application/json"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": content}, method=method)
    try:
        with urllib.request.urlopen(request) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def said(status, body):
    """The answer, with all of an object but its metadata."""
    said = answer(status, body)
    if "object" in said:
        metadata = said["object"].pop("metadata")
        said["object"]["generation"] = metadata.get("generation", 0)
    return said


def tell(base, known, line):
    made = line["make"]
    plural, namespaced = known[made["apiVersion"], made["kind"]]
    path = base + ("/apis/" if "/" in made["apiVersion"] else "/api/") + made["apiVersion"]
    path += f"/namespaces/{NAMESPACE}/{plural}" if namespaced else f"/{plural}"
    status, body = post("", path, made)
    if status != 201:
        raise SystemExit(f"{made}: {body['message']}")
    url = f"{path}/{made['metadata']['name']}"
    for write in line["writes"]:
        for key in ("object", "invalid", "refused"):
            write.pop(key, None)
        through = f"/{write['through']}" if "through" in write else ""
        write |= said(*send("PATCH", url + through, write["patch"]))
    send("PATCH", url, {"metadata": {"finalizers": None}})
    send("DELETE", url + "?gracePeriodSeconds=0&propagationPolicy=Background")
    return json.dumps(line, sort_keys=True)


def main():
    proxy = subprocess.Popen(["kubectl", "proxy", "--port=0", "--reject-paths=^$"], stdout=subprocess.PIPE, text=True)
    try:
        base = "http://" + proxy.stdout.readline().split()[-1]
        post(base, "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        for account in ("default", "sa"):
            post(base, f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", {"metadata": {"name": account}})
        known = table()
        lines = [tell(base, known, json.loads(line)) for line in FILE.read_text().splitlines()]
        FILE.write_text("".join(line + "\n" for line in lines))
    finally:
        proxy.terminate()


if __name__ == "__main__":
    main()
