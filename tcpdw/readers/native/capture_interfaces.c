/* What pcapng says in options, above all of interfaces: their names, and the units of their times.
 *
 * Source: draft-ietf-opsawg-pcapng, sections 3.5 and 4.2.
 */
#include <stdlib.h>
#include <string.h>

#include "capture_files.h"

enum { NAME_MAX_BYTES = 4096 };
enum { NETFLIX = 10949 }; /* the one maker of custom options whose contents tshark checks */

static void *grown(void *old, uint32_t *room, size_t each)
{
	uint64_t wanted = *room == 0 ? 8 : (uint64_t)*room * 2;
	void *new;

	if (wanted > INT32_MAX || wanted > SIZE_MAX / each)
		return NULL;
	new = realloc(old, (size_t)wanted * each);
	if (new)
		*room = (uint32_t)wanted;
	return new;
}

static enum outcome add_name(struct capture *d, const uint8_t *text, uint32_t size,
			     int32_t *number)
{
	const uint8_t *end = size > 0 ? memchr(text, 0, size) : NULL;
	struct name *name;

	if (end)
		size = (uint32_t)(end - text);
	if (size > NAME_MAX_BYTES)
		return tcpdw_capture_declined(d, "an interface's name of %u bytes", size);
	if (d->name_count == d->name_room) {
		struct name *names = grown(d->names, &d->name_room, sizeof(*names));

		if (!names)
			return tcpdw_capture_stop(d, NO_MEMORY);
		d->names = names;
	}
	name = &d->names[d->name_count];
	name->text = malloc(size + 1u);
	if (!name->text)
		return tcpdw_capture_stop(d, NO_MEMORY);
	if (size > 0)
		memcpy(name->text, text, size);
	name->size = size;
	*number = (int32_t)d->name_count++;
	return DONE;
}

/* Tell whether an option of a packet has the length that its kind has. */
static bool is_sized(uint16_t code, const uint8_t *value, uint16_t length)
{
	switch (code) {
	case 2: case 6:
		return length == 4;
	case 4: case 5:
		return length == 8;
	case 7: /* A verdict, by its kind. */
		return length >= 1 && ((value[0] != 1 && value[0] != 2) || length == 9);
	default:
		return true;
	}
}

enum outcome tcpdw_capture_options(struct capture *d, const uint8_t *p, uint32_t size,
				   struct interface *into, uint32_t *flags)
{
	int naming = 4; /* the name, else the description, else the hardware */
	uint32_t seen = 0, at = 0;

	while (at < size) {
		uint16_t code, length;
		const uint8_t *value;
		bool is_first;

		if (size - at < 4)
			return tcpdw_capture_damaged(d, "%u bytes where an option should be",
						     size - at);
		code = file16(d, p + at);
		length = file16(d, p + at + 2);
		at += 4;
		if (padded(length) > size - at)
			return tcpdw_capture_damaged(d, "an option of %u bytes, beyond its block",
						     length);
		value = p + at;
		at += padded(length);
		if (code == 0)
			break;
		if (code == 2988 || code == 2989 || code == 19372 || code == 19373) {
			if (length < 4)
				return tcpdw_capture_damaged(d, "a custom option of %u bytes",
							     length);
			if (file32(d, value) == NETFLIX)
				return tcpdw_capture_declined(d, "custom option %u is not read",
							      code);
			continue;
		}
		/* Of repeated ones the first counts. */
		is_first = code < 32 && !(seen & UINT32_C(1) << code);
		if (flags) {
			if (!is_sized(code, value, length))
				return tcpdw_capture_damaged(
					d, "a packet's option of %u bytes, not of its length",
					length);
			if (code == 2 && is_first)
				*flags = file32(d, value);
		}
		if (into) {
			int rank = code == 2 ? 1 : code == 3 ? 2 : code == 15 ? 3 : 4;

			if (code == 11 && length < 1)
				return tcpdw_capture_damaged(
					d, "an interface's filter of %u bytes", 0);
			if (rank < naming && is_first) {
				enum outcome kept = add_name(d, value, length, &into->name);

				if (kept != DONE)
					return kept;
				naming = rank;
			}
			if (code == 9 && length == 1 && is_first)
				into->resolution = value[0];
			if (code == 13 && length == 1 && is_first)
				into->fcs = value[0] > 0;
			if (code == 14 && length == 8 && is_first)
				into->offset = (int64_t)file64(d, value);
			/* One of a wrong length is none. */
			if (((code == 9 || code == 13) && length != 1) ||
			    (code == 14 && length != 8))
				is_first = false;
		}
		if (is_first)
			seen |= UINT32_C(1) << code;
	}
	return DONE;
}

enum outcome tcpdw_capture_describe(struct capture *d, const uint8_t *p, uint32_t size)
{
	struct interface new = {
		.link = file16(d, p + 8),
		.resolution = 6,
		.name = -1,
		.snaplen = file32(d, p + 12),
	};
	enum outcome read;

	if (d->interface_count == d->interface_room) {
		struct interface *all = grown(d->interfaces, &d->interface_room, sizeof(*all));

		if (!all)
			return tcpdw_capture_stop(d, NO_MEMORY);
		d->interfaces = all;
	}
	read = tcpdw_capture_options(d, p + 16, size - 20, &new, NULL);
	if (read == DONE)
		d->interfaces[d->interface_count++] = new;
	return read;
}

static uint64_t power10(unsigned exponent)
{
	uint64_t power = 1;

	while (exponent-- > 0)
		power *= 10;
	return power;
}

/* tshark's own arithmetic overflows where a unit is below about 0.1 ns; here nothing does. */
bool tcpdw_capture_nanoseconds(const struct interface *from, uint64_t stamp, int64_t *ns)
{
	const int64_t most = INT64_MAX / 1000000000; /* s */
	unsigned exponent = from->resolution & 0x7f;
	uint64_t seconds = 0, rest = 0, fraction = stamp;
	int64_t whole;

	if (from->resolution & 0x80) {
		uint64_t low, high;

		if (exponent < 64) {
			seconds = stamp >> exponent;
			fraction = stamp - (seconds << exponent);
		}
		/* fraction * 10^9 >> exponent, in 32 bits and what is above. */
		low = (fraction & UINT32_MAX) * 1000000000;
		high = (fraction >> 32) * 1000000000 + (low >> 32);
		if (exponent < 32)
			rest = low >> exponent; /* Then the fraction has 32 bits at most. */
		else if (exponent - 32 < 64)
			rest = high >> (exponent - 32);
	} else if (exponent <= 9) {
		uint64_t units = power10(exponent);

		seconds = stamp / units;
		rest = stamp % units * power10(9 - exponent);
	} else {
		if (exponent < 20) {
			seconds = stamp / power10(exponent);
			fraction = stamp % power10(exponent);
		}
		if (exponent - 9 < 20)
			rest = fraction / power10(exponent - 9);
	}
	if (seconds > (uint64_t)INT64_MAX / 2 || from->offset > INT64_MAX / 2 ||
	    from->offset < -(INT64_MAX / 2))
		return false;
	whole = (int64_t)seconds + from->offset;
	if (whole > most || whole < -most || (whole == most && rest > INT64_MAX % 1000000000))
		return false;
	*ns = whole * 1000000000 + (int64_t)rest;
	return true;
}
