/* What stands at known places at the start of events' bodies, column by column. */
#include "ctf_bits.h"

#include <string.h>

static void copy_part(const struct part *part, uint8_t *to, const uint8_t *const *bodies,
		      int32_t count)
{
	size_t offset = part->offset;
	int32_t i;

	if (!(part->flags & IS_COPY)) {
		for (i = 0; i < count; i++)
			tcpdw_store(to, i, part->width, part_value(part, bodies[i] + offset));
		return;
	}
	switch (part->width) {
	case 4:
		for (i = 0; i < count; i++)
			memcpy(to + 4 * (size_t)i, bodies[i] + offset, 4);
		break;
	case 8:
		for (i = 0; i < count; i++)
			memcpy(to + 8 * (size_t)i, bodies[i] + offset, 8);
		break;
	case 2:
		for (i = 0; i < count; i++)
			memcpy(to + 2 * (size_t)i, bodies[i] + offset, 2);
		break;
	default:
		for (i = 0; i < count; i++)
			to[i] = bodies[i][offset];
	}
}

/* Write texts of up to 16 bytes, ASCII, as long as they are that; give how many there were. */
static int32_t copy_names(struct column *column, int64_t row, size_t offset,
			  const uint8_t *const *bodies, int32_t count)
{
	int32_t *offsets = column->offsets + row, i;
	uint8_t *to = column->data;
	int32_t at = *offsets;

	for (i = 0; i < count; i++) {
		const uint8_t *from = bodies[i] + offset;
		int32_t length = short_length(from);

		if (length < 0)
			break;
		memcpy(to + at, from, 16);
		at += length;
		offsets[i + 1] = at;
	}
	return i;
}

static int copy_text(struct table *table, const struct fixed_text *text, int64_t row,
		     const uint8_t *const *bodies, int32_t count)
{
	struct column *column = &table->columns[text->column];
	int64_t now = table->rows[0];
	int status = COLUMN_OK;
	int32_t i = 0;

	while (!status && i < count) {
		const uint8_t *from;

		if (text->length == 16) {
			status = tcpdw_text_reserve(column, row + i, (size_t)(count - i) * 16);
			if (status)
				return status;
			i += copy_names(column, row + i, text->offset, bodies + i, count - i);
			if (i == count)
				break;
		}
		from = bodies[i] + text->offset;
		table->rows[0] = row + i;
		status = tcpdw_put_text(table, text->column, from,
					text_length(from, text->length, 1), UTF8);
		table->rows[0] = now;
		i++;
	}
	return status;
}

/* Copy two parts of 4 or 8 bytes for each event: they are often next to each other. */
#define COPY_PAIR(first_width, second_width)                                                       \
	for (i = 0; i < count; i++) {                                                              \
		memcpy(to + first_width * (size_t)i, bodies[i] + offset, first_width);             \
		memcpy(also + second_width * (size_t)i, bodies[i] + other, second_width);          \
	}

static void copy_pair(const struct part *part, uint8_t *to, uint8_t *also,
		      const uint8_t *const *bodies, int32_t count)
{
	size_t offset = part[0].offset, other = part[1].offset;
	int32_t i;

	if (part[0].width == 4 && part[1].width == 4)
		COPY_PAIR(4, 4)
	else if (part[0].width == 4)
		COPY_PAIR(4, 8)
	else if (part[1].width == 4)
		COPY_PAIR(8, 4)
	else
		COPY_PAIR(8, 8)
}

static inline int pairs(const struct part *part)
{
	return part->flags & IS_COPY && (part->width == 4 || part->width == 8);
}

int tcpdw_read_prefixes(const struct prefix *prefix, struct table *table, int64_t row,
			const uint8_t *const *bodies, int32_t count)
{
	int32_t i;

	for (i = 0; i < prefix->n_parts; i++) {
		const struct part *part = &prefix->parts[i];
		uint8_t *to = table->data[part->column] + (size_t)row * part->width;

		if (i + 1 < prefix->n_parts && pairs(part) && pairs(part + 1)) {
			part++, i++;
			copy_pair(part - 1, to,
				  table->data[part->column] + (size_t)row * part->width, bodies,
				  count);
		} else {
			copy_part(part, to, bodies, count);
		}
	}
	for (i = 0; i < prefix->n_texts; i++) {
		int status = copy_text(table, &prefix->texts[i], row, bodies, count);

		if (status)
			return status;
	}
	return COLUMN_OK;
}
