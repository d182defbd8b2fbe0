// SPDX-License-Identifier: GPL-2.0-only
/*
 * The NIC's capture: the file is read back block by block as the pcapng
 * specification says, and each frame, interface and option is compared.  What
 * tshark makes of such a file is tested with the whole NIC.
 */

#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../net/idpf-nic/capture.h"
#include "../../net/idpf-nic/nic.h"
#include "tap.h"

#define NUM_FRAMES	3000
#define FRAME_MAX	9728

/* for reports */
u64 nic_now_ns(void)
{
	return 0;
}

/* Content and length of frame @n, from a small generator */
static size_t frame_of(unsigned int n, u8 *data)
{
	size_t len = 60 + (n * 7919u) % (FRAME_MAX - 59);

	for (size_t i = 0; i < len; i++)
		data[i] = (u8)(n + i * 31);
	return len;
}

static void write_file(const char *path)
{
	char *error = NULL;
	struct capture *cap = capture_open(path, &error);
	static u8 data[FRAME_MAX];

	CHECK(cap && !error, "capture opens");
	if (!cap)
		return;
	CHECK(capture_add_if(cap, "port0", "first") == 0, "first interface");
	CHECK(capture_add_if(cap, "port1", NULL) == 1, "second interface");

	for (unsigned int n = 0; n < NUM_FRAMES; n++) {
		size_t len = frame_of(n, data);
		struct iovec iov[3] = {
			{ data, 14 },
			{ data + 14, n % 46 },
			{ data + 14 + n % 46, len - 14 - n % 46 },
		};

		capture_frame(cap, (int)(n & 1),
			      n % 3 ? CAPTURE_OUTBOUND : CAPTURE_INBOUND, iov,
			      3, len);
	}
	CHECK(!capture_lost(cap), "no frame is lost");
	capture_close(cap);
}

static u32 get32(const u8 *at)
{
	u32 val;

	memcpy(&val, at, sizeof(val));
	return val;
}

/* Return: the value of an option, NULL if it is not there */
static const u8 *option(const u8 *at, const u8 *end, u16 want, u16 *len)
{
	while (end - at >= 4) {
		u16 code;

		memcpy(&code, at, 2);
		memcpy(len, at + 2, 2);
		if (code == want)
			return at + 4;
		if (!code)
			return NULL;
		at += 4 + (*len + 3u) / 4 * 4;
	}
	return NULL;
}

static bool string_option(const u8 *at, const u8 *end, u16 code,
			  const char *want)
{
	const u8 *val;
	u16 len;

	val = option(at, end, code, &len);
	return val && len == strlen(want) && !memcmp(val, want, len);
}

static bool epb_is_right(const u8 *b, u32 total, unsigned int n)
{
	static u8 data[FRAME_MAX];
	size_t len = frame_of(n, data);
	const u8 *flags;
	u16 opt_len;

	if (get32(b + 8) != (n & 1) || get32(b + 20) != len ||
	    get32(b + 24) != len || memcmp(b + 28, data, len))
		return false;
	flags = option(b + 28 + (len + 3) / 4 * 4, b + total - 4, 2, &opt_len);
	return flags && opt_len == 4 && get32(flags) == (n % 3 ? 2u : 1u);
}

static void read_file(const char *path)
{
	unsigned int frames = 0, ifs = 0, bad = 0;
	char *raw = NULL;
	u64 last_ts = 0;
	size_t len = 0;
	bool ordered = true;

	CHECK(g_file_get_contents(path, &raw, &len, NULL) && len >= 28,
	      "file can be read");
	for (size_t off = 0; off < len;) {
		const u8 *b = (const u8 *)raw + off;
		u32 total = len - off >= 12 ? get32(b + 4) : 0;
		u16 opt_len;

		if (total < 12 || total % 4 || total > len - off ||
		    get32(b + total - 4) != total) {
			CHECK(false, "block at %zu has its length", off);
			break;
		}
		switch (get32(b)) {
		case 0x0a0d0d0a:
			CHECK(!off && get32(b + 8) == 0x1a2b3c4d &&
			      get32(b + 12) == 1, "section header");
			break;
		case 1:
			CHECK(get32(b + 8) == 1 &&
			      string_option(b + 16, b + total - 4, 2,
					    ifs ? "port1" : "port0") &&
			      *option(b + 16, b + total - 4, 9, &opt_len) == 9,
			      "interface %u", ifs);
			ifs++;
			break;
		case 6:
			bad += !epb_is_right(b, total, frames++);
			ordered &= last_ts <= ((u64)get32(b + 12) << 32 |
					       get32(b + 16));
			last_ts = (u64)get32(b + 12) << 32 | get32(b + 16);
			break;
		default:
			bad++;
		}
		off += total;
	}
	CHECK(frames == NUM_FRAMES && !bad, "all frames are there and right");
	CHECK(ordered && last_ts / 1000000000 + 60 > (u64)time(NULL),
	      "time stamps rise and are of now");
	g_free(raw);
}

static void test_errors(void)
{
	u8 data[2048] = { 0 };
	struct iovec iov = { data, sizeof(data) };
	struct capture *cap;
	char *error = NULL;
	u64 lost;

	cap = capture_open("/nonexistent/x.pcapng", &error);
	CHECK(!cap && error && strstr(error, "/nonexistent/x.pcapng"),
	      "a file that cannot be made is named");
	g_free(error);

	cap = capture_open("/dev/full", &error);
	CHECK(cap, "full disk: opens");
	capture_add_if(cap, "port0", NULL);
	for (unsigned int i = 0; i < 1000; i++)
		capture_frame(cap, 0, CAPTURE_OUTBOUND, &iov, 1, sizeof(data));
	lost = capture_lost(cap);
	CHECK(lost > 800 && lost < 1000, "full disk: frames are counted lost");
	capture_close(cap);

	capture_flush(NULL);
	capture_close(NULL);
}

int main(void)
{
	char path[] = "/tmp/nic_capture.XXXXXX";
	int fd = mkstemp(path);

	CHECK(fd >= 0, "temporary file");
	write_file(path);
	read_file(path);
	close(fd);
	unlink(path);
	test_errors();
	return test_end();
}
