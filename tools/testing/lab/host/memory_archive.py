# SPDX-License-Identifier: GPL-2.0-only
"""
A guest's root as an archive that the kernel unpacks into memory: for guests that do what their
file server cannot bear, as a suspend.  It holds the part of the lab root that "memory-root"
lists, beside checkout and build results.
"""

import os
import re
import stat
import subprocess

SKIPPED_DIRS = {"test", "tests", "idlelib", "pydoc_data", "ensurepip", "venv"}
CHECKOUT = ("tools/testing/lab/guest", "tools/testing/selftests/drivers/net/wto")
MODULE_LISTS = re.compile(r"modules\.(builtin|order|dep|alias|symbols|softdep)")


class Archive:
    """A cpio archive in the form that kernels unpack ("newc")."""

    def __init__(self, path):
        self._file = open(path, "wb")  # pylint: disable=consider-using-with
        self._inode = 0
        self._known = set()

    def _entry(self, name, mode, data=b"", device=(0, 0)):
        self._inode += 1
        name = name.encode() + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
        for part in (head, data):
            self._file.write(part + b"\0" * (-len(part) % 4))

    def directory(self, path):
        """A directory and all above it; @path is absolute in the guest, as everywhere here."""
        if path in self._known or path == "/":
            return
        self.directory(os.path.dirname(path))
        self._known.add(path)
        self._entry(path[1:], stat.S_IFDIR | 0o755)

    def file(self, path, data, mode=0o644):
        """A file with contents from here."""
        if path in self._known:
            return
        self.directory(os.path.dirname(path))
        self._known.add(path)
        self._entry(path[1:], stat.S_IFREG | mode, data)

    def link(self, path, target):
        """A symbolic link."""
        if path in self._known:
            return
        self.directory(os.path.dirname(path))
        self._known.add(path)
        self._entry(path[1:], stat.S_IFLNK | 0o777, target.encode())

    def console(self):
        """The one device node that the first program needs before it has made any."""
        self.directory("/dev")
        self._entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))

    def copy(self, source, path=None):
        """A file, link or directory of the lab root, at the same path or at @path."""
        path = path or source
        if os.path.islink(source):
            self.link(path, os.readlink(source))
            self._copy_target(source)
        elif os.path.isdir(source):
            self.directory(path)
            for name in sorted(os.listdir(source)):
                if name not in SKIPPED_DIRS:
                    self.copy(f"{source}/{name}", f"{path}/{name}")
        else:
            with open(source, "rb") as file:
                self.file(path, file.read(), os.stat(source).st_mode & 0o777)

    def _copy_target(self, link):
        target = os.path.join(os.path.dirname(link), os.readlink(link))
        if os.path.exists(target):
            self.copy(os.path.normpath(target))

    def close(self):
        """Ends the archive."""
        self._entry("TRAILER!!!", 0)
        self._file.close()


def read_list(path):
    """(paths, module names) of the list."""
    with open(path, encoding="utf-8") as file:
        lines = [line.split() for line in file if line.strip() and not line.startswith("#")]
    return ([line[0] for line in lines if len(line) == 1],
            [line[1] for line in lines if line[0] == "module"])


def libraries(paths):
    """Shared libraries of all programs and libraries among the files and directories."""
    programs = []
    for path in paths:
        if os.path.isdir(path):
            programs += [f"{root}/{name}" for root, _, names in os.walk(path) for name in names
                         if name.endswith(".so")]
        elif "bin/" in path or ".so" in path:
            programs.append(path)
    out = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=False).stdout
    return sorted(set(re.findall(r"(/\S+) \(0x", out)))


def module_files(release, names):
    """Files of the modules and of what they need, and the lists that modprobe reads."""
    out = subprocess.run(["modprobe", "--show-depends", "-a", "-S", release, *names],
                         capture_output=True, text=True, check=True).stdout
    directory = f"/lib/modules/{release}"
    lists = [f"{directory}/{name}" for name in os.listdir(directory) if MODULE_LISTS.match(name)]
    return sorted(set(re.findall(r"^insmod (\S+)", out, re.MULTILINE))) + lists


def write(path, settings):
    """
    Writes the archive.  @settings: release, modules (names that the driver needs), config
    (directory with the guest's settings), src, out, files (paths below out).
    """
    archive = Archive(path)
    # As in the lab root: these come first, so that all paths below them go there
    for name in ("bin", "sbin", "lib", "lib64"):
        archive.link(f"/{name}", f"usr/{name}")
    for name in ("/run", "/tmp", "/proc", "/sys", "/root", "/media", "/mnt/share"):
        archive.directory(name)
    archive.console()
    paths, modules = read_list(f"{settings['src']}/tools/testing/lab/memory-root")
    paths = [path for path in paths if os.path.lexists(path)]
    files = module_files(settings["release"], [*modules, *settings["modules"]])
    for source in [*paths, *libraries(paths), *files]:
        # Not through the links above
        real = re.sub(r"^/(bin|sbin|lib|lib64)/", r"/usr/\1/", source)
        archive.copy(source, real)
    for name in CHECKOUT:
        archive.copy(f"{settings['src']}/{name}", f"/mnt/src/{name}")
    for name in settings["files"]:
        archive.copy(f"{settings['out']}/{name}", f"/mnt/out/{name}")
    archive.copy(settings["config"], "/mnt/lab")
    archive.link("/init", "/mnt/out/tools/init")
    archive.close()
