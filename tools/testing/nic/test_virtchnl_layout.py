# SPDX-License-Identifier: GPL-2.0-only
"""The layouts of this library against the headers of driver and NIC, by a C compiler."""

import os
import subprocess

import pytest

from niclib import mailbox, queues, virtchnl
from niclib.layout import Layout
from niclib.nic import REPO

LAYOUTS = [*virtchnl.ALL_LAYOUTS,
           *(value for module in (mailbox, queues) for value in vars(module).values()
             if isinstance(value, Layout))]
# nested in C: struct idpf_tx_compl begins with struct idpf_tx_compl_4b
NESTED = {("idpf_tx_compl", "qid_type_gen"): "common.qid_type_gen",
          ("idpf_tx_compl", "head_or_tag"): "common.head_or_tag"}


@pytest.fixture(scope="module", name="compiled")
def _compiled(tmp_path_factory):
    """{(struct, member): (offset, size)} and {opcode name: number} as the compiler sees them."""
    directory = tmp_path_factory.mktemp("layout")
    lines = ["#include <stddef.h>", "#include <stdio.h>",
             f'#include "{REPO}/include/wto/virtchnl.h"', f'#include "{REPO}/include/wto/desc.h"',
             "int main(void)", "{"]
    for layout in LAYOUTS:
        lines.append(f'printf("%s . 0 %zu\\n", "{layout.name}", sizeof(struct {layout.name}));')
        for member in layout.offsets:
            path = NESTED.get((layout.name, member), member)
            lines.append(
                f'printf("%s %s %zu %zu\\n", "{layout.name}", "{member}", '
                f"offsetof(struct {layout.name}, {path}), "
                f"sizeof(((struct {layout.name} *)0)->{path}));")
    for number in virtchnl.Op:
        lines.append(f'printf("op {number.name} %d 0\\n", VC2_OP_{number.name});')
    lines += ["return 0;", "}"]
    source = directory / "layout.c"
    source.write_text("\n".join(lines), encoding="ascii")
    program = directory / "layout"
    subprocess.run([os.environ.get("CC", "gcc"), "-o", program, source], check=True)
    output = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    return {tuple(line.split()[:2]): tuple(map(int, line.split()[2:]))
            for line in output.splitlines()}


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_layout(compiled, layout):
    """Size of the structure, offset and size of each member."""
    assert compiled[layout.name, "."] == (0, layout.size)
    for member, offset in layout.offsets.items():
        assert compiled[layout.name, member] == (offset, layout.sizes[member]), member


@pytest.mark.parametrize("number", virtchnl.Op, ids=lambda number: number.name)
def test_opcode(compiled, number):
    """Numbers of operations."""
    assert compiled["op", number.name] == (number.value, 0)


# sizes that the interface's documents give
@pytest.mark.parametrize("layout, size", [
    (virtchnl.CAPS, 80), (virtchnl.CREATE_VPORT, 160), (virtchnl.REG_CHUNK, 32),
    (virtchnl.TXQ_INFO, 56), (virtchnl.RXQ_INFO, 88), (virtchnl.CONFIG_TX, 16),
    (virtchnl.CONFIG_RX, 24), (virtchnl.QUEUE_VECTOR, 24), (virtchnl.ALLOC_VECTORS, 32),
    (virtchnl.VECTOR_CHUNK, 32), (virtchnl.STATS, 128), (virtchnl.PHY_STATS, 600),
    (virtchnl.PORT_STATS, 736), (virtchnl.EVENT, 16),
    (virtchnl.RSS_KEY, 7), (virtchnl.RSS_LUT, 12), (virtchnl.ADD_QUEUES, 24),
    (virtchnl.MAC_LIST, 8), (virtchnl.MAC_ADDR, 8), (virtchnl.PTYPE_INFO, 8),
    (virtchnl.PTYPE, 6), (mailbox.DESC, 32), (queues.TX_DESC, 16), (queues.COMPL, 8),
    (queues.BUF_DESC, 32), (queues.RX_DESC, 32)], ids=lambda value: getattr(value, "name", ""))
def test_documented_size(layout, size):
    """Sizes by the documents, so that library and headers are not wrong together."""
    assert layout.size == size
