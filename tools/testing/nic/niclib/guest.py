# SPDX-License-Identifier: GPL-2.0-only
"""Guest memory: a memfd which the NIC maps, and a simple allocator in it."""

import mmap
import os
import struct

PAGE = 4096


class GuestMemory:
    """A piece of guest memory at a guest address, with a bump allocator."""

    def __init__(self, size=64 << 20, base=0x1_0000_0000):
        self.base = base
        self.size = size
        self.descriptor = os.memfd_create("guest")
        os.ftruncate(self.descriptor, size)
        self.map = mmap.mmap(self.descriptor, size)
        self.next = PAGE

    def close(self):
        """Give the memory back."""
        self.map.close()
        os.close(self.descriptor)

    def attach(self, client, flags=3):
        """Map all of it into the server behind @client."""
        client.dma_map(self.base, self.size, self.descriptor, 0, flags)

    def detach(self, client):
        """Unmap all of it."""
        client.dma_unmap(self.base, self.size)

    def alloc(self, size, align=128):
        """Return the guest address of @size fresh bytes, all zero."""
        start = -(-self.next // align) * align
        assert start + size <= self.size, "guest memory is used up"
        self.next = start + size
        return self.base + start

    def put(self, data, align=64):
        """Allocate room for @data, copy it there, return its guest address."""
        addr = self.alloc(max(len(data), 1), align)
        self.write(addr, data)
        return addr

    def read(self, addr, size):
        """Return @size bytes at guest address @addr."""
        start = addr - self.base
        assert 0 <= start <= self.size - size, f"{addr:#x} is no guest memory"
        return self.map[start:start + size]

    def write(self, addr, data):
        """Store @data at guest address @addr."""
        start = addr - self.base
        assert 0 <= start <= self.size - len(data), f"{addr:#x} is no guest memory"
        self.map[start:start + len(data)] = data

    def get(self, addr, fmt):
        """Return the value of struct format @fmt at guest address @addr."""
        return struct.unpack_from("<" + fmt, self.map, addr - self.base)[0]

    def set(self, addr, fmt, value):
        """Store a value of struct format @fmt at guest address @addr."""
        struct.pack_into("<" + fmt, self.map, addr - self.base, value)
