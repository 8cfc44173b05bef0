/* pcapng files, block by block: draft-ietf-opsawg-pcapng. */
#include <string.h>

#include "capture_files.h"
#include "capture_layers.h"

enum block_type {
	DESCRIPTION = 1,
	OLD_PACKET = 2,
	SIMPLE = 3,
	NAMES = 4,
	STATISTICS = 5,
	ENHANCED = 6,
	JOURNAL = 9,
	SECRETS = 10,
	CUSTOM = 0xbad,
};

/* No block is larger: tshark's bound, that of a D-Bus message in a block with many options. */
#define BLOCK_MAX (UINT32_C(32) + UINT32_C(128) * 1024 * 1024 + UINT32_C(131072))

static enum outcome packet(struct capture *d, const uint8_t *p, uint64_t have, uint32_t size,
			   bool is_enhanced)
{
	uint32_t number, captured, length, data, end, flags = 0;
	const struct interface *from;
	enum outcome read;
	uint64_t stamp;
	int64_t ts = 0;
	bool timely;

	if (size < 32)
		return tcpdw_capture_damaged(d, "a packet's block of %u bytes", size);
	if (have < 28)
		return SHORT;
	number = is_enhanced ? file32(d, p + 8) : file16(d, p + 8);
	stamp = (uint64_t)file32(d, p + 12) << 32 | file32(d, p + 16);
	captured = file32(d, p + 20);
	length = file32(d, p + 24);
	if (captured > size - 32 || padded(captured) > size - 32)
		return tcpdw_capture_damaged(d, "a packet of %u bytes, more than its block has",
					     captured);
	if (number >= d->interface_count)
		return tcpdw_capture_damaged(d, "a packet of interface %u", number);
	from = &d->interfaces[number];
	if (!tcpdw_capture_link_known(from->link)) {
		d->frames++;
		return tcpdw_capture_declined(d, "link type %u is not read", from->link);
	}
	if (captured > PACKET_MAX)
		return tcpdw_capture_damaged(d, "a frame of %u bytes", captured);
	if (have < size)
		return SHORT;
	data = padded(captured);
	read = tcpdw_capture_options(d, p + 28 + data, size - 32 - data, NULL, &flags);
	if (read != DONE)
		return read;
	end = file32(d, p + size - 4);
	if (end != size && padded(end) != size)
		return tcpdw_capture_damaged(d, "a block ends in another length, %u", end);
	if (flags >> 5 & 15)
		return tcpdw_capture_declined(d, "frames with a check sequence are not read", 0);
	timely = tcpdw_capture_nanoseconds(from, stamp, &ts);
	return tcpdw_capture_frame(d, from, timely, ts, p + 28, captured, length);
}

static enum outcome simple_packet(struct capture *d, const uint8_t *p, uint64_t have,
				  uint32_t size)
{
	uint32_t captured, snaplen;

	if (size < 16)
		return tcpdw_capture_damaged(d, "a packet's block of %u bytes", size);
	if (have < 12)
		return SHORT;
	if (d->interface_count == 0)
		return tcpdw_capture_damaged(d, "a packet of interface %u", 0);
	captured = file32(d, p + 8);
	snaplen = d->interfaces[0].snaplen;
	if (snaplen != 0 && captured > snaplen)
		captured = snaplen;
	if (captured > size - 16 || padded(captured) > size - 16)
		return tcpdw_capture_damaged(d, "a packet of %u bytes, more than its block has",
					     captured);
	if (captured > PACKET_MAX)
		return tcpdw_capture_damaged(d, "a frame of %u bytes", captured);
	if (have < size)
		return SHORT;
	d->frames++;
	return tcpdw_capture_stop(d, TIMELESS);
}

/* Walk the records of names, from `at` on; true where all of them are sound. */
static bool names_are_fine(struct capture *d, const uint8_t *p, uint32_t at, uint32_t end)
{
	while (end - at >= 4) {
		uint32_t kind = file16(d, p + at), length = file16(d, p + at + 2);
		uint32_t least = kind == 1 ? 4 : kind == 2 ? 16 : 0; /* IPv4, IPv6 */

		at += 4;
		if (padded(length) > end - at)
			return false;
		if (kind == 0)
			return tcpdw_capture_options(d, p + at, end - at, NULL, NULL) == DONE;
		if (length < least)
			return false;
		if (least > 0 && length > least && p[at + length - 1] != 0)
			return false; /* no name's end */
		at += padded(length);
		if (at == end)
			return true;
	}
	return false;
}

/* Blocks that tshark reads but that say nothing about packets: a damaged one is left to it. */
static enum outcome aside(struct capture *d, const uint8_t *p, uint32_t type, uint32_t size)
{
	uint32_t end = size - 4;
	bool is_fine = true;

	if (type == STATISTICS)
		is_fine = size >= 24 &&
			  tcpdw_capture_options(d, p + 20, end - 20, NULL, NULL) == DONE;
	else if (type == SECRETS)
		is_fine = size >= 20 && file32(d, p + 12) <= size - 20;
	else if (type == NAMES)
		is_fine = names_are_fine(d, p, 8, end);
	return is_fine ? DONE : tcpdw_capture_declined(d, "a damaged block of type %u", type);
}

static enum outcome section(struct capture *d, const uint8_t *p, uint64_t have, uint32_t *size)
{
	static const uint8_t little[4] = {0x4d, 0x3c, 0x2b, 0x1a};
	static const uint8_t big[4] = {0x1a, 0x2b, 0x3c, 0x4d};
	enum outcome read = DONE;
	bool before = d->big;
	uint32_t length;

	if (have < 24)
		return SHORT;
	if (memcmp(p + 8, big, 4) && memcmp(p + 8, little, 4))
		return tcpdw_capture_damaged(d, "a section without its byte-order magic", 0);
	d->big = !memcmp(p + 8, big, 4);
	length = file32(d, p + 4);
	*size = length > BLOCK_MAX ? length : padded(length);
	if (*size < 28 || *size > BLOCK_MAX)
		read = tcpdw_capture_damaged(d, "a section's header of %u bytes", *size);
	else if (file16(d, p + 12) != 1 || (file16(d, p + 14) != 0 && file16(d, p + 14) != 2))
		read = tcpdw_capture_damaged(d, "a section of an unknown version, %u",
					     file16(d, p + 12));
	else if (have < *size)
		read = SHORT;
	else
		read = tcpdw_capture_options(d, p + 24, *size - 28, NULL, NULL);
	if (read != DONE)
		d->big = before; /* It is looked at again, with more of it. */
	return read;
}

/* A block of any type but a section's header. */
static enum outcome block(struct capture *d, const uint8_t *p, uint64_t have, uint32_t type,
			  uint32_t size)
{
	uint32_t least = type == DESCRIPTION ? 20 : type == NAMES ? 16 : 12;

	if (type == ENHANCED || type == OLD_PACKET)
		return packet(d, p, have, size, type == ENHANCED);
	if (type == SIMPLE)
		return simple_packet(d, p, have, size);
	/* Frames to tshark, without a packet; the last are sysdig's. */
	if (type == JOURNAL || (type & 0xbfffffff) == CUSTOM || type >> 6 == 0x200 >> 6)
		return tcpdw_capture_declined(d, "a block of type 0x%x is not read", type);
	if (size < least)
		return tcpdw_capture_damaged(d, "a block of %u bytes", size);
	if (have < size)
		return SHORT;
	if (type == DESCRIPTION)
		return tcpdw_capture_describe(d, p, size);
	return aside(d, p, type, size);
}

enum outcome tcpdw_capture_pcapng_block(struct capture *d, const uint8_t *p, uint64_t have,
					uint64_t *used)
{
	uint32_t type, size, again;
	enum outcome read;

	if (have < 8)
		return SHORT;
	type = file32(d, p);
	size = file32(d, p + 4);
	if (type == PCAPNG_SECTION) {
		read = section(d, p, have, &size);
	} else {
		if (size > BLOCK_MAX)
			return tcpdw_capture_damaged(d, "a block of %u bytes", size);
		size = padded(size);
		read = block(d, p, have, type, size);
	}
	if (read != DONE)
		return read;
	again = file32(d, p + size - 4);
	if (padded(again) != size)
		return tcpdw_capture_damaged(d, "a block ends in another length, %u", again);
	if (type == PCAPNG_SECTION)
		d->interface_count = 0;
	*used = size;
	return DONE;
}
