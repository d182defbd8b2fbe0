# SPDX-License-Identifier: GPL-2.0-only
"""The software NIC's control socket, and the lab, as the guest reaches them."""

import errno
import json
import os
import select
import time

CONTROL_PATH = "/dev/virtio-ports/wto.nic-control"
LAB_PATH = "/dev/virtio-ports/wto.lab"


class NicGone(Exception):
    """Nobody is at the other end."""


class _LinePort:
    """A virtio serial port that answers each line with one line."""

    def __init__(self, path):
        self.path = path
        self._fd = None

    def exists(self):
        """Whether the guest has this port at all."""
        return os.path.exists(self.path)

    def close(self):
        """Gives the port free for another process."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def ask(self, line, deadline=10):
        """Sends one line, returns the line that comes back."""
        if self._fd is None:
            self._fd = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)
        end = time.monotonic() + deadline
        self._discard_old()
        self._write(line.encode() + b"\n", end)
        answer = b""
        while not answer.endswith(b"\n"):
            answer += self._read(end, line)
        return answer.decode().strip()

    def _discard_old(self):
        """An answer that nobody waited for is not the answer to the next question."""
        try:
            while os.read(self._fd, 65536):
                pass
        except BlockingIOError:
            pass

    def _wait(self, event, end, what):
        poll = select.poll()
        poll.register(self._fd, event)
        while True:
            events = poll.poll(max(0, (end - time.monotonic()) * 1000))
            if not events:
                raise TimeoutError(f"{self.path}: no answer to '{what}'")
            if events[0][1] & event:
                return
            if events[0][1] & (select.POLLHUP | select.POLLERR):
                raise NicGone(self.path)

    def _write(self, data, end):
        while data:
            self._wait(select.POLLOUT, end, data.decode().strip())
            try:
                data = data[os.write(self._fd, data):]
            except BlockingIOError:
                continue
            except OSError as error:
                if error.errno in (errno.EPIPE, errno.ENODEV, errno.EIO):
                    raise NicGone(self.path) from error
                raise

    def _read(self, end, line):
        self._wait(select.POLLIN, end, line)
        try:
            data = os.read(self._fd, 65536)
        except BlockingIOError:
            return b""
        if not data:
            raise NicGone(self.path)
        return data


class Nic(_LinePort):
    """The control socket of idpf-nic: statistics, and the state of the link."""

    def __init__(self, path=CONTROL_PATH):
        super().__init__(path)

    def command(self, line, deadline=10):
        """One command; its answer is a JSON document."""
        answer = json.loads(self.ask(line, deadline))
        if isinstance(answer, dict) and answer.get("error"):
            raise ValueError(f"NIC refuses '{line}': {answer['error']}")
        return answer

    def stats(self):
        """The whole of the NIC's statistics."""
        return self.command("stats")

    def port_stats(self, name):
        """The statistics of one port."""
        for port in self.stats()["ports"]:
            if port["name"] == name:
                return port
        raise KeyError(f"the NIC has no {name}")

    def hits(self, port, fault):
        """How often a fault has struck."""
        return self.wait_hits(port, fault, 0, 0)

    def wait_hits(self, port, fault, hits, seconds):
        """
        Waits until a fault has struck @hits times since the NIC was started, but not longer
        than told; returns how often it has.
        """
        return self.command(f"wait {port} {fault} {hits} {round(seconds * 1000)}",
                            seconds + 10)["hits"]

    def set_link(self, name, up):
        """Plugs the cable of a port in or out."""
        self.command(f"link {name} {'up' if up else 'down'}")


class LabPort(_LinePort):
    """Requests to the lab, on the other side of the virtual machine."""

    def __init__(self, path=LAB_PATH):
        super().__init__(path)

    def request(self, line):
        """One request; raises ValueError when the lab refuses it."""
        answer = self.ask(line)
        if answer != "ok":
            raise ValueError(f"lab: '{line}': {answer}")
