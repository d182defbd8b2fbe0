# SPDX-License-Identifier: GPL-2.0-only
"""A hostile guest: seeded random messages, registers, descriptors and memory.

Each test makes --fuzz-steps random steps from --fuzz-seed on, and then shows that
the NIC still works for a well-behaved driver on the same and on the other port. The
seed and the step at which a NIC died stand in the failure's message."""

import os
import random
import struct
import threading
import time

import pytest

from niclib import frames, pci
from niclib import queues as q
from niclib import vfu as v
from niclib import virtchnl as vc
from niclib.driver import Port, Setup, Vport, bring_up
from niclib.mailbox import BUF_SIZE
from niclib.regs import LEN_ENABLE, MAILBOX_REGS
from niclib.virtchnl import Op

# Values at which things break
EDGES = (0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 511, 512,
         1023, 1024, 4095, 4096, 8191, 9728, 16383, 16384, 0x7fff, 0x8000, 0xffff, 0x10000,
         0x7fffffff, 0x80000000, 0xffffffff, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 4096,
         (1 << 64) - 1)


class Fuzz(random.Random):
    """Random numbers with a taste for borders."""

    steps = 0

    def number(self, bits):
        """Return a number of @bits bits."""
        kind = self.randrange(4)
        if kind == 0:
            return self.getrandbits(bits)
        if kind == 1:
            return self.randrange(20)
        return self.choice(EDGES) & (1 << bits) - 1

    def address(self, mem):
        """Return an address, mostly in guest memory."""
        kind = self.randrange(8)
        if kind < 5:
            return mem.base + self.randrange(mem.size)
        if kind < 7:
            return mem.base + mem.size - self.randrange(200)
        return self.number(64)

    def mutate(self, data):
        """Return @data with some bytes changed, cut or added."""
        data = bytearray(data)
        for _ in range(self.randrange(4)):
            if data:
                place = self.randrange(len(data))
                size = self.choice((1, 2, 4))
                data[place:place + size] = self.number(8 * size).to_bytes(size, "little")
        kind = self.randrange(12)
        if kind == 0:
            del data[self.randrange(len(data) + 1):]
        elif kind == 1:
            data += self.randbytes(self.randrange(100))
        return bytes(data)


@pytest.fixture(name="fuzz")
def _fuzz(request):
    """A seeded generator with the number of steps."""
    fuzz = Fuzz(request.config.getoption("--fuzz-seed"))
    fuzz.steps = request.config.getoption("--fuzz-steps")
    return fuzz


@pytest.fixture(name="witness")
def _witness(nic):
    """After the test: two fresh drivers can talk to each other."""
    yield
    nic.alive()
    links = [bring_up(nic, i) for i in (0, 1)]
    for (_, one), (_, two) in (links, reversed(links)):
        one.send(frames.plain(1000))
        assert two.recv()[0].frame == frames.plain(1000)
    for port, _ in links:
        port.close()


def every(step, period, check):
    """Call @check at every @period-th step."""
    if step % period == period - 1:
        check()


def test_messages(nic, fuzz, witness):
    """Random and mutated vfio-user messages, with and without descriptors."""
    assert witness is None
    client = nic.connect()
    memory = os.memfd_create("fuzz")
    os.ftruncate(memory, 1 << 20)
    good = [
        (v.DMA_MAP, struct.pack("<IIQQQ", 32, 3, 0, 0x100000, 0x10000)),
        (v.DMA_UNMAP, struct.pack("<IIQQ", 24, 0, 0x100000, 0x10000)),
        (v.DMA_UNMAP, struct.pack("<IIQQ", 24, 2, 0, 0)),
        (v.GET_INFO, struct.pack("<IIII", 16, 0, 0, 0)),
        (v.REGION_INFO, struct.pack("<IIIIQQ", 32, 0, 0, 0, 0, 0)),
        (v.IRQ_INFO, struct.pack("<IIII", 16, 0, 2, 0)),
        (v.SET_IRQS, struct.pack("<IIIII", 20, 0x24, 2, 0, 1)),
        (v.SET_IRQS, struct.pack("<IIIII", 20, 0x21, 2, 0, 0)),
        (v.REGION_READ, struct.pack("<QII", 0, 7, 256)),
        (v.REGION_READ, struct.pack("<QII", 0x08400008, 0, 4)),
        (v.REGION_WRITE, struct.pack("<QIII", 0x08400008, 0, 4, 0x80000040)),
        (v.REGION_WRITE, struct.pack("<QIIH", 4, 7, 2, 6)),
        (v.WRITE_MULTI, struct.pack("<QQII8s", 1, 0x08400024, 0, 4, b"\1")),
        (v.DEVICE_RESET, b"")]
    eventfd = os.eventfd(0, os.EFD_NONBLOCK)
    for step in range(fuzz.steps):
        cmd, payload = fuzz.choice(good)
        if fuzz.randrange(20) == 0:
            cmd = fuzz.number(16)
        payload = fuzz.mutate(payload)
        flags = fuzz.choice((0, 0, 0, 0, v.NO_REPLY, fuzz.number(32) & ~0x10))
        fds = [fuzz.choice((memory, eventfd)) for _ in range(fuzz.choice((0, 0, 1, 1, 2, 8)))]
        size = None
        if fuzz.randrange(100) == 0:
            size = fuzz.number(32)
        try:
            msg_id = client.send(cmd, payload, fds, flags, size)
            if size is None and not flags:
                client.reply_to(msg_id, cmd)
            elif size is not None or flags & 0xf or flags & ~0x3f:
                client.close()
                client = nic.connect()
        except v.VfuError:
            pass
        except (v.Closed, AssertionError, TimeoutError) as error:
            nic.alive()
            assert not isinstance(error, TimeoutError), f"no answer at step {step}"
            client.close()
            client = nic.connect()
        every(step, 500, nic.alive)
    client.close()
    os.close(memory)
    os.close(eventfd)


def test_framing(nic, fuzz, witness):
    """Streams of random bytes instead of messages."""
    assert witness is None
    for _ in range(max(fuzz.steps // 100, 10)):
        client = v.Client(nic.paths[0])
        try:
            if fuzz.randrange(2):
                client.version()
            client.send_raw(fuzz.randbytes(fuzz.randrange(1, 3000)))
        except (v.Closed, v.VfuError, OSError):
            pass
        client.close()
    nic.alive()


def test_registers(nic, fuzz, witness):
    """Random writes of all sizes to BAR0, the MSI-X BAR and the configuration space."""
    assert witness is None
    port, vport = bring_up(nic, 0)
    known = [getattr(port.regs, name) for name in MAILBOX_REGS]
    known += [port.regs.oicr_ena, port.regs.rstat, port.regs.ctrl]
    known += [port.dyn_ctl(i) for i in range(3)] + [port.itr(1, i) for i in range(3)]
    known += [vport.txqs[0].tail_reg, *(bufq.tail_reg for bufq in vport.rxqs[0].bufqs)]
    for step in range(fuzz.steps):
        kind = fuzz.randrange(10)
        size = fuzz.choice((4, 4, 4, 1, 2, 8))
        if kind < 7:
            region, offset = 0, fuzz.choice(known)
        elif kind < 8:
            region, offset = 0, fuzz.randrange(port.regs.bar_size - 8)
        elif kind < 9:
            region, offset = v.REGION_CONFIG, fuzz.randrange(4096 - 8)
        else:
            region, offset = 4, fuzz.randrange(0xfff0)
        port.vfu.post(region, offset, fuzz.number(8 * size).to_bytes(size, "little"))
        if fuzz.randrange(4) == 0:
            port.vfu.read(region, offset, size)
        if fuzz.randrange(50) == 0:
            port.vfu.set_config(pci.COMMAND, "H", 6)
        every(step, 500, nic.alive)
    port.close()


def random_payload(fuzz, vport):
    """Return (opcode, payload) of a mutated message that was good once."""
    number = vport.ident if fuzz.randrange(20) else fuzz.number(32)
    chunks = [fuzz.choice(vport.chunks()) for _ in range(fuzz.randrange(1, 5))]
    infos = [*vport.tx_info(0)]
    rxq = vport.rxqs[0]
    rx_infos = [vc.RXQ_INFO.pack(**vport.buf_fields(bufq)) for bufq in rxq.bufqs]
    rx_infos.append(vc.RXQ_INFO.pack(**vport.rx_fields(rxq)))
    maps = [(fuzz.choice((0, 1)), 0, fuzz.randrange(4), fuzz.randrange(3))]
    macs = [fuzz.randbytes(6) for _ in range(fuzz.randrange(1, 5))]
    return fuzz.choice((
        (Op.VERSION, vc.VERSION.pack(major=2)),
        (Op.GET_CAPS, vc.CAPS.pack(**vc.IDPF_WISH)),
        (Op.CREATE_VPORT, vc.CREATE_VPORT.pack(
            txq_model=1, rxq_model=1, num_tx_q=2, num_tx_complq=2, num_rx_q=2, num_rx_bufq=4)),
        (Op.DESTROY_VPORT, vc.vport(number)),
        (Op.ENABLE_VPORT, vc.vport(number)),
        (Op.DISABLE_VPORT, vc.vport(number)),
        (Op.CONFIG_TX_QUEUES, vc.CONFIG_TX.pack(vport_id=number, num_qinfo=2) + b"".join(infos)),
        (Op.CONFIG_RX_QUEUES, vc.CONFIG_RX.pack(vport_id=number, num_qinfo=3)
         + b"".join(rx_infos)),
        (Op.ENABLE_QUEUES, vc.queue_chunks(number, chunks)),
        (Op.DISABLE_QUEUES, vc.queue_chunks(number, chunks)),
        (Op.DEL_QUEUES, vc.queue_chunks(number, chunks)),
        (Op.ADD_QUEUES, vc.ADD_QUEUES.pack(vport_id=number, num_tx_q=1, num_tx_complq=1,
                                           num_rx_q=1, num_rx_bufq=2)),
        (Op.MAP_QUEUE_VECTOR, vc.vector_maps(number, maps)),
        (Op.UNMAP_QUEUE_VECTOR, vc.vector_maps(number, maps)),
        (Op.SET_RSS_KEY, vc.rss_key(number, fuzz.randbytes(52))),
        (Op.GET_RSS_KEY, vc.RSS_KEY.pack(vport_id=number)),
        (Op.SET_RSS_LUT, vc.rss_lut(number, [fuzz.randrange(3)] * fuzz.randrange(70))),
        (Op.GET_RSS_LUT, vc.RSS_LUT.pack(vport_id=number, lut_entries=64)),
        (Op.SET_RSS_HASH, vc.RSS_HASH.pack(vport_id=number, ptype_groups=fuzz.number(64))),
        (Op.GET_RSS_HASH, vc.RSS_HASH.pack(vport_id=number)),
        (Op.GET_PTYPE_INFO, vc.PTYPE_INFO.pack(num_ptypes=58)),
        (Op.GET_STATS, vc.STATS.pack(vport_id=number)),
        (Op.GET_PORT_STATS, struct.pack("<I", number) + bytes(fuzz.choice((0, 4, 700)))),
        (Op.GET_EDT_CAPS, bytes(fuzz.choice((0, 24)))),
        (Op.LOOPBACK, vc.LOOPBACK.pack(vport_id=number, enable=fuzz.randrange(3))),
        (Op.ADD_MAC_ADDR, vc.mac_list(number, macs, fuzz.randrange(1, 3))),
        (Op.DEL_MAC_ADDR, vc.mac_list(number, macs, fuzz.randrange(1, 3))),
        (Op.CONFIG_PROMISC, vc.PROMISC.pack(vport_id=number, flags=fuzz.randrange(4))),
        (Op.ALLOC_VECTORS, vc.ALLOC_VECTORS.pack(num_vectors=2)),
        (Op.DEALLOC_VECTORS, vc.VECTOR_CHUNKS.pack(num_vchunks=1) + vc.VECTOR_CHUNK.pack(
            start_vector_id=1, num_vectors=2)),
        (Op.GET_LAN_MEMORY_REGIONS, vc.LAN_REGIONS.pack(num_memory_regions=1) + bytes(16)),
        (Op.SET_SRIOV_VFS, vc.SRIOV.pack(num_vfs=1)),
        (Op.EVENT, vc.EVENT.pack()),
        (fuzz.number(28), fuzz.randbytes(fuzz.randrange(200)))))


def test_control_plane(nic, fuzz, witness):
    """Mutated control plane messages: each one is answered, whatever it says."""
    assert witness is None
    port, vport = bring_up(nic, 0)
    other, sender = bring_up(nic, 1)
    for step in range(fuzz.steps):
        opcode, payload = random_payload(fuzz, vport)
        if fuzz.randrange(3):
            payload = fuzz.mutate(payload)
        if fuzz.randrange(200) == 0:
            payload = payload.ljust(BUF_SIZE, b"\xff")
        if opcode == Op.RESET_VF:
            continue
        slot, cookie = port.mbx.send(opcode, payload)
        reply = port.mbx.recv()
        while reply.opcode == Op.EVENT and reply.cookie != cookie:
            reply = port.mbx.recv()
        assert reply.cookie == cookie, f"step {step}, opcode {int(opcode)}"
        port.mbx.sent(slot)
        port.mbx.events.clear()
        if fuzz.randrange(20) == 0:
            sender.txqs[0].put_frame(frames.plain(fuzz.randrange(60, 3000)))
            sender.txqs[0].ring()
            for reg in (vport.txqs[0].tail_reg, vport.rxqs[0].bufqs[0].tail_reg):
                port.wr32(reg, fuzz.randrange(64))
            while sender.complqs[0].poll():
                pass
            sender.port.mem.next = min(sender.port.mem.next, 48 << 20)
        every(step, 500, nic.alive)
    port.close()
    other.close()


def test_mailbox_descriptors(nic, fuzz, witness):
    """Random mailbox descriptors, ring registers and memory of the rings."""
    assert witness is None
    port = Port(nic, 0)
    port.ready()
    mbx = port.start_mailbox()
    for step in range(fuzz.steps):
        ring = fuzz.choice((mbx.atq, mbx.arq))
        slot = fuzz.randrange(64)
        addr = fuzz.address(port.mem)
        ring.set_desc(slot, flags=fuzz.number(16), opcode=fuzz.choice((0x0801, fuzz.number(16))),
                      datalen=fuzz.number(16), vc_opcode=fuzz.choice((1, 500, 501, 520, 526)),
                      sw_cookie=fuzz.number(16), addr_high=addr >> 32, addr_low=addr & 0xffffffff)
        kind = fuzz.randrange(8)
        if kind == 0:
            port.wr32(getattr(port.regs, fuzz.choice(MAILBOX_REGS)), fuzz.number(32))
        elif kind == 1:
            name = fuzz.choice(("atq", "arq"))
            port.wr32(getattr(port.regs, name + "bal"), ring.addr & 0xffffffff)
            port.wr32(getattr(port.regs, name + "bah"), ring.addr >> 32)
            port.wr32(getattr(port.regs, name + "len"), LEN_ENABLE | fuzz.choice((64, 2, 1023)))
        elif kind < 5:
            port.wr32(port.regs.atqt, fuzz.randrange(64))
        elif kind < 7:
            port.wr32(port.regs.arqt, fuzz.randrange(64))
        else:
            port.flush()
        every(step, 500, nic.alive)
    port.close()


def test_descriptors(nic, fuzz, witness):
    """Random send descriptors, buffer descriptors and tails on configured queues."""
    assert witness is None
    links = [bring_up(nic, i, Setup(pairs=2, hdr_size=128 * i, buf_sizes=(512, 256)))
             for i in (0, 1)]
    canary = [port.mem.alloc(4096, 4096) for port, _ in links]
    for step in range(fuzz.steps):
        port, vport = fuzz.choice(links)
        txq, rxq = fuzz.choice(vport.txqs), fuzz.choice(vport.rxqs)
        kind = fuzz.randrange(10)
        if kind < 4:
            dtype = fuzz.choice((12, 12, 12, 5, 7, 1, 0, fuzz.randrange(32)))
            txq.put_raw(q.TX_DESC.pack(
                buf_addr=fuzz.address(port.mem), cmd_dtype=dtype | fuzz.randrange(8) << 5,
                ts=fuzz.randbytes(3), compl_tag=fuzz.number(16), rxr_bufsize=fuzz.number(16)))
        elif kind < 6:
            txq.put_raw(fuzz.randbytes(16))
        elif kind < 8:
            txq.ring()
        elif kind < 9:
            bufq = fuzz.choice(rxq.bufqs)
            # stays inside of maps: what is written there is the guest's own fault
            bufq.put_raw(fuzz.number(16), fuzz.address(port.mem) if fuzz.randrange(9) == 0
                         else port.mem.base + port.mem.size - 8192, fuzz.number(64)
                         if fuzz.randrange(9) == 0 else 0)
            bufq.ring()
        else:
            port.wr32(fuzz.choice((txq.tail_reg, rxq.bufqs[0].tail_reg)), fuzz.number(32))
        if fuzz.randrange(300) == 0:
            links = [relink(*link) for link in links]
        every(step, 500, nic.alive)
    assert canary
    for port, _ in links:
        port.close()


def relink(port, vport):
    """Reset a function and bring it up again in the same memory."""
    port.vfu.set_config(pci.COMMAND, "H", 6)
    port.reset()
    port.mem.next = 4096
    port.mem.map[:16 << 20] = bytes(16 << 20)
    port.mbx = None
    port.negotiate()
    port.alloc_vectors()
    return port, Vport(port, vport.setup).start()


def test_maps_under_traffic(nic, fuzz, witness):
    """Memory comes and goes under traffic in both directions."""
    assert witness is None
    links = [bring_up(nic, i) for i in (0, 1)]
    for _ in range(max(fuzz.steps // 20, 20)):
        for port, vport in links:
            vport.txqs[0].put_frame(frames.plain(1500))
            vport.txqs[0].ring()
            port.mem.next = min(port.mem.next, 32 << 20)
        port, _ = fuzz.choice(links)
        port.mem.detach(port.vfu)
        if fuzz.randrange(4) == 0:
            nic.control("stats")
        port.mem.attach(port.vfu, fuzz.choice((1, 2, 3, 3, 3)))
    for port, _ in links:
        port.close()


def test_two_hostile_guests(nic, fuzz, witness):
    """Connections, resets and disconnections on both ports in any order."""
    assert witness is None
    ports = [None, None]
    for _ in range(max(fuzz.steps // 40, 20)):
        index = fuzz.randrange(2)
        if ports[index] is None:
            ports[index] = bring_up(nic, index)
        port, vport = ports[index]
        kind = fuzz.randrange(4)
        for _ in range(8):
            vport.txqs[0].put_frame(frames.plain(fuzz.randrange(17, 9728)))
        vport.txqs[0].ring()
        if kind == 0:
            port.close()
            ports[index] = None
        elif kind == 1:
            port.vfu.device_reset()
            ports[index] = relink(port, vport)
        elif kind == 2:
            port.close()
            ports[index] = bring_up(nic, index)
    for link in ports:
        if link is not None:
            link[0].close()


def test_flood_of_locks(make_nic):
    """A guest that only sets its mailbox up, again and again, leaves others their frames."""
    nic = make_nic(("", "", "", ""))
    flood = Port(nic, 2)
    flood.ready()
    data = struct.pack("<QIII", flood.regs.atqlen, 0, 4, LEN_ENABLE | 64)
    message = v.HEADER.pack(0, v.REGION_WRITE, v.HEADER.size + len(data), v.NO_REPLY, 0) + data
    links = [bring_up(nic, i) for i in (0, 1)]
    sent = threading.Event()
    stop = threading.Event()

    def write():
        while not stop.is_set():
            flood.vfu.send_raw(message * 500)
            sent.set()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert sent.wait(10)
        start = time.monotonic()
        for number in range(100):
            links[0][1].send(frames.plain(100, seed=number))
            assert links[1][1].recv()[0].frame == frames.plain(100, seed=number)
        assert time.monotonic() - start < 8
    finally:
        stop.set()
        thread.join()
    for port, _ in links:
        port.close()
    flood.close()
