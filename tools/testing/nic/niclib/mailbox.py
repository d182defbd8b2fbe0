# SPDX-License-Identifier: GPL-2.0-only
"""The mailbox: a ring of messages to the control plane and a ring of its answers."""

from collections import namedtuple

from .layout import Layout
from .regs import LEN_ENABLE
from .virtchnl import Op
from .wait import TIMEOUT_S, wait_for

DESC = Layout(
    "idpf_ctlq_desc",
    ("flags", "H"), ("opcode", "H"), ("datalen", "H"), ("func_id", "H"), ("vc_opcode", "I"),
    ("vc_retval", "I"), ("param0", "I"), ("sw_cookie", "H"), ("vc_flags", "H"),
    ("addr_high", "I"), ("addr_low", "I"))

DD = 1 << 0
CMP = 1 << 1
ERR = 1 << 2
RD = 1 << 10
BUF = 1 << 12
SEND_TO_CP = 0x0801
BUF_SIZE = 4096

Reply = namedtuple("Reply", "opcode retval cookie data desc slot")


class CallError(Exception):
    """The control plane refused a message."""

    def __init__(self, reply):
        super().__init__(f"opcode {reply.opcode}: status {reply.retval}")
        self.reply = reply


class Ring:
    """One control queue: descriptors, and a buffer for each."""

    def __init__(self, mem, length):
        self.mem = mem
        self.length = length
        self.addr = mem.alloc(length * DESC.size, 4096)
        self.bufs = [mem.alloc(BUF_SIZE, 4096) for _ in range(length)]

    def desc(self, slot):
        """Return the descriptor in @slot."""
        return DESC.unpack(self.mem.read(self.addr + slot * DESC.size, DESC.size))

    def set_desc(self, slot, **fields):
        """Fill the descriptor in @slot."""
        self.mem.write(self.addr + slot * DESC.size, DESC.pack(**fields))

    def flags(self, slot):
        """Return the flags of the descriptor in @slot."""
        return self.mem.get(self.addr + slot * DESC.size, "H")


class Mailbox:
    """Both control queues of a function, @port gives registers and memory."""

    def __init__(self, port, length=64):
        self.port = port
        self.length = length
        self.atq = Ring(port.mem, length)
        self.arq = Ring(port.mem, length)
        self.atq_next = 0
        self.arq_next = 0
        self.arq_tail = 0
        self.cookie = 0x100
        self.events = []

    # Set-up, in the order in which drivers do it

    def _program(self, name, ring, tail):
        regs = self.port.regs
        self.port.wr32(getattr(regs, name + "t"), tail)
        self.port.wr32(getattr(regs, name + "h"), 0)
        self.port.wr32(getattr(regs, name + "bal"), ring.addr & 0xffffffff)
        self.port.wr32(getattr(regs, name + "bah"), ring.addr >> 32)
        self.port.wr32(getattr(regs, name + "len"), ring.length | LEN_ENABLE)

    def start(self, arq_posted=None):
        """Program both rings; @arq_posted receive buffers, by default all but one."""
        posted = self.length - 1 if arq_posted is None else arq_posted
        for slot in range(posted):
            self._fill(slot)
        self.arq_tail = posted
        self._program("atq", self.atq, 0)
        self._program("arq", self.arq, posted)

    def stop(self):
        """Disable both rings."""
        self.port.wr32(self.port.regs.atqlen, 0)
        self.port.wr32(self.port.regs.arqlen, 0)

    def _fill(self, slot, **override):
        buf = self.arq.bufs[slot]
        fields = {"flags": BUF | RD, "datalen": BUF_SIZE,
                  "addr_high": buf >> 32, "addr_low": buf & 0xffffffff}
        self.arq.set_desc(slot, **{**fields, **override})

    def post(self, count, doorbell=True, **override):
        """Post @count more receive buffers."""
        for _ in range(count):
            self._fill(self.arq_tail, **override)
            self.arq_tail = (self.arq_tail + 1) % self.length
        if doorbell:
            self.port.wr32(self.port.regs.arqt, self.arq_tail)

    # Messages

    def queue(self, opcode, payload=b"", cookie=None, **override):
        """Write a message into the send ring without ringing; return (slot, cookie)."""
        slot = self.atq_next
        if cookie is None:
            self.cookie = (self.cookie + 1) & 0xffff
            cookie = self.cookie
        buf = self.atq.bufs[slot]
        self.port.mem.write(buf, payload[:BUF_SIZE])
        fields = {"opcode": SEND_TO_CP, "vc_opcode": int(opcode), "sw_cookie": cookie}
        if payload:
            fields.update(flags=BUF | RD, datalen=len(payload),
                          addr_high=buf >> 32, addr_low=buf & 0xffffffff)
        self.atq.set_desc(slot, **{**fields, **override})
        self.atq_next = (slot + 1) % self.length
        return slot, cookie

    def ring(self):
        """Tell the device about queued messages."""
        self.port.wr32(self.port.regs.atqt, self.atq_next)

    def send(self, opcode, payload=b"", cookie=None, **override):
        """Send a message; return (slot, cookie)."""
        result = self.queue(opcode, payload, cookie, **override)
        self.ring()
        return result

    def sent(self, slot, timeout=TIMEOUT_S):
        """Wait until the device has completed the send descriptor in @slot."""
        wait_for(lambda: self.atq.flags(slot) & DD, f"completion of ATQ slot {slot}", timeout)
        return self.atq.desc(slot)

    def pending(self):
        """Tell whether the next receive descriptor has been filled."""
        return self.arq.flags(self.arq_next) & DD

    def take(self, repost=True):
        """Take the filled descriptor at the head of the receive ring."""
        slot = self.arq_next
        desc = self.arq.desc(slot)
        assert desc.flags & DD, "no message there"
        assert desc.datalen <= BUF_SIZE, f"message of {desc.datalen} bytes"
        data = self.port.mem.read(self.arq.bufs[slot], desc.datalen)
        # a stale DD must not be taken for a new message on the next round
        self.port.mem.set(self.arq.addr + slot * DESC.size, "H", 0)
        self.arq_next = (slot + 1) % self.length
        if repost:
            self.post(1)
        return Reply(desc.vc_opcode & 0xfffffff, desc.vc_retval, desc.sw_cookie, data, desc, slot)

    def recv(self, timeout=TIMEOUT_S, repost=True):
        """Return the next message, events included."""
        wait_for(self.pending, "message in the receive ring", timeout)
        return self.take(repost)

    def reply(self, opcode, cookie, timeout=TIMEOUT_S):
        """Return the reply to a message; events that come before it are kept."""
        while True:
            reply = self.recv(timeout)
            if reply.opcode == Op.EVENT and opcode != Op.EVENT:
                self.events.append(reply)
                continue
            assert reply.opcode == int(opcode), f"reply to {reply.opcode}, not {int(opcode)}"
            assert reply.cookie == cookie, f"cookie {reply.cookie:#x}, not {cookie:#x}"
            return reply

    def exchange(self, opcode, payload=b"", **override):
        """Send a message and return its reply, good or bad."""
        slot, cookie = self.send(opcode, payload, **override)
        reply = self.reply(opcode, cookie)
        desc = self.sent(slot)
        assert desc.sw_cookie == cookie, "the completion changed the cookie"
        return reply

    def call(self, opcode, payload=b"", **override):
        """Send a message which must be accepted; return the reply's data."""
        reply = self.exchange(opcode, payload, **override)
        if reply.retval:
            raise CallError(reply)
        return reply.data

    def refuse(self, opcode, status, payload=b"", **override):
        """Send a message which must be refused, with @status and without data."""
        reply = self.exchange(opcode, payload, **override)
        assert reply.retval == status, \
            f"opcode {int(opcode)} with {payload[:48].hex()}: {reply.retval}, not {status!r}"
        assert not reply.data, f"opcode {int(opcode)}: refused with {len(reply.data)} bytes"

    def event(self, timeout=TIMEOUT_S):
        """Return the next event."""
        if self.events:
            return self.events.pop(0)
        reply = self.recv(timeout)
        assert reply.opcode == Op.EVENT, f"opcode {reply.opcode} instead of an event"
        return reply
