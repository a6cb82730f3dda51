"""What the testnet commands share: nodes on this machine, each with a directory of its own.

DIR/net.json says which nodes there are; DIR/nodeI is the data directory of node I, with its socket
rpc.sock, its log starlingd.log and, while it runs, its process id in starlingd.pid. A process is
only ever signalled if its command line names its own data directory.
"""
import getpass, json, os, random, shutil, signal, socket, subprocess, sys, time

from support import Gone, Refused, ROOT, call

BINARIES = os.environ.get("STARLING_BIN") or os.path.join(ROOT, ".build", "release")
PROGRAMS = ("starlingd", "starling", "starling-worker", "starling-liar")
STOP_SECONDS = 30
READY_SECONDS = 120


class Failure(Exception):
    """Said to the person; the command ends with status 1."""


def default_directory():
    temporary = os.environ.get("TMPDIR", "/tmp").rstrip("/")
    return os.environ.get("STARLING_TESTNET") or f"{temporary}/starling-testnet-{getpass.getuser()}"


# Building.

def is_built():
    """True if every program is newer than every source."""
    programs = [os.path.join(BINARIES, name) for name in PROGRAMS]
    if not all(os.path.exists(path) for path in programs):
        return False
    oldest = min(os.path.getmtime(path) for path in programs)
    sources = [os.path.join(ROOT, "Package.swift")]
    for folder, _, names in os.walk(os.path.join(ROOT, "Sources")):
        sources += [os.path.join(folder, name) for name in names]
    return all(os.path.getmtime(path) <= oldest for path in sources if os.path.exists(path))


def build():
    """Builds the programs if a source is newer than they are."""
    if os.environ.get("STARLING_BIN") or is_built():
        return
    print("testnet: building (release; minutes the first time)", flush=True)
    for command in ([os.path.join(ROOT, "testnet", "setup")],
                    ["swift", "build", "-c", "release", "--build-tests"]):
        if subprocess.run(command, cwd=ROOT).returncode != 0:
            raise Failure(f"{os.path.basename(command[0])} failed; its words are above")


def program(name):
    return os.path.join(BINARIES, name)


def starlingd(*arguments):
    """Runs a command of starlingd that ends by itself."""
    done = subprocess.run([program("starlingd"), *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure((done.stderr or done.stdout).strip())
    return done.stdout


def free_ports(count):
    """Ports of 127.0.0.1 that are free for TCP and UDP alike, all held until all are found."""
    held, ports = [], []
    try:
        for _ in range(1000):
            if len(ports) == count:
                return ports
            stream = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            held.append(stream)
            datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            held.append(datagrams)
            # None that the system gives to outgoing connections: while a node is down, a dial of
            # its port must not be answered by the dialler itself, which would then have the port.
            port = random.randrange(20_000, 30_000)
            try:
                stream.bind(("127.0.0.1", port))
                datagrams.bind(("127.0.0.1", port))
            except OSError:
                continue
            ports.append(port)
    finally:
        for one in held:
            one.close()
    raise Failure("no free ports on 127.0.0.1")


class Node:
    """One node of the network and what is known of it from outside."""

    def __init__(self, directory, index, port, is_provider):
        self.index, self.port, self.is_provider = index, port, is_provider
        self.data = os.path.join(directory, f"node{index}")
        self.socket = os.path.join(self.data, "rpc.sock")
        self.log = os.path.join(self.data, "starlingd.log")
        self.pid_file = os.path.join(self.data, "starlingd.pid")

    def call(self, method, params=None, timeout=30):
        return call(self.socket, method, params, timeout)

    def configure(self, key, value):
        """Sets a key of the node's configuration that is there, perhaps as a comment."""
        path = os.path.join(self.data, "starling.toml")
        with open(path) as file:
            lines = file.readlines()
        places = [index for index, line in enumerate(lines)
                  if line.lstrip("# ").startswith(f"{key} = ")]
        if len(places) != 1:
            raise Failure(f"{path} has {len(places)} lines for {key}")
        lines[places[0]] = f"{key} = {json.dumps(value)}\n"
        with open(path, "w") as file:
            file.writelines(lines)

    @property
    def pid(self):
        """The process of this node, or None: a stale file names nobody, or somebody else."""
        try:
            with open(self.pid_file) as file:
                pid = int(file.read())
        except (OSError, ValueError):
            return None
        return pid if self.owns(pid) else None

    def owns(self, pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
            with open(f"/proc/{pid}/stat") as file:
                state = file.read().rsplit(")", 1)[1].split()[0]
        except OSError:
            return False
        return self.data.encode() in words and state != "Z"

    def start(self):
        """Starts the daemon if it does not run; it lives on after this command."""
        if self.pid is not None:
            return False
        with open(self.log, "ab") as log:
            process = subprocess.Popen(
                [program("starlingd"), "run", "--data", self.data, "--socket", self.socket],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        with open(self.pid_file, "w") as file:
            file.write(str(process.pid))
        # The command line of a process is its parent's until it has begun.
        deadline = time.time() + 10
        while not self.owns(process.pid) and process.poll() is None and time.time() < deadline:
            time.sleep(0.005)
        return True

    def kill(self, number=signal.SIGTERM, seconds=STOP_SECONDS):
        """Signals the daemon and waits for its end; True if it was still alive after `seconds`."""
        pid = self.pid
        if pid is None:
            return False
        os.kill(pid, number)
        return not self.wait_for_end(pid, seconds)

    def wait_for_end(self, pid, seconds):
        deadline = time.time() + seconds
        while time.time() < deadline:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass  # Started by an earlier command: init collects it.
            if not self.owns(pid):
                return True
            time.sleep(0.02)
        return False

    def status(self, timeout=10):
        """`node.status`, or None if nobody answers."""
        try:
            return self.call("node.status", timeout=timeout)
        except (Gone, Refused):
            return None

    def tail(self, lines=20):
        try:
            with open(self.log, errors="replace") as file:
                return "".join(file.readlines()[-lines:])
        except OSError:
            return ""


class Net:
    """All nodes of one directory."""

    def __init__(self, directory, nodes):
        self.directory, self.nodes = directory, nodes

    @staticmethod
    def state_file(directory):
        return os.path.join(directory, "net.json")

    @classmethod
    def load(cls, directory):
        try:
            with open(cls.state_file(directory)) as file:
                state = json.load(file)
        except OSError:
            raise Failure(f"there is no test network in {directory}; testnet/up makes one") from None
        return cls(directory, [Node(directory, one["index"], one["port"], one["provides"])
                               for one in state["nodes"]])

    def save(self, mode="w"):
        state = {"nodes": [{"index": one.index, "port": one.port, "provides": one.is_provider}
                           for one in self.nodes]}
        with open(self.state_file(self.directory), mode) as file:
            json.dump(state, file)

    def node(self, text):
        for one in self.nodes:
            if str(one.index) == str(text):
                return one
        raise Failure(f"there is no node {text}: 0...{len(self.nodes) - 1}")

    @classmethod
    def create(cls, directory, count, providers, params=()):
        """Keys, one genesis with a seat for each node, and their configurations."""
        directory = os.path.abspath(directory)
        if os.path.exists(cls.state_file(directory)):
            raise Failure(f"there is a test network in {directory} already; testnet/down ends it")
        if os.path.isdir(directory) and os.listdir(directory):
            raise Failure(f"{directory} is not empty: choose another --dir")
        os.makedirs(directory, mode=0o700, exist_ok=True)
        ports = free_ports(count)
        first = 1 if count > 1 else 0
        nodes = [Node(directory, index, ports[index], first <= index < first + providers)
                 for index in range(count)]
        net = cls(directory, nodes)
        net.save("x")  # From here on `down` finds what there is, and a second `up` is refused.
        genesis = os.path.join(directory, "genesis.json")
        command = ["genesis", "--name", "starling-testnet", "--out", genesis]
        for one in nodes:
            words = ["init", "--data", one.data, "--name", f"node{one.index}", "--testnet-keys",
                     "--listen", f"127.0.0.1:{one.port}"]
            words += ["--provider"] if one.is_provider else ["--no-provider"]
            if count == 1:  # Nobody else is there to audit: two accounts of one node, as with --dev.
                words += ["--provider-account", "provider"]
            words += ["--wallet", "alice", "--wallet", "bob"] if one.index == 0 else []
            starlingd(*words)
            command += ["--seat", os.path.join(one.data, "seat.json")]
            for wallet in ["owner", "provider"] + (["alice", "bob"] if one.index == 0 else []):
                command += ["--fund-file", f"{wallet}={one.data}"]
        for param in params:
            command += ["--param", param]
        starlingd(*command)
        for one in nodes:
            starlingd("init", "--data", one.data, "--genesis", genesis)
        return net

    def wait_until_ready(self, nodes, seconds=READY_SECONDS):
        """Waits until each of `nodes` is connected with all others of them and has a final block."""
        waiting = "nothing answers"
        deadline = time.time() + seconds
        while time.time() < deadline:
            missing = []
            for one in nodes:
                status = one.status()
                if status is None:
                    if one.pid is None:
                        raise Failure(f"node {one.index} ended; its log says\n{one.tail()}")
                    missing.append(f"node {one.index} does not answer")
                elif status["peers"] < len(nodes) - 1:
                    missing.append(f"node {one.index} has {status['peers']} peers")
                elif int(status["height"]) < 1:
                    missing.append(f"node {one.index} has no final block")
            if not missing:
                return
            waiting = "; ".join(missing)
            time.sleep(0.1)
        raise Failure(f"after {seconds} s: {waiting}\n{nodes[0].tail()}")

    def stop(self):
        """Ends every process of the network; names those that had to be killed."""
        for one in self.nodes:
            if one.pid is not None:
                os.kill(one.pid, signal.SIGTERM)
        stubborn = []
        deadline = time.time() + STOP_SECONDS
        for one in self.nodes:
            pid = one.pid
            if pid is None or one.wait_for_end(pid, max(0.1, deadline - time.time())):
                continue
            stubborn.append(one.index)
            one.kill(signal.SIGKILL)
        return stubborn

    def left_behind(self):
        """Processes that name the directory of this network: daemons, workers, sandboxes."""
        found = []
        mark = self.directory.encode() + b"/node"
        for name in os.listdir("/proc"):
            if not name.isdigit() or int(name) == os.getpid():
                continue
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
                with open(f"/proc/{name}/stat") as file:
                    state = file.read().rsplit(")", 1)[1].split()[0]
            except (OSError, IndexError):
                continue
            ours = any(os.path.basename(word).startswith((b"starling", b"bwrap"))
                       for word in words[:2])
            if ours and state != "Z" and any(mark in word for word in words):
                found.append(int(name))
        return found

    def remove(self):
        """Removes the directory; it is one of ours, or there would be no net.json in it."""
        shutil.rmtree(self.directory)

    def table(self):
        """Rows for people, one per node."""
        rows = [("NODE", "PID", "HEIGHT", "ROOT", "PEERS", "ROLES", "WARNINGS")]
        for one in self.nodes:
            pid, status = one.pid, None
            if pid is not None:
                status = one.status()
            if status is None:
                rows.append((str(one.index), str(pid or "-"), "-", "-", "-", "-",
                             "does not answer" if pid else "stopped"))
                continue
            warnings = " ".join(warning["code"] for warning in status["warnings"]) or "-"
            rows.append((str(one.index), str(pid), status["height"], status["stateRoot"][:12],
                         str(status["peers"]), " ".join(status["roles"]), warnings))
        return rows


def print_table(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def take_option(words, name, default=None):
    """Removes `--name VALUE` from `words` and answers the value."""
    if name not in words:
        return default
    at = words.index(name)
    if at + 1 >= len(words):
        raise Failure(f"{name} needs a value")
    value = words[at + 1]
    del words[at:at + 2]
    return value


def take_flag(words, *names):
    """Removes a flag from `words`; True if it was there."""
    found = [word for word in words if word in names]
    for word in found:
        words.remove(word)
    return bool(found)


def take_number(words, name, default):
    text = take_option(words, name)
    if text is None:
        return default
    if not text.isdigit():
        raise Failure(f"{name} {text}: a number expected")
    return int(text)


def run(main, usage):
    """Runs a command: `main(words, directory)` with the arguments left after --dir."""
    words = sys.argv[1:]
    try:
        if take_flag(words, "-h", "--help"):
            print(usage.strip(), flush=True)
            return
        directory = os.path.abspath(take_option(words, "--dir", default_directory()))
        main(words, directory)
    except Failure as failure:
        sys.exit(f"testnet: {failure}")
    except (Gone, Refused) as failure:
        sys.exit(f"testnet: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader went away, as `head` does; what is left in the buffer goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
