# SPDX-License-Identifier: GPL-2.0-only
#
# Unit tests of the software NIC's send engines: the kernels in C, everything
# else by Scapy's arithmetic through engine_pipe.

PYTHON	?= /usr/bin/python3

ENGINES := $(patsubst %,$(NIC)/engines/%.c,csum csum_avx2 crc32c gather layout \
	     segment lso uso)

TESTS += engine_csum

engine_csum_srcs := $(ENGINES)

.DEFAULT_GOAL := all

$(O)/engine_pipe: engine_pipe.c $(ENGINES) $(wildcard $(NIC)/engines/*.h)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -o $@ engine_pipe.c $(ENGINES)

check: check-engines

check-engines: $(O)/engine_pipe
	@echo "# test_engines.py"
	@ENGINE_PIPE=$(abspath $(O))/engine_pipe PYTHONDONTWRITEBYTECODE=1 \
		$(PYTHON) -m pytest -s -p no:cacheprovider -p no:terminal \
		--tap-lines test_engines.py

.PHONY: check-engines
