#!/usr/bin/env python3
"""Writes access.jsonl: the roles and bindings that a real API server makes by itself, one object a line.

usage: refresh_access.py     kubectl must reach a fresh API server with RBAC authorization

What only that server knows (uids, times, versions, managers) is left out, and so are the rules that the aggregation
controller writes. The order is that of creation.
"""
import json, pathlib, subprocess

HERE = pathlib.Path(__file__).parent
OWN = ("creationTimestamp", "managedFields", "resourceVersion", "uid")


def get(resource):
    return json.loads(subprocess.check_output(["kubectl", "get", resource, "-A", "-o", "json"]))["items"]


def line(item):
    item["metadata"] = {key: value for key, value in item["metadata"].items() if key not in OWN}
    if "aggregationRule" in item:
        item["rules"] = None
    return json.dumps(item, separators=(",", ":"), sort_keys=True) + "\n"


resources = ["clusterroles", "clusterrolebindings", "roles", "rolebindings"]
items = [item for resource in resources for item in get(resource)]
ours = [item for item in items if item["metadata"].get("labels", {}).get("kubernetes.io/bootstrapping") == "rbac-defaults"]
(HERE / "access.jsonl").write_text("".join(map(line, ours)))
