#!/usr/bin/env python3
"""Lives through the stories in job_stories.json on a real control plane again, and writes down what it did.

usage: job_stories.py     kubectl must reach a server whose administrator this is, without kubelets, and with a
                          kube-controller-manager that runs `--controllers=*,-pod-garbage-collector-controller` (which
                          ends deleted pods that no kubelet ends); every story gets a namespace of its own.
"""
import concurrent.futures, json, pathlib, re, subprocess, time, urllib.error, urllib.request

FILE = pathlib.Path(__file__).with_suffix(".json")
BATCH, CORE = "/apis/batch/v1/namespaces", "/api/v1/namespaces"
QUIET = 3.0


class Server:
    def __init__(self, base):
        self.base = base

    def send(self, method, path, body=None, content="application/json"):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": content}, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{method} {path}: {error.read().decode()}")

    def patch(self, path, body):
        return self.send("PATCH", path, body, "application/merge-patch+json")


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def index(pod):
    return pod["metadata"].get("annotations", {}).get("batch.kubernetes.io/job-completion-index", "")


def status_of(step):
    """What a kubelet would say of a pod in this state."""
    phase = step.get("phase") or ("Succeeded" if step.get("exit", 0) == 0 else "Failed")
    state = {"running": {"startedAt": now()}}
    if phase in ("Succeeded", "Failed"):
        state = {"terminated": {"exitCode": step.get("exit", 0), "startedAt": now(), "finishedAt": now()}}
    ready = phase == "Running"
    container = {"name": "c", "image": "img:1", "imageID": "", "ready": ready, "started": ready,
                 "restartCount": step.get("restarts", 0), "state": state}
    conditions = step.get("conditions", []) + [{"type": "Ready", "status": "True" if ready else "False"}]
    conditions = [{**condition, "lastTransitionTime": now()} for condition in conditions]
    return {"phase": phase, "startTime": now(), "containerStatuses": [container], "conditions": conditions}


def act(server, namespace, step):
    pods = f"{CORE}/{namespace}/pods"
    if "spec" in step:
        return server.patch(f"{BATCH}/{namespace}/jobs/work", {"spec": step["spec"]})
    if "wait" in step:
        return time.sleep(step["wait"])
    active = [p for p in server.send("GET", pods)["items"] if p["status"]["phase"] in ("Pending", "Running")]
    active = [p for p in active if "index" not in step or index(p) == str(step["index"])]
    for pod in sorted(active, key=index)[:step.get("pods", 1)]:
        path = f"{pods}/{pod['metadata']['name']}"
        if step.get("delete"):
            server.send("DELETE", path)
        else:
            server.patch(f"{path}/status", {"status": status_of(step)})


def seen(server, namespace):
    """The Job's status, its pods and its events, without what differs from time to time."""
    def plain(text):
        return re.sub(r"work(-\d+)?-[a-z0-9]{5}\b", r"work\1-*", text)
    status = server.send("GET", f"{BATCH}/{namespace}/jobs/work")["status"]
    for key in ("startTime", "completionTime"):
        if key in status:
            status[key] = "*"
    for condition in status.get("conditions", []):
        condition["message"] = plain(condition["message"])
        for key in ("lastProbeTime", "lastTransitionTime"):
            condition.pop(key, None)
    pods = []
    for pod in server.send("GET", f"{CORE}/{namespace}/pods")["items"]:
        metadata = pod["metadata"]
        notes = {k.split("/")[1]: v for k, v in metadata.get("annotations", {}).items()}
        pods.append({"phase": pod["status"]["phase"], "deleting": "deletionTimestamp" in metadata,
                     "tracked": bool(metadata.get("finalizers")), "annotations": notes})
    events = []
    for event in server.send("GET", f"{CORE}/{namespace}/events")["items"]:
        events += [f"{event['type']} {event['reason']}: {plain(event['message'])}"] * event["count"]
    return {"status": status, "pods": sorted(pods, key=lambda pod: json.dumps(pod, sort_keys=True)), "events": sorted(events)}


def rest(server, namespace):
    """Waits until nothing has changed for a while."""
    last, since = None, time.time()
    while time.time() - since < QUIET:
        current = seen(server, namespace)
        if current != last:
            last, since = current, time.time()
        time.sleep(0.3)
    return last


def live(server, number, story):
    namespace = f"job-story-{number}-{int(time.time())}"
    server.send("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "img:1"}]}}
    server.send("POST", f"{BATCH}/{namespace}/jobs",
                {"metadata": {"name": "work"}, "spec": {"template": template, **story["spec"]}})
    found = [rest(server, namespace)]
    for step in story["steps"]:
        act(server, namespace, step)
        found.append(rest(server, namespace))
    server.send("DELETE", f"/api/v1/namespaces/{namespace}")
    return json.loads(json.dumps({**story, "seen": found}).replace(namespace, "default"))


def main():
    proxy = subprocess.Popen(["kubectl", "proxy", "--port=0"], stdout=subprocess.PIPE, text=True)
    try:
        server = Server("http://" + proxy.stdout.readline().split()[-1])
        stories = json.loads(FILE.read_text())
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            stories = list(pool.map(lambda pair: live(server, *pair), enumerate(stories)))
        lines = [json.dumps(story, sort_keys=True) for story in stories]
        FILE.write_text("[\n" + ",\n".join(lines) + "\n]\n")
    finally:
        proxy.terminate()


if __name__ == "__main__":
    main()
