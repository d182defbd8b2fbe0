# SPDX-License-Identifier: GPL-2.0-only
"""The programs of one run: software NIC, virtiofsd, QEMU; and the guest's root."""

import ctypes
import json
import lzma
import os
import selectors
import signal
import socket
import subprocess
import time

import memory_archive

NIC_START_S = 15
NIC_STOP_S = 10
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:exitcode=99:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}
SANITIZER_REPORTS = ("runtime error:", "Sanitizer", "SUMMARY: ")


class LabError(Exception):
    """Something of the lab itself failed; the text says what."""


def tail(path, count=15):
    """The last lines of a log, for an error message."""
    try:
        with open(path, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-count:]).rstrip()
    except FileNotFoundError:
        return ""


class Program:
    """A child process with a log for its output."""

    def __init__(self, name, argv, log_path, **popen_args):
        self.name = name
        self.log_path = log_path
        with open(log_path, "ab") as log:
            popen_args.setdefault("stdout", log)
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                argv, stdin=popen_args.pop("stdin", subprocess.DEVNULL), stderr=log,
                **popen_args)
        self.pidfd = os.pidfd_open(self.process.pid)

    def signal(self, number):
        """Sends a signal if the process still lives."""
        if self.process.poll() is None:
            self.process.send_signal(number)

    def stop(self, timeout):
        """Asks the process to end; returns its status, None if it had to be killed."""
        self.signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None


SYS_PIDFD_GETFD = 438


def copy_sockets(pid, pidfd):
    """Our own descriptors of all sockets of another process."""
    libc = ctypes.CDLL(None, use_errno=True)
    copies = []
    for entry in os.scandir(f"/proc/{pid}/fd"):
        if os.readlink(entry.path).startswith("socket:"):
            copy = libc.syscall(SYS_PIDFD_GETFD, pidfd, int(entry.name), 0)
            if copy < 0:
                raise OSError(ctypes.get_errno(), f"pidfd_getfd of descriptor {entry.name}")
            copies.append(socket.socket(fileno=copy))
    return copies


class Nic(Program):
    """idpf-nic with its sockets in the run's directory."""

    def __init__(self, opts, run_dir, log_dir):
        self.sockets = [f"{run_dir}/nic{i}.sock" for i in range(opts.ports)]
        self.control = f"{run_dir}/nic-control.sock"
        self.may_die = opts.nic_may_die
        argv = [opts.nic]
        for path, extra in zip(self.sockets, self._port_specs(opts)):
            argv += ["--port", f"socket={path}{extra}"]
        if opts.pcap:
            argv += ["--pcap", opts.pcap]
        argv += ["--control", self.control, *opts.nic_arg]
        super().__init__("idpf-nic", argv, f"{log_dir}/nic.log",
                         stdout=subprocess.PIPE, env={**os.environ, **SANITIZER_ENV})
        self._wait_listening()

    @staticmethod
    def _port_specs(opts):
        """--port-arg N:SPEC and --port-arg SPEC (all ports), as text to append."""
        specs = [""] * opts.ports
        for arg in opts.port_arg:
            number, colon, spec = arg.partition(":")
            if colon and number.isdigit():
                if int(number) >= opts.ports:
                    raise LabError(f"--port-arg {arg}: there are {opts.ports} ports")
                specs[int(number)] += f",{spec}"
            else:
                specs = [f"{s},{arg}" for s in specs]
        return specs

    def _wait_listening(self):
        """Waits for the NIC's start line of each port."""
        end = time.monotonic() + NIC_START_S
        out = self.process.stdout
        os.set_blocking(out.fileno(), False)
        seen = b""
        with selectors.DefaultSelector() as sel:
            sel.register(out, selectors.EVENT_READ)
            while seen.count(b": listening on ") < len(self.sockets):
                if not sel.select(max(0, end - time.monotonic())):
                    raise LabError(f"the NIC does not listen after {NIC_START_S} s\n"
                                   + tail(self.log_path))
                data = out.read()
                if not data:
                    raise LabError(f"the NIC ended at its start, status {self.process.wait()}\n"
                                   + tail(self.log_path))
                seen += data
        with open(self.log_path, "ab") as log:
            log.write(seen)

    def kill(self):
        """
        Kills the NIC.  Its connections outlive it until what QEMU sent is read: QEMU (11.1)
        aborts when a connection is reset, which is how one with unread data ends.
        """
        if self.process.poll() is not None:
            return
        connections = copy_sockets(self.process.pid, self.pidfd)
        self.signal(signal.SIGKILL)
        os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED | os.WNOWAIT)
        for connection in connections:
            with connection:
                try:
                    connection.shutdown(socket.SHUT_RD)
                    while connection.recv(65536, socket.MSG_DONTWAIT):
                        pass
                except OSError:
                    pass  # a listening socket, or nothing left

    def finish(self, ended_by_test):
        """Stops the NIC; returns what was wrong with it, or None."""
        died = self.process.poll()
        status = self.stop(NIC_STOP_S)
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            if any(mark in line for line in log for mark in SANITIZER_REPORTS):
                return "a sanitizer reported an error in the NIC"
        if ended_by_test or (self.may_die and died is not None):
            return None
        if died is not None:
            return f"the NIC died, status {died}"
        if status is None:
            return f"the NIC did not end within {NIC_STOP_S} s of SIGTERM"
        return None if status == 0 else f"the NIC ended with status {status}"


class FileServer(Program):
    """virtiofsd for one directory."""

    def __init__(self, tag, directory, cache, log_dir, run_dir):
        self.tag = tag
        self.socket = f"{run_dir}/{tag}.fs"
        # The socket is made here and handed over, so QEMU can connect at once
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.socket)
            listener.listen(1)
            os.set_inheritable(listener.fileno(), True)
            super().__init__("virtiofsd", [
                "/usr/libexec/virtiofsd", f"--fd={listener.fileno()}",
                f"--shared-dir={directory}", f"--cache={cache}", "--sandbox=none",
                "--announce-submounts", "--inode-file-handles=never", "--log-level=warn",
            ], f"{log_dir}/virtiofsd-{tag}.log", pass_fds=[listener.fileno()])


def write_config(opts, run_dir):
    """A directory with the command and the settings of guest/session."""
    config = f"{run_dir}/config"
    os.mkdir(config)
    with open(f"{config}/command", "wb") as file:
        file.write(b"".join(os.fsencode(word) + b"\0" for word in opts.command))
    with open(f"{config}/config", "w", encoding="utf-8") as file:
        for key, value in guest_config(opts).items():
            file.write(f"{key}='{value}'\n")
    return config


def memory_root(opts, run_dir):
    """An archive with what the guest needs, for one without file server."""
    out = os.environ["LAB_OUT"]
    files = ["tools"] + ([opts.kernel] if opts.driver == "wto" else [])
    modules = []
    if opts.driver == "wto":
        info = subprocess.run(["modinfo", "-F", "depends", f"{out}/{opts.kernel}/wto.ko"],
                              capture_output=True, text=True, check=True)
        modules = info.stdout.strip().replace(",", " ").split()
    memory_archive.write(f"{run_dir}/root.cpio", {
        "release": opts.release, "modules": modules, "config": write_config(opts, run_dir),
        "src": os.environ["LAB_SRC"], "out": out, "files": files})


def guest_tree(opts, run_dir):
    """Puts root, checkout, build results and settings together, read-only."""
    tree = f"{run_dir}/tree"
    config = write_config(opts, run_dir)
    os.mkdir(tree)
    binds = [(os.environ["LAB_ROOT"], ""), (os.environ["LAB_SRC"], "/media/src"),
             (os.environ["LAB_OUT"], "/media/out"), (config, "/media/lab")]
    unpack_overlay(opts.release, config)
    for source, place in binds:
        for mount in (["--bind", source, tree + place],
                      ["-o", "remount,bind,ro", tree + place]):
            subprocess.run(["mount", *mount], check=True)
    return tree


def unpack_overlay(release, directory):
    """The overlay module, decompressed: the guest's init has no use for modprobe."""
    packed = f"/lib/modules/{release}/kernel/fs/overlayfs/overlay.ko.xz"
    if os.path.exists(packed):
        with lzma.open(packed) as module, open(f"{directory}/overlay.ko", "wb") as file:
            file.write(module.read())


def guest_config(opts):
    """Settings for guest/session; no value holds a quote."""
    module = f"/mnt/out/{opts.kernel}/wto.ko"
    return {
        "WTO_DRIVER": opts.driver,
        "WTO_MODULE": module if opts.driver == "wto" else "",
        "WTO_PORTS": opts.ports,
        "WTO_DEBUG": "1" if opts.kernel == "debug" else "",
        "WTO_MODULES": f"/mnt/out/debug/modules/{opts.release}" if opts.kernel == "debug" else "",
        "WTO_SHARE": "1" if opts.share else "",
        "WTO_SHELL": "1" if opts.shell else "",
        "WTO_ROWS": opts.rows, "WTO_COLS": opts.cols,
    }


def serial_ports(opts):
    """Names of the virtio serial ports between guest and lab."""
    names = ["wto.out", "wto.err", "wto.status", "wto.kmsg", "wto.lab"]
    if opts.ports:
        names.append("wto.nic-control")
    if counts(opts):
        names.append("wto.icount")
    return names


def counts(opts):
    """Whether the guest's instructions are counted, which takes TCG."""
    return opts.count_instructions and opts.accel == "tcg"


ROOT_ARGS = "root=labroot rootfstype=virtiofs ro init=/media/out/tools/init"
# TCG keeps the translation of a page's code until the guest itself writes to the page.  The file
# server writes to memory past it, so a page that had code and comes to hold other code would
# run as what it was.  init_on_alloc has the guest write to each page between the two.
KERNEL_ARGS = (
    "console=ttyS0 init_on_alloc=1 loglevel=5 panic=-1 net.ifnames=0 mitigations=off "
    "no_timer_check tsc=reliable watchdog_thresh=30 rcupdate.rcu_cpu_stall_timeout=60 "
    "rcupdate.rcu_expedited=1 random.trust_cpu=on cryptomgr.notests"
)

# With five levels of page tables KASAN has reported a wild access of the kernel's own at 3 s of
# boot, under TCG, for a reason not known, and KASAN and lockdep were silent from there on.  With
# four levels that was not seen.
DEBUG_KERNEL_ARGS = ("no5lvl",)


def clock_args(opts):
    """The frequency of the guest's clock, which it cannot measure well under TCG."""
    if opts.accel == "kvm":
        return []
    program = f"{os.environ['LAB_OUT']}/tools/tsckhz"
    khz = subprocess.run([program], check=True, capture_output=True, text=True).stdout.strip()
    return [f"tsc_early_khz={khz}"]


def kernel_image(opts):
    """The kernel's file: the debug kernel is not part of the root."""
    if opts.kernel == "debug":
        return f"{os.environ['LAB_DIR']}/kernels/debug/vmlinuz"
    return f"/boot/vmlinuz-{opts.release}"


def qemu_argv(opts, run_dir, log_dir, servers, nic):
    """The command line of the guest's machine."""
    argv = [
        "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot",
        "-display", "none", "-vga", "none", "-nic", "none", "-monitor", "none",
        "-accel", "kvm" if opts.accel == "kvm" else "tcg,thread=multi",
        "-cpu", "host" if opts.accel == "kvm" else "max",
        "-smp", str(opts.cpus), "-m", opts.mem,
        "-object", f"memory-backend-memfd,id=ram,size={opts.mem},share=on",
        "-machine", "q35,memory-backend=ram,sata=off,smbus=off,i8042=off,hpet=off,vmport=off",
        "-kernel", kernel_image(opts),
        *(["-initrd", f"{run_dir}/root.cpio"] if opts.in_memory else []),
        "-append", " ".join([*([] if opts.in_memory else [ROOT_ARGS]), KERNEL_ARGS,
                             *serial_kernel_args(opts),
                             *clock_args(opts),
                             *(DEBUG_KERNEL_ARGS if opts.kernel == "debug" else ()),
                             *opts.kernel_arg]),
        "-chardev", f"socket,id=qmp,path={run_dir}/qmp",
        "-object", "monitor-qmp,id=monitor,chardev=qmp",
        "-chardev", console_backend(opts, run_dir, log_dir),
        "-serial", "chardev:console",
    ]
    for server in servers:
        argv += ["-chardev", f"socket,id=fs-{server.tag},path={server.socket}",
                 "-device", f"vhost-user-fs-pci,chardev=fs-{server.tag},tag={server.tag}"]
    for name in serial_ports(opts):
        path = nic.control if name == "wto.nic-control" else f"{run_dir}/{name}"
        # the counting plugin, within QEMU, connects to it
        listens = ",server=on,wait=off" if name == "wto.icount" else ""
        argv += ["-chardev", f"socket,id={name},path={path}{listens}"]
    argv += serial_devices(serial_ports(opts), opts.in_memory)
    if counts(opts):
        plugin = f"{os.environ['LAB_OUT']}/tools/icount.so"
        argv += ["-plugin", f"{plugin},socket={run_dir}/wto.icount"]
    if opts.shell:
        argv += ["-device", "virtio-serial-pci"] if opts.in_memory else []
        argv += ["-chardev", "stdio,id=tty,signal=off", "-device", "virtconsole,chardev=tty"]
    for i, path in enumerate(nic.sockets if nic else []):
        argv += nic_args(i, path, opts.root_ports)
    return argv + opts.qemu_arg


def console_backend(opts, run_dir, log_dir):
    """The console goes to a file, and to the lab if that watches it."""
    log = f"{log_dir}/console.log"
    if opts.in_memory:
        return f"socket,id=console,path={run_dir}/console,logfile={log}"
    return f"file,id=console,path={log}"


def serial_kernel_args(opts):
    """What the guest's first program must know of its ports."""
    names = serial_ports(opts)
    if opts.in_memory:
        return ["8250.nr_uarts=32", "no_console_suspend", f"lab.serial={','.join(names)}"]
    return [f"lab.ports={len(names)}"]


def serial_devices(names, plain):
    """
    The ports as virtio devices, or as plain serial ports: virtio_console of kernel 7.3 takes its
    ports for disconnected after a suspend.
    """
    if not plain:
        argv = ["-device", "virtio-serial-pci,max_ports=16"]
        for name in names:
            argv += ["-device", f"virtserialport,chardev={name},name={name}"]
        return argv
    argv = []
    for name in names:
        argv += ["-device", f"pci-serial,chardev={name}"]
    return argv


def nic_args(number, path, root_port):
    """One function of the NIC: part of the root complex, or in the slot of a root port."""
    device = {"driver": "vfio-user-pci", "id": f"nic{number}",
              "socket": {"type": "unix", "path": path}}
    if not root_port:
        return ["-device", json.dumps(device)]
    # Above 5 GT/s Linux waits for a link after a reset that QEMU shows on hotplug ports only
    port = {"driver": "pcie-root-port", "id": f"slot{number}", "chassis": number + 1,
            "hotplug": False, "x-speed": "5"}
    return ["-device", json.dumps(port), "-device", json.dumps({**device, "bus": port["id"]})]
