"""What the testnet's scripts share: calls over the control socket, and waiting for nodes."""
import json
import os
import socket
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OPEN_PHASES = {"posted", "assigned", "committed", "drawn", "summoned", "opened", "window"}


class Gone(Exception):
    """The daemon went away in the middle of a call, or is not there."""


class Refused(Exception):
    """The daemon answered with an error; `code` is its stable name."""

    def __init__(self, method, error):
        super().__init__(f"{method}: {error.get('message')}")
        self.code = (error.get("data") or {}).get("code", "")


class Client:
    """One connection to a daemon; calls one after the other."""

    def __init__(self, path, timeout=60):
        self.stream = socket.socket(socket.AF_UNIX)
        self.stream.settimeout(timeout)
        self.rest = b""
        try:
            self.stream.connect(path)
        except OSError as error:
            self.stream.close()
            raise Gone(f"{path}: {error}") from error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()

    def call(self, method, params=None):
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
        try:
            self.stream.sendall(json.dumps(request).encode() + b"\n")
            pieces = [self.rest]
            while b"\n" not in pieces[-1]:
                piece = self.stream.recv(1 << 20)
                if not piece:
                    raise Gone(method)
                pieces.append(piece)
        except OSError as error:
            raise Gone(f"{method}: {error}") from error
        line, _, self.rest = b"".join(pieces).partition(b"\n")
        reply = json.loads(line)
        if "error" in reply:
            raise Refused(method, reply["error"])
        return reply["result"]


def call(path, method, params=None, timeout=60):
    """One call on a connection of its own."""
    with Client(path, timeout) as client:
        return client.call(method, params)


def photograph(path):
    """The sample photograph as a binary PPM."""
    with open(path, "wb") as out:
        subprocess.check_call(
            ["jpegtopnm", "-quiet", os.path.join(ROOT, "examples/paint/summer-palace.jpg")],
            stdout=out)


class Failed(SystemExit):
    """Ends a script with its reason."""

    def __init__(self, text):
        super().__init__(f"{os.path.basename(sys.argv[0])}: FAILED: {text}")


def check(condition, text):
    if not condition:
        raise Failed(text)


def say(text):
    print(f"{os.path.basename(sys.argv[0])}: {text}", flush=True)


def run(command, **options):
    """The lines that a program prints; its words are the reason if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    check(done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
    return done.stdout.strip().splitlines()


def answers(node, seconds=60):
    """Waits until a started node answers; gives its status."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        status = node.status(timeout=5)
        if status is not None:
            return status
        check(node.pid is not None, f"node {node.index} ended; its log says\n{node.tail()}")
        time.sleep(0.01)
    raise Failed(f"node {node.index} does not answer within {seconds} s\n{node.tail()}")


def agree(nodes, seconds, above=0):
    """Waits until nodes stand on the same block, not below a height; gives the status of one."""
    until = time.monotonic() + seconds
    seen = []
    while time.monotonic() < until:
        seen = [node.status() for node in nodes]
        if None not in seen and len({one["block"] for one in seen}) == 1 and int(
                seen[0]["height"]) >= above:
            return seen[0]
        time.sleep(0.05)
    heights = [one and one["height"] for one in seen]
    raise Failed(f"after {seconds} s the nodes stand at heights {heights}; {above} was final")
