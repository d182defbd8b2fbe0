// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints the table of the offload model as a list-table of reStructuredText.
 */

#include <stdio.h>

#include "../../../drivers/net/ethernet/wto/offload/ofl.h"

static const char * const cap_words[OFL_NUM_CAP_WORDS] = {
	[OFL_CAP_CSUM] = "csum_caps",
	[OFL_CAP_SEG] = "seg_caps",
};

/* A cell: literal text, or a dash where there is nothing */
static void put_cell(const char *text)
{
	if (text[0])
		printf("     - ``%s``\n", text);
	else
		printf("     - \\-\n");
}

static void put_row(const struct ofl_row *row)
{
	char caps[32];

	snprintf(caps, sizeof(caps), "%s 0x%x", cap_words[row->cap_word],
		 row->cap_bits);

	printf("   * - ``%s``\n", row->name);
	printf("     - %s\n", row->dir == OFL_DIR_TX ? "send" : "receive");
	if (row->ndis[0])
		printf("     - ``%s`` (%u)\n", row->ndis, row->ndis_revision);
	else
		put_cell("");
	put_cell(row->keyword);
	put_cell(caps);
	put_cell(row->ethtool);
}

int main(void)
{
	printf("\n.. list-table::\n   :header-rows: 1\n\n"
	       "   * - job\n"
	       "     - direction\n"
	       "     - NDIS_OFFLOAD member (first revision)\n"
	       "     - keyword\n"
	       "     - device capability\n"
	       "     - ``ethtool -k``\n");
	for (unsigned int i = 0; i < OFL_NUM_JOBS; i++)
		put_row(&ofl_table[i]);
	printf("\n");
	return 0;
}
