#!/usr/bin/env python3
"""Sends every request in requests.jsonl to a running API server again, in order, and writes its answers down.

usage: record.py     kubectl must reach a server whose administrator this is, with the controller of ServiceAccounts.
                     A namespace `requests` is made for it and deleted afterwards. No network may be reachable from the
                     server (`unshare -n`), and nobody may play the kubelet: some lines are about what cannot be dialled.
"""
import json, pathlib, subprocess, time, urllib.error, urllib.request

FILE = pathlib.Path(__file__).with_name("requests.jsonl")
NAMESPACE = "/api/v1/namespaces/requests"


def send(base, method, path, body=None, content=None, accept=None):
    headers = {"Content-Type": content or "application/json", "Accept": accept or "application/json"}
    data = None if body is None else body.encode()
    request = urllib.request.Request(base + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request) as reply:
            return reply.status, reply.read(), reply.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


def answer(status, body, headers):
    said = {"status": status}
    try:
        message = json.loads(body).get("message")
    except ValueError:
        message = body.decode() or None
    if message and status >= 400:
        said["message"] = message
    warnings = headers.get_all("Warning") or []
    return said | ({"warnings": warnings} if warnings else {})


def main():
    proxy = subprocess.Popen(["kubectl", "proxy", "--port=0", "--reject-paths=^$"], stdout=subprocess.PIPE, text=True)
    try:
        base = "http://" + proxy.stdout.readline().split()[-1]
        send(base, "POST", "/api/v1/namespaces", json.dumps({"metadata": {"name": "requests"}}))
        while send(base, "GET", NAMESPACE + "/serviceaccounts/default")[0] != 200:
            time.sleep(0.1)
        lines = []
        for line in FILE.read_text().splitlines():
            ask = json.loads(line)["ask"]
            lines.append(json.dumps({"ask": ask, **answer(*send(base, **ask))}, sort_keys=True))
        FILE.write_text("".join(line + "\n" for line in lines))
        send(base, "DELETE", NAMESPACE)
    finally:
        proxy.terminate()


if __name__ == "__main__":
    main()
