/* Events, stream by stream: headers, and bodies to rows. */
#include "ctf_decoder.h"

#include <string.h>

#define AHEAD 1024 /* bytes */

enum { TS_COLUMN, CPU_COLUMN }; /* of each table */

/* Note what was read of the packet. */
static void end_packet(struct cursor *cursor)
{
	struct packet *packet = cursor->packet;

	if (!packet || cursor->count == cursor->first_count)
		return;
	packet->events = cursor->count - cursor->first_count;
	packet->first_ts = cursor->first_ts;
	packet->last_ts = cursor->last_ts;
}

void tcpdw_damaged(struct cursor *cursor, int status, uint64_t at)
{
	end_packet(cursor);
	cursor->packet->status = status;
	cursor->packet->error_at = at;
	cursor->is_ready = 0;
	cursor->is_done = 1;
}

/* Turn the clock's cycles to ns since the epoch; 0 if they do not fit. */
static inline int to_ns(const struct stream_class *class, uint64_t cycles, int64_t *ns)
{
	if (class->frequency != 1000000000) {
		__int128 value = (__int128)cycles * 1000000000 / class->frequency;

		if (value > UINT64_MAX)
			return 0;
		cycles = (uint64_t)value;
	}
	return !__builtin_add_overflow(class->base_ns, cycles, ns);
}

static void take_time(struct cursor *cursor)
{
	struct packet *packet = cursor->packet;
	int64_t last = cursor->ts;

	if (!cursor->class->has_clock) {
		cursor->ts = cursor->count;
	} else if (!to_ns(cursor->class, cursor->fields.clock, &cursor->ts)) {
		cursor->ts = last;
		packet->bad_times++;
	}
}

static int next_packet(const struct trace_class *trace, struct cursor *cursor)
{
	const struct packet *packet;
	int status;

	end_packet(cursor);
	cursor->first_count = cursor->count;
	if (cursor->next == cursor->n_packets) {
		cursor->is_done = 1;
		return 0;
	}
	cursor->packet = cursor->packets[cursor->next++];
	packet = cursor->packet;
	cursor->fields.bytes = packet->bytes;
	cursor->fields.limit = packet->limit;
	cursor->fields.end = packet->content;
	cursor->fields.spare = packet->content + SPARE;
	status = tcpdw_begin_packet(trace, &cursor->fields, &cursor->class);
	cursor->has_cpu = cursor->fields.seen >> ROLE_CPU & 1 &&
			  (int64_t)packet->cpu == (int32_t)packet->cpu;
	cursor->cpu = (int32_t)packet->cpu;
	cursor->is_plain = !status && cursor->has_cpu && cursor->class->lttng &&
			   cursor->class->has_clock && cursor->class->frequency == 1000000000;
	if (status)
		tcpdw_damaged(cursor, status, cursor->fields.pos);
	return !status;
}

/* Read the event header that LTTng has on most machines, little-endian and byte-aligned: an id of 5
 * bits and a time of 27, or one of 16 and one of 32; where the id's bits are all set, an id of 32
 * bits and a time of 64 from the next byte on (lttng-tools, src/bin/lttng-sessiond/ust-metadata.c). */
static inline int read_lttng_header(struct fields *f, const struct stream_class *class, uint64_t *event)
{
	uint64_t mask = (UINT64_C(1) << class->lttng) - 1, id, time, left;
	int is_small = class->lttng == 5;
	const uint8_t *from;

	f->pos = (f->pos + 7) & ~UINT64_C(7);
	if (f->pos > f->end)
		return FIELDS_OVERRUN;
	left = f->end - f->pos;
	from = f->bytes + f->pos / 8;
	if (left < (is_small ? 8 : 16))
		return FIELDS_OVERRUN;
	id = (is_small ? *from : (uint64_t)from[0] | (uint64_t)from[1] << 8) & mask;
	f->regs[class->lttng_regs[0]] = id;
	if (id != mask) {
		uint32_t low;

		if (left < (is_small ? 32 : 48))
			return FIELDS_OVERRUN;
		memcpy(&low, from + (is_small ? 0 : 2), 4);
		time = is_small ? low >> 5 : low;
		f->regs[class->lttng_regs[1]] = time;
		tcpdw_set_clock(f, time, is_small ? 27 : 32);
		f->pos += is_small ? 32 : 48;
	} else {
		from += is_small ? 1 : 2;
		if (left < (is_small ? 104 : 112))
			return FIELDS_OVERRUN;
		id = (uint64_t)from[0] | (uint64_t)from[1] << 8 | (uint64_t)from[2] << 16 |
		     (uint64_t)from[3] << 24;
		memcpy(&time, from + 4, 8);
		f->regs[class->lttng_regs[2]] = id;
		f->regs[class->lttng_regs[3]] = time;
		f->clock = time;
		f->pos += is_small ? 104 : 112;
	}
	*event = id;
	return FIELDS_OK;
}

void tcpdw_next_event(const struct trace_class *trace, struct cursor *cursor)
{
	struct fields *fields = &cursor->fields;
	int status;

	cursor->is_ready = 0;
	while (!cursor->packet || fields->pos >= fields->end) {
		if (cursor->packet && cursor->packet->cut) {
			tcpdw_damaged(cursor, PACKET_CUT, fields->pos);
			return;
		}
		if (!next_packet(trace, cursor))
			return;
	}
	cursor->event_at = fields->pos;
	if (cursor->class->lttng) {
		status = read_lttng_header(fields, cursor->class, &cursor->event_id);
	} else {
		fields->seen = 0;
		status = tcpdw_run(fields, &cursor->class->header, 0, NULL);
	}
	if (status) {
		tcpdw_damaged(cursor, cursor->packet->cut ? PACKET_CUT : status, cursor->event_at);
		return;
	}
	if (cursor->class->lttng) {
		/* It has one. */
	} else if (fields->seen >> ROLE_EVENT_ID & 1) {
		cursor->event_id = fields->roles[ROLE_EVENT_ID];
	} else if (cursor->class->only_class >= 0) {
		cursor->event_id = (uint64_t)cursor->class->only_class;
	} else {
		tcpdw_damaged(cursor, PACKET_NO_EVENT_CLASS, cursor->event_at);
		return;
	}
	take_time(cursor);
	cursor->is_ready = 1;
}

int tcpdw_read_waiting(struct rows *rows)
{
	int32_t count = rows->n_waiting;
	struct table *table = &rows->table;

	rows->n_waiting = 0;
	return count ? tcpdw_read_prefixes(&rows->class->prefix, table, table->rows[0] - count,
					   rows->waiting, count)
		     : COLUMN_OK;
}

/* Take back what was read of an event that cannot be read, and end its stream. */
static int fail_event(struct cursor *cursor, struct rows *rows, int status)
{
	rows->table.weight = 0;
	tcpdw_table_rollback(&rows->table);
	if (status == COLUMN_NO_MEMORY)
		return DECODE_NO_MEMORY;
	tcpdw_damaged(cursor, cursor->packet->cut ? PACKET_CUT : status, cursor->event_at);
	return DECODE_DONE;
}

/* Make room for a row more. */
static inline int grow(struct rows *rows)
{
	if (tcpdw_table_grow(&rows->table))
		return DECODE_NO_MEMORY;
	rows->ts = (int64_t *)(void *)rows->table.data[TS_COLUMN];
	rows->cpus = (int32_t *)(void *)rows->table.data[CPU_COLUMN];
	return DECODE_DONE;
}

int tcpdw_read_event(struct decoder *decoder, struct cursor *cursor)
{
	int32_t stream = cursor->packet->stream_class;
	struct rows *rows = tcpdw_rows_of(decoder, stream, cursor->event_id);
	struct fields *fields = &cursor->fields;
	const struct prefix *prefix;
	uint64_t at;
	int64_t row;
	int status;

	if (!rows) {
		decoder->needed_id = cursor->event_id;
		decoder->needed_stream = stream;
		return DECODE_CLASS;
	}
	if (grow(rows))
		return DECODE_NO_MEMORY;
	prefix = &rows->class->prefix;
	row = rows->table.rows[0];
	status = FIELDS_OK;
	at = (fields->pos + prefix->align - 1) & ~(uint64_t)(prefix->align - 1);
	if (at > fields->end || fields->end - at < prefix->bits)
		status = FIELDS_OVERRUN;
	if (!status) {
		rows->waiting[rows->n_waiting] = fields->bytes + at / 8;
		rows->ts[row] = cursor->ts;
		rows->cpus[row] = cursor->cpu;
		fields->pos = at + prefix->bits;
		if (rows->has_rest)
			status = tcpdw_run(fields, &rows->class->body, prefix->start,
					   &rows->table);
	}
	/* An event without a bit would come for ever. */
	if (!status && fields->pos == cursor->event_at)
		status = FIELDS_TOO_MANY;
	if (status)
		return fail_event(cursor, rows, status);
	if (!cursor->has_cpu && tcpdw_put_null(&rows->table, CPU_COLUMN, row))
		return DECODE_NO_MEMORY;
	decoder->left -= (int64_t)(rows->table.weight / WEIGHT);
	rows->weight += rows->table.weight;
	rows->table.weight = 0;
	rows->table.rows[0]++;
	if (++rows->n_waiting == WAITING && tcpdw_read_waiting(rows))
		return DECODE_NO_MEMORY;
	if (cursor->count++ == cursor->first_count)
		cursor->first_ts = cursor->ts;
	cursor->last_ts = cursor->ts;
	tcpdw_next_event(decoder->trace, cursor);
	return DECODE_DONE;
}

/* Plain events have LTTng's usual header in its short form, a clock of ns, a cpu, and a class that
 * is known and has room. This is the way that nearly all events take, so it keeps to what they
 * need, and what is not needed for each is put down at the end. */
int tcpdw_read_plain(struct decoder *decoder, struct cursor *cursor, int64_t until)
{
	const struct direct *direct =
		decoder->direct + (size_t)cursor->packet->stream_class * DIRECT;
	const struct stream_class *class = cursor->class;
	struct fields *const fields = &cursor->fields;
	const uint8_t *const bytes = fields->bytes;
	const uint64_t end = fields->end;
	const int is_small = class->lttng == 5;
	const uint64_t mask = is_small ? (UINT64_C(1) << 27) - 1 : UINT32_MAX;
	const uint32_t longer = is_small ? 31 : UINT16_MAX; /* the id that a longer header has */
	const int64_t most = decoder->left;
	const int32_t cpu = cursor->cpu;
	uint64_t pos = fields->pos, id = cursor->event_id, clock = fields->clock;
	uint64_t low = fields->regs[class->lttng_regs[1]], at = cursor->event_at;
	int64_t ts = cursor->ts, last = cursor->last_ts, left = most, weight = 0;
	int status = DECODE_DONE, is_short = 1;
	struct rows *rows = NULL;

	if (cursor->count == cursor->first_count)
		cursor->first_ts = ts;
	while (left > weight && id < DIRECT) {
		const uint64_t bits = direct[id].bits;
		uint64_t begin;
		uint32_t word;
		int64_t row;

		rows = direct[id].plain;
		if (!rows || end - pos < bits)
			break;
		row = rows->table.rows[0];
		if (row >= rows->table.room)
			break;
		rows->waiting[rows->n_waiting] = bytes + pos / 8;
		rows->ts[row] = ts;
		rows->cpus[row] = cpu;
		pos += bits;
		if (rows->has_rest) {
			fields->pos = pos;
			fields->clock = clock;
			fields->regs[class->lttng_regs[0]] = id;
			fields->regs[class->lttng_regs[1]] = low;
			status = tcpdw_run(fields, &rows->class->body, rows->class->prefix.start,
					   &rows->table);
			if (status)
				break;
			pos = fields->pos;
			clock = fields->clock;
			weight += (int64_t)(rows->table.weight / WEIGHT);
			rows->weight += rows->table.weight;
			rows->table.weight = 0;
		}
		rows->table.rows[0] = row + 1;
		last = ts;
		left--;
		if (++rows->n_waiting == WAITING && tcpdw_read_waiting(rows))
			return DECODE_NO_MEMORY;
		begin = (pos + 7) & ~UINT64_C(7);
		if (begin >= end || end - begin < 48) {
			is_short = 0;
			break;
		}
		if (is_small) {
			memcpy(&word, bytes + begin / 8, 4);
			id = word & 31;
			low = word >> 5;
		} else {
			uint16_t half;

			memcpy(&half, bytes + begin / 8, 2);
			memcpy(&word, bytes + begin / 8 + 2, 4);
			id = half;
			low = word;
		}
		/* Memory is far: what comes next is asked for early. */
		__builtin_prefetch(bytes + pos / 8 + AHEAD);
		if (id == longer) {
			is_short = 0;
			break;
		}
		clock = (clock & ~mask) + low + (low < (clock & mask) ? mask + 1 : 0);
		at = pos;
		pos = begin + (is_small ? 32 : 48);
		if (__builtin_add_overflow(class->base_ns, clock, &ts)) {
			ts = last;
			cursor->packet->bad_times++;
		}
		if (ts > until)
			break;
	}
	decoder->left = left - weight;
	cursor->count += most - left;
	cursor->last_ts = last;
	cursor->event_at = at;
	fields->clock = clock;
	if (status)
		return fail_event(cursor, rows, status);
	fields->pos = pos;
	if (!is_short) {
		cursor->ts = last;
		tcpdw_next_event(decoder->trace, cursor);
		return DECODE_DONE;
	}
	fields->regs[class->lttng_regs[0]] = id;
	fields->regs[class->lttng_regs[1]] = low;
	cursor->event_id = id;
	cursor->ts = ts;
	return DECODE_DONE;
}
