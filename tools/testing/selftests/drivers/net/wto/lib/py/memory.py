# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel holds for a driver: pages, slab objects, mappings, page pools, interrupts."""

import glob
import os
import re
import socket

from .attribute import write_attr
from .counters import netdev_family
from .wait import wait_for

# Page pools wait for their last pages in steps of a second
POOLS_GONE_S = 30
# Objects of epoll's own are freed by RCU in batches of each CPU, which no shrinking ends
NOT_OURS = ("eventpoll_epi", "eventpoll_pwq")


def _meminfo():
    with open("/proc/meminfo", encoding="ascii") as file:
        return {name: int(value) for name, value in re.findall(r"(\S+):\s+(\d+) kB", file.read())}


def _free_on_cpu_lists():
    """KiB that are free, yet kept on the page allocator's lists of each CPU."""
    with open("/proc/zoneinfo", encoding="ascii") as file:
        return 4 * sum(int(count) for count in re.findall(r"^\s+count:\s+(\d+)$", file.read(),
                                                          re.MULTILINE))


def _count_lines(path, pattern):
    with open(path, encoding="utf-8", errors="replace") as file:
        return sum(bool(re.search(pattern, line)) for line in file)


def _reclaimable(cache):
    try:
        with open(f"/sys/kernel/slab/{cache}/reclaim_account", encoding="ascii") as file:
            return file.read().strip() == "1"
    except FileNotFoundError:
        return False


def _slabinfo():
    with open("/proc/slabinfo", encoding="ascii") as file:
        return [line.split() for line in file
                if not line.startswith(("#", "slabinfo", *NOT_OURS))]


def slab_noise():
    """{cache: how many free objects of it may seem to be in use}: in a slab of each CPU."""
    return {name: int(in_slab) * os.cpu_count() for name, _, _, _, in_slab, *_ in _slabinfo()}


def slab_objects():
    """
    {cache: objects in use} of all slab caches, and how many KiB they are in those that cannot be
    reclaimed.  Each is shrunk first, so that what CPUs keep for their next allocation does not
    count, but for the one slab that each of them may take meanwhile, see slab_noise().  Areas of
    virtual memory are kept after they have been freed, for tens of MiB of them, so these are
    those that are not free.
    """
    for path in glob.glob("/sys/kernel/slab/*/shrink"):
        if not os.path.islink(os.path.dirname(path)):
            write_attr(path, "1")
    caches = _slabinfo()
    objects = {name: int(used) for name, used, *_ in caches}
    objects["vmap_area"] = _count_lines("/proc/vmallocinfo", r"^(?!.*unpurged vm_area)")
    size = sum(objects[name] * int(size) for name, _, _, size, *_ in caches
               if not _reclaimable(name))
    return objects, size // 1024


def leaking_caches(readings, cycles):
    """
    {cache: growths} of slab caches that have grown by an object a cycle or more from each of
    the readings to the next one, @cycles later, and by more than noise on the whole.
    """
    leaking = {}
    noise = slab_noise()
    for name in readings[0].objects:
        counts = [reading.objects.get(name, 0) for reading in readings]
        growths = [after - before for before, after in zip(counts, counts[1:])]
        if min(growths) >= cycles and sum(growths) > noise.get(name, 0):
            leaking[name] = growths
    return leaking


def page_pools(namespaces):
    """Page pools that the kernel knows, as the namespaces see them."""
    pools = {}
    for netns in namespaces:
        for pool in netdev_family(netns).page_pool_get({}, dump=True):
            pools[pool["id"]] = pool
    return pools


def flush_deferred_skbs():
    """
    Packets that one CPU has freed for another wait on the other's list for its next
    received packet.  This gives each CPU one, so that they no longer pin pages.
    """
    allowed = os.sched_getaffinity(0)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", 0))
            for cpu in allowed:
                os.sched_setaffinity(0, {cpu})
                sock.sendto(b"", sock.getsockname())
    finally:
        os.sched_setaffinity(0, allowed)


def wait_orphans_gone(namespaces):
    """Waits until no page pool is left that its queue has given up."""
    def orphans():
        flush_deferred_skbs()
        return [pool for pool in page_pools(namespaces).values() if "detach-time" in pool]

    wait_for(lambda: not orphans(), "orphaned page pools to go", POOLS_GONE_S, 0.2)


class Memory:
    """
    A reading of the memory in the kernel's hands, in KiB.

    pages    used, but by no process, cache, slab or table: what drivers take directly
    slab     objects in slab caches that cannot be reclaimed
    percpu   per-CPU allocations
    mappings number of I/O mappings
    pools    number of page pools

    Beside these, objects: {slab cache: objects in use}.
    """

    FIELDS = ("pages", "slab", "percpu", "mappings", "pools")

    def __init__(self, values, objects):
        self.values = values
        self.objects = objects

    @classmethod
    def _once(cls, namespaces):
        # Dentries and inodes; pages of files are not counted, and need not be read again
        write_attr("/proc/sys/vm/drop_caches", "2")
        write_attr("/proc/sys/vm/compact_memory", "1")
        info = _meminfo()
        known = ("MemFree", "Buffers", "Cached", "AnonPages", "Slab", "PageTables",
                 "SecPageTables", "KernelStack", "Percpu")
        return {
            "pages": info["MemTotal"] - sum(info.get(name, 0) for name in known)
            - _free_on_cpu_lists(),
            "percpu": info["Percpu"],
            "mappings": _count_lines("/proc/vmallocinfo", r"ioremap"),
            "pools": len(page_pools(namespaces)),
        }

    @classmethod
    def read(cls, namespaces, times=6):
        """The least of several readings: what is freed late shows in the first ones only."""
        wait_orphans_gone(namespaces)
        readings = [cls._once(namespaces) for _ in range(times)]
        values = {name: min(r[name] for r in readings) for name in readings[0]}
        objects, values["slab"] = slab_objects()
        return cls(values, objects)

    def least(self, other):
        """What was there at most at both of two readings with nothing between them."""
        values = {name: min(value, other.values[name]) for name, value in self.values.items()}
        objects = {name: min(count, other.objects.get(name, 0))
                   for name, count in self.objects.items()}
        return Memory(values, objects)

    def growth(self, before):
        """What there is more than @before."""
        return {name: self.values[name] - before.values[name] for name in self.FIELDS}


def traces_of(driver):
    """Where an unloaded driver still shows: interrupts, I/O memory, mappings, modules."""
    places = {"/proc/interrupts": rf"\b{driver}\b", "/proc/iomem": rf": {driver}\b",
              "/proc/vmallocinfo": rf"\[{driver}\]", "/proc/modules": rf"^{driver} "}
    return [path for path, pattern in places.items() if _count_lines(path, pattern)]
