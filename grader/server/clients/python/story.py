"""The official Python client against a Kubernetes API: typed and dynamic calls, patches, apply, watches, leases.

usage: story.py KUBECONFIG
"""
import base64
import datetime
import sys
import threading

from checks import check, eventually, finish, refused
from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.exceptions import ApiException

GROUP = "python-client.example.com"


def objects(core, namespace):
    for i in range(5):
        core.create_namespaced_config_map(
            namespace,
            client.V1ConfigMap(
                metadata=client.V1ObjectMeta(name=f"map-{i}", labels={"story": "objects", "half": str(i % 2)}),
                data={"number": str(i), "unicode": "größe ☃"},
                binary_data={"bytes": base64.b64encode(bytes([0, 1, 254, 255])).decode()},
            ),
        )
    read = core.read_namespaced_config_map("map-1", namespace)
    check("a ConfigMap is read as it was sent", read.data == {"number": "1", "unicode": "größe ☃"}, read.data)
    check("bytes too", base64.b64decode(read.binary_data["bytes"]) == bytes([0, 1, 254, 255]), read.binary_data)
    check("it has a time and a uid", isinstance(read.metadata.creation_timestamp, datetime.datetime) and read.metadata.uid)

    named = lambda name: client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name))
    refused("a second object of the name is a conflict", 409, core.create_namespaced_config_map, namespace, named("map-0"))
    refused("a bad name is invalid", 422, core.create_namespaced_config_map, namespace, named("No_Name"))
    refused("an absent object is not found", 404, core.read_namespaced_config_map, "absent", namespace)
    unknown = {"metadata": {"name": "unknown"}, "bogus": 1}
    refused("strict validation refuses unknown fields", 400, core.create_namespaced_config_map, namespace, unknown, field_validation="Strict")

    stale = core.read_namespaced_config_map("map-1", namespace)
    core.patch_namespaced_config_map("map-1", namespace, {"data": {"number": "one"}})
    refused("an update of an old version is a conflict", 409, core.replace_namespaced_config_map, "map-1", namespace, stale)

    listed = core.list_namespaced_config_map(namespace, label_selector="story=objects,half in (0)")
    check("a label selector finds three", len(listed.items) == 3, len(listed.items))
    listed = core.list_namespaced_config_map(namespace, field_selector="metadata.name=map-3")
    check("a field selector finds one", [item.metadata.name for item in listed.items] == ["map-3"])
    names, token = [], None
    while True:
        page = core.list_namespaced_config_map(namespace, label_selector="story=objects", limit=2, _continue=token)
        names += [item.metadata.name for item in page.items]
        token = page.metadata._continue
        if not token:
            break
    check("pages show all five", names == [f"map-{i}" for i in range(5)], names)

    options = client.V1DeleteOptions(preconditions=client.V1Preconditions(uid="wrong"))
    refused("a delete of another uid is a conflict", 409, core.delete_namespaced_config_map, "map-4", namespace, body=options)
    core.delete_namespaced_config_map("map-4", namespace, dry_run="All")
    check("a dry run deletes nothing", core.read_namespaced_config_map("map-4", namespace).metadata.name == "map-4")
    core.delete_collection_namespaced_config_map(namespace, label_selector="half=1")
    listed = core.list_namespaced_config_map(namespace, label_selector="story=objects")
    check("a collection is deleted", len(listed.items) == 3, len(listed.items))


def workloads(core, apps, namespace):
    labels = {"app": "web"}
    deployment = client.V1Deployment(
        metadata=client.V1ObjectMeta(name="web"),
        spec=client.V1DeploymentSpec(
            replicas=2,
            selector=client.V1LabelSelector(match_labels=labels),
            template=client.V1PodTemplateSpec(
                metadata=client.V1ObjectMeta(labels=labels),
                spec=client.V1PodSpec(containers=[client.V1Container(name="web", image="example.com/web:1")]),
            ),
        ),
    )
    created = apps.create_namespaced_deployment(namespace, deployment)
    check("a Deployment gets its defaults", created.spec.strategy.rolling_update.max_surge == "25%", created.spec.strategy)
    pods = lambda: [
        pod
        for pod in core.list_namespaced_pod(namespace, label_selector="app=web").items
        if not pod.metadata.deletion_timestamp
    ]
    eventually("it has two Pods", lambda: len(pods()) == 2)
    apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 3}})
    check("its scale is read", apps.read_namespaced_deployment_scale("web", namespace).spec.replicas == 3)
    eventually("its scale makes three", lambda: len(pods()) == 3)
    patched = apps.patch_namespaced_deployment(
        "web", namespace, {"spec": {"template": {"spec": {"containers": [{"name": "web", "env": [{"name": "A", "value": "1"}]}]}}}}
    )
    container = patched.spec.template.spec.containers[0]
    check("a strategic merge patch keeps the image", container.image == "example.com/web:1" and container.env[0].value == "1", container)
    eventually("there are two ReplicaSets", lambda: len(apps.list_namespaced_replica_set(namespace).items) == 2)
    apps.delete_namespaced_deployment("web", namespace, propagation_policy="Foreground")
    eventually("all of it goes", lambda: not apps.list_namespaced_replica_set(namespace).items and not pods())


def from_yaml(api, core, namespace):
    utils.create_from_dict(
        api,
        {
            "apiVersion": "v1",
            "kind": "List",
            "items": [
                {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}},
                {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}},
                {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "reader"},
                 "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]},
            ],
        },
        namespace=namespace,
    )
    service = core.read_namespaced_service("web", namespace)
    check("a list of manifests is created", service.spec.cluster_ip and service.spec.ports[0].target_port == 80, service.spec)
    role = client.RbacAuthorizationV1Api(api).read_namespaced_role("reader", namespace)
    check("with its Role", role.rules[0].verbs == ["get", "list"], role.rules)


def watching(core, namespace):
    start = core.list_namespaced_config_map(namespace).metadata.resource_version
    events = []

    def follow():
        for event in watch.Watch().stream(
            core.list_namespaced_config_map, namespace, resource_version=start, label_selector="story=watch", timeout_seconds=60
        ):
            events.append((event["type"], event["object"].metadata.name))
            if event["type"] == "DELETED":
                return

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    body = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="watched", labels={"story": "watch"}))
    core.create_namespaced_config_map(namespace, body)
    core.patch_namespaced_config_map("watched", namespace, {"data": {"a": "b"}})
    core.delete_namespaced_config_map("watched", namespace)
    follower.join(60)
    check("a watch tells what happened", [type_ for type_, _ in events] == ["ADDED", "MODIFIED", "DELETED"], events)
    try:
        list(watch.Watch().stream(core.list_namespaced_config_map, namespace, resource_version="abc", timeout_seconds=5))
        check("a watch from nowhere is refused", False)
    except ApiException as error:
        check("a watch from nowhere is refused", error.status >= 400, error.status)


def custom_resources(api, namespace):
    extensions = client.ApiextensionsV1Api(api)
    name = f"gizmos.{GROUP}"
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "required": ["size"],
                "properties": {"size": {"type": "integer", "minimum": 1}, "color": {"type": "string", "default": "red"}},
            },
            "status": {"type": "object", "properties": {"size": {"type": "integer"}}},
        },
    }
    extensions.create_custom_resource_definition({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name},
        "spec": {
            "group": GROUP, "scope": "Namespaced",
            "names": {"plural": "gizmos", "singular": "gizmo", "kind": "Gizmo", "shortNames": ["gz"]},
            "versions": [{
                "name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema},
                "subresources": {"status": {}},
                "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
            }],
        },
    })
    established = lambda: any(
        condition.type == "Established" and condition.status == "True"
        for condition in extensions.read_custom_resource_definition(name).status.conditions or []
    )
    eventually("a CustomResourceDefinition is established", established)
    try:
        gizmos = dynamic.DynamicClient(api).resources.get(api_version=f"{GROUP}/v1", kind="Gizmo")
        check("the dynamic client discovers it", gizmos.namespaced and gizmos.subresources.get("status"))
        created = gizmos.create(
            namespace=namespace, body={"apiVersion": f"{GROUP}/v1", "kind": "Gizmo", "metadata": {"name": "g"}, "spec": {"size": 3}}
        )
        check("a default is filled in", created.spec.color == "red", created.to_dict())
        bad = {"apiVersion": f"{GROUP}/v1", "kind": "Gizmo", "metadata": {"name": "bad"}, "spec": {"size": 0}}
        refused("the schema refuses", 422, gizmos.create, namespace=namespace, body=bad)
        gizmos.status.patch(
            namespace=namespace, name="g", body={"status": {"size": 3}, "spec": {"size": 9}}, content_type="application/merge-patch+json"
        )
        read = gizmos.get(namespace=namespace, name="g")
        check("status has its own endpoint", (read.spec.size, read.status.size, read.metadata.generation) == (3, 3, 1), read.to_dict())
        applied = gizmos.server_side_apply(
            namespace=namespace, name="g", field_manager="painter",
            body={"apiVersion": f"{GROUP}/v1", "kind": "Gizmo", "metadata": {"name": "g"}, "spec": {"color": "blue"}}, force_conflicts=True,
        )
        check("apply takes a field over", (applied.spec.color, applied.spec.size) == ("blue", 3), applied.to_dict())
        objects = client.CustomObjectsApi(api)
        listed = objects.list_namespaced_custom_object(GROUP, "v1", namespace, "gizmos")
        check("they are listed", [item["metadata"]["name"] for item in listed["items"]] == ["g"], listed)
        objects.delete_namespaced_custom_object(GROUP, "v1", namespace, "gizmos", "g")
        refused("and deleted", 404, objects.get_namespaced_custom_object, GROUP, "v1", namespace, "gizmos", "g")
    finally:
        extensions.delete_custom_resource_definition(name)


def applying(api, namespace):
    maps = dynamic.DynamicClient(api).resources.get(api_version="v1", kind="ConfigMap")
    body = lambda data: {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}, "data": data}
    maps.server_side_apply(namespace=namespace, name="applied", field_manager="one", body=body({"a": "1", "b": "1"}))
    refused("a field of somebody else is a conflict", 409, maps.server_side_apply, namespace=namespace, name="applied", field_manager="two", body=body({"a": "2"}))
    maps.server_side_apply(namespace=namespace, name="applied", field_manager="two", body=body({"a": "2"}), force_conflicts=True)
    last = maps.server_side_apply(namespace=namespace, name="applied", field_manager="one", body=body({}))
    check("what nobody owns goes", last.data.to_dict() == {"a": "2"}, last.to_dict())


def leases(api, namespace):
    coordination = client.CoordinationV1Api(api)
    now = datetime.datetime.now(datetime.timezone.utc)
    lease = client.V1Lease(
        metadata=client.V1ObjectMeta(name="leader"),
        spec=client.V1LeaseSpec(holder_identity="one", lease_duration_seconds=15, acquire_time=now, renew_time=now),
    )
    created = coordination.create_namespaced_lease(namespace, lease)
    check("a Lease keeps microseconds", created.spec.renew_time == now, created.spec)
    created.spec.holder_identity = "two"
    check("and changes hands", coordination.replace_namespaced_lease("leader", namespace, created).spec.holder_identity == "two")


def main():
    api = config.new_client_from_config(config_file=sys.argv[1])
    core, apps = client.CoreV1Api(api), client.AppsV1Api(api)
    version = client.VersionApi(api).get_code()
    check("the server says its version", version.major == "1" and version.git_version.startswith("v1."), version)
    namespace = core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(generate_name="python-client-"))).metadata.name
    objects(core, namespace)
    from_yaml(api, core, namespace)
    workloads(core, apps, namespace)
    watching(core, namespace)
    custom_resources(api, namespace)
    applying(api, namespace)
    leases(api, namespace)
    core.delete_namespace(namespace)
    gone = lambda: not core.list_namespace(field_selector=f"metadata.name={namespace}").items
    eventually("the namespace goes with everything in it", gone)
    finish()


if __name__ == "__main__":
    main()
