# SPDX-License-Identifier: GPL-2.0-only
"""The process under test: started, talked to, and looked after until its end."""

import json
import os
import re
import resource
import signal
import socket
import subprocess
import time

from .vfu import Client, Closed
from .wait import TIMEOUT_S, readable, wait_for

REPO = os.path.realpath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 4))
START_LINE = re.compile(
    r"^idpf-nic: (?P<name>\S+): listening on (?P<path>\S+) "
    r"\((?P<kind>\S+) (?P<vendor>[0-9a-f]{4}):(?P<device>[0-9a-f]{4}), "
    r"mac (?P<mac>[0-9a-f:]{17}), (?P<queues>\d+) queue pairs\)$")
SANITIZER = re.compile(
    r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error|UndefinedBehavior")


def binary():
    """Return the path of idpf-nic: IDPF_NIC, or the lab's sanitized build."""
    lab = os.environ.get("WTO_LAB_DIR", os.path.join(REPO, "build", "lab"))
    return os.environ.get("IDPF_NIC", os.path.join(lab, "out", "nic-san", "idpf-nic"))


def environment():
    """Return the environment for a sanitized NIC."""
    env = dict(os.environ)
    env.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0:exitcode=99")
    env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=0")
    return env


class Nic:
    """A running idpf-nic; ports are given as options of --port without the socket.

    With @stderr its reports go to that descriptor, and are not looked at."""

    def __init__(self, directory, ports=("", ""), args=(), stderr=None):
        self.directory = str(directory)
        self.control_path = os.path.join(self.directory, "control.sock")
        self.paths = [os.path.join(self.directory, f"nic{i}.sock") for i in range(len(ports))]
        command = [binary(), "--control", self.control_path]
        for path, options in zip(self.paths, ports):
            command += ["--port", f"socket={path}" + (f",{options}" if options else "")]
        self.command = [*command, *args]
        self.log = open(os.path.join(self.directory, "stderr"), "w+b")
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=stderr or self.log, env=environment())
        self.started = [self._start_line() for _ in ports]

    def _start_line(self):
        """Return the parsed start line of one port."""
        if not readable(self.process.stdout, TIMEOUT_S):
            self.kill()
            raise TimeoutError("no start line")
        line = b""
        while not line.endswith(b"\n"):
            char = os.read(self.process.stdout.fileno(), 1)
            if not char:
                raise AssertionError(f"NIC ended with {self.process.wait()}: {self.errors()}")
            line += char
        match = START_LINE.match(line.decode().rstrip("\n"))
        assert match, f"strange start line {line!r}"
        return match

    def errors(self):
        """Return all that the NIC has written to stderr."""
        with open(self.log.name, encoding="utf-8", errors="replace") as log:
            return log.read()

    def connect(self, index=0, caps=None):
        """Connect to a port and negotiate the version.

        A previous client may have left a moment ago: the port may take that in first."""
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            client = None
            try:
                client = Client(self.paths[index])
                client.version(caps=caps)
                return client
            except (Closed, ConnectionRefusedError, BlockingIOError):
                if client is not None:
                    client.close()
                if time.monotonic() > deadline:
                    raise
                self.alive()

    def control(self, command):
        """Send a line to the control socket and return the JSON answer."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(TIMEOUT_S)
            sock.connect(self.control_path)
            sock.sendall(command.encode() + b"\n")
            return json.loads(sock.makefile("rb").readline())

    def alive(self):
        """Fail if the process has ended or a sanitizer has spoken."""
        status = self.process.poll()
        assert status is None, f"NIC ended with {status}:\n{self.errors()[-4000:]}"
        text = self.errors()
        assert not SANITIZER.search(text), text[-6000:]

    def stop(self, number=signal.SIGTERM):
        """End the NIC by a signal and check how it goes."""
        self.alive()
        self.process.send_signal(number)
        try:
            status = self.process.wait(TIMEOUT_S)
        finally:
            self.kill()
        text = self.errors()
        assert status == 0, f"exit status {status} after signal {number}:\n{text[-6000:]}"
        assert not SANITIZER.search(text), text[-6000:]
        left = [path for path in [*self.paths, self.control_path] if os.path.lexists(path)]
        assert not left, f"sockets left behind: {left}"

    def kill(self):
        """Make sure that the process is gone."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def settled(self, condition, what):
        """Wait until @condition of the ports' statistics is true."""
        return wait_for(lambda: condition(self.control("stats")["ports"]), what)

    def descriptors(self):
        """Return the numbers of all open descriptors of the NIC."""
        return [int(name) for name in os.listdir(f"/proc/{self.process.pid}/fd")]

    def limit_descriptors(self, number):
        """Let the NIC open only descriptors below @number from now on."""
        _, most = resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (number, most))

    def mappings(self, name):
        """Return how many memory mappings of the NIC have @name in their path."""
        with open(f"/proc/{self.process.pid}/maps", encoding="ascii") as maps:
            return sum(name in line for line in maps)
