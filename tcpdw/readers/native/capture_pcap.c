/* pcap files: draft-ietf-opsawg-pcap, with the variants that tshark reads told apart. */
#include "capture_files.h"
#include "capture_layers.h"

/* Count what is wrong with the first three records, if their headers have this many bytes: what
 * tells the variants of pcap apart, which share their magic numbers. tshark's rule, but for one
 * thing: it takes a file that was cut 4 or 8 bytes into a record for one of a variant. */
static unsigned doubts(const struct capture *d, const uint8_t *p, uint64_t size, uint32_t record)
{
	uint32_t snaplen = file32(d, p + 16);
	unsigned cut = record != d->record;
	uint64_t at = 24;
	int i;

	for (i = 0; i < 3 && at < size; i++) {
		uint32_t fraction, captured, length;
		unsigned found;

		if (size - at < record)
			return cut;
		fraction = file32(d, p + at + 4);
		captured = file32(d, p + at + 8);
		length = file32(d, p + at + 12);
		found = (fraction >= 1000000) + (captured > PACKET_MAX) + (captured > snaplen) +
			(length > UINT32_C(128) * 1024 * 1024) + (captured > length);
		if (found)
			return found;
		if (size - at - record < captured)
			return cut;
		at += record + captured;
	}
	return 0;
}

enum outcome tcpdw_capture_pcap_start(struct capture *d, const uint8_t *p, uint64_t size,
				      uint64_t *used)
{
	static const uint32_t plain[] = {16, 24, 20}, modified[] = {24, 28};
	uint32_t magic, network;
	const uint32_t *sizes;

	if (size < 24)
		return SHORT;
	magic = file32(d, p);
	network = file32(d, p + 20);
	if (file16(d, p + 4) != 2)
		return tcpdw_capture_declined(d, "pcap of major version %u is not read",
					      file16(d, p + 4));
	if (file16(d, p + 6) < 4)
		return tcpdw_capture_declined(d, "pcap of version 2.%u is not read",
					      file16(d, p + 6));
	if (network >> 16 || !tcpdw_capture_link_known((uint16_t)network))
		return tcpdw_capture_declined(d, "link type %u is not read", network);
	sizes = magic == 0xa1b2cd34 ? modified : plain;
	d->record = sizes[0];
	d->unit = magic == 0xa1b23c4d ? 1 : 1000;
	if (d->unit != 1) {
		unsigned least = doubts(d, p, size, sizes[0]);
		int i;

		for (i = 1; least > 0 && i < (sizes == plain ? 3 : 2); i++)
			if (doubts(d, p, size, sizes[i]) < least)
				return tcpdw_capture_declined(
					d, "pcap with records of %u bytes is not read", sizes[i]);
	}
	d->only = (struct interface){.link = (uint16_t)network, .name = -1};
	d->phase = IN_PCAP;
	*used = 24;
	return DONE;
}

enum outcome tcpdw_capture_pcap_record(struct capture *d, const uint8_t *p, uint64_t size,
				       uint64_t *used)
{
	uint32_t seconds, fraction, captured, length;
	int64_t ts;

	if (size < d->record)
		return SHORT;
	seconds = file32(d, p);
	fraction = file32(d, p + 4);
	captured = file32(d, p + 8);
	length = file32(d, p + 12);
	if (captured > PACKET_MAX)
		return tcpdw_capture_damaged(d, "a frame of %u bytes", captured);
	if (size - d->record < captured)
		return SHORT;
	if (fraction >= 1000000000 / d->unit)
		return tcpdw_capture_declined(d, "a fraction of a second of %u", fraction);
	*used = d->record + captured;
	ts = (int64_t)seconds * 1000000000 + (int64_t)fraction * d->unit;
	return tcpdw_capture_frame(d, &d->only, true, ts, p + d->record, captured, length);
}
