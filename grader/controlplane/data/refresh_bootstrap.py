#!/usr/bin/env python3
"""Writes bootstrap.jsonl: the objects that a real API server makes by itself, one object a line, roles left out.

usage: refresh_bootstrap.py     kubectl must reach a fresh API server

What only that server knows (uids, times, versions, managers) is left out; times in conditions are empty and filled in.
"""
import json, pathlib, subprocess

HERE = pathlib.Path(__file__).parent
OWN = ("creationTimestamp", "managedFields", "resourceVersion", "uid")


def get(resource):
    return json.loads(subprocess.check_output(["kubectl", "get", resource, "-o", "json"]))["items"]


def line(item):
    item["metadata"] = {key: value for key, value in item["metadata"].items() if key not in OWN}
    for condition in item.get("status", {}).get("conditions", []):
        condition["lastTransitionTime"] = ""
    return json.dumps(item, separators=(",", ":"), sort_keys=True) + "\n"


resources = ["priorityclasses", "prioritylevelconfigurations", "flowschemas"]
(HERE / "bootstrap.jsonl").write_text("".join(line(item) for resource in resources for item in get(resource)))
