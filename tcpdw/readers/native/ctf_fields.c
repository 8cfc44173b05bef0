#include "ctf_bits.h"

#include <string.h>

#define DEEPEST 16         /* lists within lists; `ctf_layout` declines more */

static inline int move(struct fields *f, uint32_t align)
{
	if (f->pos & (align - 1)) {
		uint64_t to = (f->pos + align - 1) & ~(uint64_t)(align - 1);

		if (to > f->end)
			return FIELDS_OVERRUN;
		f->pos = to;
	}
	return FIELDS_OK;
}

/* Read `bits` bits, 1 to 64, from anywhere; there are as many. */
static uint64_t read_bits(const struct fields *f, unsigned bits, int is_big)
{
	const uint8_t *from = f->bytes + f->pos / 8;
	unsigned shift = f->pos % 8, bytes = (shift + bits + 7) / 8, i;
	uint64_t value = 0;

	if (bytes == 1)
		return from[0] >> (is_big ? 8 - shift - bits : shift) & ((1u << bits) - 1);
	if (is_big) {
		/* Bits count from each byte's highest. */
		unsigned last = (shift + bits) % 8;

		value = from[0] & (0xFFu >> shift);
		for (i = 1; i + 1 < bytes; i++)
			value = value << 8 | from[i];
		return last ? value << last | from[i] >> (8 - last) : value << 8 | from[i];
	}
	if (f->limit - from >= 8)
		memcpy(&value, from, 8);
	else
		memcpy(&value, from, bytes < 8 ? bytes : 8);
	value >>= shift;
	if (bytes > 8)
		value |= (uint64_t)from[8] << (64 - shift);
	return bits < 64 ? value & ((UINT64_C(1) << bits) - 1) : value;
}

static int read_int(struct fields *f, const struct op *op, uint64_t *value)
{
	int status = move(f, op->align);

	if (status)
		return status;
	if (op->size > f->end - f->pos)
		return FIELDS_OVERRUN;
	*value = read_bits(f, op->size, op->flags & IS_BIG);
	if (op->flags & IS_SIGNED)
		*value = extend(*value, op->size);
	f->pos += op->size;
	return FIELDS_OK;
}

static int read_varint(struct fields *f, const struct op *op, uint64_t *value)
{
	unsigned shift = 0;
	int status = move(f, 8);

	if (status)
		return status;
	for (*value = 0;; shift += 7) {
		uint8_t byte;

		if (f->end - f->pos < 8)
			return FIELDS_OVERRUN;
		byte = f->bytes[f->pos / 8];
		f->pos += 8;
		if (shift < 64)
			*value |= (uint64_t)(byte & 0x7F) << shift;
		if (byte & 0x80)
			continue;
		if (op->flags & IS_SIGNED && byte & 0x40 && shift + 7 < 64)
			*value |= ~UINT64_C(0) << (shift + 7);
		return FIELDS_OK;
	}
}

static const struct range *find(const struct program *program, int32_t index, uint64_t value)
{
	const struct range_table *table = &program->tables[index];
	const struct range *ranges = program->ranges + table->first;
	int32_t low = 0, high = table->count;

	while (low < high) {
		int32_t middle = low + (high - low) / 2;
		const struct range *range = &ranges[middle];
		int is_below = table->is_signed ? (int64_t)value < range->low
						: value < (uint64_t)range->low;
		int is_above = table->is_signed ? (int64_t)value > range->high
						: value > (uint64_t)range->high;

		if (!is_below && !is_above)
			return range;
		if (is_below)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static int put_label(struct table *table, const struct program *program, const struct op *op,
		     uint64_t value)
{
	const struct range *range = find(program, op->table, value);
	int32_t word, from;

	if (!range)
		return COLUMN_OK; /* left NULL */
	if (table->specs[op->label].kind == CODES)
		return tcpdw_put_fixed(table, op->label, (uint64_t)range->target);
	word = program->tables[op->table].words + (int32_t)range->target;
	from = word ? program->words.ends[word - 1] : 0;
	return tcpdw_put_bytes(table, op->label, program->words.bytes + from,
			       (size_t)(program->words.ends[word] - from));
}

static int put_int(struct fields *f, struct table *table, const struct program *program,
		   const struct op *op, uint64_t value)
{
	int status = COLUMN_OK;

	if (op->reg >= 0)
		f->regs[op->reg] = value;
	if (op->column >= 0)
		status = tcpdw_put_fixed(table, op->column, value);
	if (!status && op->label >= 0)
		status = put_label(table, program, op, value);
	return status;
}

/* Give a part as `part_value` does, where there are 8 bytes to read. */
static inline uint64_t part_of_word(const struct part *part, const uint8_t *from)
{
	uint64_t value;

	memcpy(&value, from, 8);
	if (part->flags & IS_BIG)
		value = __builtin_bswap64(value) >> (64 - part->shift - part->bits);
	else
		value >>= part->shift;
	value &= ~UINT64_C(0) >> (64 - part->bits);
	return part->flags & IS_SIGNED ? extend(value, part->bits) : value;
}

/* Read a run of integers: one check for all. */
static inline int read_run(struct fields *f, struct table *table, const struct program *program,
			   const struct op *op)
{
	const struct part *part = program->parts + op->reg, *after = program->parts + op->label;
	const uint8_t *from;
	int status = move(f, op->align), is_roomy;
	size_t row;

	if (status)
		return status;
	if ((uint64_t)op->b > f->end - f->pos)
		return FIELDS_OVERRUN;
	from = f->bytes + f->pos / 8;
	f->pos += (uint64_t)op->b;
	/* The last part lies within the run: only near the file's end are there fewer bytes. */
	is_roomy = f->limit - from >= op->b / 8 + 8;
	row = table ? (size_t)table->rows[0] : 0;
	for (; part < after; part++) {
		const uint8_t *at = from + part->offset;
		struct column *column;
		uint64_t value;
		int64_t place;

		if (part->flags & IS_COPY) {
			uint8_t *data = table->data[part->column];

			switch (part->width) {
			case 4: memcpy(data + row * 4, at, 4); break;
			case 8: memcpy(data + row * 8, at, 8); break;
			case 2: memcpy(data + row * 2, at, 2); break;
			default: data[row] = *at; break;
			}
			continue;
		}
		value = is_roomy ? part_of_word(part, at) : part_value(part, at);
		if (part->reg >= 0)
			f->regs[part->reg] = value;
		if (part->column < 0)
			continue;
		column = &table->columns[part->column];
		place = table->rows[part->level];
		if (!(part->flags & IS_DENSE)) {
			if (column->length != place || place >= column->room) {
				status = tcpdw_column_begin_slow(table, part->column);
				if (status)
					return status;
			}
			column->length = place + 1;
		}
		tcpdw_store(column->data, place, part->width, value);
	}
	return FIELDS_OK;
}

static double half(uint64_t bits)
{
	int exponent = bits >> 10 & 31;
	double value = (double)(bits & 1023);

	if (exponent == 31)
		value = bits & 1023 ? __builtin_nan("") : __builtin_inf();
	else if (exponent)
		value = (value + 1024) * (double)(UINT64_C(1) << exponent) / 33554432.0;
	else
		value /= 16777216.0;
	return bits >> 15 & 1 ? -value : value;
}

static int read_real(struct fields *f, struct table *table, const struct op *op)
{
	uint64_t value;
	int status = read_int(f, op, &value);

	if (status || op->column < 0)
		return status;
	if (op->size == 16) {
		float single = (float)half(value);
		uint32_t bits;

		memcpy(&bits, &single, 4);
		value = bits;
	}
	return tcpdw_put_fixed(table, op->column, value);
}

static int unit_of(int encoding)
{
	return encoding == UTF8 ? 1 : encoding == UTF16BE || encoding == UTF16LE ? 2 : 4;
}

/* Begin a row of a text of up to 16 bytes; NULL where there is no room for them yet. */
static inline uint8_t *begin_short(struct table *table, int32_t index, int32_t **offsets)
{
	struct column *column = &table->columns[index];
	size_t at;

	if (tcpdw_column_begin(table, index))
		return NULL;
	*offsets = column->offsets + table->rows[table->specs[index].level];
	at = (size_t)**offsets;
	if (at + 16 > column->data_room || at > INT32_MAX - 16)
		return NULL;
	return column->data + at;
}

/* Put a text of fewer than 16 bytes that a NUL ends, or of 16; 0 if it is no such text, is not
 * ASCII, or there is no room yet. There are 16 bytes to read. */
static inline int put_short(struct table *table, int32_t index, const uint8_t *from, size_t *length)
{
	int32_t size = short_length(from), *offsets;
	uint8_t *to;

	*length = (size_t)size;
	if (size < 0)
		return 0;
	to = begin_short(table, index, &offsets);
	if (!to)
		return 0;
	memcpy(to, from, 16);
	offsets[1] = offsets[0] + size;
	return 1;
}

static int read_string(struct fields *f, struct table *table, const struct op *op)
{
	int status = move(f, op->align), unit = unit_of(op->size);
	const uint8_t *text;
	size_t room, length;

	if (status)
		return status;
	text = f->bytes + f->pos / 8;
	room = (size_t)((f->end - f->pos) / 8);
	if (room >= 16 && op->size == UTF8 && op->column >= 0 &&
	    put_short(table, op->column, text, &length) && length < 16) {
		f->pos += (uint64_t)(length + 1) * 8;
		return FIELDS_OK;
	}
	length = text_length(text, room, unit);
	if (room - length < (size_t)unit)
		return FIELDS_OVERRUN;
	f->pos += (uint64_t)(length + (size_t)unit) * 8;
	return op->column < 0 ? FIELDS_OK
			      : tcpdw_put_text(table, op->column, text, length, op->size);
}

/* Read a text or blob whose length is known before it. */
static int read_bytes(struct fields *f, struct table *table, const struct op *op)
{
	uint64_t length = op->flags & BY_REGISTER ? f->regs[op->reg] : (uint32_t)op->a;
	int status = move(f, op->align);
	const uint8_t *from;
	size_t size;

	if (status)
		return status;
	if (length > (f->end - f->pos) / 8)
		return FIELDS_OVERRUN;
	from = f->bytes + f->pos / 8;
	f->pos += length * 8;
	if (length == 16 && op->code == OP_TEXT && op->size == UTF8 && op->column >= 0 &&
	    put_short(table, op->column, from, &size))
		return FIELDS_OK;
	if (op->column < 0)
		return FIELDS_OK;
	if (op->code == OP_BLOB)
		return tcpdw_put_bytes(table, op->column, from, (size_t)length);
	length = text_length(from, (size_t)length, unit_of(op->size));
	return tcpdw_put_text(table, op->column, from, (size_t)length, op->size);
}

/* Begin a list; `*count` is its length. */
static int begin_list(struct fields *f, struct table *table, const struct op *op, uint64_t *count)
{
	int status = move(f, op->align);

	if (status)
		return status;
	*count = op->flags & BY_REGISTER ? f->regs[op->reg] : (uint32_t)op->a;
	if (op->size && *count > (f->end - f->pos) / op->size)
		return FIELDS_OVERRUN;
	if (!op->size) {
		/* Time and memory would have no end: such lists may hold more of their kind. */
		if (*count > f->spare)
			return FIELDS_TOO_MANY;
		f->spare -= *count;
	}
	if (op->column >= 0)
		status = tcpdw_column_begin(table, op->column);
	if (!status && op->label >= 0)
		status = tcpdw_column_begin(table, op->label);
	return status;
}

static int end_element(struct table *table, const struct op *op)
{
	int status = FIELDS_OK;

	if (op->column >= 0)
		status = tcpdw_list_element(table, op->column);
	if (!status && op->label >= 0)
		status = tcpdw_list_element(table, op->label);
	return status;
}

static int read_ints(struct fields *f, struct table *table, const struct op *op)
{
	unsigned bytes = op->size / 8;
	const uint8_t *from;
	uint64_t count, i;
	uint8_t *to;
	int status = move(f, op->align);

	if (status)
		return status;
	count = op->flags & BY_REGISTER ? f->regs[op->reg] : (uint32_t)op->a;
	if (count > (f->end - f->pos) / op->size)
		return FIELDS_OVERRUN;
	/* Elements have their alignment, and it needs no padding: none, none. */
	if (count && op->b > 1) {
		status = move(f, (uint32_t)op->b);
		if (status)
			return status;
		if (count > (f->end - f->pos) / op->size)
			return FIELDS_OVERRUN;
	}
	from = f->bytes + f->pos / 8;
	f->pos += count * op->size;
	if (op->column < 0)
		return FIELDS_OK;
	status = tcpdw_put_list(table, op->column, (int64_t)count, &to);
	if (status || !count)
		return status;
	if (bytes == 1 || !(op->flags & IS_BIG)) {
		memcpy(to, from, (size_t)count * bytes);
		return FIELDS_OK;
	}
	for (i = 0; i < count; i++) {
		uint64_t value = swap(load(from + i * bytes, bytes), bytes);

		memcpy(to + i * bytes, &value, bytes);
	}
	return FIELDS_OK;
}

/* Read an address: 4 bytes, 16 bytes or 8 words of 16 bits, each of the trace's byte order. */
static int read_address(struct fields *f, struct table *table, const struct op *op)
{
	struct op element = *op;
	uint8_t address[16];
	char text[TCPDW_ADDRESS_MAX];
	unsigned width = op->size / 8;
	int32_t i, *offsets;
	uint8_t *to;

	if (!(f->pos % 8) && op->align <= op->size && (width == 1 || op->flags & IS_BIG)) {
		int status = move(f, op->align);

		if (status)
			return status;
		if ((uint64_t)op->a * op->size > f->end - f->pos)
			return FIELDS_OVERRUN;
		memcpy(address, f->bytes + f->pos / 8, (size_t)op->a * width);
		f->pos += (uint64_t)op->a * op->size;
	} else for (i = 0; i < op->a; i++) {
		uint64_t value;
		int status = read_int(f, &element, &value);

		if (status)
			return status;
		if (width == 2)
			address[2 * i] = (uint8_t)(value >> 8);
		address[width * (unsigned)i + width - 1] = (uint8_t)value;
	}
	if (op->column < 0)
		return FIELDS_OK;
	if (op->a * (int32_t)width != 4)
		return tcpdw_put_bytes(table, op->column, (const uint8_t *)text,
				       tcpdw_spell_ipv6(text, address));
	to = begin_short(table, op->column, &offsets);
	if (!to)
		return tcpdw_put_bytes(table, op->column, (const uint8_t *)text,
				       tcpdw_spell_ipv4(text, address));
	/* No address is longer than 15 bytes. */
	offsets[1] = offsets[0] + (int32_t)tcpdw_spell_ipv4((char *)to, address);
	return COLUMN_OK;
}

/* Write the transport payload's length by the headers' own lengths, if they tell: in `reg` the
 * bytes in all, in `table` the words of the transport header, in `label` those of the IP header
 * (-1 for none), and `a` bytes more. */
static int put_payload(struct fields *f, struct table *table, const struct op *op)
{
	uint64_t total = f->regs[op->reg], headers = (uint64_t)op->a;

	if (op->table >= 0)
		headers += 4 * f->regs[op->table];
	if (op->label >= 0)
		headers += 4 * f->regs[op->label];
	if (!total || total < headers)
		return FIELDS_OK;
	return tcpdw_put_fixed(table, op->column, total - headers);
}

static void take_role(struct fields *f, const struct op *op)
{
	uint64_t value = f->regs[op->reg];

	f->roles[op->a] = value;
	f->seen |= UINT32_C(1) << op->a;
	if (op->a == ROLE_TIMESTAMP)
		tcpdw_set_clock(f, value, op->size);
}

int tcpdw_run(struct fields *f, const struct program *program, int32_t start, struct table *table)
{
	struct {
		uint64_t left;
	} lists[DEEPEST];
	const struct op *ops = program->ops, *op = ops + start;
	const struct range *range;
	uint64_t value;
	int depth = 0, status;

	for (;; op++) {
		status = FIELDS_OK;
		switch ((enum opcode)op->code) {
		case OP_END:
			return FIELDS_OK;
		case OP_RUN:
			status = read_run(f, table, program, op);
			break;
		case OP_INT:
			status = read_int(f, op, &value);
			if (!status)
				status = put_int(f, table, program, op, value);
			break;
		case OP_VARINT:
			status = read_varint(f, op, &value);
			if (!status)
				status = put_int(f, table, program, op, value);
			break;
		case OP_BOOL:
			status = read_int(f, op, &value);
			if (!status && op->reg >= 0)
				f->regs[op->reg] = value;
			if (!status && op->column >= 0)
				status = tcpdw_put_bit(table, op->column, value != 0);
			break;
		case OP_REAL:
			status = read_real(f, table, op);
			break;
		case OP_STRING:
			status = read_string(f, table, op);
			break;
		case OP_TEXT:
		case OP_BLOB:
			status = read_bytes(f, table, op);
			break;
		case OP_ALIGN:
			status = move(f, op->align);
			break;
		case OP_LIST:
			status = begin_list(f, table, op, &value);
			if (status)
				break;
			if (value)
				lists[depth++].left = value;
			else
				op = ops + op->b - 1;
			break;
		case OP_NEXT:
			status = end_element(table, op);
			if (status)
				break;
			if (--lists[depth - 1].left)
				op = ops + op->b - 1;
			else
				depth--;
			break;
		case OP_INTS:
			status = read_ints(f, table, op);
			break;
		case OP_SWITCH:
			range = find(program, op->table, f->regs[op->reg]);
			if (!range)
				return FIELDS_NO_OPTION;
			op = ops + range->target - 1;
			break;
		case OP_UNLESS:
			value = f->regs[op->reg];
			if (op->table >= 0 ? !find(program, op->table, value) : !value)
				op = ops + op->b - 1;
			break;
		case OP_JUMP:
			op = ops + op->b - 1;
			break;
		case OP_STRUCT:
			status = tcpdw_column_begin(table, op->column);
			break;
		case OP_ROLE:
			take_role(f, op);
			break;
		case OP_UUID:
			status = move(f, op->align);
			if (!status && f->end - f->pos < 128)
				status = FIELDS_OVERRUN;
			if (!status && f->uuid && memcmp(f->bytes + f->pos / 8, f->uuid, 16))
				return FIELDS_OTHER_UUID;
			f->pos += 128;
			break;
		case OP_CONSTANT:
			status = tcpdw_put_fixed(table, op->column, (uint64_t)op->a);
			break;
		case OP_MARK:
			f->regs[op->reg] = f->pos;
			break;
		case OP_BACK:
			f->pos = f->regs[op->reg];
			break;
		case OP_ADDRESS:
			status = read_address(f, table, op);
			break;
		case OP_PAYLOAD:
			status = put_payload(f, table, op);
			break;
		}
		if (status)
			return status;
	}
}
