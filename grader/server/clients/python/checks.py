"""What all stories share: one line per check, and waiting without hanging."""
import sys
import time

# How long anything may take to happen: a real garbage collector finds new kinds every 30 seconds.
PATIENCE = 60.0
failed = 0


def check(what, holds, seen=None):
    """Prints whether what should be so is so."""
    global failed
    if holds:
        print(f"ok      {what}", flush=True)
    else:
        failed += 1
        print(f"FAILED  {what}: seen {seen!r}", flush=True)
    return holds


def refused(what, status, call, *arguments, **options):
    """Checks that a call is answered with this status."""
    from kubernetes.client.exceptions import ApiException

    try:
        seen = call(*arguments, **options)
    except ApiException as error:
        return check(what, error.status == status, (error.status, error.body))
    return check(what, False, seen)


def eventually(what, condition):
    """Waits until the condition holds; answers what it returned last."""
    deadline = time.monotonic() + PATIENCE
    while True:
        seen = condition()
        if seen or time.monotonic() > deadline:
            check(what, bool(seen), seen)
            return seen
        time.sleep(0.05)


def finish():
    if failed:
        print(f"{failed} checks failed")
    sys.exit(1 if failed else 0)
