/* TCP and UDP: RFC 9293, 7323, 2018 and 768. */
#include "capture_columns.h"
#include "capture_layers.h"

static void set_payload(struct capture *d, int64_t left, uint32_t header)
{
	if (left >= header && left - header <= INT32_MAX)
		set32(d, PAYLOAD_LEN, (uint32_t)(left - header));
}

/* Set the options' columns. Of a repeated option the last counts, and an option counts that was
 * captured whole and has its right length; tshark shows a sack_ok of a wrong length too. */
static void tcp_options(struct capture *d, struct bytes b, uint32_t length)
{
	/* An option went by that stops tshark, or does not, by its contents. */
	bool is_unsure = false;
	uint32_t at = 0;

	while (at < length) {
		const uint8_t *value;
		uint32_t size;
		uint8_t kind;
		bool is_whole;

		if (at >= b.captured)
			return;
		kind = b.data[at];
		if (kind == 0)
			return; /* tshark reads on, but only over zeros. */
		if (kind == 1) {
			at++;
			continue;
		}
		if (at + 1 >= length || at + 1 >= b.captured)
			return;
		size = b.data[at + 1];
		if (size < 2 || size > length - at)
			return;
		value = b.data + at + 2;
		is_whole = size <= b.captured - at;
		if (is_unsure && (kind == 2 || kind == 3 || kind == 4 || kind == 8)) {
			tcpdw_capture_decline(d,
					      "an option of a kind that is not read stands before "
					      "TCP option %u", kind);
			return;
		}
		if (kind == 2 && size == 4 && is_whole)
			set16(d, MSS, be16(value));
		if (kind == 3 && size == 3 && is_whole)
			set8(d, WSCALE, *value);
		if (kind == 8 && size == 10 && is_whole) {
			set32(d, TSVAL, be32(value));
			set32(d, TSECR, be32(value + 4));
		}
		if (kind == 4)
			d->mask = size == 2 ? d->mask | SACK_VALUE : d->mask & ~SACK_VALUE;
		/* SACK without a block; SCPS, SNACK, multipath, and two of Riverbed's. */
		is_unsure = is_unsure || (kind == 5 && size < 10) || kind == 20 || kind == 21 ||
			    kind == 30 || kind == 76 || kind == 78;
		at += size;
	}
}

static void tcp(struct capture *d, struct bytes b, int64_t left, bool fragment)
{
	const uint8_t *p = b.data;
	uint32_t header;

	if (b.captured < 4)
		return;
	set16(d, SPORT, be16(p));
	set16(d, DPORT, be16(p + 2));
	if (b.captured < 20 || p[12] >> 4 < 5)
		return;
	header = (uint32_t)(p[12] >> 4) * 4;
	set32(d, SEQ, be32(p + 4));
	set32(d, ACK_SEQ, be32(p + 8));
	set16(d, FLAGS, be16(p + 12) & 0xfff);
	set16(d, WINDOW, be16(p + 14));
	set16(d, CHECKSUM, be16(p + 16));
	set16(d, URG_PTR, be16(p + 18));
	if (left == LEFT_UNKNOWN && !fragment)
		left = b.reported;
	set_payload(d, left, header);
	d->mask |= BIT(SACK_OK);
	tcp_options(d, skip(b, 20), header - 20);
}

static void udp(struct capture *d, struct bytes b, int64_t left)
{
	if (b.captured < 4)
		return;
	set16(d, SPORT, be16(b.data));
	set16(d, DPORT, be16(b.data + 2));
	if (left == LEFT_UNKNOWN && b.captured >= 6)
		left = be16(b.data + 4);
	set_payload(d, left, 8);
}

void tcpdw_capture_transport(struct capture *d, uint8_t protocol, struct bytes b, int64_t left,
			     bool fragment)
{
	if (protocol == 6)
		tcp(d, b, left, fragment);
	if (protocol == 17)
		udp(d, b, left);
}
