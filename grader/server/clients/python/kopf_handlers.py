"""An operator for Bells, made with kopf: a ConfigMap for each, and what was done in its status."""
import kopf
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

GROUP = "kopf-client.example.com"
BELLS = (GROUP, "v1", "bells")


@kopf.on.startup()
def settle(settings, **_):
    config.load_kube_config()
    settings.persistence.finalizer = f"{GROUP}/finalizer"
    settings.watching.server_timeout = 30


@kopf.on.create(*BELLS)
def create(spec, name, namespace, body, **_):
    child = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"tone": spec["tone"]}}
    kopf.adopt(child)
    client.CoreV1Api().create_namespaced_config_map(namespace, child)
    kopf.event(body, type="Normal", reason="Cast", message=f"The bell sounds {spec['tone']}.")
    return {"tone": spec["tone"]}


@kopf.on.update(*BELLS)
def update(spec, name, namespace, old, new, diff, **_):
    client.CoreV1Api().patch_namespaced_config_map(name, namespace, {"data": {"tone": spec["tone"]}})
    return {"from": old["spec"]["tone"], "to": new["spec"]["tone"], "changes": len(diff)}


@kopf.on.field(*BELLS, field="spec.volume", id="volume")
def volume(old, new, **_):
    return {"from": old, "to": new}


@kopf.on.resume(*BELLS)
def resume(spec, **_):
    return {"tone": spec["tone"]}


@kopf.timer(*BELLS, interval=0.5, initial_delay=0.1)
def ring(status, patch, **_):
    patch.status["rings"] = status.get("rings", 0) + 1


@kopf.on.create(*BELLS, id="stubborn", retries=3, backoff=0.2)
def stubborn(retry, **_):
    if retry < 2:
        raise kopf.TemporaryError("not yet", delay=0.2)
    return {"attempts": retry + 1}


@kopf.on.delete(*BELLS)
def delete(name, namespace, **_):
    body = {"metadata": {"name": f"{name}-is-gone"}}
    try:
        client.CoreV1Api().create_namespaced_config_map(namespace, body)
    except ApiException as error:
        # A handler may run once more when its success could not be noted.
        if error.status != 409:
            raise
