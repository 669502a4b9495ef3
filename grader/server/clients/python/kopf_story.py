"""An operator made with kopf lives through the life of its objects.

usage: kopf_story.py KUBECONFIG
"""
import contextlib
import os
import pathlib
import signal
import subprocess
import sys

from checks import check, eventually, finish
from kopf_handlers import GROUP
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

HANDLERS = pathlib.Path(__file__).with_name("kopf_handlers.py")


@contextlib.contextmanager
def operator(kubeconfig, namespace):
    """Runs the operator, and stops it in order."""
    command = [sys.executable, "-m", "kopf", "run", "--standalone", "--namespace", namespace, str(HANDLERS)]
    process = subprocess.Popen(command, env={**os.environ, "KUBECONFIG": kubeconfig}, stderr=subprocess.PIPE, text=True)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            log = process.communicate(timeout=30)[1]
        except subprocess.TimeoutExpired:
            process.kill()
            log = process.communicate()[1]
    if not check("the operator stops in order", process.returncode in (0, -signal.SIGTERM), process.returncode):
        print(log, file=sys.stderr)


def definition(extensions):
    extensions.create_custom_resource_definition({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"bells.{GROUP}"},
        "spec": {
            "group": GROUP, "scope": "Namespaced", "names": {"plural": "bells", "singular": "bell", "kind": "Bell"},
            "versions": [{
                "name": "v1", "served": True, "storage": True, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "properties": {
                        "spec": {"type": "object", "properties": {"tone": {"type": "string"}, "volume": {"type": "integer"}}},
                        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                    },
                }},
            }],
        },
    })
    eventually("the definition is established", lambda: any(
        condition.type == "Established" and condition.status == "True"
        for condition in extensions.read_custom_resource_definition(f"bells.{GROUP}").status.conditions or []
    ))


def main():
    kubeconfig = sys.argv[1]
    api = config.new_client_from_config(config_file=kubeconfig)
    core, extensions, objects = client.CoreV1Api(api), client.ApiextensionsV1Api(api), client.CustomObjectsApi(api)
    namespace = core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(generate_name="kopf-client-"))).metadata.name
    definition(extensions)

    def bell():
        try:
            return objects.get_namespaced_custom_object(GROUP, "v1", namespace, "bells", "big")
        except ApiException as error:
            if error.status != 404:
                raise
            return None

    def status(key):
        return (bell() or {}).get("status", {}).get(key)

    def config_map(name):
        found = core.list_namespaced_config_map(namespace, field_selector=f"metadata.name={name}").items
        return found[0] if found else None

    try:
        with operator(kubeconfig, namespace):
            body = {"apiVersion": f"{GROUP}/v1", "kind": "Bell", "metadata": {"name": "big"}, "spec": {"tone": "c", "volume": 1}}
            objects.create_namespaced_custom_object(GROUP, "v1", namespace, "bells", body)
            eventually("on.create reports in the status", lambda: status("create") == {"tone": "c"})
            child = config_map("big")
            check("it made a ConfigMap", child and child.data == {"tone": "c"}, child)
            check("which the Bell owns", child.metadata.owner_references[0].uid == bell()["metadata"]["uid"], child.metadata)
            check("the Bell has a finalizer", f"{GROUP}/finalizer" in bell()["metadata"]["finalizers"], bell()["metadata"])
            eventually("a handler that fails is tried again", lambda: status("stubborn") == {"attempts": 3})
            eventually("a timer rings again and again", lambda: (status("rings") or 0) >= 3)
            objects.patch_namespaced_custom_object(GROUP, "v1", namespace, "bells", "big", {"spec": {"tone": "d"}})
            eventually("on.update sees old and new", lambda: status("update") == {"from": "c", "to": "d", "changes": 1})
            check("it changed the ConfigMap", config_map("big").data == {"tone": "d"})
            objects.patch_namespaced_custom_object(GROUP, "v1", namespace, "bells", "big", {"spec": {"volume": 7}})
            eventually("on.field sees its field", lambda: status("volume/spec.volume") == {"from": 1, "to": 7})
            events = lambda: core.list_namespaced_event(namespace, field_selector="involvedObject.name=big,reason=Cast").items
            eventually("there is an Event about it", lambda: [event.message for event in events()] == ["The bell sounds c."])
        objects.patch_namespaced_custom_object(GROUP, "v1", namespace, "bells", "big", {"spec": {"tone": "e"}})
        objects.delete_namespaced_custom_object(GROUP, "v1", namespace, "bells", "big")
        check("without the operator the finalizer holds the Bell", bell() and bell()["metadata"]["deletionTimestamp"])
        with operator(kubeconfig, namespace):
            eventually("on.delete runs once it is back", lambda: config_map("big-is-gone"))
            eventually("the Bell is gone", lambda: bell() is None)
            core.delete_namespaced_config_map("big-is-gone", namespace)
            eventually("its ConfigMap is collected", lambda: config_map("big") is None)
            again = {"apiVersion": f"{GROUP}/v1", "kind": "Bell", "metadata": {"name": "big"}, "spec": {"tone": "f"}}
            objects.create_namespaced_custom_object(GROUP, "v1", namespace, "bells", again)
            eventually("another Bell of the name is created", lambda: status("create") == {"tone": "f"})
            eventually("with all of its handlers", lambda: status("stubborn") == {"attempts": 3})
        with operator(kubeconfig, namespace):
            eventually("on.resume runs at the next start", lambda: status("resume") == {"tone": "f"})
            objects.delete_namespaced_custom_object(GROUP, "v1", namespace, "bells", "big")
            eventually("the last Bell is gone", lambda: bell() is None)
    finally:
        # Without its operator a Bell of a story that failed would hold up everything.
        for left in objects.list_namespaced_custom_object(GROUP, "v1", namespace, "bells")["items"]:
            free = {"metadata": {"finalizers": None}}
            objects.patch_namespaced_custom_object(GROUP, "v1", namespace, "bells", left["metadata"]["name"], free)
        extensions.delete_custom_resource_definition(f"bells.{GROUP}")
        core.delete_namespace(namespace)
    eventually("the namespace is gone", lambda: not core.list_namespace(field_selector=f"metadata.name={namespace}").items)
    finish()


if __name__ == "__main__":
    main()
