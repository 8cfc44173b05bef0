/* The capture decoder's interface: made, fed a file in pieces, its batches taken, freed. */
#include <stdlib.h>
#include <string.h>

#include "capture_columns.h"
#include "capture_files.h"

#define EXPORTED __attribute__((visibility("default")))

static enum outcome start(struct capture *d, const uint8_t *p, uint64_t size, bool is_last,
			  uint64_t *used)
{
	int big;

	/* Enough to judge the variants of pcap by. */
	if (!is_last && size < 24 + 3 * (28 + (uint64_t)PACKET_MAX))
		return SHORT;
	if (size < 12)
		return is_last && size > 0 ? tcpdw_capture_declined(d, "no capture", 0) : SHORT;
	for (big = 0; big < 2; big++) {
		uint32_t magic;

		d->big = big;
		magic = file32(d, p);
		if (magic == 0xa1b2c3d4 || magic == 0xa1b23c4d || magic == 0xa1b2cd34)
			return tcpdw_capture_pcap_start(d, p, size, used);
	}
	if (big32(p) != PCAPNG_SECTION)
		return tcpdw_capture_declined(d, "no capture", 0);
	d->phase = IN_PCAPNG;
	return tcpdw_capture_pcapng_block(d, p, size, used);
}

/* Make a decoder whose batches have `rows` rows at most; NULL where memory lacks. */
EXPORTED void *tcpdw_capture_new(uint32_t rows)
{
	struct capture *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->capacity = rows < 1 ? 1 : rows > (UINT32_C(1) << 20) ? UINT32_C(1) << 20 : rows;
	d->masks = malloc(d->capacity * sizeof(*d->masks));
	if (!d->masks) {
		free(d);
		return NULL;
	}
	return d;
}

EXPORTED void tcpdw_capture_free(void *decoder)
{
	struct capture *d = decoder;
	uint32_t i;

	if (!d)
		return;
	tcpdw_capture_batch_drop(d);
	for (i = 0; i < d->name_count; i++)
		free(d->names[i].text);
	free(d->names);
	free(d->interfaces);
	free(d->masks);
	free(d);
}

/* Decode whole records from `data`; `last` says that nothing follows it. `used` is set to the bytes
 * that are done with: what is beyond must come again, with more, or after the batch was taken. */
EXPORTED int32_t tcpdw_capture_feed(void *decoder, const uint8_t *data, uint64_t size,
				    int32_t last, uint64_t *used)
{
	enum outcome outcome = DONE;
	struct capture *d = decoder;

	*used = 0;
	if (d->phase == ENDED)
		return d->ended;
	if (!d->block && !tcpdw_capture_batch_start(d)) {
		tcpdw_capture_batch_drop(d);
		d->phase = ENDED;
		return d->ended = NO_MEMORY;
	}
	while (outcome == DONE) {
		uint64_t have = size - *used, step = 0;
		const uint8_t *p = data + *used;

		if (d->rows == d->capacity)
			return BATCH_FULL;
		if (d->phase == START)
			outcome = start(d, p, have, last != 0, &step);
		else if (have == 0)
			outcome = SHORT;
		else if (d->phase == IN_PCAP)
			outcome = tcpdw_capture_pcap_record(d, p, have, &step);
		else
			outcome = tcpdw_capture_pcapng_block(d, p, have, &step);
		if (outcome != DONE)
			break;
		*used += step;
		d->offset += step;
	}
	if (outcome == SHORT && !last)
		return WANT_MORE;
	if (outcome == SHORT)
		d->ended = *used < size ? CUT_SHORT : COMPLETE;
	d->phase = ENDED;
	return d->ended;
}

/* Hand over the rows decoded since the last time. */
EXPORTED void tcpdw_capture_take(void *decoder, struct tcpdw_capture_batch *batch)
{
	struct capture *d = decoder;

	memset(batch, 0, sizeof(*batch));
	if (!d->block || d->rows == 0)
		return;
	tcpdw_capture_batch_bitmaps(d, batch->nulls);
	batch->rows = d->rows;
	batch->block = d->block;
	memcpy(batch->text, d->text, sizeof(batch->text));
	memcpy(batch->values, d->values, sizeof(batch->values));
	memcpy(batch->valid, d->valid, sizeof(batch->valid));
	d->block = d->text[0] = d->text[1] = NULL;
	d->rows = 0;
}

EXPORTED void tcpdw_capture_release(void *block)
{
	free(block);
}

EXPORTED void tcpdw_capture_tell(const void *decoder, struct tcpdw_capture_status *status)
{
	const struct capture *d = decoder;

	status->frames = d->frames;
	status->untimely = d->untimely;
	status->offset = d->offset;
	status->names = d->name_count;
	memcpy(status->reason, d->reason, sizeof(status->reason));
}

/* Give the bytes of a name that INTERFACE refers to; they are the decoder's. */
EXPORTED const uint8_t *tcpdw_capture_name(const void *decoder, uint64_t number, uint64_t *size)
{
	const struct capture *d = decoder;

	if (number >= d->name_count)
		return NULL;
	*size = d->names[number].size;
	return d->names[number].text;
}

/* Decode a whole capture and drop what comes of it; give the state that it ended in. */
EXPORTED int32_t tcpdw_capture_try(const uint8_t *data, size_t size)
{
	uint64_t at = 0, used = 0, end = size / 2;
	void *d = tcpdw_capture_new(64);
	int32_t state = WANT_MORE;

	if (!d)
		return NO_MEMORY;
	while (state == WANT_MORE || state == BATCH_FULL) {
		struct tcpdw_capture_batch batch;

		state = tcpdw_capture_feed(d, data + at, end - at, end == size, &used);
		at += used;
		tcpdw_capture_take(d, &batch);
		tcpdw_capture_release(batch.block);
		tcpdw_capture_release(batch.text[0]);
		tcpdw_capture_release(batch.text[1]);
		if (state == WANT_MORE)
			end = size;
	}
	tcpdw_capture_free(d);
	return state;
}
