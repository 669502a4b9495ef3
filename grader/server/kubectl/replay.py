#!/usr/bin/env python3
"""Replays recorded kubectl sessions against an API server and compares what kubectl says.

  replay.py --kubeconfig F [--kubectl PATH] [--only TOPIC|NAME]... [--needs core,gc,...] [--jobs N] [--json OUT]
            [--show N] [--limit SECONDS] [--keep] [--sweep] [--record] [sessions/*.session]

Standard library only. The format of the sessions and what is masked is described in README.md.
PATH is the kubectl to use (default: $KUBECTL, else "kubectl"). Exit status: 0 when all commands answer as recorded,
1 when any differs, 2 on usage errors.
"""
import argparse, concurrent.futures, difflib, glob, json, os, random, re, shutil, signal, subprocess, sys, tempfile
import threading, time

ALL_NEEDS = ["core", "rbac", "serviceaccount", "gc", "namespace-controller", "quota", "statefulset", "deployment", "job"]
RECORDED_WITH = 36                      # minor version of the kubectl whose recordings are the plain ones
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # of generated names
PREFIX = "kc-"

# Plays the kubelet for pods of the session's namespace, through the status subresource.
PODREADY = r'''#!/usr/bin/env bash
# podready [--not] POD...
set -e
r=True b=true; if [ "$1" = --not ]; then r=False b=false; shift; fi
now=$(date -u +%FT%TZ)
for p in "$@"; do
  n=$(kubectl get pod "$p" -o jsonpath='{.spec.containers[0].name}'); i=$(kubectl get pod "$p" -o jsonpath='{.spec.containers[0].image}')
  kubectl patch pod "$p" --subresource=status --type=merge -p "{\"status\":{\"phase\":\"Running\",\"startTime\":\"$now\",\"conditions\":[
  {\"type\":\"Initialized\",\"status\":\"True\",\"lastTransitionTime\":\"$now\"},{\"type\":\"PodScheduled\",\"status\":\"True\",\"lastTransitionTime\":\"$now\"},
  {\"type\":\"ContainersReady\",\"status\":\"$r\",\"lastTransitionTime\":\"$now\"},{\"type\":\"Ready\",\"status\":\"$r\",\"lastTransitionTime\":\"$now\"}],
  \"containerStatuses\":[{\"name\":\"$n\",\"image\":\"$i\",\"imageID\":\"\",\"ready\":$b,\"started\":true,\"restartCount\":0,\"state\":{\"running\":{\"startedAt\":\"$now\"}}}]}}"
done
'''

# ---------------------------------------------------------------- the session files

class Output:
    def __init__(self, out=(), err=(), code=0):
        self.out, self.err, self.code = list(out), list(err), code

    def __eq__(self, other):
        return (self.out, self.err, self.code) == (other.out, other.err, other.code)

    def lines(self):
        r = [("| " + x).rstrip() for x in self.out] + [("! " + x).rstrip() for x in self.err]
        return r + ([] if self.code in (0, None) else ["exit %s" % self.code])


class Step:
    """A command (kind "run"), a command left running ("background") or the reading of one ("collect")."""

    def __init__(self, kind, text, line):
        self.kind, self.text, self.line = kind, text, line
        self.head = []                 # the source lines of the step itself
        self.versions = None           # (operator, minor): only for such kubectl versions
        self.until = None
        self.name, self.wait_lines, self.sort = None, None, False
        self.recorded, self.variants = None, {}   # {minor: Output} for kubectl <= 1.minor

    def expected(self, minor):
        fits = [m for m in self.variants if minor <= m]
        return self.variants[min(fits)] if fits else self.recorded

    def applies(self, minor):
        if not self.versions:
            return True
        op, m = self.versions
        return {">=": minor >= m, "<=": minor <= m, "<": minor < m, ">": minor > m}[op]


class Bad(Exception):
    pass


class Session:
    def __init__(self, path):
        self.path, self.name = path, os.path.basename(path).rsplit(".", 1)[0]
        self.title, self.topic, self.needs, self.alone = "", "", ["core"], False
        self.cleanup, self.files, self.items = [], {}, []   # items: Step, or a source line kept as it is
        with open(path, encoding="utf-8") as f:
            self.source = f.read()
        self.parse(self.source.split("\n"))

    @property
    def steps(self):
        return [x for x in self.items if isinstance(x, Step)]

    def parse(self, lines):
        i, pending, head = 0, {}, []
        while lines and lines[-1] == "":
            lines.pop()

        def bad(msg):
            raise Bad("%s:%d: %s" % (self.path, i + 1, msg))

        def output(j):
            o, any_line = Output(), False
            while j < len(lines):
                s = lines[j]
                if s == "|" or s.startswith("| "):
                    o.out.append(s[2:])
                elif s == "!" or s.startswith("! "):
                    o.err.append(s[2:])
                elif re.fullmatch(r"exit \S+", s):
                    o.code = int(s[5:]) if s[5:].lstrip("-").isdigit() else s[5:]
                else:
                    break
                j, any_line = j + 1, True
            return o, j, any_line

        while i < len(lines):
            s = lines[i]
            m = re.fullmatch(r"(title|topic|needs|alone|cleanup): (.*)", s)
            if m and not self.steps:
                k, v = m.groups()
                if k == "cleanup":
                    self.cleanup.append(v)
                elif k == "needs":
                    self.needs = [x.strip() for x in v.split(",")]
                    if set(self.needs) - set(ALL_NEEDS):
                        bad("unknown need")
                elif k == "alone":
                    self.alone = v == "yes"
                else:
                    setattr(self, k, v)
                self.items.append(s)
            elif s.startswith("[file ") and s.endswith("]"):
                name, body = s[6:-1], []
                self.items.append(s)
                i += 1
                while i < len(lines) and lines[i] != "[end]":
                    body.append(lines[i])
                    self.items.append(lines[i])
                    i += 1
                if i == len(lines):
                    bad("file without [end]")
                self.items.append("[end]")
                self.files[name] = "\n".join(body) + "\n"
            elif s == "" or s.startswith("#"):
                (head if pending else self.items).append(s)
                if s == "" and self.items[-2:] == ["", ""]:
                    self.items.pop()
            elif s.startswith("@"):
                word, _, rest = s[1:].partition(" ")
                head.append(s)
                if word == "kubectl":
                    mm = re.fullmatch(r"(>=|<=|<|>) *1\.(\d+)", rest.strip()) or bad("want e.g. @kubectl >= 1.32")
                    pending["versions"] = (mm.group(1), int(mm.group(2)))
                elif word == "until":
                    pending["until"] = re.compile(rest)
                elif word == "sorted":
                    pending["sort"] = True
                elif word == "background":
                    a = rest.split()
                    pending["name"], pending["wait_lines"] = a[0], int(a[1].split("=")[1]) if len(a) > 1 else None
                elif word == "collect":
                    a = rest.split()
                    st = Step("collect", "(output of %s)" % a[0], i + 1)
                    st.name, st.wait_lines = a[0], int(a[1].split("=")[1]) if len(a) > 1 else None
                    self.take(st, pending, head)
                    i = self.recorded(st, output, lines, i + 1)
                    pending, head = {}, []
                    continue
                elif word == "sleep":
                    st = Step("sleep", rest, i + 1)
                    self.take(st, pending, head)
                    pending, head = {}, []
                else:
                    bad("unknown directive @" + word)
            elif s.startswith("$ "):
                text = [s[2:]]
                head.append(s)
                j = i + 1
                while j < len(lines) and (lines[j] == ">" or lines[j].startswith("> ")):
                    text.append(lines[j][2:])
                    head.append(lines[j])
                    j += 1
                st = Step("background" if "name" in pending else "run", "\n".join(text), i + 1)
                self.take(st, pending, head)
                pending, head = {}, []
                i = j if st.kind == "background" else self.recorded(st, output, lines, j)
                continue
            else:
                bad("cannot read this line: " + s)
            i += 1
        if pending:
            bad("directive without a command")
        if not self.title or not self.topic:
            bad("title or topic is missing")

    def take(self, st, pending, head):
        for k, v in pending.items():
            setattr(st, k, v)
        st.head = head
        self.items.append(st)

    def recorded(self, st, output, lines, j):
        o, j, _ = output(j)
        st.recorded = o
        while j < len(lines):
            m = re.fullmatch(r"\[kubectl <= 1\.(\d+)\]", lines[j])
            if not m:
                break
            o, j, _ = output(j + 1)
            st.variants[int(m.group(1))] = o
        return j

    def write(self):
        r = []
        last = None
        for x in self.items:
            if isinstance(last, Step) and x != "":     # an empty line after each command
                r.append("")
            last = x
            if isinstance(x, str):
                r.append(x)
                continue
            r += x.head
            if x.kind in ("run", "collect"):
                r += x.recorded.lines()
                for m in sorted(x.variants, reverse=True):
                    r += ["[kubectl <= 1.%d]" % m] + x.variants[m].lines()
        text = "\n".join(r) + "\n"
        if text != self.source:
            with open(self.path, "w", encoding="utf-8") as f:
                f.write(text)
            return True

# ---------------------------------------------------------------- masking

DUR = r"(?:<unknown>|<invalid>|(?:\d+[ywdhms])+)"
DUR_CELL = re.compile(r"(%s)( \(x\d+ over )?(?(2)%s|)(?(2)\)|)( ago)?" % (DUR, DUR))
DUR_COLUMNS = ["AGE", "Age", "LAST SEEN", "FIRST SEEN", "DURATION"]
HEADER = re.compile(r"(NAME|NAMESPACE|EVENT|LAST SEEN)\b.*|  Type +Reason +Age +.*")
TIMES = [r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)",
         r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}",
         r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [+-]\d{4}(?: [A-Z]{3,4})?"]


class Mask:
    """Turns what legitimately varies into placeholders; the numbered ones live as long as the session."""

    def __init__(self, texts, known):
        self.known = known            # what the session itself says: never masked
        self.texts = texts            # [(literal, placeholder)], in this order
        self.numbers = {}

    def copy(self):
        m = Mask(self.texts, self.known)
        m.numbers = dict(self.numbers)
        return m

    def number(self, kind, value):
        k = (kind, value)
        if k not in self.numbers:
            self.numbers[k] = 1 + sum(1 for x in self.numbers if x[0] == kind)
        return "<%s:%d>" % (kind, self.numbers[k])

    def __call__(self, s, raw=False):
        if raw:
            try:
                s = json.dumps(json.loads(s), indent=2, sort_keys=True, ensure_ascii=False)
            except ValueError:
                pass
        s = re.sub(r"\x1b\[[0-9;]*m", "", s)
        for a, b in self.texts:
            s = s.replace(a, b)
        own = lambda what: lambda m: m.group(0) if m.group(0) in self.known else what(m)
        s = re.sub(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+", "<token>", s)
        s = re.sub(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", own(lambda m: self.number("uid", m.group(0))), s)
        s = re.sub(r'("metadata":\s*\{\s*"resourceVersion":\s*")\d+"', r'\1<rv>"', s)          # of a list
        s = re.sub(r'(resourceVersion\\?"?: ?\\?"|Resource Version: +)(\d+)',
                   lambda m: m.group(1) + (m.group(2) if 'resourceVersion: "%s"' % m.group(2) in self.known
                                           else self.number("rv", m.group(2))), s)
        for t in TIMES:
            s = re.sub(t, own(lambda m: "<time>"), s)
        s = re.sub(r"(?m)^([IWEF])\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ ([\w.]+):\d+\]", r"<\1 \2>", s)
        s = re.sub(r"(LIVE|MERGED)-\d+", r"\1", s)
        s = re.sub(r"kubectl-edit-\d+", "kubectl-edit-<n>", s)
        s = re.sub(r"\b(?:\d{1,3}\.){3}\d{1,3}\b", own(lambda m: "<ip>"), s)
        s = re.sub(r"(?<!30000-)\b3[0-2]\d{3}\b(?!\.|-32767)", own(lambda m: "<port>"), s)
        # names that controllers generate: NAME-HASH-SUFFIX, NAME-HASH, NAME-SUFFIX
        s = re.sub(r"(?<=-)([%s]{8,10})-([%s]{5})\b" % (ALPHABET, ALPHABET),
                   own(lambda m: self.number("hash", m.group(1)) + "-<suffix>"), s)
        s = re.sub(r"(?<=[-=: \"])([%s]{8,10})\b(?![-.])" % ALPHABET,
                   own(lambda m: self.number("hash", m.group(1))), s)
        s = re.sub(r"(?<=[a-z0-9>]-)[%s]{5}\b(?![-.])" % ALPHABET, own(lambda m: "<suffix>"), s)
        s = re.sub(r"(\"storageVersionHash\": \")[^\"]+", r"\1<hash>", s)
        s = re.sub(r"(Client|Kustomize) Version: v\S+", r"\1 Version: <client>", s)
        s = re.sub(r"client \(1\.\d+\)", "client (<client>)", s)
        s = re.sub(r"(v1\.\d+)\.\d+(?:[-+][\w.+-]+)?\b(?=\s|\"|$)", own(lambda m: m.group(1) + ".<patch>"), s)
        s = re.sub(r"(?m)^(Age|Duration): ( *)%s$" % DUR, r"\1: \2<age>", s)
        lines = [x.rstrip() for x in s.split("\n")]
        if lines and lines[-1] == "":
            lines.pop()
        lines = [x for x in lines if not x.startswith(("<E reflector.go>", "<W reflector.go>", "<I reflector.go>",
                                                       "<E memcache.go> couldn't get resource list for"))]
        return self.tables(self.causes(lines))

    @staticmethod
    def causes(lines):
        """Sorts the causes under "... is invalid:": the server walks maps in any order."""
        r, i = [], 0
        while i < len(lines):
            r.append(lines[i])
            i += 1
            if not r[-1].endswith("is invalid:"):
                continue
            groups = []
            while i < len(lines) and (lines[i].startswith("* ") or (groups and lines[i].startswith(" "))):
                if lines[i].startswith("* "):
                    groups.append([])
                groups[-1].append(lines[i])
                i += 1
            r += [x for g in sorted(groups) for x in g]
        return r

    def tables(self, lines):
        r, block, cols, loose = [], [], None, False

        def flush():
            nonlocal loose
            if loose or any(re.search(r"<(ip|port|hash:\d+|suffix)>", x) for x in block):
                block[:] = [re.match(" *", x).group(0) + re.sub(r" {2,}", "   ", x.strip()) for x in block]
            r.extend(block)
            block.clear()
            loose = False

        for line in lines:
            header = False
            if HEADER.fullmatch(line) and ("  " in line.strip() or line.strip() in ("NAME",)):
                flush()
                cols, header = [], True
                for c in DUR_COLUMNS:
                    m = re.search(r"(?<![\w-])%s(?=  |$)" % c, line)
                    if m:
                        cols.append((m.start(), m.end() == len(line)))
                cols.sort(reverse=True)
            elif line == "" or (cols is not None and line.startswith("Events:")):
                flush()
                r.append(line)
                cols = None
                continue
            if cols is None:
                r.append(line)
                continue
            for at, last in cols:
                was, line = line, self.cell(line, at, last, header or line.lstrip().startswith("--"))
                if line == was and not header and not line.lstrip().startswith("--"):
                    # a row that is not aligned with the header: of a watch, or something else was masked in it
                    line = re.sub(r"(?<=  )%s(?=  |$)" % DUR, "<age>", line)
                    loose = loose or line != was
            block.append(line)
        flush()
        return r

    @staticmethod
    def cell(line, at, last, ruler):
        head, tail = line[:at], line[at:]
        m = None
        if at == 0 or head.endswith(" "):
            m = DUR_CELL.match(tail)
            if m and tail[m.end():][:1] not in ("", " "):
                m = None
            if not m and ruler and not last:  # header or ruler: only the gap after it
                m2 = re.match(r"(\S+(?: \S+)*)( {2,})", tail)
                return head + m2.group(1) + "   " + tail[m2.end():] if m2 else line
        if not m:
            return line
        rest = tail[m.end():]
        rest = re.sub(r"^ {2,}", "   ", rest)
        return head + "<age>" + re.sub(r"over %s" % DUR, "over <age>", m.group(2) or "") + \
            ("<age>)" if m.group(2) else "") + (m.group(3) or "") + rest

# ---------------------------------------------------------------- running

class Background:
    def __init__(self, run, text):
        self.p = run.popen(text)
        self.out, self.err = [], []
        self.cond = threading.Condition()
        self.open = 2
        for f, to in ((self.p.stdout, self.out), (self.p.stderr, self.err)):
            threading.Thread(target=self.read, args=(f, to), daemon=True).start()

    def read(self, f, to):
        for line in f:
            with self.cond:
                to.append(line)
                self.cond.notify_all()
        with self.cond:
            self.open -= 1
            self.cond.notify_all()

    def wait(self, n, limit):
        """Until there are n lines (None: until it has ended); False when that takes too long."""
        with self.cond:
            return self.cond.wait_for(lambda: self.open == 0 or (n is not None and len(self.out) + len(self.err) >= n), limit)

    def stop(self):
        if self.p.poll() is None:
            try:
                os.killpg(self.p.pid, signal.SIGTERM)
                self.p.wait(5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                try:
                    os.killpg(self.p.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        with self.cond:
            self.cond.wait_for(lambda: self.open == 0, 5)
        return self.p.wait()


class Run:
    """One run of one session."""

    def __init__(self, session, opt):
        self.s, self.opt = session, opt
        rid = "".join(random.choice(ALPHABET) for _ in range(8))
        self.ns, self.group = PREFIX + rid, rid + ".example.com"
        self.dir = tempfile.mkdtemp(prefix="kubectl-session-")
        self.results, self.background, self.timeouts = [], {}, 0
        known = session.source                       # the commands and files, without what was recorded
        known = "\n".join(x for x in known.split("\n") if not re.match(r"[|!]( |$)", x))
        self.mask = Mask([(self.dir, "{dir}"), (self.group, "{group}"), (self.ns, "{ns}"), (rid, "{id}"), (opt.server, "<server>"),
                          (opt.server.split("//")[-1], "<server>")], known)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("KUBE", "kube"))}
        self.env.update(HOME=self.dir + "/home", KUBECONFIG=self.dir + "/kubeconfig", TMPDIR=self.dir, LC_ALL="C.UTF-8",
                        TZ="UTC", PATH=self.dir + "/bin:" + os.environ.get("PATH", ""), KUBECACHEDIR=self.dir + "/home/cache")

    def fill(self, s):
        return s.replace("{ns}", self.ns).replace("{group}", self.group)

    def popen(self, text):
        return subprocess.Popen(["bash", "-c", self.fill(text)], cwd=self.dir, env=self.env, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
                                errors="replace", start_new_session=True)

    def sh(self, text, limit=None):
        p = self.popen(text)
        try:
            out, err = p.communicate(timeout=limit or self.opt.limit)
            return out, err, p.returncode
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            out, err = p.communicate()
            return out, err, "timeout"

    def setup(self):
        for d in ("home", "bin"):
            os.makedirs(os.path.join(self.dir, d))
        os.symlink(self.opt.kubectl, self.dir + "/bin/kubectl")
        with open(self.dir + "/bin/podready", "w") as f:
            f.write(PODREADY)
        os.chmod(self.dir + "/bin/podready", 0o755)
        for name, user in (("kubeconfig", self.opt.user), ("nocreds.kubeconfig", {})):
            conf = {"apiVersion": "v1", "kind": "Config", "current-context": "test",
                    "clusters": [{"name": "test", "cluster": self.opt.cluster}], "users": [{"name": "test", "user": user}],
                    "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": self.ns}}]}
            with open(os.path.join(self.dir, name), "w") as f:
                json.dump(conf, f)
            os.chmod(os.path.join(self.dir, name), 0o600)
        for name, text in self.s.files.items():
            p = os.path.join(self.dir, name)
            os.makedirs(os.path.dirname(p), exist_ok=True)
            with open(p, "w", encoding="utf-8") as f:
                f.write(self.fill(text))
        out, err, code = self.sh("kubectl create namespace {ns}")
        if code != 0:
            raise Bad("cannot create the namespace: " + err.strip())
        end = time.time() + 5
        while time.time() < end:           # a controller makes the default service account
            if self.sh("kubectl get serviceaccount default -o name")[2] == 0:
                return
            if not self.opt.default_sa:
                return
            time.sleep(0.05)
        self.opt.default_sa = False        # this server makes none: do not wait again

    def cleanup(self):
        for b in self.background.values():
            b.stop()
        for c in self.s.cleanup:
            self.sh(c)
        if "{group}" in self.s.source:
            crds = [x for x in self.sh("kubectl get crd -o name")[0].split() if x.endswith(self.group)]
            for c in crds:
                plural = c.split("/")[1]
                out = self.sh("kubectl get %s -A -o jsonpath='{range .items[?(@.metadata.finalizers)]}{.metadata.namespace} {.metadata.name}{\"\\n\"}{end}'" % plural)[0]
                for line in out.splitlines():
                    a = line.split()
                    where = "-n %s " % a[0] if len(a) > 1 else ""
                    self.sh("kubectl %spatch %s %s --type=merge -p '{\"metadata\":{\"finalizers\":null}}'" % (where, plural, a[-1]))
            if crds:
                self.sh("kubectl delete --wait=false " + " ".join(crds))
        self.sh("kubectl delete namespace {ns} --wait=false")
        if not self.opt.keep:
            shutil.rmtree(self.dir, ignore_errors=True)

    def normal(self, mask, out, err, code, step):
        o = Output(mask(out, raw="--raw" in step.text), mask(err), code)
        if step.sort:
            o.out.sort()
        return o

    def once(self, step):
        mask = self.mask.copy()
        return self.normal(mask, *self.sh(step.text), step), mask

    def run_step(self, step):
        if step.kind == "sleep":
            time.sleep(float(step.text.strip().rstrip("s")))
            return None
        if step.kind == "background":
            b = self.background[step.name] = Background(self, step.text)
            if step.wait_lines is not None:
                b.wait(step.wait_lines, self.opt.limit)
            return None
        if step.kind == "collect":
            b = self.background.pop(step.name, None)
            if b is None:
                return Output([], ["(not running)"], "none")
            ok = b.wait(step.wait_lines, self.opt.limit)
            if step.wait_lines is not None:
                time.sleep(0.3)            # nothing more may come
            ended = b.p.poll() is not None
            code = b.stop()
            code = code if step.wait_lines is None else (0 if ok and not (ended and code) else code)
            if not ok:
                code = "timeout"
            mask = self.mask.copy()
            o = self.normal(mask, "".join(b.out), "".join(b.err), code, step)
            self.mask = mask
            return o
        end = time.time() + self.opt.limit
        while True:
            o, mask = self.once(step)
            if step.until is None or time.time() > end or o.code == "timeout":
                break
            if self.opt.record:
                if step.until.search("\n".join(o.out + o.err)):
                    break
            elif o == step.expected(self.opt.minor):
                break
            time.sleep(0.2)
        self.mask = mask
        return o

    def go(self):
        t0 = time.time()
        try:
            self.setup()
            for step in self.s.steps:
                if not step.applies(self.opt.minor):
                    continue
                if self.timeouts >= 3:
                    self.results.append((step, None, 0))
                    continue
                t = time.time()
                o = self.run_step(step)
                if o is None:
                    continue
                if o.code == "timeout":
                    self.timeouts += 1
                self.results.append((step, o, time.time() - t))
        finally:
            self.cleanup()
        self.seconds = time.time() - t0
        return self


def compact_diff(want, got, n):
    d = list(difflib.unified_diff(want.lines(), got.lines(), lineterm="", n=1))[2:]
    d = [x for x in d if not x.startswith("@@")]
    return d[:n] + (["... %d more lines" % (len(d) - n)] if len(d) > n else [])


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--kubeconfig", default=os.environ.get("KUBECONFIG"))
    ap.add_argument("--kubectl", default=os.environ.get("KUBECTL", "kubectl"))
    ap.add_argument("--only", action="append", default=[], help="topic or session name")
    ap.add_argument("--needs", help="what the server can do, of " + ",".join(ALL_NEEDS))
    ap.add_argument("--jobs", type=int, default=4)
    ap.add_argument("--json", metavar="OUT")
    ap.add_argument("--show", type=int, default=16, help="lines of difference shown for a command")
    ap.add_argument("--limit", type=float, default=30, help="seconds a command may take")
    ap.add_argument("--record", action="store_true", help="rewrite what was recorded")
    ap.add_argument("--keep", action="store_true", help="keep the sessions' folders")
    ap.add_argument("--sweep", action="store_true", help="first delete what broken runs left behind")
    ap.add_argument("sessions", nargs="*")
    opt = ap.parse_args()
    if not opt.kubeconfig:
        ap.error("--kubeconfig is missing")
    opt.kubectl = os.path.abspath(shutil.which(opt.kubectl) or opt.kubectl)
    opt.default_sa = True
    try:
        v = json.loads(subprocess.check_output([opt.kubectl, "version", "--client", "-o", "json"], stderr=subprocess.DEVNULL))
        opt.version = v["clientVersion"]["gitVersion"]
        opt.minor = int(re.match(r"v1\.(\d+)", opt.version).group(1))
        conf = json.loads(subprocess.check_output([opt.kubectl, "--kubeconfig", opt.kubeconfig, "config", "view", "--raw",
                                                   "--minify", "--flatten", "-o", "json"]))
    except (OSError, subprocess.CalledProcessError, AttributeError) as e:
        ap.error("%s does not work: %s" % (opt.kubectl, e))
    opt.cluster, opt.user = conf["clusters"][0]["cluster"], conf["users"][0]["user"]
    opt.server = opt.cluster["server"].rstrip("/")
    paths = opt.sessions or sorted(glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), "sessions", "*.session")))
    try:
        sessions = [Session(p) for p in paths]
    except (Bad, OSError) as e:
        ap.error(str(e))
    if opt.only:
        sessions = [s for s in sessions if s.topic in opt.only or s.name in opt.only]
    if opt.needs:
        have = set(opt.needs.split(","))
        sessions = [s for s in sessions if set(s.needs) <= have]
    if not sessions:
        ap.error("no session selected")
    if opt.sweep:
        sweep(opt)

    t0, total, same, report, failed = time.time(), 0, 0, [], 0
    runs = []

    def one(s):
        try:
            return Run(s, opt).go()
        except Bad as e:
            return (s, str(e))

    together, alone = [s for s in sessions if not s.alone], [s for s in sessions if s.alone]
    with concurrent.futures.ThreadPoolExecutor(max(1, opt.jobs)) as ex:
        runs = list(ex.map(one, together))
    runs += [one(s) for s in alone]
    for r in sorted(runs, key=lambda r: (r[0] if isinstance(r, tuple) else r.s).path):
        if isinstance(r, tuple):
            s, msg = r
            failed += 1
            print("%s: NOT RUN: %s" % (s.name, msg))
            report.append({"session": s.name, "topic": s.topic, "error": msg})
            continue
        entry = {"session": r.s.name, "topic": r.s.topic, "needs": r.s.needs, "seconds": round(r.seconds, 2), "commands": []}
        report.append(entry)
        shown = False
        for step, got, secs in r.results:
            total += 1
            want = step.expected(opt.minor)
            if opt.record and got is not None:
                if opt.minor >= RECORDED_WITH:
                    step.recorded = got
                else:
                    step.variants.pop(opt.minor, None)
                    if step.expected(opt.minor) != got:
                        step.variants[opt.minor] = got
                want = got
            ok = got is not None and got == want
            same += ok
            c = {"line": step.line, "command": step.text, "same": ok, "seconds": round(secs, 2)}
            if not ok:
                if not shown:
                    print("%s (%s)" % (r.s.name, r.s.title))
                    shown = True
                print("  line %d: %s" % (step.line, step.text.split("\n")[0][:150]))
                if got is None:
                    print("    not run: too many commands before it ran into the time limit")
                else:
                    c["want"], c["got"] = want.lines(), got.lines()
                    for x in compact_diff(want, got, opt.show):
                        print("    " + x)
            entry["commands"].append(c)
        if opt.record:
            r.s.write()
    n = len(sessions)
    verb = "recorded" if opt.record else "same"
    print("kubectl %s: %d sessions, %d commands: %d %s, %d differ, %d sessions not run; %.0f s" %
          (opt.version, n, total, same, verb, total - same, failed, time.time() - t0))
    if opt.json:
        with open(opt.json, "w") as f:
            json.dump({"kubectl": opt.version, "sessions": n, "commands": total, "same": same, "results": report}, f, indent=1)
    return 0 if same == total and not failed else 1


def sweep(opt):
    k = [opt.kubectl, "--kubeconfig", opt.kubeconfig]
    def names(kind):
        return subprocess.run(k + ["get", kind, "-o", "name"], stdout=subprocess.PIPE, text=True).stdout.split()
    ns = [x for x in names("namespaces") if re.fullmatch(r"namespace/%s[%s]{8}(-\w+)?" % (PREFIX, ALPHABET), x)]
    crds = [x for x in names("crd") if re.search(r"\.[%s]{8}\.example\.com$" % ALPHABET, x)]
    if ns + crds:
        subprocess.run(k + ["delete", "--timeout=60s"] + crds + ns, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(2)
