/* The columns of a batch: their memory, the texts of addresses, the bitmaps of what is not NULL.
 *
 * Layout: the Arrow columnar format 1.0. The values of a column that is NULL in a row are zeros.
 */
#include "capture_columns.h"

#include <stdlib.h>

/* Bytes. */
static const uint8_t WIDTH[COLUMNS] = {
	[TS] = 8, [FRAME] = 4, [INTERFACE] = 4, [LENGTH] = 4, [CAPTURED_LEN] = 4, [VLAN] = 2,
	[IP_VERSION] = 1, [TTL] = 1, [IP_ID] = 2, [PROTOCOL] = 1, [SADDR] = 4, [DADDR] = 4,
	[SPORT] = 2, [DPORT] = 2, [SEQ] = 4, [ACK_SEQ] = 4, [FLAGS] = 2, [PAYLOAD_LEN] = 4,
	[WINDOW] = 2, [CHECKSUM] = 2, [URG_PTR] = 2, [MSS] = 2, [WSCALE] = 1, [SACK_OK] = 0,
	[TSVAL] = 4, [TSECR] = 4,
};

bool tcpdw_capture_batch_start(struct capture *d)
{
	uint64_t rows = d->capacity, size = 0;
	int c, i;

	for (c = 0; c < COLUMNS; c++) { /* 64-byte places, as Arrow recommends */
		uint64_t need = c == SACK_OK ? (rows + 7) / 8 : rows * WIDTH[c];

		if (c == SADDR || c == DADDR)
			need += WIDTH[c]; /* one more offset */
		d->values[c] = size;
		size += (need + 63) / 64 * 64;
		d->valid[c] = size;
		size += ((rows + 7) / 8 + 63) / 64 * 64;
	}
	/* Zeros: what is NULL must not show what memory held before. */
	d->block = calloc(1, (size_t)size);
	for (i = 0; i < 2; i++) {
		d->text[i] = malloc((size_t)rows * TCPDW_ADDRESS_MAX);
		d->text_size[i] = 0;
	}
	d->rows = 0;
	return d->block && d->text[0] && d->text[1];
}

void tcpdw_capture_batch_drop(struct capture *d)
{
	free(d->block);
	free(d->text[0]);
	free(d->text[1]);
	d->block = d->text[0] = d->text[1] = NULL;
	d->rows = 0;
}

void tcpdw_capture_batch_bitmaps(struct capture *d, int64_t nulls[COLUMNS])
{
	int64_t set[COLUMNS + 1] = {0};
	uint32_t first, i;
	int c;

	for (first = 0; first < d->rows; first += 8) {
		uint32_t count = d->rows - first < 8 ? d->rows - first : 8;
		uint32_t all = UINT32_MAX, any = 0;

		for (i = 0; i < count; i++) {
			all &= d->masks[first + i];
			any |= d->masks[first + i];
		}
		for (c = 0; c <= COLUMNS; c++) {
			uint32_t bit = c == COLUMNS ? SACK_VALUE : BIT(c);
			uint8_t byte = 0;

			if (all & bit) {
				byte = (uint8_t)(0xff >> (8 - count));
				set[c] += count;
			} else if (any & bit) {
				for (i = 0; i < count; i++) {
					if (!(d->masks[first + i] & bit))
						continue;
					byte |= (uint8_t)(1u << i);
					set[c]++;
				}
			}
			d->block[(c == COLUMNS ? d->values[SACK_OK] : d->valid[c]) + first / 8] =
				byte;
		}
	}
	for (c = 0; c < COLUMNS; c++)
		nulls[c] = (int64_t)d->rows - set[c];
}

void tcpdw_capture_row_end(struct capture *d)
{
	uint64_t next;

	d->masks[d->rows++] = d->mask;
	next = (uint64_t)d->rows * 4;
	memcpy(d->block + d->values[SADDR] + next, &d->text_size[0], 4);
	memcpy(d->block + d->values[DADDR] + next, &d->text_size[1], 4);
}

void tcpdw_capture_set_address(struct capture *d, enum column c, const uint8_t *a, uint8_t family)
{
	uint64_t high = 0, low = 0, hash;
	struct address *known;
	int which = c == DADDR;

	memcpy(&low, a, family == 4 ? 4 : 8);
	if (family == 6)
		memcpy(&high, a + 8, 8);
	/* Most packets are of few hosts: their texts are remembered, by both halves' bits mixed. */
	hash = (low ^ high * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xd6e8feb86659fd93);
	known = &d->addresses[hash >> 32 & (ADDRESSES_KEPT - 1)];
	if (known->family != family || known->low != low || known->high != high) {
		known->family = family;
		known->low = low;
		known->high = high;
		known->size = (uint8_t)(family == 4 ? tcpdw_spell_ipv4(known->text, a)
						    : tcpdw_spell_ipv6(known->text, a));
	}
	/* A copy of fixed length is much the faster; there is room after every row's text. */
	memcpy(d->text[which] + d->text_size[which], known->text, TCPDW_ADDRESS_MAX);
	d->text_size[which] += known->size;
	d->mask |= BIT(c);
}
