#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs one command in one guest.  Started by "lab run" inside the lab root.

Exit status: the command's own, or 120 the kernel reported trouble, 121 the guest
could not be set up, 122 the NIC died or failed, 123 the lab or QEMU failed, 124 time
is up.
"""

import argparse
import os
import selectors
import signal
import socket
import sys
import tempfile
import time

import kernel_log
import machine
from run_logs import new_log_dir

EXIT_KERNEL = 120
EXIT_GUEST = 121
EXIT_NIC = 122
EXIT_LAB = 123
EXIT_TIMEOUT = 124

# Requests of the guest.  With "wake-" before them they are served when it sleeps next, and it
# is woken; "wake" only wakes it.  QEMU does not tell of a guest that idles (s2idle): on
# "press" its power button is pressed until it says "awake".
NIC_REQUESTS = {"stop-nic": signal.SIGTERM, "pause-nic": signal.SIGSTOP,
                "resume-nic": signal.SIGCONT, "kill-nic": signal.SIGKILL}

PRESS_EVERY_S = 1
POWER_OFF_S = 60
# The last that a kernel says
POWER_DOWN = b"reboot: Power down"
# The emulator patches code that other virtual processors run: once in some hundred boots
# the kernel falls over that, long before anything of ours is there
BOOTS = 3
CONSOLE_LINES = 30


def say(text):
    """One message of the lab, each line marked."""
    for line in str(text).splitlines():
        print(f"lab: {line}", file=sys.stderr, flush=True)


class Guest:
    """A running guest: its channels, and what it told so far."""

    def __init__(self, opts, run_dir, log_dir):
        self.opts = opts
        self.log_dir = log_dir
        self.run_dir = run_dir
        self.started = time.monotonic()
        self.nic = None
        self.qemu = None
        self.nic_ended_by_test = False
        self.status = None
        self.failure = None
        self.session_over = False
        self.monitor = None
        self.request_rest = self.qmp_rest = self.console_rest = self.status_line = b""
        self.wake_requests = []
        self.next_press = None
        self.hangs = False
        self.selector = selectors.DefaultSelector()
        self.listeners = []
        self.kmsg = open(f"{log_dir}/kernel.log", "wb")  # pylint: disable=consider-using-with

    def start(self):
        """Starts everything; raises LabError when a part does not come up."""
        if self.opts.ports:
            self.nic = machine.Nic(self.opts, self.run_dir, self.log_dir)
            self.watch(self.nic.pidfd, self.on_nic_end)
            self.watch(self.nic.process.stdout, self.on_nic_output)
        servers = []
        if self.opts.in_memory:
            machine.memory_root(self.opts, self.run_dir)
        else:
            tree = machine.guest_tree(self.opts, self.run_dir)
            servers.append(machine.FileServer("labroot", tree, "always", self.log_dir,
                                              self.run_dir))
        if self.opts.share:
            servers.append(machine.FileServer("share", self.opts.share, "auto",
                                              self.log_dir, self.run_dir))
        handlers = {"wto.out": self.on_output(1), "wto.err": self.on_output(2),
                    "wto.status": self.on_status, "wto.kmsg": self.kmsg.write,
                    "wto.lab": None, "qmp": None}
        if self.opts.in_memory:
            handlers["console"] = self.on_console
        for name, handler in handlers.items():
            self.listen(name, handler)
        argv = machine.qemu_argv(self.opts, self.run_dir, self.log_dir, servers, self.nic)
        extra = {"stdin": None, "stdout": None} if self.opts.shell else {}
        self.qemu = machine.Program("qemu", argv, f"{self.log_dir}/qemu.log", **extra)
        self.watch(self.qemu.pidfd, self.on_qemu_end)

    def watch(self, fileobj, callback):
        """Calls callback when there is something to read."""
        self.selector.register(fileobj, selectors.EVENT_READ, callback)

    def listen(self, name, handler):
        """Waits for QEMU's connection of one serial port."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"{self.run_dir}/{name}")
        listener.listen(1)
        self.listeners.append(listener)

        def accept():
            channel, _ = listener.accept()
            self.selector.unregister(listener)
            if name == "wto.lab":
                self.watch(channel, lambda: self.on_request(channel))
            elif name == "qmp":
                self.monitor = channel
                channel.sendall(b'{"execute": "qmp_capabilities"}\n')
                self.watch(channel, lambda: self.receive(channel, self.on_qmp))
            else:
                self.watch(channel, lambda: self.receive(channel, handler))

        self.watch(listener, accept)

    def receive(self, channel, handler):
        """Hands a channel's data on; forgets the channel when QEMU closed it."""
        try:
            data = channel.recv(65536)
        except ConnectionError:
            data = b""
        if data:
            handler(data)
        else:
            self.selector.unregister(channel)
            channel.close()

    @staticmethod
    def on_output(descriptor):
        """A handler that copies to one of our own descriptors, whole."""
        def write(data):
            try:
                while data:
                    data = data[os.write(descriptor, data):]
            except BrokenPipeError:
                pass
        return write

    def on_status(self, data):
        """How the session ended: "exit N" or "fail REASON", one line."""
        self.status_line += data
        if not self.status_line.endswith(b"\n"):
            return
        word, _, rest = self.status_line.decode(errors="replace").strip().partition(" ")
        self.session_over = True
        if word == "exit" and rest.isdigit():
            self.status = int(rest)
        else:
            self.failure = rest

    def on_request(self, channel):
        """One line from the guest's wto.lab port: one of NIC_REQUESTS, or "wake"."""
        def answer(data):
            # serial ports bring one byte at a time
            *lines, self.request_rest = (self.request_rest + data).split(b"\n")
            for word in b" ".join(lines).decode(errors="replace").split():
                if word in ("press", "awake"):
                    self.next_press = (time.monotonic() + PRESS_EVERY_S
                                       if word == "press" else None)
                elif word == "wake":
                    self.wake_requests.append(None)
                elif word.startswith("wake-") and word[5:] in NIC_REQUESTS and self.nic:
                    self.wake_requests.append(word[5:])
                elif word in NIC_REQUESTS and self.nic:
                    self.ask_nic(word)
                else:
                    channel.sendall(b"error: no such request, or no NIC\n")
                    continue
                channel.sendall(b"ok\n")

        self.receive(channel, answer)

    def press_button(self):
        """Presses the power button if it is time to; returns when it is next."""
        if self.next_press is None:
            return float("inf")
        if time.monotonic() >= self.next_press:
            self.monitor.sendall(b'{"execute": "system_powerdown"}\n')
            self.next_press = time.monotonic() + PRESS_EVERY_S
        return self.next_press

    def ask_nic(self, request):
        """Kills the NIC, stops it or lets it go on."""
        if request in ("kill-nic", "stop-nic"):
            self.nic_ended_by_test = True
        if request == "kill-nic":
            self.nic.kill()
        else:
            self.nic.signal(NIC_REQUESTS[request])

    def on_qmp(self, data):
        """QEMU tells of events; a guest that sleeps is woken as it asked for beforehand."""
        *lines, self.qmp_rest = (self.qmp_rest + data).split(b"\n")
        for line in lines:
            if b'"SUSPEND"' not in line or not self.wake_requests:
                continue
            request = self.wake_requests.pop(0)
            if request:
                self.ask_nic(request)
            self.monitor.sendall(b'{"execute": "system_wakeup"}\n')

    def on_console(self, data):
        """
        The console of a guest that can sleep.  After a sleep to RAM QEMU 11.1 does not go off
        when such a guest switches its power off, so it is told to.
        """
        self.console_rest = self.console_rest[-len(POWER_DOWN):] + data
        if POWER_DOWN in self.console_rest and self.session_over and self.monitor:
            self.monitor.sendall(b'{"execute": "quit"}\n')

    def on_nic_output(self):
        """What the NIC prints after its start lines."""
        data = self.nic.process.stdout.read()
        if not data:
            self.selector.unregister(self.nic.process.stdout)
            return
        with open(self.nic.log_path, "ab") as log:
            log.write(data)

    def on_nic_end(self):
        """The NIC ended while the guest runs."""
        self.selector.unregister(self.nic.pidfd)
        if not self.nic_ended_by_test:
            say(f"the NIC ended, status {self.nic.process.wait()}")

    def on_qemu_end(self):
        """The machine is off."""
        self.selector.unregister(self.qemu.pidfd)
        self.qemu.process.wait()

    def run(self):
        """Serves the guest until it is off; returns False when time was up."""
        end = self.started + self.opts.timeout
        powering_off = False
        while self.qemu.process.poll() is None:
            if self.session_over and not powering_off:
                powering_off = True
                end = time.monotonic() + POWER_OFF_S
            until = min(end, self.press_button())
            events = self.selector.select(max(0, until - time.monotonic()))
            if not events and time.monotonic() >= end:
                self.hangs = self.session_over
                return self.session_over
            for key, _ in events:
                key.data()
        self.drain()
        return True

    def drain(self):
        """What is still in the channels after QEMU's end."""
        while True:
            events = [k for k, _ in self.selector.select(0) if isinstance(k.fileobj, socket.socket)
                      and k.fileobj not in self.listeners]
            if not events:
                return
            for key in events:
                key.data()

    def stop(self):
        """Ends QEMU if it still runs."""
        if self.qemu:
            self.qemu.process.kill()
            self.qemu.process.wait()
        self.kmsg.close()

    def console_tail(self):
        """The last lines of the guest's log; the console has what the other lost."""
        lines = [kernel_log.plain(line) for name in ("kernel.log", "console.log")
                 for line in kernel_log.read_lines(f"{self.log_dir}/{name}")]
        lines = list(dict.fromkeys(line for line in lines if line))
        return "\n".join("  " + line for line in lines[-CONSOLE_LINES:])

    def fell_in_boot(self):
        """Whether the kernel ended in trouble before the first program of ours ran."""
        return self.qemu.process.poll() is not None and self.status is None \
            and not self.kmsg.tell() and self.kernel_trouble()[0] > 0

    def verdict(self, in_time):
        """The exit status of the run, with its reason told."""
        nic_failure = self.nic.finish(self.nic_ended_by_test) if self.nic else None
        trouble, shown = self.kernel_trouble()
        if trouble:
            say(f"the guest's kernel reported trouble ({trouble} lines):")
            say("\n".join("  " + line for line in shown[:200]))
        if nic_failure:
            say(nic_failure)
            say(machine.tail(self.nic.log_path, 60))
        return self.exit_status(in_time, trouble, nic_failure)

    def exit_status(self, in_time, trouble, nic_failure):
        """Which of the things that went wrong decides."""
        if not in_time:
            say(f"time is up after {self.opts.timeout:g} s; the last console lines:")
            say(self.console_tail())
            return EXIT_TIMEOUT
        if self.hangs:
            say(f"the guest is not off {POWER_OFF_S} s after the command; its last log lines:")
            say(self.console_tail())
            return EXIT_TIMEOUT
        if self.failure is not None:
            say(f"guest: {self.failure}; its last log lines:")
            say(self.console_tail())
            return EXIT_GUEST
        if self.status is None:
            say(f"the guest went off before the command ended (QEMU status "
                f"{self.qemu.process.returncode}); the last console lines:")
            say(machine.tail(self.qemu.log_path))
            say(self.console_tail())
            if nic_failure:
                return EXIT_NIC  # QEMU 11.1 aborts when the NIC's connection is reset
            return EXIT_KERNEL if trouble else EXIT_LAB
        if trouble:
            return EXIT_KERNEL
        return EXIT_NIC if nic_failure else self.status

    def kernel_trouble(self):
        """Trouble in the full log, or, if that broke off, in the console's."""
        worst = (0, [])
        for name in ("kernel.log", "console.log"):
            found = kernel_log.find_trouble(
                kernel_log.read_lines(f"{self.log_dir}/{name}"), self.opts.allow)
            worst = max(worst, found, key=lambda f: f[0])
        return worst


def parse_args():
    """The options; "lab run" has checked those that a user gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--kernel", required=True)
    add("--release", required=True, help="uname -r of the kernel")
    add("--driver", choices=("wto", "idpf", "none"), default="wto")
    add("--ports", type=int, default=2)
    add("--cpus", type=int, default=2)
    add("--mem", help="default 2G, for the debug kernel 3G")
    add("--nic", help="path of idpf-nic")
    add("--nic-arg", action="append", default=[])
    add("--port-arg", action="append", default=[])
    add("--nic-may-die", action="store_true")
    add("--in-memory", action="store_true", help="no file server: all in an archive")
    add("--root-ports", action="store_true", help="each function in a slot of its own")
    add("--pcap")
    add("--share")
    add("--timeout", type=float, default=300)
    add("--accel", choices=("tcg", "kvm"), default="tcg")
    add("--allow", action="append", default=[], help="expected trouble in the kernel log")
    add("--kernel-arg", action="append", default=[])
    add("--qemu-arg", action="append", default=[])
    add("--count-instructions", action="store_true")
    add("--shell", action="store_true")
    add("--quiet", action="store_true")
    add("--keep-logs", action="store_true")
    add("command", nargs="+")
    opts = parser.parse_args()
    if opts.in_memory and opts.share:
        parser.error("--share needs a file server, which a guest --in-memory has not")
    # KASAN takes an eighth, and what it keeps from use again
    opts.mem = opts.mem or ("3G" if opts.kernel == "debug" else "2G")
    size = os.get_terminal_size(0) if opts.shell and os.isatty(0) else None
    opts.rows, opts.cols = (size.lines, size.columns) if size else ("", "")
    return opts


def main():
    """Runs the guest."""
    opts = parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_LAB))
    status, boots = None, BOOTS
    while status is None:
        boots -= 1
        status = run_guest(opts, last=not boots)
    return status


def run_guest(opts, last):
    """Boots a guest and runs the command; None if another boot should be tried."""
    log_dir, lock = new_log_dir(f"{os.environ['LAB_LOGS']}/runs")
    run_dir = tempfile.mkdtemp(prefix="run-", dir="/run")
    guest = Guest(opts, run_dir, log_dir)
    try:
        guest.start()
        in_time = guest.run()
        if not last and guest.fell_in_boot() and not (guest.nic and guest.nic.finish(True)):
            say(f"the kernel fell over in its boot, trying again; console: {log_dir}/console.log")
            return None
        guest.stop()
        status = guest.verdict(in_time)
        if status >= EXIT_KERNEL and not opts.quiet:
            say(f"logs of this run: {log_dir}")
        return status
    except machine.LabError as error:
        say(f"error: {error}")
        say(f"logs of this run: {log_dir}")
        return EXIT_LAB
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    finally:
        guest.stop()
        os.close(lock)


if __name__ == "__main__":
    sys.exit(main())
