/* A frame to a row, and how decoding ends. */
#include <stdio.h>

#include "capture_columns.h"
#include "capture_layers.h"

void tcpdw_capture_decline(struct capture *d, const char *what, uint32_t number)
{
	if (d->declined)
		return;
	d->declined = true;
	snprintf(d->reason, sizeof(d->reason), what, number);
}

enum outcome tcpdw_capture_stop(struct capture *d, enum state state)
{
	d->ended = state;
	return STOPPED;
}

enum outcome tcpdw_capture_declined(struct capture *d, const char *what, uint32_t number)
{
	tcpdw_capture_decline(d, what, number);
	return tcpdw_capture_stop(d, DECLINED);
}

enum outcome tcpdw_capture_damaged(struct capture *d, const char *what, uint32_t number)
{
	snprintf(d->reason, sizeof(d->reason), what, number);
	return tcpdw_capture_stop(d, DAMAGED);
}

enum outcome tcpdw_capture_frame(struct capture *d, const struct interface *from, bool timely,
				 int64_t ts, const uint8_t *data, uint32_t captured,
				 uint32_t length)
{
	if (d->frames >= INT32_MAX)
		return tcpdw_capture_declined(d, "more than %u frames", INT32_MAX);
	d->frames++;
	if (!tcpdw_capture_link_known(from->link))
		return tcpdw_capture_declined(d, "link type %u is not read", from->link);
	if (captured > length)
		return tcpdw_capture_declined(d, "a frame has more bytes than it had, %u",
					      captured);
	if (length > INT32_MAX)
		length = INT32_MAX; /* What is said beyond it is cut to it. */
	if (from->fcs)
		return tcpdw_capture_declined(d, "frames with a check sequence are not read", 0);
	if (!timely) {
		d->untimely++;
		return DONE;
	}
	d->mask = 0;
	set64(d, TS, ts);
	set32(d, FRAME, (uint32_t)d->frames);
	set32(d, LENGTH, length);
	set32(d, CAPTURED_LEN, captured);
	if (from->name >= 0)
		set32(d, INTERFACE, (uint32_t)from->name);
	tcpdw_capture_link(d, from->link, (struct bytes){data, captured, length});
	if (d->declined)
		return tcpdw_capture_stop(d, DECLINED);
	tcpdw_capture_row_end(d);
	return DONE;
}
