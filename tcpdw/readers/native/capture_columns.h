/* The columns of a batch: what a header says, into the row being filled. */
#ifndef TCPDW_CAPTURE_COLUMNS_H
#define TCPDW_CAPTURE_COLUMNS_H

#include <string.h>

#include "capture.h"

#define BIT(column) (UINT32_C(1) << (column))
#define SACK_VALUE BIT(31) /* in a row's mask: the value of SACK_OK, which is a bit itself */

/* Room for a batch; false where memory lacks: then drop what there is. */
bool tcpdw_capture_batch_start(struct capture *d);
void tcpdw_capture_batch_drop(struct capture *d);

/* Turn the rows' masks into a bitmap a column, and count its NULLs. */
void tcpdw_capture_batch_bitmaps(struct capture *d, int64_t nulls[COLUMNS]);

/* The row is whole: begin the next one. */
void tcpdw_capture_row_end(struct capture *d);

/* Set SADDR or DADDR to an address of the family 4 or 6. */
void tcpdw_capture_set_address(struct capture *d, enum column c, const uint8_t *a, uint8_t family);

static inline void set8(struct capture *d, enum column c, uint8_t value)
{
	d->block[d->values[c] + d->rows] = value;
	d->mask |= BIT(c);
}

static inline void set16(struct capture *d, enum column c, uint16_t value)
{
	memcpy(d->block + d->values[c] + (uint64_t)d->rows * 2, &value, 2);
	d->mask |= BIT(c);
}

static inline void set32(struct capture *d, enum column c, uint32_t value)
{
	memcpy(d->block + d->values[c] + (uint64_t)d->rows * 4, &value, 4);
	d->mask |= BIT(c);
}

static inline void set64(struct capture *d, enum column c, int64_t value)
{
	memcpy(d->block + d->values[c] + (uint64_t)d->rows * 8, &value, 8);
	d->mask |= BIT(c);
}

#endif
