/* Growing columns in Arrow's layout: filled row by row, handed over as ArrowArray without a copy.
 *
 * Columns stand in a flat array, parents before their children. A column lies on a level: level 0
 * has the rows of the table, and each list makes a level of its elements. `rows[level]` is the row
 * being written there; a column that was not written in a row gets a NULL when it is next written,
 * or at the hand-over. A dense column is written in each row of level 0 and has room for it.
 *
 * Layout: the Arrow columnar format 1.0; hand-over: its C data interface.
 */
#ifndef TCPDW_COLUMNS_H
#define TCPDW_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#include "text.h"

struct ArrowArray {
	int64_t length;
	int64_t null_count;
	int64_t offset;
	int64_t n_buffers;
	int64_t n_children;
	const void **buffers;
	struct ArrowArray **children;
	struct ArrowArray *dictionary;
	void (*release)(struct ArrowArray *);
	void *private_data;
};

enum column_kind {
	FIXED,  /* `width` bytes a row */
	BIT,
	TEXT,   /* UTF-8 or binary: 32-bit offsets and bytes */
	CODES,  /* 32-bit codes into the dictionary `words` */
	LIST,   /* the next column is its element */
	STRUCT,
};

/* What does not change of a column: the caller's, and immutable. */
struct column_spec {
	int32_t kind;
	int32_t width;
	int32_t parent;    /* -1 on the table itself */
	int32_t level;
	int32_t own_level; /* a list's level of elements */
	int32_t is_dense;
	int32_t words;     /* first of the dictionary's words in `struct words`; CODES alone */
	int32_t n_words;
};

/* Texts end to end: word i is bytes[ends[i-1] .. ends[i]). */
struct words {
	const uint8_t *bytes;
	const int32_t *ends;
};

struct column {
	uint8_t *data;
	size_t data_room; /* bytes */
	int32_t *offsets;
	uint8_t *valid;
	int64_t room;   /* rows */
	int64_t length; /* rows written; not kept for dense columns */
	int64_t nulls;
	int64_t hint;   /* rows that were handed over last: as many may come again, */
	size_t bytes;   /* and as many bytes of text */
};

struct table {
	const struct column_spec *specs;
	struct column *columns;
	uint8_t **data; /* of the dense columns, close together */
	int64_t *rows;  /* by level */
	int64_t few[4]; /* what `rows` is where there are no more levels; tables are not moved */
	int64_t room;   /* rows of the dense columns */
	uint64_t weight; /* about the bytes of texts and elements, since it was last set to 0 */
	int32_t n_columns;
	int32_t n_levels;
};

enum column_status { COLUMN_OK = 0, COLUMN_NO_MEMORY = -1, COLUMN_TOO_LONG = -2 };

int tcpdw_table_make(struct table *table, const struct column_spec *specs, int32_t n_columns,
		     int32_t n_levels);
void tcpdw_table_clear(struct table *table);

/* Make room for a row more in all dense columns. */
int tcpdw_table_grow_slow(struct table *table);

static inline int tcpdw_table_grow(struct table *table)
{
	return table->rows[0] < table->room ? COLUMN_OK : tcpdw_table_grow_slow(table);
}

/* Write a NULL into a row of a dense column. */
int tcpdw_put_null(struct table *table, int32_t column, int64_t row);

/* Begin a row after others were left out, or where there is no room yet. */
int tcpdw_column_begin_slow(struct table *table, int32_t column);

int tcpdw_put_bit(struct table *table, int32_t column, int value);
int tcpdw_put_bytes(struct table *table, int32_t column, const uint8_t *bytes, size_t length);
int tcpdw_put_text(struct table *table, int32_t column, const uint8_t *text, size_t length,
		   enum tcpdw_encoding encoding);

/* Make room for `length` more bytes of text from `row` on, in a dense column. */
int tcpdw_text_reserve(struct column *column, int64_t row, size_t length);

/* Begin the column's current row with NULLs before it; `data` of FIXED and CODES has room for it.
 * The row counts as written. */
static inline int tcpdw_column_begin(struct table *table, int32_t index)
{
	const struct column_spec *spec = &table->specs[index];
	struct column *column = &table->columns[index];
	int64_t row = table->rows[spec->level];

	if (spec->is_dense)
		return COLUMN_OK;
	if (column->length != row || row >= column->room)
		return tcpdw_column_begin_slow(table, index);
	if (column->offsets)
		column->offsets[row + 1] = column->offsets[row];
	column->length = row + 1;
	return COLUMN_OK;
}

static inline void tcpdw_store(uint8_t *data, int64_t row, int width, uint64_t value)
{
	switch (width) {
	case 1: data[row] = (uint8_t)value; break;
	case 2: ((uint16_t *)(void *)data)[row] = (uint16_t)value; break;
	case 4: ((uint32_t *)(void *)data)[row] = (uint32_t)value; break;
	default: ((uint64_t *)(void *)data)[row] = value; break;
	}
}

/* Write one row of FIXED or CODES, dense or not. */
static inline int tcpdw_put_fixed(struct table *table, int32_t index, uint64_t value)
{
	const struct column_spec *spec = &table->specs[index];
	int64_t row = table->rows[spec->level];
	int status = tcpdw_column_begin(table, index);

	if (!status)
		tcpdw_store(table->columns[index].data, row, spec->kind == CODES ? 4 : spec->width,
			    value);
	return status;
}

/* Write a list's row of `count` elements, whose values the caller then stores at the address that
 * is given, `count` times the element's width (FIXED alone). */
int tcpdw_put_list(struct table *table, int32_t column, int64_t count, uint8_t **values);

/* Note that a list's row has one element more: its columns hold it now. */
int tcpdw_list_element(struct table *table, int32_t column);

/* Take back what was written of the row that `rows` says is current. */
void tcpdw_table_rollback(struct table *table);

/* Hand the rows over as the ArrowArray of a record batch, and be empty. */
int tcpdw_table_export(struct table *table, const struct words *words, struct ArrowArray *out);

#endif
