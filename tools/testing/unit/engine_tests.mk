# SPDX-License-Identifier: GPL-2.0-only
#
# Unit tests of the software NIC's send engines: the kernels in C, everything
# else through engine_pipe, by Scapy's arithmetic and by what Linux makes.

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
	@echo "# the engines, by Scapy and by what Linux made of the same packets"
	@ENGINE_PIPE=$(abspath $(O))/engine_pipe PYTHONDONTWRITEBYTECODE=1 \
		$(PYTHON) -m pytest -s -p no:cacheprovider -p no:terminal \
		--tap-lines test_engines.py test_linux_results.py

.PHONY: check-engines
