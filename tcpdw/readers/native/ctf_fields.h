/* Programs that walk the fields of one scope or event: what `ctf_layout` compiles field types to.
 *
 * An instruction reads fields from a packet's bits into columns and registers. Registers keep what
 * later fields need: the lengths of sequences, the selectors of variants.
 */
#ifndef TCPDW_CTF_FIELDS_H
#define TCPDW_CTF_FIELDS_H

#include <stdint.h>

#include "columns.h"

enum opcode {
	OP_END,
	OP_RUN,      /* integers at known places, `b` bits in all: `reg` to `label` of `parts` */
	OP_INT,      /* `size` bits */
	OP_REAL,
	OP_BOOL,
	OP_VARINT,   /* LEB128 */
	OP_STRING,   /* up to its NUL */
	OP_TEXT,     /* `a` bytes or as many as `reg` says, or up to the first NUL in them */
	OP_BLOB,     /* likewise, without the NUL */
	OP_ALIGN,
	OP_LIST,     /* `a` elements or as many as `reg` says, of `size` bits at least; `b` is after */
	OP_NEXT,     /* the end of an element: on to `b` if there is another */
	OP_INTS,     /* a list whose elements are integers of whole bytes, end to end */
	OP_SWITCH,   /* go where `table` says for `reg` */
	OP_UNLESS,   /* go to `b` unless `reg` is in `table`, or not 0 where that is -1 */
	OP_JUMP,     /* go to `b` */
	OP_STRUCT,   /* the row of a structure's column is there */
	OP_ROLE,     /* `reg` is what the role `a` says, `size` bits wide */
	OP_UUID,     /* 16 bytes: the trace's UUID */
	OP_CONSTANT, /* code `a` into a column */
	OP_MARK,     /* keep the place in `reg` */
	OP_BACK,     /* go back to the place in `reg` */
	OP_ADDRESS,  /* `a` integers of `size` bits: an address as text */
	OP_PAYLOAD,  /* the payload's length by the headers: see `put_payload` */
};

enum opflag {
	IS_SIGNED = 1,
	IS_BIG = 2,
	BY_REGISTER = 4, /* the length is in `reg` */
	IS_COPY = 8,     /* of a run's part: bytes as they are into a dense column */
	IS_DENSE = 16,   /* of a run's part: into a dense column */
};

struct op {
	uint8_t code;
	uint8_t flags;
	uint16_t size;
	uint32_t align; /* bits */
	int32_t column; /* -1 for none, as below */
	int32_t label;  /* the column of labels */
	int32_t reg;
	int32_t table;
	int32_t a;
	int32_t b;
};

/* An integer of a run: `bits` bits, `shift` into the `bytes` bytes at `offset`. */
struct part {
	uint16_t offset;
	uint8_t bytes;
	uint8_t shift;
	uint8_t bits;
	uint8_t width; /* of the column */
	uint8_t flags;
	uint8_t level; /* of the column */
	int32_t column;
	int32_t reg;
};

/* A text of a known length at a known place, dense. */
struct fixed_text {
	uint32_t offset;
	uint32_t length;
	int32_t column;
};

/* What stands at known places at the start of an event's body. It is read later, for many events
 * of a class at a time, column by column. */
struct prefix {
	const struct part *parts;
	const struct fixed_text *texts;
	uint32_t align;
	uint32_t bits;
	int32_t n_parts;
	int32_t n_texts;
	int32_t start; /* the first instruction for what comes after it */
	int32_t pad;
};

/* Values from `low` to `high`: their label's code, or the instruction to go to. */
struct range {
	int64_t low;
	int64_t high;
	int64_t target;
};

/* Ranges `first` to `first + count - 1`, in order and apart. Labels begin at word `words`. */
struct range_table {
	int32_t first;
	int32_t count;
	int32_t is_signed;
	int32_t words;
};

struct program {
	const struct op *ops;
	const struct part *parts;
	const struct range_table *tables;
	const struct range *ranges;
	struct words words;
};

enum role {
	ROLE_MAGIC,
	ROLE_STREAM_ID,
	ROLE_INSTANCE_ID,
	ROLE_CONTENT_SIZE,
	ROLE_PACKET_SIZE,
	ROLE_TIMESTAMP,
	ROLE_TIMESTAMP_END,
	ROLE_DISCARDED,
	ROLE_SEQUENCE,
	ROLE_EVENT_ID,
	ROLE_CPU,
	N_ROLES,
};

enum field_status {
	FIELDS_OK = 0,
	/* COLUMN_NO_MEMORY and COLUMN_TOO_LONG, and: */
	FIELDS_OVERRUN = 1, /* a field goes beyond the packet's content */
	FIELDS_NO_OPTION,   /* a selector has a value without an option */
	FIELDS_TOO_MANY,    /* a list of absurd length */
	FIELDS_OTHER_UUID,
};

struct fields {
	const uint8_t *bytes; /* the packet */
	const uint8_t *limit; /* the end of the file's bytes */
	uint64_t pos;         /* bits from the packet's start */
	uint64_t end;
	uint64_t clock;       /* cycles */
	uint64_t spare;       /* elements of lists that need no bits: how many more there may be */
	uint64_t *regs;
	const uint8_t *uuid;  /* NULL if any will do */
	uint64_t roles[N_ROLES];
	uint32_t seen;        /* a bit a role */
};

/* Set the clock by the low `bits` bits of its value. */
static inline void tcpdw_set_clock(struct fields *f, uint64_t value, unsigned bits)
{
	if (bits < 64) {
		/* It has wrapped if they are less than before. */
		uint64_t mask = (UINT64_C(1) << bits) - 1;

		if (value < (f->clock & mask))
			value += mask + 1;
		value += f->clock & ~mask;
	}
	f->clock = value;
}

/* Run a program from instruction `start` over the fields from `pos` on; `table` may be NULL if it
 * has no columns. */
int tcpdw_run(struct fields *fields, const struct program *program, int32_t start,
	      struct table *table);

/* Read the prefixes of `count` events, which begin at `bodies`, into rows from `row` on. */
int tcpdw_read_prefixes(const struct prefix *prefix, struct table *table, int64_t row,
			const uint8_t *const *bodies, int32_t count);

#endif
