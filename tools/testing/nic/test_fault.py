# SPDX-License-Identifier: GPL-2.0-only
"""Faults by name: each does what it says, as often as it says, and then no more."""

import itertools
import socket
import struct
import subprocess

import pytest

from niclib import frames
from niclib import virtchnl as vc
from niclib.driver import BAR0, Port, Vport
from niclib.mailbox import CallError
from niclib.nic import binary, environment
from niclib.queues import COMPL_RS, RX_LEN
from niclib.regs import RSTAT_MASK
from niclib.vfu import HEADER, REGION_READ
from niclib.virtchnl import Op
from niclib.wait import wait_for

REPLY_FAULTS = ("request-refuse", "reply-lost", "reply-late", "reply-short", "reply-opcode",
                "reply-cookie", "reply-status", "reply-corrupt", "reply-twist", "reply-twice",
                "reply-stray")


@pytest.fixture(name="fault")
def _fault(nic):
    """A function that arms faults; all of them are off at the end."""
    used = set()

    def arm(spec):
        answer = nic.control(f"fault {spec}")
        assert answer == {"fault": spec}, answer
        used.add(spec.split("=")[0].split(":")[0].split("@")[0])

    yield arm
    for name in used:
        nic.control(f"fault {name}=off")


def state(nic, name, port=0):
    """Return what the NIC says of a fault of a port."""
    return nic.control("faults")["ports"][port]["faults"][name]


def is_reset(port):
    """Tell whether the function has lost its mailbox."""
    return port.rd32(port.regs.arqlen) == 0


def restart(vport):
    """Start a function again after a reset, as a driver would."""
    port = vport.port
    port.ready()
    port.mbx = None
    port.negotiate()
    port.alloc_vectors()
    return Vport(port, vport.setup).start()


def carries(one, two, size=200):
    """Check that a frame goes from @one to @two unchanged."""
    one.send(frames.plain(size))
    assert two.recv()[0].frame == frames.plain(size)


# Words

@pytest.mark.parametrize("spec", [
    "nonsense", "reset=x", "reset=-1", "reset=600001", "reset:count=x", "reset:rate=5",
    "reset:nonsense=1", "reset:count", "reset@port9", "reply-lost=3", "reply-late:op=NONSENSE",
    "reply-short=4097", "reply-stray=33", "reply-twist:op=GET_CAPS", "reply-cookie=65536",
    "tx-stuck=16", "irq-lost=64", "irq-lost:rate=10",
    "compl-corrupt=id", "rx-corrupt=len,nonsense", "rx-corrupt=", "wire-loss", "wire-loss=0",
    "wire-loss=101", "wire-loss=nan", "wire-loss=5x", "wire-delay=600000001", "reset=", "=", "@",
    ":", ""])
def test_refused(nic, spec):
    """What is not understood is refused with a reason, at run time and at start."""
    if spec:
        assert "error" in nic.control(f"fault {spec}")
    result = subprocess.run([binary(), "--port", "socket=/nonexistent/x", "--fault", spec],
                            env=environment(), capture_output=True, timeout=20, check=False)
    assert result.returncode == 2 and result.stderr


def test_list(nic):
    """All faults are off at first and stand in the list of each port and in the help."""
    ports = nic.control("faults")["ports"]
    text = subprocess.run([binary(), "--help"], env=environment(), capture_output=True,
                          timeout=20, check=True).stdout.decode()
    for port in ports:
        assert {*REPLY_FAULTS, "reset", "wire-loss"} <= set(port["faults"])
        for name, fault in port["faults"].items():
            assert fault["armed"] is False and name in text


def test_at_start(make_nic):
    """--fault arms faults before a driver comes, for the port that it names."""
    nic = make_nic(("", ""), ("--fault", "reply-status=201:op=GET_CAPS@port1",
                              "--fault", "wire-loss=100"))
    assert not state(nic, "reply-status")["armed"] and state(nic, "reply-status", 1)["armed"]
    assert state(nic, "wire-loss")["armed"] and state(nic, "wire-loss", 1)["armed"]
    port = Port(nic, 1)
    port.ready()
    port.start_mailbox()
    port.mbx.call(Op.VERSION, vc.VERSION.pack(major=2, minor=0))
    with pytest.raises(CallError) as info:
        port.get_caps()
    assert info.value.reply.retval == 201
    port.get_caps()
    port.close()


# The device

@pytest.mark.parametrize("hold_ms", [0, 1, 60])
def test_reset(nic, pair, fault, hold_ms):
    """The device resets itself: registers say so, an interrupt tells, all works again after."""
    one, two = pair
    port = one.port
    port.use_interrupts(2)
    carries(one, two)
    fault(f"reset={hold_ms}@port0")
    wait_for(lambda: is_reset(port), "the reset")
    assert port.interrupted(0, 5)
    one = restart(one)
    carries(one, two)
    carries(two, one)
    assert state(nic, "reset")["left"] == 0 and not state(nic, "reset")["armed"]


def test_reset_holds(pair, fault):
    """While the reset lasts the device does nothing; what is written then is forgotten."""
    port = pair[0].port
    fault("reset=300@port0")
    wait_for(lambda: is_reset(port), "the reset")
    assert not port.rd32(port.regs.rstat) & RSTAT_MASK
    port.wr32(port.regs.atqbal, 0x1000)
    port.wr32(port.regs.arqlen, 64 | 1 << 31)
    assert not port.rd32(port.regs.rstat) & RSTAT_MASK
    port.ready()
    assert is_reset(port) and port.rd32(port.regs.atqbal) == 0
    carries(restart(pair[0]), pair[1])


def test_reset_often(nic, pair, fault):
    """Several resets, the first one later; a driver keeps up."""
    one, two = pair
    before = state(nic, "reset")["hits"]
    fault("reset=20:count=3:after=20@port0")
    wait_for(lambda: state(nic, "reset")["hits"] == before + 3
             and not state(nic, "reset")["active"], "three resets")
    carries(restart(one), two)


def test_reset_is_one(make_nic):
    """Who polls the state sees one reset: it does not seem over before it has begun.

    What is traced makes the moment longer in which it might; as many reads as possible at once
    leave little time between two of them."""
    nic = make_nic(args=("--trace",))
    port = Port(nic, 0)
    access = struct.pack("<QII", port.regs.rstat, BAR0, 4)
    request = HEADER.pack(0, REGION_READ, HEADER.size + len(access), 0, 0) + access
    reply_len = len(request) + 4

    def rounds_of_one_reset():
        nic.control("fault reset=3:after=1@port0")
        going_on = True
        while going_on:
            for _ in range(4):
                port.vfu.sock.sendall(request * 256)
                replies = port.vfu.sock.recv(256 * reply_len, socket.MSG_WAITALL)
                yield from replies[len(request)::reply_len]
            now = state(nic, "reset")
            going_on = now["active"] or now["left"]

    for _ in range(200):
        states = [value for value, _ in itertools.groupby(rounds_of_one_reset())]
        assert states.count(0) <= 1, states
    port.close()


def test_reset_under_traffic(pair, fault):
    """A reset among frames harms nobody else."""
    one, two = pair
    for number in range(40):
        one.txqs[0].put_frame(frames.plain(1000, seed=number))
        two.txqs[0].put_frame(frames.plain(1000, seed=number))
    fault("reset=5@port0")
    one.txqs[0].ring()
    two.txqs[0].ring()
    assert two.complqs[0].take(40)
    one = restart(one)
    two.send(frames.plain(77))
    wait_for(lambda: (packet := one.rxqs[0].poll()) and packet.frame == frames.plain(77),
             "a frame after the reset")


def test_link_flap(nic, pair, fault):
    """The link goes down and comes back, as often as asked for; both ends are told."""
    one, two = pair
    for vport in pair:
        assert vc.EVENT.unpack(vport.port.mbx.event().data).link_status == 1
    fault("link-flap=30:count=2@port0")
    for vport in pair:
        for status in (0, 1, 0, 1):
            assert vc.EVENT.unpack(vport.port.mbx.event().data).link_status == status
    assert nic.control("stats")["ports"][0]["link"]
    carries(one, two)


# Mailbox

def get_stats(vport):
    """Send a harmless message; return slot and cookie."""
    return vport.port.mbx.send(Op.GET_STATS, vc.vport(vport.ident))


def reply_of(vport):
    """Return the next message that is no event."""
    while True:
        reply = vport.port.mbx.recv()
        if reply.opcode != Op.EVENT:
            return reply


def healthy(vport):
    """The mailbox works."""
    assert not vport.port.mbx.exchange(Op.GET_STATS, vc.vport(vport.ident)).retval


@pytest.mark.parametrize("name, runs", [("request-refuse", True), ("reply-status", False)])
def test_refusals(pair, fault, name, runs):
    """A message is answered with an error: by one fault it is not acted on, by the other it is."""
    one, two = pair
    fault(f"{name}=6:op=DISABLE_QUEUES@port1")
    reply = two.port.mbx.exchange(Op.DISABLE_QUEUES, vc.queue_chunks(two.ident, two.chunks()))
    assert reply.retval == 6 and not reply.data
    if runs:
        carries(one, two)
    else:
        one.send(frames.plain(200))
        one.port.stats()
        assert two.quiet()
    healthy(two)


def test_reply_lost(nic, pair, fault):
    """The message is acted on, its descriptor completed, and no answer comes."""
    one = pair[0]
    fault("reply-lost:count=2@port0")
    for _ in range(2):
        slot, _ = get_stats(one)
        one.port.mbx.sent(slot)
    healthy(one)
    assert state(nic, "reply-lost")["left"] == 0


def test_reply_lost_op(nic, pair, fault):
    """Only the operation that was named is not answered."""
    one = pair[0]
    fault("reply-lost:op=CONFIG_PROMISC:count=0@port0")
    hits = state(nic, "reply-lost")["hits"]
    healthy(one)
    one.port.mbx.sent(one.port.mbx.send(Op.CONFIG_PROMISC, vc.PROMISC.pack(
        vport_id=one.ident, flags=1))[0])
    healthy(one)
    assert one.port.stats()["vports"][0]["promisc_unicast"]
    assert state(nic, "reply-lost")["hits"] == hits + 1
    fault("reply-lost=off")
    one.call(Op.CONFIG_PROMISC, vc.PROMISC.pack(vport_id=one.ident, flags=0))


def test_reply_late(pair, fault):
    """The answer comes behind that of a later message, with its own cookie."""
    one = pair[0]
    fault("reply-late=40@port0")
    cookies = [get_stats(one)[1], get_stats(one)[1]]
    assert [reply_of(one).cookie for _ in cookies] == cookies[::-1]
    healthy(one)


def test_reply_late_reset(pair, fault):
    """A late answer does not outlive a reset."""
    one, two = pair
    fault("reply-late=30@port0")
    one.port.mbx.cookie = 0x7000
    slot, cookie = get_stats(one)
    one.port.mbx.sent(slot)
    one.port.reset()
    one = restart(one)
    fault("reply-late=60@port0")
    get_stats(one)
    assert reply_of(one).cookie != cookie
    carries(one, two)


def test_reply_fields(pair, fault):
    """Short answers, answers of other operations, to other messages, with an error."""
    one = pair[0]
    whole = len(one.call(Op.GET_STATS, vc.vport(one.ident)))
    fault("reply-short=6@port0")
    get_stats(one)
    assert len(reply_of(one).data) == 6 < whole
    fault("reply-opcode=GET_CAPS@port0")
    get_stats(one)
    assert reply_of(one).opcode == Op.GET_CAPS
    fault("reply-cookie=0x8001@port0")
    cookie = get_stats(one)[1]
    assert reply_of(one).cookie == cookie ^ 0x8001
    fault("reply-status=16@port0")
    get_stats(one)
    reply = reply_of(one)
    assert reply.retval == 16 and not reply.data
    healthy(one)


def test_reply_corrupt(pair, fault):
    """Random contents, in the named field only, the same for the same seed."""
    one = pair[0]
    seen = []
    for _ in range(2):
        fault("reply-corrupt=status:count=5:seed=9@port0")
        replies = []
        for _ in range(5):
            cookie = get_stats(one)[1]
            replies.append(reply_of(one))
            assert replies[-1].cookie == cookie and replies[-1].opcode == Op.GET_STATS
        seen.append([reply.retval for reply in replies])
    assert seen[0] == seen[1] and len(set(seen[0])) == 5
    fault("reply-corrupt=all:count=200:seed=2@port0")
    for _ in range(200):
        get_stats(one)
        assert len(one.port.mbx.recv().data) <= 4096
    healthy(one)


TWISTS = {
    "caps-less": Op.GET_CAPS, "caps-more": Op.GET_CAPS, "caps-none": Op.GET_CAPS,
    "mbx-vector": Op.GET_CAPS, "mbx-register": Op.GET_CAPS,
    "vectors-moved": Op.ALLOC_VECTORS, "vectors-same": Op.ALLOC_VECTORS,
    "vectors-far": Op.ALLOC_VECTORS, "vectors-many": Op.ALLOC_VECTORS,
    "vectors-few": Op.ALLOC_VECTORS, "vectors-registers": Op.ALLOC_VECTORS,
    "queues-same": Op.CREATE_VPORT, "queues-far": Op.CREATE_VPORT,
    "queues-many": Op.CREATE_VPORT, "queues-none": Op.CREATE_VPORT,
    "queues-chunks": Op.CREATE_VPORT, "queues-types": Op.CREATE_VPORT,
    "queues-tails": Op.CREATE_VPORT, "vport-model": Op.CREATE_VPORT,
    "vport-frame": Op.CREATE_VPORT, "vport-rss": Op.CREATE_VPORT,
    "vport-lut": Op.CREATE_VPORT, "vport-mac": Op.CREATE_VPORT,
    "ptype-id": Op.GET_PTYPE_INFO, "ptype-protos": Op.GET_PTYPE_INFO,
    "ptype-many": Op.GET_PTYPE_INFO,
    "regions-far": Op.GET_LAN_MEMORY_REGIONS, "regions-long": Op.GET_LAN_MEMORY_REGIONS,
    "regions-many": Op.GET_LAN_MEMORY_REGIONS,
}


def setup_replies(port):
    """What a driver is told at its start, by operation, after a function reset."""
    port.reset()
    port.start_mailbox()
    mbx = port.mbx
    mbx.call(Op.VERSION, vc.VERSION.pack(major=2, minor=0))
    replies = {Op.GET_CAPS: mbx.call(Op.GET_CAPS, vc.CAPS.pack(**vc.IDPF_WISH))}
    replies[Op.GET_LAN_MEMORY_REGIONS] = mbx.call(
        Op.GET_LAN_MEMORY_REGIONS, vc.LAN_REGIONS.pack(num_memory_regions=1) + bytes(16))
    replies[Op.ALLOC_VECTORS] = mbx.call(Op.ALLOC_VECTORS, vc.ALLOC_VECTORS.pack(num_vectors=16))
    replies[Op.GET_PTYPE_INFO] = mbx.call(Op.GET_PTYPE_INFO,
                                          struct.pack("<HHI", 0, 50, 0))
    replies[Op.CREATE_VPORT] = mbx.call(Op.CREATE_VPORT, vc.CREATE_VPORT.pack(
        txq_model=1, rxq_model=1, num_tx_q=2, num_tx_complq=2, num_rx_q=2, num_rx_bufq=2))
    return replies


def test_reply_twist(nic, make_port, fault):
    """Each twist changes the reply that it is for, once, and no other."""
    port = make_port(0)
    port.ready()
    port.start_mailbox()
    honest = setup_replies(port)
    assert setup_replies(port) == honest
    for twist, opcode in TWISTS.items():
        fault(f"reply-twist={twist}@port0")
        replies = setup_replies(port)
        assert not state(nic, "reply-twist")["armed"], twist
        assert {op for op, reply in honest.items() if replies[op] != reply} == {opcode}, twist
        assert len(replies[opcode]) <= 4096
    assert setup_replies(port) == honest


def test_reply_twist_any(nic, make_port, fault):
    """A list of twists, each where it fits; the same seed does the same."""
    port = make_port(0)
    port.ready()
    port.start_mailbox()
    runs = []
    for _ in range(2):
        fault("reply-twist=caps-less,caps-none,vport-lut,vport-mac:count=2:seed=3@port0")
        hits = state(nic, "reply-twist")["hits"]
        runs.append(setup_replies(port))
        assert state(nic, "reply-twist")["hits"] == hits + 2
    assert runs[0] == runs[1]
    assert "error" in nic.control("fault reply-twist=caps-odd")


def test_reply_twice(pair, fault):
    """An answer comes twice, with the same cookie."""
    one = pair[0]
    fault("reply-twice@port0")
    cookie = get_stats(one)[1]
    first, second = reply_of(one), reply_of(one)
    assert first.cookie == second.cookie == cookie and first.data == second.data
    healthy(one)


def test_reply_stray(pair, fault):
    """Messages that nobody asked for come before the answer."""
    one = pair[0]
    fault("reply-stray=32:seed=2@port0")
    cookie = get_stats(one)[1]
    replies = [one.port.mbx.recv() for _ in range(33)]
    assert replies[32].cookie == cookie and replies[32].opcode == Op.GET_STATS
    assert len({(reply.opcode, reply.cookie, bytes(reply.data)) for reply in replies}) == 33
    healthy(one)


# Queues and vectors

@pytest.mark.parametrize("which", ["", "=0"])
def test_tx_stuck(pair, fault, which):
    """A stuck queue sends nothing; switched off, it goes on where it was."""
    one, two = pair
    fault(f"tx-stuck{which}@port0")
    tag = one.txqs[0].put_frame(frames.plain(100))
    one.txqs[0].ring()
    one.port.flush()
    carries(two, one)
    assert one.complqs[0].poll() is None and two.quiet()
    fault("tx-stuck=off")
    assert one.complqs[0].take()[0].value == tag
    assert two.recv()[0].frame == frames.plain(100)


def test_tx_stuck_reset(nic, pair, fault):
    """A stuck queue answers no disabling with a marker, and a reset ends it."""
    one, two = pair
    fault("tx-stuck=0@port0")
    one.call(Op.DISABLE_QUEUES, vc.queue_chunks(one.ident, one.chunks()))
    assert one.complqs[0].poll() is None
    one.port.reset()
    carries(restart(one), two)
    assert not state(nic, "tx-stuck")["armed"]


def test_tx_stuck_other(pair, fault):
    """Another queue than the stuck one works."""
    fault("tx-stuck=1@port0")
    carries(*pair)


def test_rx_stuck(pair, fault):
    """A stuck receive queue loses frames; the sender is not held up."""
    one, two = pair
    fault("rx-stuck=0@port1")
    for _ in range(5):
        one.send(frames.plain(100))
    two.port.stats()
    assert two.quiet()
    fault("rx-stuck=off")
    carries(one, two)


def test_compl_corrupt(pair, fault):
    """A completion with a wrong tag, once; then right ones."""
    one, two = pair
    fault("compl-corrupt=tag:seed=3@port0")
    tags = [one.txqs[0].put_frame(frames.plain(100)) for _ in range(3)]
    one.txqs[0].ring()
    entries = one.complqs[0].take(3)
    assert entries[0].value != tags[0] and entries[0].kind == COMPL_RS
    assert [entry.value for entry in entries[1:]] == tags[1:]
    assert len(two.recv(count=3)) == 3


@pytest.mark.parametrize("seed", range(1, 7))
def test_compl_corrupt_gen(pair, fault, seed):
    """A strike at a field of one bit changes it, whatever the random number."""
    one, two = pair
    complq = one.complqs[0]
    fault(f"compl-corrupt=gen:seed={seed}@port0")
    tags = [one.txqs[0].put_frame(frames.plain(100)) for _ in range(2)]
    one.txqs[0].ring()
    complq.next = 1
    assert complq.take()[0].value == tags[1]
    complq.next = 0
    assert complq.poll() is None
    assert len(two.recv(count=2)) == 2


def test_rx_corrupt(pair, fault):
    """A descriptor with a wrong length, once."""
    one, two = pair
    fault("rx-corrupt=len:seed=5@port1")
    one.send(frames.plain(100))
    desc = wait_for(two.rxqs[0].poll_desc, "a descriptor")
    assert desc.len_gen_bufq & RX_LEN != 100
    bufq = two.rxqs[0].bufqs[desc.len_gen_bufq >> 15]
    assert two.port.mem.read(bufq.bufs[desc.buf_id][0], 100) == frames.plain(100)
    carries(one, two)


def test_irq_lost(pair, fault):
    """An interrupt is lost as if it had been given: the vector is off until it is enabled."""
    one, two = pair
    port = two.port
    port.use_interrupts(2)
    port.enable_vector(1)
    port.flush()
    fault("irq-lost=1@port1")
    carries(one, two)
    port.stats()
    assert not port.interrupted(1) and not port.rd32(port.dyn_ctl(1)) & 1
    port.enable_vector(1)
    port.flush()
    carries(one, two)
    assert port.interrupted(1, 5)


# Wires

def send_many(one, count, size=100):
    """Send numbered frames, a few at a time."""
    for start in range(0, count, 16):
        for number in range(start, min(start + 16, count)):
            one.txqs[0].put_frame(number.to_bytes(2, "big").join(
                (frames.plain(14), bytes(size - 16))))
        one.txqs[0].ring()
        one.complqs[0].take(min(16, count - start))


def numbers(vport):
    """Return the numbers of all frames that have arrived."""
    result = []
    while (packet := vport.rxqs[0].poll()) is not None:
        result.append(int.from_bytes(packet.frame[14:16], "big"))
    return result


def flow(one, two, count):
    """Send @count numbered frames; return those that have arrived."""
    result = []
    for _ in range(count // 16):
        send_many(one, 16)
        two.port.stats()
        result.append(numbers(two))
    return result


@pytest.mark.parametrize("percent, least, most", [(100, 160, 160), (30, 20, 80)])
def test_wire_loss(nic, pair, fault, percent, least, most):
    """Frames are lost, as many as asked for; the sender does not notice."""
    one, two = pair
    before = state(nic, "wire-loss")["hits"]
    fault(f"wire-loss={percent}:seed=4@port0")
    arrived = sum(len(group) for group in flow(one, two, 160))
    assert least <= 160 - arrived <= most
    assert state(nic, "wire-loss")["hits"] - before == 160 - arrived
    carries(two, one)


def test_wire_loss_seed(pair, fault):
    """The same seed loses the same frames."""
    one, two = pair
    runs = []
    for seed in (1, 1, 2):
        fault(f"wire-loss=50:seed={seed}@port0")
        runs.append(flow(one, two, 64))
    assert runs[0] == runs[1] != runs[2]


def test_wire_count(pair, fault):
    """Only so many frames are lost."""
    fault("wire-loss=100:count=3@port0")
    assert flow(*pair, 16) == [list(range(3, 16))]


def test_wire_reorder(pair, fault):
    """A frame is overtaken by the next; none is lost."""
    one, two = pair
    fault("wire-reorder=20:seed=1@port0")
    send_many(one, 160 // 10)
    got = []
    wait_for(lambda: got.extend(numbers(two)) or len(got) == 16, "all frames")
    assert sorted(got) == list(range(16)) != got


def test_wire_reorder_last(pair, fault):
    """A frame that nobody overtakes arrives nevertheless."""
    fault("wire-reorder=100@port0")
    carries(*pair)


def test_wire_duplicate(pair, fault):
    """Frames arrive twice."""
    fault("wire-duplicate=100:count=4@port0")
    assert flow(*pair, 16) == [[0, 0, 1, 1, 2, 2, 3, 3, *range(4, 16)]]


def test_wire_corrupt(pair, fault):
    """One bit is changed, in no address."""
    one, two = pair
    fault("wire-corrupt=100:seed=8@port0")
    sent = frames.plain(500)
    for _ in range(30):
        one.send(sent)
        got = two.recv()[0].frame
        changed = int.from_bytes(got, "big") ^ int.from_bytes(sent, "big")
        assert bin(changed).count("1") == 1 and got[:12] == sent[:12]


def test_wire_delay(pair, fault):
    """Frames are on their way for a while, arrive in order, and none is lost."""
    one, two = pair
    fault("wire-delay=50000@port0")
    send_many(one, 16)
    assert two.quiet()
    got = []
    wait_for(lambda: got.extend(numbers(two)) or len(got) == 16, "all frames")
    assert got == list(range(16))
    fault("wire-delay=400000@port0")
    send_many(one, 16)
    fault("wire-delay=off")
    carries(two, one)
    wait_for(lambda: got.extend(numbers(two)) or len(got) == 32, "all frames")
    assert got[16:] == list(range(16))


def test_wire_all(pair, fault):
    """All of them together, and the NIC lives; frames on their way when it ends leak nothing."""
    one, two = pair
    for name in ("loss", "reorder", "duplicate", "corrupt"):
        fault(f"wire-{name}=20")
    fault("wire-delay=200")
    for _ in range(5):
        send_many(one, 48)
        send_many(two, 48)
        for vport in pair:
            numbers(vport)
            vport.port.stats()


def test_end_with_frames(make_nic, make_port):
    """A NIC that ends while frames and replies are under way frees them."""
    nic = make_nic(("", ""), ("--fault", "wire-delay=60000000", "--fault",
                              "reply-late=60000:op=GET_STATS"))
    ports = [Port(nic, index) for index in (0, 1)]
    for port in ports:
        port.ready()
        port.negotiate()
        port.alloc_vectors()
    vports = [Vport(port).start() for port in ports]
    send_many(vports[0], 16)
    vports[0].port.mbx.sent(get_stats(vports[0])[0])
    nic.stop()
    for port in ports:
        port.close()
    make_port(0)


# Hostile

@pytest.mark.parametrize("spec", ["nonsense", "rx.nonsense", "", "rx:x", "rx:1:0", "rx:1:2:3",
                                  "rxlen", "compl.id"])
def test_hostile_refused(spec):
    """Fields that do not exist are refused at the start."""
    result = subprocess.run([binary(), "--port", "socket=/nonexistent/x", "--hostile", spec],
                            env=environment(), capture_output=True, timeout=20, check=False)
    assert result.returncode == 2 and result.stderr


def test_hostile(make_nic):
    """A hostile NIC writes random fields but no byte where it should not."""
    nic = make_nic(("", ""), ("--hostile", "rx,compl.tag,compl.type:7:50"))
    ports = [Port(nic, index) for index in (0, 1)]
    for port in ports:
        port.ready()
        port.negotiate()
        port.alloc_vectors()
    one, two = (Vport(port).start() for port in ports)
    for _ in range(20):
        one.txqs[0].put_frame(frames.plain(300))
    one.txqs[0].ring()
    one.complqs[0].take(20)
    stats = nic.control("faults")["ports"]
    assert 0 < stats[0]["faults"]["compl-corrupt"]["hits"] < 20
    assert 0 < stats[1]["faults"]["rx-corrupt"]["hits"] < 20
    for bufq in two.rxqs[0].bufqs:
        for addr, _ in bufq.bufs.values():
            assert two.port.mem.read(addr, 300) in (frames.plain(300), bytes(300))
            assert not any(two.port.mem.read(addr + 300, bufq.buf_size - 300))
    for port in ports:
        port.close()
