#!/usr/bin/env python3
"""Writes recorded.json.gz: definitions of custom resources, and what a real API server's OpenAPI documents say of them.

usage: record.py     kubectl must reach a server as an administrator; the definitions are made there and taken away
"""
import gzip, json, pathlib, subprocess, time, urllib.request

FILE = pathlib.Path(__file__).with_name("recorded.json.gz")
# A few documents of built-in groups as well: conversion is the same for all of them.
BUILT_IN = ["api", "apis", "version", "apis/apps", "apis/coordination.k8s.io/v1"]


def version(name, schema, storage=False, **more):
    return {"name": name, "served": True, "storage": storage, "schema": {"openAPIV3Schema": schema}, **more}


def definition(group, plural, kind, versions, scope="Namespaced", **names):
    spec = {"group": group, "names": {"plural": plural, "kind": kind, **names}, "scope": scope, "versions": versions}
    metadata = {"name": f"{plural}.{group}"}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": metadata, "spec": spec}


def full_schema():
    text = {"type": "string"}
    entry = {"type": "object", "required": ["k", "v"], "properties": {"k": text, "v": {**text, "nullable": True}}}
    spec = {
        "replicas": {"type": "integer", "format": "int32", "minimum": 0, "maximum": 10, "default": 1, "exclusiveMinimum": True},
        "size": {**text, "enum": ["s", "m"], "default": "s", "nullable": True, "pattern": "^[a-z]$", "minLength": 1, "example": "m", "title": "t", "externalDocs": {"url": "https://example.com", "description": "d"}},
        "port": {"x-kubernetes-int-or-string": True, "description": "p"},
        "spelledOut": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
        "patterned": {"x-kubernetes-int-or-string": True, "anyOf": [{"pattern": "a"}, {"pattern": "b"}]},
        "inside": {"x-kubernetes-int-or-string": True, "allOf": [{"anyOf": [{"type": "integer"}, {"type": "string"}]}, {"pattern": "c"}]},
        "any": {"x-kubernetes-preserve-unknown-fields": True},
        "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"a": text}},
        "embedded": {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True},
        "typed": {"type": "object", "x-kubernetes-embedded-resource": True, "required": ["kind", "spec"], "properties": {"spec": {"type": "object"}, "kind": {"type": "string", "enum": ["K"]}}},
        "map": {"type": "object", "additionalProperties": {"type": "number"}, "maxProperties": 3},
        "anyMap": {"type": "object", "additionalProperties": True},
        "nullMap": {"type": "object", "required": ["x"], "additionalProperties": {**text, "nullable": True}},
        "list": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"], "maxItems": 4, "items": {"type": "object", "required": ["k"], "properties": {"k": text}}},
        "required": {"type": "array", "items": entry},
        "openList": {"type": "array", "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"a": text}}},
        "set": {"type": "array", "x-kubernetes-list-type": "set", "items": text},
        "nullList": {"type": "array", "nullable": True, "items": text},
        "atomic": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"x": {"type": "boolean"}}},
        "one": {"type": "object", "properties": {"a": text, "b": text}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}], "not": {"required": ["c"]}},
        "all": {**text, "allOf": [{"minLength": 1}, {"maxLength": 4}], "anyOf": [{"pattern": "a"}, {"pattern": "b"}]},
        "when": {**text, "format": "date-time"},
        "number": {"type": "number", "multipleOf": 2},
        "double": {"type": "number", "format": "double"},
    }
    rules = [{"rule": "self.replicas < 9", "message": "m"}]
    properties = {
        "apiVersion": {**text, "description": "own words"},
        "metadata": {"type": "object", "properties": {"name": {**text, "maxLength": 5}}},
        "spec": {"type": "object", "description": "Its spec.", "required": ["replicas"], "properties": spec, "x-kubernetes-validations": rules},
        "status": {"type": "object", "properties": {"replicas": {"type": "integer"}}},
    }
    return {"type": "object", "description": "A gizmo.", "required": ["spec"], "properties": properties}


def definitions():
    scale = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    empty, anything = {"type": "object"}, {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    color = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"color": {"type": "string"}}}}}
    return [
        definition("probe.example.com", "gizmos", "Gizmo", [
            version("v1", full_schema(), True, subresources={"status": {}, "scale": scale}),
            version("v1beta1", anything, deprecated=True),
            version("v2alpha1", empty),
        ], shortNames=["gz"], categories=["all"]),
        definition("probe.example.com", "clusterthings", "ClusterThing", [version("v1", color, True, selectableFields=[{"jsonPath": ".spec.color"}])], "Cluster", listKind="ThingCollection"),
        definition("my-group.x1.io", "apples", "Apple", [version("v1", empty, True, subresources={"status": {}})]),
        definition("my-group.x1.io", "busses", "Bus", [version("v1", empty, True)], "Cluster"),
        definition("widgets.k8s.example", "classes", "Class", [version("v1", empty, True)]),
        definition("stats.k8s.example", "stats", "Stats", [version("v1", empty, True)]),
    ]


def main():
    proxy = subprocess.Popen(["kubectl", "proxy", "--port=0"], stdout=subprocess.PIPE, text=True)
    url = "http://" + proxy.stdout.readline().split()[-1]
    get = lambda path: json.load(urllib.request.urlopen(url + path))
    made = definitions()
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": made})
    try:
        before = get("/openapi/v2")
        subprocess.run(["kubectl", "apply", "--server-side", "-f", "-"], input=text, text=True, check=True)
        wanted = {f"apis/{d['spec']['group']}/{v['name']}" for d in made for v in d["spec"]["versions"]}
        models = sum(2 * len(d["spec"]["versions"]) for d in made)
        new = lambda part, v2: {key: value for key, value in v2[part].items() if key not in before[part]}
        # Publishing takes a moment.
        while not wanted <= set(get("/openapi/v3")["paths"]) or len(new("definitions", get("/openapi/v2"))) < models:
            time.sleep(1)
        v2 = get("/openapi/v2")
        v3 = {name: get("/openapi/v3/" + name) for name in sorted(wanted) + BUILT_IN}
        recorded = {"create": made, "v3": v3, "v2": {part: new(part, v2) for part in ("definitions", "paths")}}
        FILE.write_bytes(gzip.compress(json.dumps(recorded, sort_keys=True).encode(), 9, mtime=0))
    finally:
        subprocess.run(["kubectl", "delete", "-f", "-"], input=text, text=True)
        proxy.terminate()


if __name__ == "__main__":
    main()
