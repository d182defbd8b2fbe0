# SPDX-License-Identifier: GPL-2.0-only
"""Fixtures: a NIC for each test module, functions and vports for each test.

A module says with NIC_PORTS and NIC_ARGS what NIC it wants."""

import pytest

from niclib.driver import Port, Setup, Vport
from niclib.nic import Nic
from niclib.regs import PfMap, VfMap


def pytest_addoption(parser):
    """Add the options of the fuzz tests."""
    parser.addoption("--fuzz-steps", type=int, default=3000,
                     help="random steps of each fuzz test")
    parser.addoption("--fuzz-seed", type=int, default=1, help="seed of the fuzz tests")


@pytest.fixture(scope="module", name="module_nic")
def _module_nic(request, tmp_path_factory):
    """A NIC which runs for a whole module, and is stopped properly at its end."""
    ports = getattr(request.module, "NIC_PORTS", ("", ""))
    args = getattr(request.module, "NIC_ARGS", ())
    nic = Nic(tmp_path_factory.mktemp("nic"), ports, args)
    try:
        yield nic
        nic.stop()
    finally:
        nic.kill()


@pytest.fixture(name="nic")
def _nic(module_nic):
    """The module's NIC, which must live on after the test."""
    module_nic.alive()
    yield module_nic
    module_nic.alive()


@pytest.fixture(name="make_nic")
def _make_nic(tmp_path):
    """A function that starts NICs of this test's own; all of them are stopped at its end."""
    nics = []

    def make(ports=("", ""), args=(), **how):
        directory = tmp_path / f"nic{len(nics)}"
        directory.mkdir()
        nics.append(Nic(directory, ports, args, **how))
        return nics[-1]

    try:
        yield make
        for nic in nics:
            if nic.process.poll() is None:
                nic.stop()
    finally:
        for nic in nics:
            nic.kill()


@pytest.fixture(name="vfu")
def _vfu(nic):
    """A fresh connection to port 0, version negotiated, nothing mapped."""
    client = nic.connect(0)
    yield client
    client.close()


@pytest.fixture(name="make_port")
def _make_port(nic):
    """A function that connects to a port of the module's NIC."""
    ports = []

    def make(index=0, **how):
        how.setdefault("regs", VfMap if nic.started[index]["device"] == "145c" else PfMap)
        port = Port(nic, index, **how)
        ports.append(port)
        port.ready()
        return port

    yield make
    for port in ports:
        port.close()


@pytest.fixture(name="port")
def _port(make_port):
    """Port 0 with memory mapped and nothing else done."""
    return make_port(0)


@pytest.fixture(name="mbx")
def _mbx(port):
    """The mailbox of port 0, before the first message."""
    return port.start_mailbox()


@pytest.fixture(name="ctl")
def _ctl(port):
    """Port 0 after capabilities and vectors."""
    port.negotiate()
    port.alloc_vectors()
    return port


@pytest.fixture(name="make_vport")
def _make_vport(make_port):
    """A function that makes a vport, by default in full operation."""
    def make(index=0, start=True, setup=None, **fields):
        port = make_port(index)
        port.negotiate()
        port.alloc_vectors()
        vport = Vport(port, setup or Setup(**fields))
        return vport.start() if start else vport

    return make


@pytest.fixture(name="vport")
def _vport(make_vport):
    """A vport on port 0 which is created and nothing else."""
    return make_vport(0, start=False)


@pytest.fixture(name="pair")
def _pair(make_vport):
    """Two vports in operation, back to back."""
    return make_vport(0), make_vport(1)
