#!/usr/bin/env python3
"""Writes cells.jsonl: objects of built-in kinds, and the row that a real API server prints of each.

usage: record.py > cells.jsonl     kubectl must reach a kube-apiserver alone, without controllers, as an administrator;
                                   not everything that is made there can be taken away again

Each object is made in a namespace of its own (cluster-scoped ones with a name of their own), its status is written,
and it is read back as a Table with the whole object in the row. `now` is the time of that answer: ages follow from it.
"""
import json, subprocess, sys, urllib.error, urllib.request

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
NAMESPACE = "table-probes"
TIME = "2026-01-02T03:04:05Z"


class Server:
    """The API server behind `kubectl proxy`."""

    def __enter__(self):
        self.proxy = subprocess.Popen(["kubectl", "proxy", "--port=0"], stdout=subprocess.PIPE, text=True)
        self.url = "http://" + self.proxy.stdout.readline().split()[-1]
        return self

    def __exit__(self, *_):
        self.proxy.terminate()

    def ask(self, method, path, body=None, accept="application/json", content="application/json"):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": accept, "Content-Type": content}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            answer = urllib.request.urlopen(request)
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{method} {path}: {error.read().decode()}\n{json.dumps(body)}") from None
        return answer.headers["Date"], json.load(answer)


def pod(status=None, metadata=None, **spec):
    spec = {"containers": [{"name": "c", "image": "img"}], **spec}
    return ("v1", "pods", {"metadata": metadata or {}, "spec": spec, "status": status or {}})


def container(name="c", ready=False, restarts=0, last=None, started=None, **state):
    status = {"name": name, "image": "img", "imageID": "", "ready": ready, "restartCount": restarts, "state": state}
    if started is not None:
        status["started"] = started
    if last:
        status["lastState"] = {"terminated": {"exitCode": 1, "finishedAt": last}}
    return status


def pods():
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    running = {"running": {"startedAt": TIME}}
    two = {"containers": [{"name": "a", "image": "i"}, {"name": "b", "image": "i"}]}
    init = {"initContainers": [{"name": "i0", "image": "i"}, {"name": "i1", "image": "i"}]}
    sidecar = {"initContainers": [{"name": "s", "image": "i", "restartPolicy": "Always"}]}
    done = {"terminated": {"exitCode": 0, "reason": "Completed"}}
    yield pod()
    yield pod({"phase": "Running", "containerStatuses": [container(ready=True, **running)], **ready})
    yield pod({"phase": "Running", "podIP": "10.1.2.3", "podIPs": [{"ip": "10.1.2.3"}], "nominatedNodeName": "n"})
    yield pod({"phase": "Running", "containerStatuses": [container(ready=True, restarts=3, last=TIME, **running)]})
    yield pod({"phase": "Running", "containerStatuses": [container(restarts=2, **running)]})
    yield pod({"phase": "Pending", "containerStatuses": [container(waiting={"reason": "ContainerCreating"})]})
    yield pod({"phase": "Running", "containerStatuses": [container(waiting={"reason": "CrashLoopBackOff"}, restarts=5, last=TIME)]})
    yield pod({"phase": "Pending", "containerStatuses": [container(waiting={})]})
    yield pod({"phase": "Succeeded", "containerStatuses": [container(**done)]}, restartPolicy="Never")
    yield pod({"phase": "Failed", "containerStatuses": [container(terminated={"exitCode": 3, "reason": "Error"})]}, restartPolicy="Never")
    yield pod({"phase": "Failed", "containerStatuses": [container(terminated={"exitCode": 3})]}, restartPolicy="Never")
    yield pod({"phase": "Failed", "containerStatuses": [container(terminated={"exitCode": 137, "signal": 9})]}, restartPolicy="Never")
    yield pod({"phase": "Failed", "reason": "Evicted"})
    yield pod({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]}, schedulingGates=[{"name": "example.com/gate"}])
    both = lambda a, b, **more: {"phase": "Running", "containerStatuses": [container("a", **a), container("b", **b)], **more}
    yield pod(both({"ready": True, **running}, done, **ready), **two)
    yield pod(both({"ready": True, **running}, done), **two)
    yield pod(both(done, {"terminated": {"exitCode": 1, "reason": "Error"}}), **two)
    yield pod(both({"ready": True, **running}, {"waiting": {"reason": "ImagePullBackOff"}}), **two)
    yield pod(both(done, done), **two)
    inits = lambda *statuses, **more: {"phase": "Pending", "initContainerStatuses": list(statuses), **more}
    yield pod(inits(container("i0", waiting={"reason": "PodInitializing"}), container("i1", waiting={"reason": "PodInitializing"})), **init)
    yield pod(inits(container("i0", **done), container("i1", **running)), **init)
    yield pod(inits(container("i0", waiting={"reason": "ImagePullBackOff"})), **init)
    yield pod(inits(container("i0", restarts=4, last=TIME, terminated={"exitCode": 1, "reason": "Error"})), **init)
    yield pod(inits(container("i0", terminated={"exitCode": 2})), **init)
    yield pod(inits(container("i0", terminated={"exitCode": 2, "signal": 15})), **init)
    yield pod(inits(container("i0", restarts=1, last=TIME, **done), container("i1", **done), phase="Running", containerStatuses=[container(ready=True, **running)]), **init)
    yield pod(inits(container("s", ready=True, started=True, restarts=2, last=TIME, **running), phase="Running", containerStatuses=[container(ready=True, restarts=1, **running)]), **sidecar)
    yield pod(inits(container("s", started=False, **running)), **sidecar)
    yield pod(inits(container("i0", **running), conditions=[{"type": "Initialized", "status": "True"}], containerStatuses=[container(ready=True, **running)]), **init)
    gates = {"readinessGates": [{"conditionType": "example.com/a"}, {"conditionType": "example.com/b"}]}
    yield pod({"conditions": [{"type": "example.com/b", "status": "True"}]}, **gates)
    deleting = {"finalizers": ["example.com/hold"], "annotations": {"probe": "delete"}}
    yield pod({"phase": "Running"}, deleting)
    yield pod({"phase": "Succeeded"}, deleting, restartPolicy="Never")
    yield pod({"phase": "Running", "reason": "NodeLost"}, deleting)


def template(**spec):
    return {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "img:1"}, {"name": "d", "image": "img:2"}], **spec}}


def workloads():
    selector = {"matchLabels": {"a": "b"}}
    odd = {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}, {"key": "x", "operator": "NotIn", "values": ["z", "y"]}, {"key": "w", "operator": "DoesNotExist"}]}
    yield "v1", "podtemplates", {"template": template()}
    yield "v1", "podtemplates", {"template": {"spec": {"containers": [{"name": "c", "image": "i"}]}}}
    yield "v1", "replicationcontrollers", {"spec": {"replicas": 3, "selector": {"a": "b"}, "template": template()}, "status": {"replicas": 2, "readyReplicas": 1}}
    for kind in ("replicasets", "deployments"):
        yield "apps/v1", kind, {"spec": {"replicas": 3, "selector": selector, "template": template()}, "status": {"replicas": 2, "readyReplicas": 1, "availableReplicas": 1}}
        yield "apps/v1", kind, {"spec": {"replicas": 0, "selector": odd, "template": template()}}
    yield "apps/v1", "deployments", {"spec": {"selector": selector, "template": template()}, "status": {"replicas": 2, "updatedReplicas": 2, "readyReplicas": 1, "availableReplicas": 1}}
    yield "apps/v1", "statefulsets", {"spec": {"replicas": 2, "serviceName": "s", "selector": selector, "template": template()}, "status": {"replicas": 2, "readyReplicas": 1}}
    status = {"desiredNumberScheduled": 5, "currentNumberScheduled": 4, "numberReady": 3, "updatedNumberScheduled": 2, "numberAvailable": 1, "numberMisscheduled": 0}
    yield "apps/v1", "daemonsets", {"spec": {"selector": selector, "template": template(nodeSelector={"os": "linux", "arch": "arm"})}, "status": status}
    yield "apps/v1", "daemonsets", {"spec": {"selector": selector, "template": template()}}
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "s", "uid": "u", "controller": True}
    yield "apps/v1", "controllerrevisions", {"revision": 7, "data": {}, "metadata": {"ownerReferences": [owner]}}
    yield "apps/v1", "controllerrevisions", {"revision": 1, "data": {}}
    job = lambda status=None, **spec: ("batch/v1", "jobs", {"spec": {"suspend": True, "template": template(restartPolicy="Never"), **spec}, "status": status or {}})
    yield job()
    yield job(completions=3, parallelism=2)
    yield job(parallelism=4)
    yield "batch/v1", "cronjobs", {"spec": {"schedule": "*/5 * * * *", "jobTemplate": {"spec": {"template": template(restartPolicy="Never")}}}}
    cron = {"schedule": "@daily", "timeZone": "Europe/Berlin", "suspend": True, "jobTemplate": {"spec": {"template": template(restartPolicy="Never")}}}
    yield "batch/v1", "cronjobs", {"spec": cron, "status": {"active": [{"name": "a"}, {"name": "b"}], "lastScheduleTime": TIME}}


def networking():
    service = lambda status=None, **spec: ("v1", "services", {"spec": spec, "status": status or {}})
    ports = [{"name": "a", "port": 80}, {"name": "b", "port": 53, "protocol": "UDP"}]
    yield service(ports=ports, selector={"a": "b", "c": "d"})
    yield service(clusterIP="None")
    yield service(ports=ports, externalIPs=["1.2.3.4", "5.6.7.8"])
    yield service(type="NodePort", ports=[{"port": 80, "nodePort": 31234}])
    yield service(type="LoadBalancer", ports=[{"port": 80, "nodePort": 31235}])
    balanced = {"loadBalancer": {"ingress": [{"hostname": "b.example.com"}, {"ip": "9.9.9.9"}, {"ip": "9.9.9.9"}]}}
    yield service(balanced, type="LoadBalancer", ports=[{"port": 80, "nodePort": 31236}])
    yield service(balanced, type="LoadBalancer", ports=[{"port": 80, "nodePort": 31237}], externalIPs=["1.2.3.4"])
    yield service(type="ExternalName", externalName="example.com")
    addresses = lambda *ips: [{"ip": ip} for ip in ips]
    yield "v1", "endpoints", {}
    yield "v1", "endpoints", {"subsets": [{"addresses": addresses("10.0.0.1", "10.0.0.2"), "ports": [{"name": "a", "port": 80}, {"name": "b", "port": 81}]}]}
    yield "v1", "endpoints", {"subsets": [{"addresses": addresses("10.0.0.1", "2001:db8::1"), "ports": [{"port": 80}]}]}
    yield "v1", "endpoints", {"subsets": [{"addresses": addresses("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5")}]}
    yield "v1", "endpoints", {"subsets": [{"notReadyAddresses": addresses("10.0.0.1"), "ports": [{"port": 80}]}]}
    slices = lambda **more: ("discovery.k8s.io/v1", "endpointslices", {"addressType": "IPv4", "endpoints": [], **more})
    yield slices()
    yield slices(ports=[{"name": "a", "port": 80}, {"name": "x"}, {"port": 5}, {"name": "q", "port": 1}], endpoints=[{"addresses": ["10.0.0.1"]}, {"addresses": ["10.0.0.2"]}])
    yield slices(endpoints=[{"addresses": [f"10.0.0.{i}"]} for i in range(1, 6)])
    backend = {"service": {"name": "s", "port": {"number": 80}}}
    rule = lambda host=None: {**({"host": host} if host else {}), "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    ingress = lambda status=None, **spec: ("networking.k8s.io/v1", "ingresses", {"spec": spec, "status": status or {}})
    yield ingress(defaultBackend=backend)
    yield ingress({"loadBalancer": {"ingress": [{"ip": "9.9.9.9"}, {"hostname": "a-very-long-name.example.com"}]}}, ingressClassName="c", rules=[rule("a.com"), rule()], tls=[{"hosts": ["a.com"]}])
    yield ingress(rules=[rule("a.com"), rule("b.com"), rule("c.com"), rule("d.com"), rule()])
    yield ingress(rules=[rule("a.com"), rule("b.com"), rule("c.com")])
    yield ingress(rules=[rule()])
    yield "networking.k8s.io/v1", "ingressclasses", {"spec": {"controller": "example.com/c"}}
    parameters = {"apiGroup": "k8s.example.com", "kind": "P", "name": "p", "scope": "Cluster"}
    yield "networking.k8s.io/v1", "ingressclasses", {"metadata": {"annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}}, "spec": {"controller": "example.com/c", "parameters": parameters}}
    yield "networking.k8s.io/v1", "networkpolicies", {"spec": {"podSelector": {}}}
    yield "networking.k8s.io/v1", "networkpolicies", {"spec": {"podSelector": {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c", "operator": "In", "values": ["d"]}]}}}
    yield "networking.k8s.io/v1", "servicecidrs", {"spec": {"cidrs": ["10.77.0.0/24", "fd77::/112"]}}
    yield "networking.k8s.io/v1", "ipaddresses", {"metadata": {"name": "192.0.2.7"}, "spec": {"parentRef": {"group": "example.com", "resource": "widgets", "name": "w"}}}


def nodes():
    yield "v1", "nodes", {}
    info = dict(machineID="", systemUUID="", bootID="", kernelVersion="6.1", osImage="Debian", containerRuntimeVersion="containerd://2", kubeletVersion="v1.36.0", kubeProxyVersion="", operatingSystem="linux", architecture="amd64")
    labels = {"node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/control-plane": "", "kubernetes.io/role": "old"}
    addresses = [{"type": "Hostname", "address": "h"}, {"type": "InternalIP", "address": "10.0.0.1"}, {"type": "InternalIP", "address": "10.0.0.2"}, {"type": "ExternalIP", "address": "9.9.9.9"}]
    yield "v1", "nodes", {"metadata": {"labels": labels}, "spec": {"unschedulable": True}, "status": {"nodeInfo": info, "addresses": addresses, "conditions": [{"type": "Ready", "status": "True"}]}}
    yield "v1", "nodes", {"status": {"nodeInfo": {**info, "architecture": "", "kernelVersion": ""}, "conditions": [{"type": "Ready", "status": "Unknown"}]}}
    yield "node.k8s.io/v1", "runtimeclasses", {"handler": "runsc"}


def storage():
    source = {"hostPath": {"path": "/x"}}
    volume = {"capacity": {"storage": "5Gi"}, "accessModes": ["ReadWriteMany", "ReadWriteOnce"], **source}
    yield "v1", "persistentvolumes", {"spec": volume}
    claim = {"claimRef": {"namespace": "n", "name": "c"}, "storageClassName": "fast", "persistentVolumeReclaimPolicy": "Delete", "volumeMode": "Block"}
    yield "v1", "persistentvolumes", {"spec": {**volume, **claim, "accessModes": ["ReadWriteOncePod"]}, "status": {"phase": "Failed", "reason": "Because"}}
    yield "v1", "persistentvolumes", {"metadata": {"annotations": {"volume.beta.kubernetes.io/storage-class": "old", "probe": "delete"}}, "spec": volume}
    resources = {"resources": {"requests": {"storage": "1Gi"}}, "accessModes": ["ReadWriteOnce"]}
    yield "v1", "persistentvolumeclaims", {"spec": resources}
    yield "v1", "persistentvolumeclaims", {"spec": {**resources, "volumeName": "v", "storageClassName": "fast"}, "status": {"phase": "Bound", "accessModes": ["ReadOnlyMany", "ReadWriteOnce"], "capacity": {"storage": "2Gi"}}}
    yield "v1", "persistentvolumeclaims", {"metadata": {"annotations": {"probe": "delete"}, "finalizers": ["example.com/hold"]}, "spec": {**resources, "volumeAttributesClassName": "gold"}}
    classes = "storage.k8s.io/v1", "storageclasses"
    yield *classes, {"provisioner": "example.com/p"}
    yield *classes, {"metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}, "provisioner": "example.com/p", "reclaimPolicy": "Retain", "volumeBindingMode": "WaitForFirstConsumer", "allowVolumeExpansion": True}
    yield "storage.k8s.io/v1", "volumeattributesclasses", {"driverName": "example.com", "parameters": {"a": "b"}}
    yield "storage.k8s.io/v1", "volumeattachments", {"spec": {"attacher": "example.com", "nodeName": "n", "source": {"persistentVolumeName": "v"}}, "status": {"attached": True}}
    yield "storage.k8s.io/v1", "csidrivers", {"spec": {}}
    yield "storage.k8s.io/v1", "csidrivers", {"spec": {"attachRequired": False, "podInfoOnMount": True, "storageCapacity": True, "requiresRepublish": True, "tokenRequests": [{"audience": "a"}, {"audience": "b"}], "volumeLifecycleModes": ["Persistent", "Ephemeral"]}}
    yield "storage.k8s.io/v1", "csinodes", {"spec": {"drivers": [{"name": "d", "nodeID": "n"}]}}
    yield "storage.k8s.io/v1", "csistoragecapacities", {"storageClassName": "c", "capacity": "1Gi"}


def small():
    yield "v1", "configmaps", {"data": {"a": "b", "c": "d"}, "binaryData": {"e": "AA=="}}
    yield "v1", "configmaps", {}
    yield "v1", "secrets", {"stringData": {"a": "b"}}
    yield "v1", "secrets", {"type": "kubernetes.io/basic-auth", "stringData": {"username": "b"}}
    yield "v1", "serviceaccounts", {}
    yield "v1", "limitranges", {"spec": {"limits": []}}
    yield "v1", "resourcequotas", {"spec": {"hard": {"pods": "1k", "limits.cpu": "2", "requests.cpu": "1", "memory": "1Gi"}}, "status": {"hard": {"pods": "1k", "limits.cpu": "2", "requests.cpu": "1", "memory": "1Gi"}, "used": {"pods": "3", "limits.cpu": "500m"}}}
    about = {"involvedObject": {"kind": "Pod", "name": "p", "namespace": NAMESPACE, "fieldPath": "spec.containers{c}"}}
    event = lambda **more: ("v1", "events", {**about, **more})
    yield event(type="Normal", reason="Why", message=" text\n", firstTimestamp=TIME, lastTimestamp="2026-02-02T03:04:05Z", count=7, source={"component": "kubelet", "host": "n"})
    yield event(involvedObject={"kind": "Namespace", "namespace": NAMESPACE})
    new = {"eventTime": "2026-01-02T03:04:05.000000Z", "reportingComponent": "example.com/c", "reportingInstance": "i", "action": "a", "reason": "r", "type": "Normal"}
    yield event(**new)
    yield event(**new, series={"count": 9, "lastObservedTime": "2026-03-02T03:04:05.000000Z"})
    modern = {"regarding": {"kind": "Pod", "name": "p", "namespace": NAMESPACE}, "note": "text", "eventTime": "2026-01-02T03:04:05.000000Z", "reportingController": "example.com/c", "reportingInstance": "i", "action": "a", "reason": "r", "type": "Warning"}
    yield "events.k8s.io/v1", "events", modern
    subjects = [{"kind": "User", "name": "u"}, {"kind": "Group", "name": "g"}, {"kind": "ServiceAccount", "name": "s", "namespace": "n"}, {"kind": "User", "name": "v"}]
    rbac = "rbac.authorization.k8s.io/v1"
    yield rbac, "rolebindings", {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}, "subjects": subjects}
    yield rbac, "clusterrolebindings", {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}}
    yield rbac, "roles", {}
    yield rbac, "clusterroles", {"rules": [{"verbs": ["get"], "nonResourceURLs": ["/x"]}]}
    budget = lambda status=None, **spec: ("policy/v1", "poddisruptionbudgets", {"spec": {"selector": {"matchLabels": {"a": "b"}}, **spec}, "status": status or {}})
    yield budget(minAvailable=1)
    yield budget({"disruptionsAllowed": 2, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1, "observedGeneration": 1}, maxUnavailable="25%")
    yield "scheduling.k8s.io/v1", "priorityclasses", {"value": 1000}
    yield "scheduling.k8s.io/v1", "priorityclasses", {"value": -5, "preemptionPolicy": "Never"}
    yield "coordination.k8s.io/v1", "leases", {"spec": {"holderIdentity": "me", "leaseDurationSeconds": 15}}
    yield "coordination.k8s.io/v1", "leases", {}
    crd = {"group": "table-things.example.com", "scope": "Cluster", "names": {"plural": "things", "kind": "Thing"}, "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}]}
    yield "apiextensions.k8s.io/v1", "customresourcedefinitions", {"metadata": {"name": "things.table-things.example.com"}, "spec": crd}
    yield "apiregistration.k8s.io/v1", "apiservices", {"metadata": {"name": "v1.table-probes.example.com"}, "spec": {"group": "table-probes.example.com", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1, "insecureSkipTLSVerify": True, "service": {"namespace": "n", "name": "s"}}, "status": {"conditions": [{"type": "Available", "status": "False", "reason": "ServiceNotFound"}]}}


def autoscaling():
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
    scaler = lambda metrics=None, current=None, **more: ("autoscaling/v2", "horizontalpodautoscalers", {"spec": {"scaleTargetRef": target, "maxReplicas": 5, **({"metrics": metrics} if metrics else {}), **more}, "status": {"currentReplicas": 2, "desiredReplicas": 2, "currentMetrics": current or []}})
    resource = lambda name="cpu", **t: {"type": "Resource", "resource": {"name": name, "target": t}}
    utilization = {"type": "Utilization", "averageUtilization": 80}
    yield scaler()
    yield scaler([resource(**utilization)], minReplicas=2)
    yield scaler([resource(**utilization)], [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 12, "averageValue": "100m"}}}])
    yield scaler([resource("memory", type="AverageValue", averageValue="100Mi")], [{"type": "Resource", "resource": {"name": "memory", "current": {"averageValue": "50Mi"}}}])
    container = {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "c", "target": utilization}}
    pods_ = {"type": "Pods", "pods": {"metric": {"name": "m"}, "target": {"type": "AverageValue", "averageValue": "5"}}}
    object_ = lambda **t: {"type": "Object", "object": {"describedObject": target, "metric": {"name": "m"}, "target": t}}
    external = lambda **t: {"type": "External", "external": {"metric": {"name": "m"}, "target": t}}
    yield scaler([container, pods_])
    yield scaler([object_(type="Value", value="7"), external(type="AverageValue", averageValue="3")])
    yield scaler([external(type="Value", value="7"), object_(type="AverageValue", averageValue="3"), pods_, container], [{"type": "External", "external": {"metric": {"name": "m"}, "current": {"value": "1500m"}}}])
    v1 = {"spec": {"scaleTargetRef": target, "maxReplicas": 5, "targetCPUUtilizationPercentage": 60}, "status": {"currentReplicas": 1, "desiredReplicas": 1, "currentCPUUtilizationPercentage": 42}}
    yield "autoscaling/v1", "horizontalpodautoscalers", v1


def extensions():
    admission = "admissionregistration.k8s.io/v1"
    hook = {"name": "a.example.com", "clientConfig": {"url": "https://example.com/x"}, "sideEffects": "None", "admissionReviewVersions": ["v1"], "failurePolicy": "Ignore", "rules": [{"apiGroups": ["table-probes.example.com"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["nothing"]}]}
    for kind in ("mutatingwebhookconfigurations", "validatingwebhookconfigurations"):
        yield admission, kind, {"webhooks": [hook]}
    match = {"resourceRules": [{"apiGroups": ["table-probes.example.com"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["nothing"]}]}
    yield admission, "validatingadmissionpolicies", {"spec": {"matchConstraints": match, "validations": [{"expression": "true"}, {"expression": "1 == 1"}]}}
    yield admission, "validatingadmissionpolicies", {"spec": {"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}, "matchConstraints": match, "validations": [{"expression": "true"}]}}
    for kind in ("validatingadmissionpolicybindings", "mutatingadmissionpolicybindings"):
        actions = {"validationActions": ["Deny"]} if kind.startswith("v") else {}
        binding = lambda **spec: (admission, kind, {"spec": {"policyName": "p", **actions, **spec}})
        yield binding()
        yield binding(paramRef={"name": "n", "parameterNotFoundAction": "Allow"})
        yield binding(paramRef={"name": "n", "namespace": "ns", "parameterNotFoundAction": "Allow"})
        yield binding(paramRef={"selector": {"matchLabels": {"a": "b", "c": "d"}, "matchExpressions": [{"key": "x", "operator": "In", "values": ["y", "z"]}]}, "parameterNotFoundAction": "Allow"})
    yield admission, "mutatingadmissionpolicies", {"spec": {"matchConstraints": match, "reinvocationPolicy": "Never", "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": "[JSONPatch{op: \"remove\", path: \"/x\"}]"}}]}}
    flow = "flowcontrol.apiserver.k8s.io/v1"
    yield flow, "flowschemas", {"spec": {"priorityLevelConfiguration": {"name": "catch-all"}, "matchingPrecedence": 9000, "distinguisherMethod": {"type": "ByUser"}}, "status": {"conditions": [{"type": "Dangling", "status": "False"}]}}
    yield flow, "prioritylevelconfigurations", {"spec": {"type": "Limited", "limited": {"nominalConcurrencyShares": 5, "limitResponse": {"type": "Reject"}}}}
    yield flow, "prioritylevelconfigurations", {"spec": {"type": "Limited", "limited": {"limitResponse": {"type": "Queue", "queuing": {"queues": 8, "handSize": 2, "queueLengthLimit": 9}}}}}
    claim = {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "c"}}]}}
    yield "resource.k8s.io/v1", "deviceclasses", {"spec": {}}
    yield "resource.k8s.io/v1", "resourceclaims", {"spec": claim}
    yield "resource.k8s.io/v1", "resourceclaims", {"metadata": {"annotations": {"probe": "delete"}, "finalizers": ["example.com/hold"]}, "spec": claim}
    yield "resource.k8s.io/v1", "resourceclaimtemplates", {"spec": {"spec": claim}}
    yield "resource.k8s.io/v1", "resourceslices", {"spec": {"driver": "example.com", "nodeName": "n", "pool": {"name": "p", "generation": 1, "resourceSliceCount": 1}}}


def probe(server, number, group_version, plural, body, resources):
    root = ("/apis/" if "/" in group_version else "/api/") + group_version
    resource = resources[group_version, plural]
    collection = f"{root}/namespaces/{NAMESPACE}/{plural}" if resource["namespaced"] else f"{root}/{plural}"
    metadata = {"name": f"table-probe-{number}", **body.get("metadata", {})}
    metadata.setdefault("labels", {})["table-probes"] = "yes"
    body = {"apiVersion": group_version, "kind": resource["kind"], **body, "metadata": metadata}
    item = f"{collection}/{metadata['name']}"
    server.ask("POST", collection, body)
    if body.get("status") and (group_version, plural + "/status") in resources:
        patch = "application/merge-patch+json"
        server.ask("PATCH", item + "/status", {"status": body["status"]}, content=patch)
    if metadata.get("annotations", {}).get("probe") == "delete":
        server.ask("DELETE", item, {})
    date, table = server.ask("GET", item + "?includeObject=Object", accept=TABLE)
    [row] = table["rows"]
    row["object"]["metadata"].pop("managedFields", None)
    row = {"resource": f"{group_version} {plural}", "now": date, **row}
    print(json.dumps(row, sort_keys=True, separators=(",", ":")))
    if metadata.get("finalizers"):
        server.ask("PATCH", item, {"metadata": {"finalizers": None}}, content="application/merge-patch+json")
    if plural != "persistentvolumes" or metadata.get("annotations", {}).get("probe") != "delete":
        subprocess.run(["kubectl", "delete", "--raw", item], capture_output=True)


def main():
    with Server() as server:
        resources = {}
        for group_version in ["v1"] + [v["groupVersion"] for g in server.ask("GET", "/apis")[1]["groups"] for v in g["versions"]]:
            root = ("/apis/" if "/" in group_version else "/api/") + group_version
            for resource in server.ask("GET", root)[1]["resources"]:
                resources[group_version, resource["name"]] = resource
        server.ask("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        try:
            families = [pods(), workloads(), networking(), nodes(), storage(), small(), autoscaling(), extensions()]
            for number, (group_version, plural, body) in enumerate(p for family in families for p in family):
                probe(server, number, group_version, plural, body, resources)
        finally:
            server.ask("DELETE", f"/api/v1/namespaces/{NAMESPACE}", {})


if __name__ == "__main__":
    main()
