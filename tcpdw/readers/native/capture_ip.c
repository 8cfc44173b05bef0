/* IPv4 and IPv6, their options and extension headers: RFC 791, 8200, 4302. */
#include "capture_columns.h"
#include "capture_layers.h"

static int64_t minus(int64_t whole, uint32_t part)
{
	return whole == LEFT_UNKNOWN || part > whole ? LEFT_UNKNOWN : whole - part;
}

/* Walk an authentication header; false where there is nothing behind it to be read. */
static bool authentication(struct bytes *b, uint8_t *next, int64_t *left)
{
	uint32_t size;

	if (b->captured < 2)
		return false;
	*next = b->data[0];
	size = 4u * b->data[1] + 8;
	*left = minus(*left, size);
	if (b->captured < 12 || size > b->captured)
		return false;
	*b = skip(*b, size);
	return true;
}

/* --- IPv4 --------------------------------------------------------------------------------------*/

/* Say whether the options name a route: then the destination in the header is a station on it, and
 * tshark calls it so. -1 where the capture ends before that is known. */
static int has_route(struct bytes b, uint32_t length)
{
	uint32_t at = 0;

	while (at < length) {
		uint32_t size;
		uint8_t kind;

		if (at >= b.captured)
			return -1;
		kind = b.data[at];
		if (kind == 0)
			return 0;
		if (kind == 1) {
			at++;
			continue;
		}
		if (at + 1 >= length)
			return 0;
		if (at + 1 >= b.captured)
			return -1;
		size = b.data[at + 1];
		if (size < 2 || size > length - at)
			return 0;
		if (kind == 131 || kind == 137) {
			uint32_t pointer;

			if (at + 2 >= b.captured)
				return -1;
			pointer = b.data[at + 2];
			return pointer >= 4 && pointer % 4 == 0 && pointer <= size;
		}
		at += size;
	}
	return 0;
}

/* Say whether tshark gets past the options, to what follows them. */
static bool passes_options(struct capture *d, struct bytes b, uint32_t length)
{
	uint32_t at = 0;

	if (length > b.captured)
		return false;
	while (at < length) {
		uint8_t kind = b.data[at];
		uint32_t size;

		if (kind == 0)
			return true;
		if (kind == 1) {
			at++;
			continue;
		}
		if (at + 1 >= length)
			return true;
		size = b.data[at + 1];
		if (size < 2 || size > length - at)
			return true;
		switch (kind) {
		case 7: case 131: case 137: /* routes: a pointer */
			if (size < 3)
				return false;
			break;
		case 68: /* timestamps: a pointer and flags */
		case 148: /* router alert */
			if (size < 4)
				return false;
			break;
		case 11: case 12: case 25: case 82: case 130: case 133: case 134: case 136:
		case 149:
			tcpdw_capture_decline(d, "IPv4 option %u is not read", kind);
			return false;
		default:
			break;
		}
		at += size;
	}
	return true;
}

void tcpdw_capture_ipv4(struct capture *d, struct bytes b)
{
	const uint8_t *p = b.data;
	uint32_t header, length;
	uint8_t protocol;
	bool fragment;
	int64_t left;

	if (b.captured < 1)
		return;
	set8(d, IP_VERSION, 4);
	header = (uint32_t)(p[0] & 15) * 4;
	if (p[0] >> 4 != 4 || header < 20 || b.captured < 4)
		return;
	length = be16(p + 2);
	if (length == 0)
		length = b.reported; /* segmentation offload */
	else if (length < header)
		return;
	else
		b = within(b, length);
	left = minus(length, header);
	if (b.captured >= 6)
		set16(d, IP_ID, be16(p + 4));
	if (b.captured >= 9)
		set8(d, TTL, p[8]);
	if (b.captured < 10)
		return;
	protocol = p[9];
	set8(d, PROTOCOL, protocol);
	if (b.captured < 16)
		return;
	tcpdw_capture_set_address(d, SADDR, p + 12, 4);
	if (b.captured < 20)
		return;
	if (header > 20) {
		int route = has_route(skip(b, 20), header - 20);

		if (route == 0)
			tcpdw_capture_set_address(d, DADDR, p + 16, 4);
		if (route < 0 || !passes_options(d, skip(b, 20), header - 20))
			return;
	} else {
		tcpdw_capture_set_address(d, DADDR, p + 16, 4);
	}
	if (be16(p + 6) & 0x1fff)
		return; /* not the first fragment */
	b = skip(b, header);
	fragment = p[6] & 0x20;
	if (protocol == 51) {
		bool has_more = authentication(&b, &protocol, &left);

		set8(d, PROTOCOL, protocol);
		if (!has_more)
			return;
	}
	tcpdw_capture_transport(d, protocol, b, left, fragment);
}

/* --- IPv6 --------------------------------------------------------------------------------------*/

/* Say whether tshark gets past the options of a hop-by-hop or destination options header. An option
 * may run past its header, but not past the packet. */
static bool passes_options6(struct capture *d, struct bytes b, uint32_t length)
{
	uint32_t at = 2;

	while (at < length) {
		uint32_t size, least = 0;
		uint8_t kind;

		if (at + 2 > b.captured)
			return false;
		kind = b.data[at];
		size = b.data[at + 1];
		if (kind == 0) { /* one byte of padding */
			at++;
			continue;
		}
		at += 2;
		switch (kind) {
		case 0x05: /* router alert */
			least = 2;
			break;
		case 0xc9: /* home address */
			least = 16;
			break;
		case 0x04: case 0x07: case 0x08: case 0x0f: case 0x11: case 0x23: case 0x26:
		case 0x30: case 0x31: case 0x41: case 0x63: case 0x6d: case 0x8b: case 0x8c:
		case 0xc2: case 0xee:
			tcpdw_capture_decline(d, "IPv6 option 0x%02x is not read", kind);
			return false;
		default:
			break;
		}
		if (size < least)
			size = least;
		if (size > b.captured - at)
			return false;
		at += size;
	}
	return true;
}

/* Say whether tshark gets past the part of a routing header that its type gives the form. */
static bool passes_route(struct capture *d, struct bytes b, uint32_t size)
{
	uint32_t needed;

	if (b.captured < 4)
		return false;
	switch (b.data[2]) {
	case 0: /* source route */
		needed = 8 + b.data[1] / 2 * 16u;
		break;
	case 2: /* Mobile IPv6 */
		needed = 24;
		break;
	case 4: /* segments */
		if (b.captured < 5)
			return false;
		needed = 8 + 16u * (b.data[4] + 1u);
		break;
	case 3: case 5: case 6:
		tcpdw_capture_decline(d, "IPv6 routing header of type %u is not read", b.data[2]);
		return false;
	default:
		needed = size;
		break;
	}
	return needed <= size && needed <= b.captured && size <= b.captured;
}

/* Say whether the options after an IPv6 header may give a jumbogram its length. */
static bool is_jumbo(struct bytes b)
{
	uint32_t at = 42;

	while (at + 6 <= b.captured && at < 40 + 8u * (b.data[41] + 1u)) {
		if (b.data[at] == 0xc2)
			return true;
		at += b.data[at] == 0 ? 1 : 2u + b.data[at + 1];
	}
	return false;
}

/* Walk the extension headers, the first of them of the number `next`, and read what they carry. */
static void extensions(struct capture *d, struct bytes b, uint8_t next, int64_t left)
{
	bool fragment = false;

	for (;;) {
		uint32_t size;

		switch (next) {
		case 0: case 60: /* options */
			if (b.captured < 2)
				return;
			size = 8u * (b.data[1] + 1u);
			next = b.data[0];
			left = minus(left, size);
			set8(d, PROTOCOL, next);
			if (!passes_options6(d, b, size) || size > b.captured)
				return;
			b = skip(b, size);
			break;
		case 43: /* routing */
			if (b.captured < 1)
				return;
			next = b.data[0];
			set8(d, PROTOCOL, next);
			if (b.captured < 2)
				return;
			size = 8u * (b.data[1] + 1u);
			left = minus(left, size);
			if (!passes_route(d, b, size))
				return;
			b = skip(b, size);
			break;
		case 44: { /* fragment */
			uint16_t place;

			if (b.captured < 8)
				return;
			next = b.data[0];
			left = minus(left, 8);
			set8(d, PROTOCOL, next);
			place = be16(b.data + 2);
			if (place & 0xfff8)
				return; /* not the first fragment */
			fragment = fragment || place & 1;
			b = skip(b, 8);
			break;
		}
		case 51: {
			bool has_more = authentication(&b, &next, &left);

			set8(d, PROTOCOL, next);
			if (!has_more)
				return;
			break;
		}
		default:
			tcpdw_capture_transport(d, next, b, left, fragment);
			return;
		}
	}
}

void tcpdw_capture_ipv6(struct capture *d, struct bytes b)
{
	const uint8_t *p = b.data;
	uint32_t length;
	int64_t left;
	uint8_t next;

	set8(d, IP_VERSION, 6);
	if (b.captured < 1 || p[0] >> 4 != 6 || b.captured < 7)
		return;
	length = be16(p + 4);
	next = p[6];
	set8(d, PROTOCOL, next);
	if (b.captured >= 8)
		set8(d, TTL, p[7]);
	if (b.captured >= 24)
		tcpdw_capture_set_address(d, SADDR, p + 8, 6);
	if (b.captured < 40)
		return;
	tcpdw_capture_set_address(d, DADDR, p + 24, 6);
	if (length == 0 && next != 0 && next != 59)
		length = b.reported - 40; /* segmentation offload */
	left = length;
	if (length == 0) {
		left = LEFT_UNKNOWN;
		if (next == 0 && is_jumbo(b)) {
			tcpdw_capture_decline(d, "IPv6 option 0x%02x is not read", 0xc2);
			return;
		}
	}
	extensions(d, skip(within(b, 40 + length), 40), next, left);
}
