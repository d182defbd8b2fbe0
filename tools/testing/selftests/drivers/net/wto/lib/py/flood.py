# SPDX-License-Identifier: GPL-2.0-only
"""Small packets as fast as the kernel can make them, from either port, in the background."""

import contextlib
import os
import threading

from lib.py import NetNSEnter, cmd

# That of the thread which opens it
PKTGEN = "/proc/thread-self/net/pktgen"


def load_pktgen():
    """The kernel's packet generator, for every namespace; returns how to undo that."""
    cmd("modprobe pktgen")
    return lambda: cmd("rmmod pktgen")


class Flood:
    """
    UDP packets of random sizes and flows from one port to the other, until stopped.

    The generator ends when its port goes down or away; it is started again until there is a
    port.  What arrives at the other end and how is not looked at.

    @cpu: on which it runs, modulo what there is
    """

    def __init__(self, cfg, from_peer=False, sizes=(60, 1514), cpu=0):
        self._ifname, self._netns = cfg.ends()[1 if from_peer else 0]
        self._generator = f"kpktgend_{cpu % os.cpu_count()}"
        local, remote = cfg.addr_v["4"], cfg.remote_addr_v["4"]
        mac = cfg.remote_dev["address"]
        if from_peer:
            local, remote, mac = remote, local, cfg.dev["address"]
        self._settings = (
            "count 0", "burst 4", f"min_pkt_size {sizes[0]}", f"max_pkt_size {sizes[1]}",
            "flag TXSIZE_RND", "flag UDPSRC_RND", "flag QUEUE_MAP_RND", "queue_map_max 15",
            "udp_src_min 1024", "udp_src_max 60000", "udp_dst_min 9", "udp_dst_max 9",
            f"dst_mac {mac}", f"src_min {local}", f"src_max {local}", f"dst {remote}")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @contextlib.contextmanager
    def _namespace(self):
        if self._netns:
            with NetNSEnter(self._netns):
                yield
        else:
            yield

    def _write(self, name, *lines):
        for line in lines:
            with self._namespace(), open(f"{PKTGEN}/{name}", "w", encoding="ascii") as file:
                file.write(f"{line}\n")

    def _run(self):
        while not self._stopping.is_set():
            try:
                self._write(self._generator, "rem_device_all", f"add_device {self._ifname}")
                self._write(self._ifname, *self._settings)
                self._write("pgctrl", "start")
            except OSError:
                # the port is away: once more, but not without a rest
                self._stopping.wait(0.2)

    def stop(self):
        """Ends the flood."""
        self._stopping.set()
        while self._thread.is_alive():
            # whether it comes too early, for a start that is under way, does not show
            self._try("pgctrl", "stop")
            self._thread.join(0.3)
        self._try(self._generator, "rem_device_all")

    def _try(self, name, line):
        with contextlib.suppress(OSError):
            self._write(name, line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
