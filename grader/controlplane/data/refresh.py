#!/usr/bin/env python3
"""Writes the data files of this folder from a running API server and the Go sources of its types.

usage: refresh.py [GO_MODULES]     kubectl must reach the server; GO_MODULES holds k8s.io/api@v0.X.Y of the same
                                   release and its siblings (default: ~/go/pkg/mod)

The server's OpenAPI v3 documents say which fields there are, how lists and maps merge, and what defaults; the Go
sources add what OpenAPI leaves out and the JSON codec shows: pointers, `omitempty`, and the names of Go types.
src/builtins/definitions.rs describes the format of the result. The columns of tables are those of empty lists.
protobuf.txt and its test vectors come from the Go program in protobuf/; its go.mod has the version of the types.
"""
import gzip, json, pathlib, re, subprocess, sys, urllib.request

HERE = pathlib.Path(__file__).parent
REF = "#/components/schemas/"
# Where the Go type of a definition is declared, and how the data file shortens its name.
PACKAGES = [
    ("io.k8s.api.", "api", ""),
    ("io.k8s.apimachinery.pkg.apis.", "apimachinery", "pkg/apis"),
    ("io.k8s.apiextensions-apiserver.pkg.apis.", "apiextensions-apiserver", "pkg/apis"),
    ("io.k8s.kube-aggregator.pkg.apis.", "kube-aggregator", "pkg/apis"),
]
# Types with a JSON form of their own.
SPECIAL = {
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "microtime",
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": "any",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Patch": "any",
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "intorstring",
    "io.k8s.apimachinery.pkg.runtime.RawExtension": "opaque",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON": "any",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray": "@?apiextensions.v1.JSONSchemaProps",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool": "@?apiextensions.v1.JSONSchemaProps",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray": "@?apiextensions.v1.JSONSchemaProps",
}


class Server:
    """The API server behind `kubectl proxy`."""

    def __enter__(self):
        self.proxy = subprocess.Popen(["kubectl", "proxy", "--port=0"], stdout=subprocess.PIPE, text=True)
        self.url = "http://" + self.proxy.stdout.readline().split()[-1]
        return self

    def __exit__(self, *_):
        self.proxy.terminate()

    def get(self, path, accept="application/json"):
        request = urllib.request.Request(self.url + path, headers={"Accept": accept})
        return json.load(urllib.request.urlopen(request))


def write(name, lines):
    (HERE / name).write_text("".join(line + "\n" for line in lines))


# ---- resources.txt


def resource_lines(get):
    # What CustomResourceDefinitions have added to the server is no part of the table.
    services = get("/apis/apiregistration.k8s.io/v1/apiservices")["items"]
    label = "kube-aggregator.kubernetes.io/automanaged"
    added = {s["metadata"]["name"] for s in services if s["metadata"].get("labels", {}).get(label) != "onstart"}
    groups = [("v1", "/api/v1")]
    for group in get("/apis")["groups"]:
        for version in group["versions"]:
            if f"{version['version']}.{group['name']}" not in added:
                groups.append((version["groupVersion"], "/apis/" + version["groupVersion"]))
    for group_version, path in groups:
        for r in get(path)["resources"]:
            scope = "namespaced" if r["namespaced"] else "cluster"
            words = [group_version, r["name"], r["kind"], scope, "verbs=" + ",".join(r["verbs"])]
            if "group" in r or "version" in r:
                other = "/".join(filter(None, [r.get("group", ""), r.get("version", "")]))
                words.append("of=" + other)
            for key, value in [
                ("singular", r.get("singularName")),
                ("short", ",".join(r.get("shortNames", []))),
                ("categories", ",".join(r.get("categories", []))),
                ("hash", r.get("storageVersionHash")),
            ]:
                if value:
                    words.append(f"{key}={value}")
            yield " ".join(words)


# ---- columns.txt

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


def column_lines(get, resources, definitions):
    meta = definitions["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"]["properties"]
    # What nearly every table says is in the file once.
    known = {meta[field]["description"]: field for field in ("name", "creationTimestamp")}
    for description, field in known.items():
        yield f"@{field} {json.dumps(description)}"

    def line(column):
        description = column["description"]
        description = "@" + known[description] if description in known else json.dumps(description)
        return "\t" + "\t".join([column["name"], column["type"], column["format"], str(column["priority"]), description])

    for resource in resources:
        group_version, name, _, _, verbs, *_ = resource.split(" ")
        if "/" in name or "list" not in verbs.removeprefix("verbs=").split(","):
            continue
        root = "/apis/" if "/" in group_version else "/api/"
        yield f"{group_version} {name}"
        for column in get(f"{root}{group_version}/{name}?limit=1", TABLE)["columnDefinitions"]:
            yield line(column)
    # There is no empty list of what is only a part of other resources.
    scale = lambda part: definitions[f"io.k8s.api.autoscaling.v1.Scale{part}"]["properties"]["replicas"]["description"]
    columns = [
        ("Name", "string", meta["name"]["description"]),
        ("Desired", "integer", scale("Spec")),
        ("Available", "integer", scale("Status")),
        ("Age", "string", meta["creationTimestamp"]["description"]),
    ]
    yield "autoscaling/v1 scales"
    for name, type_, description in columns:
        yield line({"name": name, "type": type_, "format": "", "priority": 0, "description": description})


# ---- openapi.txt.gz


def openapi_lines(v2, v3):
    """Paths as OpenAPI v2 has them, schemas as v3 does: what is missing from either follows from the other."""
    yield "document", "", {key: v2[key] for key in ("swagger", "info", "securityDefinitions", "security")}
    for name, parameter in v2["parameters"].items():
        yield "parameter", name, parameter
    for path, item in v2["paths"].items():
        yield "path", path, item
    kinds = "x-kubernetes-group-version-kind"
    for name, schema in v3.items():
        # Documents of v3 name only their own groups here.
        if kinds in schema:
            schema = {**schema, kinds: v2["definitions"][name][kinds]}
        yield "schema", name, schema


def write_openapi(v2, v3):
    lines = ((kind, name, json.dumps(value, sort_keys=True, separators=(",", ":"))) for kind, name, value in openapi_lines(v2, v3))
    text = "".join(f"{kind} {name} {value}\n" for kind, name, value in sorted(lines))
    (HERE / "openapi.txt.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))


# ---- Go sources

STRUCT = re.compile(r"^type (\w+) struct \{$(.*?)^\}$", re.M | re.S)
FIELD = re.compile(r"^\t(?:(\w+)\s+)?([\w.*\[\]]+)\s+`([^`]*)`", re.M)
SCALAR = re.compile(r"^type (\w+) (string|int32|int64|bool)$", re.M)
MAP = re.compile(r"^type (\w+) (map\[\S+\]\S+|\[\]\S+)$", re.M)


class Go:
    """Struct fields by JSON name, and the names of scalar types, of one Go package."""

    def __init__(self, folder):
        self.structs, self.scalars, self.aliases = {}, {}, {}
        for file in sorted(folder.glob("*.go")):
            if file.name.startswith(("zz_", "generated")) or file.name.endswith("_test.go"):
                continue
            text = file.read_text()
            self.structs.update(STRUCT.findall(text))
            self.scalars.update(SCALAR.findall(text))
            self.aliases.update(MAP.findall(text))
            for block in re.findall(r"^type \($(.*?)^\)$", text, re.M | re.S):
                self.scalars.update(re.findall(r"^\t(\w+) (string|int32|int64|bool)$", block, re.M))

    def fields(self, struct):
        """JSON name -> (Go type, tag options)"""
        result = {}
        for _, type_, tag in FIELD.findall(self.structs[struct]):
            json_tag = re.search(r'json:"([^"]*)"', tag)
            if not json_tag:
                continue
            name, *options = json_tag[1].split(",")
            if name == "-":
                continue
            if name:
                result[name] = (type_, options)
            elif type_ == "metav1.TypeMeta":
                result.update({field: ("string", ["omitempty"]) for field in ("apiVersion", "kind")})
            else:
                result.update(self.fields(type_.lstrip("*")))
        return result


def go_packages(modules, release):
    cache = {}

    def find(definition):
        for prefix, module, below in PACKAGES:
            if definition.startswith(prefix):
                package, _, struct = definition[len(prefix) :].rpartition(".")
                if package not in cache:
                    folder = modules / f"k8s.io/{module}@{release}" / below
                    cache[package] = Go(folder / package.replace(".", "/"))
                return cache[package], struct
        return None, None

    return find


# ---- definitions.txt


def short(definition):
    for prefix, _, _ in PACKAGES:
        if definition.startswith(prefix):
            return definition[len(prefix) :]
    return definition


def reference(schema):
    for s in [schema, *schema.get("allOf", [])]:
        if "$ref" in s:
            return s["$ref"].removeprefix(REF)


def type_text(schema, definitions, go_type="", go=None, package=""):
    """The type of a value in the notation of definitions.txt."""
    go_type = go_type.lstrip("*")
    go_type = go.aliases.get(go_type, go_type) if go else go_type
    ref = reference(schema)
    if ref:
        if ref in SPECIAL:
            return SPECIAL[ref]
        if "properties" in definitions[ref]:
            return "@" + short(ref)
        return type_text(definitions[ref], definitions)
    kind, format_ = schema.get("type"), schema.get("format")
    if kind == "array":
        return "[]" + type_text(schema["items"], definitions, go_type.removeprefix("[]"), go, package)
    if kind == "object":
        if "additionalProperties" not in schema:
            return "any"
        element = go_type.split("]", 1)[-1] if go_type.startswith("map[") else ""
        return "map:" + type_text(schema["additionalProperties"], definitions, element, go, package)
    if format_ == "int-or-string":
        return "intorstring"
    if kind == "string" and format_ == "byte":
        return "bytes"
    scalar = {"integer": format_ or "int64", "number": "float64", "boolean": "bool", "string": "string"}.get(kind, "any")
    if go and go_type in go.scalars:
        scalar += f"({package}.{go_type})"
    elif "." in go_type and scalar != "any":
        scalar += f"({go_type})"
    return scalar


def definition_lines(definitions, find):
    for name in sorted(definitions, key=short):
        schema = definitions[name]
        if name in SPECIAL or "properties" not in schema:
            continue
        go, struct = find(name)
        if go is None:
            continue
        go_fields = go.fields(struct)
        package = short(name).split(".")[-2]
        head = [short(name)]
        if schema.get("x-kubernetes-map-type") == "atomic":
            head.append("atomic")
        for kind in schema.get("x-kubernetes-group-version-kind", []):
            if len(schema["x-kubernetes-group-version-kind"]) == 1:
                head.append("kind=" + "/".join([kind["group"], kind["version"], kind["kind"]]))
        yield " ".join(head)
        for field, property_ in sorted(schema["properties"].items()):
            go_type, options = go_fields[field]
            words = [field]
            pointer = "*" if go_type.startswith("*") else ""
            # Go leaves out zero structs only with omitzero, everything else that is empty with omitempty.
            is_struct = not pointer and reference(property_) and go_type not in go.scalars and go_type not in go.aliases
            omit = "?" if "omitzero" in options or ("omitempty" in options and not is_struct) else ""
            words.append(pointer + type_text(property_, definitions, go_type, go, package) + omit)
            if field in schema.get("required", []):
                words.append("required")
            default = property_.get("default")
            # A zero default says something only where absent and zero are told apart.
            if default not in (None, {}) and (pointer or default not in ("", 0, False)):
                words.append("default=" + json.dumps(default, separators=(",", ":")))
            list_type = property_.get("x-kubernetes-list-type")
            if list_type == "map":
                words.append("keys=" + ",".join(property_["x-kubernetes-list-map-keys"]))
            elif list_type:
                words.append(list_type)
            elif property_.get("x-kubernetes-map-type"):
                words.append(property_["x-kubernetes-map-type"])
            for strategy in property_.get("x-kubernetes-patch-strategy", "").split(","):
                if strategy == "merge" and "x-kubernetes-patch-merge-key" in property_:
                    strategy += "=" + property_["x-kubernetes-patch-merge-key"]
                if strategy:
                    words.append(strategy)
            yield "\t" + " ".join(words)


def main():
    modules = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path.home() / "go/pkg/mod")
    with Server() as server:
        resources = list(resource_lines(server.get))
        # The libraries of Kubernetes v1.X.Y are published as v0.X.Y.
        release = server.get("/version")["gitVersion"].replace("v1.", "v0.", 1)
        schemas, of_resources = {}, {}
        for path in server.get("/openapi/v3")["paths"]:
            found = server.get("/openapi/v3/" + path)["components"].get("schemas", {})
            schemas.update(found)
            if re.fullmatch(r"api/v1|apis/[^/]+/[^/]+", path):
                of_resources.update(found)
        write("resources.txt", resources)
        write("definitions.txt", definition_lines(of_resources, go_packages(modules, release)))
        write("columns.txt", column_lines(server.get, resources, schemas))
        write_openapi(server.get("/openapi/v2"), schemas)
    vectors = HERE.parent / "tests/protobuf/vectors.gz"
    subprocess.run(["go", "run", ".", HERE, vectors], cwd=HERE / "protobuf", check=True)


if __name__ == "__main__":
    main()
