# SPDX-License-Identifier: GPL-2.0-only
"""Byte layouts: named little-endian fields, packed and unpacked."""

import struct
from types import SimpleNamespace


class Layout:
    """A fixed sequence of (name, struct format) fields without hidden gaps."""

    def __init__(self, name, *fields):
        self.name = name
        self.fields = fields
        self.offsets = {}
        self.sizes = {}
        offset = 0
        for field, fmt in fields:
            self.offsets[field] = offset
            self.sizes[field] = struct.calcsize("<" + fmt)
            offset += self.sizes[field]
        self.struct = struct.Struct("<" + "".join(fmt for _, fmt in fields))
        self.size = self.struct.size
        assert self.size == offset

    def pack(self, **values):
        """Return the bytes; fields which are not given are zero."""
        unknown = set(values) - set(self.offsets)
        assert not unknown, f"{self.name} has no {unknown}"
        return self.struct.pack(*(values.get(field, b"" if fmt.endswith("s") else 0)
                                  for field, fmt in self.fields))

    def unpack(self, data, offset=0):
        """Return the fields as attributes."""
        values = self.struct.unpack_from(data, offset)
        return SimpleNamespace(**dict(zip(self.offsets, values)))

    def unpack_array(self, data, offset, count):
        """Return a list of @count elements."""
        return [self.unpack(data, offset + i * self.size) for i in range(count)]
