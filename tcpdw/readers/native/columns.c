#include "columns.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 64
#define MOST_BYTES INT32_MAX /* what 32-bit offsets reach */
/* What texts and elements of one event may take: a few bits can ask for long labels many times. */
#define MOST_WEIGHT (UINT64_C(1) << 28)

static int reserve(uint8_t **data, size_t *room, size_t need)
{
	size_t to = *room ? *room : 256;
	uint8_t *grown;

	if (need <= *room)
		return COLUMN_OK;
	while (to < need) {
		if (to > SIZE_MAX / 2)
			return COLUMN_NO_MEMORY;
		to *= 2;
	}
	grown = realloc(*data, to);
	if (!grown)
		return COLUMN_NO_MEMORY;
	*data = grown;
	*room = to;
	return COLUMN_OK;
}

static size_t row_bytes(const struct column_spec *spec)
{
	return spec->kind == FIXED ? (size_t)spec->width : spec->kind == CODES ? 4 : 0;
}

static int has_offsets(const struct column_spec *spec)
{
	return spec->kind == TEXT || spec->kind == LIST;
}

/* Make room for `rows` rows: values or bits, offsets, and validity where it is kept. */
static int grow_rows(const struct column_spec *spec, struct column *column, int64_t rows)
{
	int64_t to = column->room ? column->room : FIRST_ROOM;
	size_t width = row_bytes(spec);

	if (!column->room && column->hint > to)
		to = (column->hint + column->hint / 8 + 63) & ~INT64_C(63);
	if (rows <= column->room)
		return COLUMN_OK;
	if (rows > INT32_MAX)
		return COLUMN_TOO_LONG;
	while (to < rows)
		to *= 2;
	if (width || spec->kind == BIT) {
		size_t need = width ? (size_t)to * width : (size_t)to / 8;
		uint8_t *data = realloc(column->data, need);

		if (!data)
			return COLUMN_NO_MEMORY;
		if (!width)
			memset(data + column->room / 8, 0, need - (size_t)column->room / 8);
		column->data = data;
		column->data_room = need;
	}
	if (has_offsets(spec)) {
		int32_t *offsets = realloc(column->offsets, ((size_t)to + 1) * sizeof(*offsets));

		if (!offsets)
			return COLUMN_NO_MEMORY;
		offsets[0] = 0;
		column->offsets = offsets;
	}
	if (column->valid) {
		uint8_t *valid = realloc(column->valid, (size_t)to / 8);

		if (!valid)
			return COLUMN_NO_MEMORY;
		memset(valid + column->room / 8, 0xFF, (size_t)(to - column->room) / 8);
		column->valid = valid;
	}
	column->room = to;
	return COLUMN_OK;
}

/* Set the bits from `from` to before `to` to 0. */
static void clear_bits(uint8_t *bits, int64_t from, int64_t to)
{
	for (; from < to && from % 8; from++)
		bits[from / 8] &= (uint8_t)~(1 << from % 8);
	if (to - from >= 8)
		memset(bits + from / 8, 0, (size_t)(to / 8 - from / 8));
	for (from = from < to / 8 * 8 ? to / 8 * 8 : from; from < to; from++)
		bits[from / 8] &= (uint8_t)~(1 << from % 8);
}

/* Write NULLs up to `row`. */
static int fill(const struct column_spec *spec, struct column *column, int64_t row)
{
	int64_t i;
	int status;

	if (column->length >= row)
		return COLUMN_OK;
	status = grow_rows(spec, column, row);
	if (status)
		return status;
	if (!column->valid) {
		column->valid = malloc((size_t)column->room / 8);
		if (!column->valid)
			return COLUMN_NO_MEMORY;
		memset(column->valid, 0xFF, (size_t)column->room / 8);
	}
	if (row_bytes(spec)) {
		size_t width = row_bytes(spec);

		memset(column->data + (size_t)column->length * width, 0,
		       (size_t)(row - column->length) * width);
	}
	clear_bits(column->valid, column->length, row);
	if (spec->kind == BIT)
		clear_bits(column->data, column->length, row);
	for (i = column->length; has_offsets(spec) && i < row; i++)
		column->offsets[i + 1] = column->offsets[i];
	column->nulls += row - column->length;
	column->length = row;
	return COLUMN_OK;
}

int tcpdw_table_make(struct table *table, const struct column_spec *specs, int32_t n_columns,
		     int32_t n_levels)
{
	memset(table, 0, sizeof(*table));
	table->specs = specs;
	table->n_columns = n_columns;
	table->n_levels = n_levels;
	table->columns = calloc((size_t)n_columns + 1, sizeof(*table->columns));
	table->data = calloc((size_t)n_columns + 1, sizeof(*table->data));
	table->rows = n_levels <= 4 ? table->few : calloc((size_t)n_levels, sizeof(*table->rows));
	if (table->columns && table->data && table->rows)
		return COLUMN_OK;
	tcpdw_table_clear(table);
	return COLUMN_NO_MEMORY;
}

static void clear_column(struct column *column)
{
	free(column->data);
	free(column->offsets);
	free(column->valid);
	memset(column, 0, sizeof(*column));
}

void tcpdw_table_clear(struct table *table)
{
	int32_t i;

	for (i = 0; table->columns && i < table->n_columns; i++)
		clear_column(&table->columns[i]);
	free(table->columns);
	free(table->data);
	if (table->rows != table->few)
		free(table->rows);
	memset(table, 0, sizeof(*table));
}

int tcpdw_table_grow_slow(struct table *table)
{
	int32_t i;

	for (i = 0; i < table->n_columns; i++) {
		int status;

		if (!table->specs[i].is_dense)
			continue;
		status = grow_rows(&table->specs[i], &table->columns[i], table->rows[0] + 1);
		if (status)
			return status;
		table->data[i] = table->columns[i].data;
	}
	table->room = INT64_MAX;
	for (i = 0; i < table->n_columns; i++)
		if (table->specs[i].is_dense && table->columns[i].room < table->room)
			table->room = table->columns[i].room;
	return COLUMN_OK;
}

int tcpdw_column_begin_slow(struct table *table, int32_t index)
{
	const struct column_spec *spec = &table->specs[index];
	struct column *column = &table->columns[index];
	int64_t row = table->rows[spec->level];
	int status = fill(spec, column, row);

	if (!status)
		status = grow_rows(spec, column, row + 1);
	if (!status) {
		/* The row may have been written before: then it is written anew. */
		if (has_offsets(spec))
			column->offsets[row + 1] = column->offsets[row];
		column->length = row + 1;
	}
	return status;
}

int tcpdw_put_null(struct table *table, int32_t index, int64_t row)
{
	struct column *column = &table->columns[index];

	if (!column->valid) {
		column->valid = malloc((size_t)column->room / 8);
		if (!column->valid)
			return COLUMN_NO_MEMORY;
		memset(column->valid, 0xFF, (size_t)column->room / 8);
	}
	tcpdw_store(column->data, row, table->specs[index].width, 0);
	column->nulls += column->valid[row / 8] >> row % 8 & 1;
	column->valid[row / 8] &= (uint8_t)~(1 << row % 8);
	return COLUMN_OK;
}

int tcpdw_put_bit(struct table *table, int32_t index, int value)
{
	struct column *column = &table->columns[index];
	int64_t row = table->rows[table->specs[index].level];
	int status = tcpdw_column_begin(table, index);

	if (status)
		return status;
	column->data[row / 8] &= (uint8_t)~(1 << row % 8);
	column->data[row / 8] |= (uint8_t)(!!value << row % 8);
	return COLUMN_OK;
}

static int weigh(struct table *table, size_t bytes)
{
	table->weight += bytes;
	return table->weight > MOST_WEIGHT ? COLUMN_TOO_LONG : COLUMN_OK;
}

/* Give where the next `length` bytes of a text row go. */
static int text_room(struct column *column, int64_t row, size_t length, uint8_t **to)
{
	size_t from = (size_t)column->offsets[row], need = from + length;
	int status;

	if (length > MOST_BYTES - from)
		return COLUMN_TOO_LONG;
	if (!column->data && need < column->bytes + column->bytes / 8)
		need = column->bytes + column->bytes / 8;
	status = reserve(&column->data, &column->data_room, need);
	*to = status ? NULL : column->data + from;
	return status;
}

int tcpdw_text_reserve(struct column *column, int64_t row, size_t length)
{
	uint8_t *to;

	return text_room(column, row, length, &to);
}

int tcpdw_put_bytes(struct table *table, int32_t index, const uint8_t *bytes, size_t length)
{
	struct column *column = &table->columns[index];
	int64_t row = table->rows[table->specs[index].level];
	int status = weigh(table, length);
	uint8_t *to;

	if (!status)
		status = tcpdw_column_begin(table, index);
	if (!status)
		status = text_room(column, row, length ? length : 1, &to);
	if (status)
		return status;
	memcpy(to, bytes, length);
	column->offsets[row + 1] = column->offsets[row] + (int32_t)length;
	return COLUMN_OK;
}

int tcpdw_put_text(struct table *table, int32_t index, const uint8_t *text, size_t length,
		   enum tcpdw_encoding encoding)
{
	struct column *column = &table->columns[index];
	int64_t row = table->rows[table->specs[index].level];
	uint8_t *to;
	int status;

	if (encoding == UTF8 && tcpdw_is_ascii(text, length))
		return tcpdw_put_bytes(table, index, text, length);
	if (length > MOST_BYTES / 4 || weigh(table, length))
		return COLUMN_TOO_LONG;
	status = tcpdw_column_begin(table, index);
	if (!status)
		status = text_room(column, row, tcpdw_repaired_max(length) + 1, &to);
	if (status)
		return status;
	length = tcpdw_repair(to, text, length, encoding);
	column->offsets[row + 1] = column->offsets[row] + (int32_t)length;
	return COLUMN_OK;
}

int tcpdw_put_list(struct table *table, int32_t index, int64_t count, uint8_t **values)
{
	const struct column_spec *element = &table->specs[index + 1];
	struct column *column = &table->columns[index], *child = column + 1;
	int64_t row = table->rows[table->specs[index].level], from;
	int status = tcpdw_column_begin(table, index);

	if (status)
		return status;
	from = table->rows[element->level];
	if (count > INT32_MAX - from)
		return COLUMN_TOO_LONG;
	status = fill(element, child, from);
	if (!status)
		status = grow_rows(element, child, from + count);
	if (status)
		return status;
	*values = child->data ? child->data + (size_t)from * (size_t)element->width : NULL;
	child->length = table->rows[element->level] = from + count;
	column->offsets[row + 1] = (int32_t)(from + count);
	return COLUMN_OK;
}

int tcpdw_list_element(struct table *table, int32_t index)
{
	const struct column_spec *spec = &table->specs[index];
	struct column *column = &table->columns[index];
	int64_t *rows = &table->rows[spec->own_level];

	if (*rows >= INT32_MAX || weigh(table, 16))
		return COLUMN_TOO_LONG;
	*rows += 1;
	column->offsets[table->rows[spec->level] + 1] = (int32_t)*rows;
	return COLUMN_OK;
}

void tcpdw_table_rollback(struct table *table)
{
	int32_t i;

	for (i = 0; i < table->n_columns; i++) {
		const struct column_spec *spec = &table->specs[i];
		struct column *column = &table->columns[i];
		int64_t rows = table->rows[spec->level], row;

		if (spec->is_dense)
			column->length = column->valid ? rows + 1 : rows;
		if (column->length > rows) {
			for (row = rows; column->valid && row < column->length; row++) {
				if (column->valid[row / 8] >> row % 8 & 1)
					continue;
				column->valid[row / 8] |= (uint8_t)(1 << row % 8);
				column->nulls--;
			}
			column->length = rows;
		}
		/* Parents come first: a list's level falls back before its elements' columns. */
		if (spec->kind == LIST)
			table->rows[spec->own_level] =
				column->offsets ? column->offsets[column->length] : 0;
	}
}

/* What a handed-over array owns: its children and its dictionary lie here too. A consumer may move
 * those elsewhere, and release them there: then their own `release` is NULL. */
struct owned {
	const void *buffers[3];
	void *memory[3];
	struct ArrowArray dictionary;
	struct ArrowArray *children[];
};

static void discard(struct ArrowArray *array)
{
	if (array->release)
		array->release(array);
}

static void release(struct ArrowArray *array)
{
	struct owned *owned = array->private_data;
	int64_t i;

	for (i = 0; i < array->n_children; i++)
		discard(owned->children[i]);
	discard(&owned->dictionary);
	for (i = 0; i < 3; i++)
		free(owned->memory[i]);
	free(owned);
	array->release = NULL;
}

/* Make an array with room for children, which are not counted yet. */
static int make_array(struct ArrowArray *array, int64_t room)
{
	size_t each = sizeof(struct ArrowArray *) + sizeof(struct ArrowArray);
	struct owned *owned = calloc(1, sizeof(*owned) + (size_t)room * each);
	struct ArrowArray *children;
	int64_t i;

	memset(array, 0, sizeof(*array));
	if (!owned)
		return COLUMN_NO_MEMORY;
	children = (struct ArrowArray *)(void *)(owned->children + room);
	for (i = 0; i < room; i++)
		owned->children[i] = &children[i];
	array->buffers = owned->buffers;
	array->children = owned->children;
	array->private_data = owned;
	array->release = release;
	return COLUMN_OK;
}

static void set_buffer(struct ArrowArray *array, int place, void *memory)
{
	struct owned *owned = array->private_data;

	owned->buffers[place] = owned->memory[place] = memory;
}

static int export_words(const struct column_spec *spec, const struct words *words,
			struct ArrowArray *out)
{
	int32_t from = spec->words ? words->ends[spec->words - 1] : 0;
	int32_t *offsets;
	uint8_t *bytes;
	int32_t i, size;

	if (make_array(out, 0))
		return COLUMN_NO_MEMORY;
	size = spec->n_words ? words->ends[spec->words + spec->n_words - 1] - from : 0;
	offsets = malloc(((size_t)spec->n_words + 1) * sizeof(*offsets));
	bytes = malloc((size_t)size + 1);
	set_buffer(out, 1, offsets);
	set_buffer(out, 2, bytes);
	if (!offsets || !bytes)
		return COLUMN_NO_MEMORY;
	offsets[0] = 0;
	for (i = 0; i < spec->n_words; i++)
		offsets[i + 1] = words->ends[spec->words + i] - from;
	memcpy(bytes, words->bytes + from, (size_t)size);
	out->length = spec->n_words;
	out->n_buffers = 3;
	return COLUMN_OK;
}

static int export_children(struct table *table, const struct words *words, int32_t parent,
			   struct ArrowArray *out);

static int32_t count_children(const struct table *table, int32_t parent)
{
	int32_t i, count = 0;

	for (i = parent + 1; i < table->n_columns; i++)
		count += table->specs[i].parent == parent;
	return count;
}

/* Hand over column `index`; its children follow it. Where it fails, `out` is to be released. */
static int export_column(struct table *table, const struct words *words, int32_t index,
			 struct ArrowArray *out)
{
	const struct column_spec *spec = &table->specs[index];
	struct column *column = &table->columns[index];
	int is_nested = spec->kind == LIST || spec->kind == STRUCT;
	int64_t length = table->rows[spec->level];
	size_t bytes;

	if (make_array(out, is_nested ? count_children(table, index) : 0))
		return COLUMN_NO_MEMORY;
	if (spec->is_dense)
		column->length = length;
	/* Offsets of no rows are still one number. */
	if (fill(spec, column, length) ||
	    (has_offsets(spec) && !column->offsets && grow_rows(spec, column, 1)))
		return COLUMN_NO_MEMORY;
	if (spec->kind == TEXT && !column->data && reserve(&column->data, &column->data_room, 1))
		return COLUMN_NO_MEMORY;
	out->length = length;
	out->null_count = column->nulls;
	out->n_buffers = spec->kind == TEXT ? 3 : spec->kind == STRUCT ? 1 : 2;
	set_buffer(out, 0, column->valid);
	if (out->n_buffers == 2 && spec->kind != LIST)
		set_buffer(out, 1, column->data);
	if (has_offsets(spec))
		set_buffer(out, 1, column->offsets);
	if (spec->kind == TEXT)
		set_buffer(out, 2, column->data);
	bytes = spec->kind == TEXT ? (size_t)column->offsets[length] : 0;
	memset(column, 0, sizeof(*column));
	column->hint = length;
	column->bytes = bytes;
	if (spec->kind == CODES) {
		struct owned *owned = out->private_data;

		out->dictionary = &owned->dictionary;
		return export_words(spec, words, out->dictionary);
	}
	return is_nested ? export_children(table, words, index, out) : COLUMN_OK;
}

/* Hand over the columns of a parent, -1 for the table itself. */
static int export_children(struct table *table, const struct words *words, int32_t parent,
			   struct ArrowArray *out)
{
	int32_t i;

	for (i = parent + 1; i < table->n_columns; i++) {
		if (table->specs[i].parent != parent)
			continue;
		/* Counted first: what there is of it is released with the parent. */
		if (export_column(table, words, i, out->children[out->n_children++]))
			return COLUMN_NO_MEMORY;
	}
	return COLUMN_OK;
}

int tcpdw_table_export(struct table *table, const struct words *words, struct ArrowArray *out)
{
	if (make_array(out, count_children(table, -1)))
		return COLUMN_NO_MEMORY;
	out->length = table->rows[0];
	out->n_buffers = 1;
	if (export_children(table, words, -1, out)) {
		release(out);
		return COLUMN_NO_MEMORY;
	}
	memset(table->rows, 0, (size_t)table->n_levels * sizeof(*table->rows));
	table->room = 0;
	return COLUMN_OK;
}
