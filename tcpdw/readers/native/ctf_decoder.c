/* CTF data streams to columns, events of several streams merged by time: see ctf_decoder.h. */
#include "ctf_decoder.h"

#include <stdlib.h>
#include <string.h>

static void drop_cursors(struct decoder *decoder)
{
	int32_t i;

	for (i = 0; i < decoder->n_cursors; i++)
		free(decoder->cursors[i].fields.regs);
	decoder->n_cursors = 0;
}

EXPORTED void tcpdw_ctf_free(struct decoder *decoder)
{
	int32_t i;

	if (!decoder)
		return;
	drop_cursors(decoder);
	for (i = 0; i < decoder->n_classes; i++) {
		tcpdw_table_clear(&decoder->classes[i]->table);
		free(decoder->classes[i]);
	}
	free(decoder->cursors);
	free(decoder->turns);
	free(decoder->classes);
	free(decoder->slots);
	free(decoder->direct);
	free(decoder);
}

EXPORTED struct decoder *tcpdw_ctf_new(const struct trace_class *trace)
{
	struct decoder *decoder = calloc(1, sizeof(*decoder));

	if (!decoder)
		return NULL;
	decoder->trace = trace;
	decoder->direct = calloc((size_t)trace->n_streams * DIRECT + 1, sizeof(*decoder->direct));
	if (!decoder->direct) {
		free(decoder);
		return NULL;
	}
	return decoder;
}

static struct slot *slot_of(struct slot *slots, int32_t n_slots, int32_t stream, uint64_t id)
{
	uint64_t hash = (id ^ (uint64_t)(uint32_t)stream << 40) * UINT64_C(0x9E3779B97F4A7C15);
	int32_t i = (int32_t)(hash >> 33) & (n_slots - 1);

	while (slots[i].index >= 0 && (slots[i].id != id || slots[i].stream != stream))
		i = (i + 1) & (n_slots - 1);
	return &slots[i];
}

struct rows *tcpdw_rows_of(const struct decoder *decoder, int32_t stream, uint64_t id)
{
	int32_t index = -1;

	if (id < DIRECT)
		index = decoder->direct[(size_t)stream * DIRECT + id].number - 1;
	else if (decoder->n_slots)
		index = slot_of(decoder->slots, decoder->n_slots, stream, id)->index;
	return index < 0 ? NULL : decoder->classes[index];
}

static int grow_slots(struct decoder *decoder)
{
	int32_t i, n_slots = decoder->n_slots ? decoder->n_slots * 2 : 512;
	struct slot *slots;

	if (decoder->n_classes * 2 < decoder->n_slots)
		return 0;
	slots = malloc((size_t)n_slots * sizeof(*slots));
	if (!slots)
		return DECODE_NO_MEMORY;
	for (i = 0; i < n_slots; i++)
		slots[i].index = -1;
	for (i = 0; i < decoder->n_slots; i++) {
		const struct slot *old = &decoder->slots[i];

		if (old->index >= 0)
			*slot_of(slots, n_slots, old->stream, old->id) = *old;
	}
	free(decoder->slots);
	decoder->slots = slots;
	decoder->n_slots = n_slots;
	return 0;
}

/* Give the decoder an event class of the stream class `stream`; its index is one more than the
 * last one's. */
EXPORTED int tcpdw_ctf_add_class(struct decoder *decoder, int32_t stream, uint64_t id,
				 const struct event_class *class)
{
	int32_t n = decoder->n_classes;
	struct rows *rows;
	struct slot *slot;

	if (n == decoder->room) {
		int32_t room = decoder->room ? decoder->room * 2 : 128;
		void *classes = realloc(decoder->classes, (size_t)room * sizeof(rows));

		if (!classes)
			return DECODE_NO_MEMORY;
		decoder->classes = classes;
		decoder->room = room;
	}
	rows = malloc(sizeof(*rows));
	if (!rows || grow_slots(decoder) ||
	    tcpdw_table_make(&rows->table, class->specs, class->n_columns, class->n_levels)) {
		free(rows);
		return DECODE_NO_MEMORY;
	}
	rows->class = class;
	rows->ts = NULL;
	rows->cpus = NULL;
	rows->has_rest = class->body.ops[class->prefix.start].code != OP_END;
	rows->n_waiting = 0;
	rows->weight = 0;
	decoder->classes[n] = rows;
	slot = slot_of(decoder->slots, decoder->n_slots, stream, id);
	slot->id = id;
	slot->stream = stream;
	slot->index = n;
	if (id < DIRECT) {
		struct direct *direct = &decoder->direct[(size_t)stream * DIRECT + id];

		direct->plain = class->prefix.align <= 8 ? rows : NULL;
		direct->bits = class->prefix.bits;
		direct->number = n + 1;
	}
	decoder->n_classes++;
	return n;
}

/* Begin anew, with no streams. */
EXPORTED void tcpdw_ctf_reset(struct decoder *decoder)
{
	drop_cursors(decoder);
}

/* Add a data stream: its packets in order. The list must stay as long as the decoder reads. */
EXPORTED int tcpdw_ctf_add_stream(struct decoder *decoder, struct packet **packets, int64_t count)
{
	struct cursor *cursor;

	if (decoder->n_cursors == decoder->cursor_room) {
		int32_t room = decoder->cursor_room ? decoder->cursor_room * 2 : 8;
		void *grown = realloc(decoder->cursors, (size_t)room * sizeof(*cursor));

		if (!grown)
			return DECODE_NO_MEMORY;
		decoder->cursors = grown;
		grown = realloc(decoder->turns, (size_t)room * sizeof(*decoder->turns));
		if (!grown)
			return DECODE_NO_MEMORY;
		decoder->turns = grown;
		decoder->cursor_room = room;
	}
	cursor = &decoder->cursors[decoder->n_cursors];
	memset(cursor, 0, sizeof(*cursor));
	cursor->fields.regs = calloc((size_t)decoder->trace->n_regs + 1, sizeof(uint64_t));
	if (!cursor->fields.regs)
		return DECODE_NO_MEMORY;
	cursor->packets = packets;
	cursor->n_packets = count;
	decoder->n_cursors++;
	return 0;
}

/* Say that there is no such event class. */
EXPORTED int tcpdw_ctf_no_class(struct decoder *decoder)
{
	int32_t i;

	for (i = 0; i < decoder->n_cursors; i++) {
		struct cursor *cursor = &decoder->cursors[i];

		if (!cursor->is_ready || cursor->event_id != decoder->needed_id ||
		    cursor->packet->stream_class != decoder->needed_stream)
			continue;
		tcpdw_damaged(cursor, PACKET_NO_EVENT_CLASS, cursor->event_at);
	}
	return 0;
}

static int read_all_waiting(struct decoder *decoder)
{
	int32_t i;

	for (i = 0; i < decoder->n_classes; i++)
		if (tcpdw_read_waiting(decoder->classes[i]))
			return DECODE_NO_MEMORY;
	return DECODE_DONE;
}

static inline int is_before(int64_t ts, const struct cursor *cursor, const struct turn *other)
{
	return ts < other->ts || (ts == other->ts && cursor < other->cursor);
}

/* Put the stream whose turn is `place` where its event's time belongs, among later ones. */
static inline void take_turn(struct turn *turns, int32_t place, int32_t n_turns)
{
	struct cursor *cursor = turns[place].cursor;
	int64_t ts = cursor->ts;

	for (; place + 1 < n_turns && !is_before(ts, cursor, &turns[place + 1]); place++)
		turns[place] = turns[place + 1];
	turns[place].ts = ts;
	turns[place].cursor = cursor;
}

/* Put the streams that have an event in order; give how many there are. */
static int32_t begin_turns(struct decoder *decoder)
{
	int32_t i, place = decoder->n_cursors;

	/* From the back, so that each finds its place among those that are there. */
	for (i = 0; i < decoder->n_cursors; i++) {
		struct cursor *cursor = &decoder->cursors[i];

		if (!cursor->packet && !cursor->is_done)
			tcpdw_next_event(decoder->trace, cursor);
		if (!cursor->is_ready)
			continue;
		decoder->turns[--place].cursor = cursor;
		take_turn(decoder->turns, place, decoder->n_cursors);
	}
	if (place)
		memmove(decoder->turns, decoder->turns + place,
			(size_t)(decoder->n_cursors - place) * sizeof(*decoder->turns));
	return decoder->n_cursors - place;
}

/* Read up to `most` events, fewer if they hold much text. Of equal times, the stream that was added
 * first is first. */
EXPORTED int tcpdw_ctf_decode(struct decoder *decoder, int64_t most)
{
	struct turn *turns = decoder->turns;
	int32_t n_turns = begin_turns(decoder);

	decoder->left = most;
	while (n_turns) {
		struct cursor *cursor = turns->cursor;
		int64_t until = INT64_MAX;
		int status;

		if (decoder->left <= 0)
			return read_all_waiting(decoder) ? DECODE_NO_MEMORY : DECODE_FULL;
		/* The first is before the second: there is a time before that one's. */
		if (n_turns > 1)
			until = cursor < turns[1].cursor ? turns[1].ts : turns[1].ts - 1;
		do {
			status = DECODE_DONE;
			if (cursor->is_plain)
				status = tcpdw_read_plain(decoder, cursor, until);
			/* What is not plain is read by itself. */
			if (!status && cursor->is_ready && cursor->ts <= until &&
			    decoder->left-- > 0)
				status = tcpdw_read_event(decoder, cursor);
			if (status)
				return status;
		} while (cursor->is_ready && cursor->ts <= until && decoder->left > 0);
		if (cursor->is_ready) {
			take_turn(turns, 0, n_turns);
		} else {
			n_turns--;
			memmove(turns, turns + 1, (size_t)n_turns * sizeof(*turns));
		}
	}
	return read_all_waiting(decoder);
}

EXPORTED uint64_t tcpdw_ctf_needed_id(const struct decoder *decoder)
{
	return decoder->needed_id;
}

EXPORTED int32_t tcpdw_ctf_needed_stream(const struct decoder *decoder)
{
	return decoder->needed_stream;
}

/* Tell whether a class has at least `least` rows, or rows that weigh as much. */
EXPORTED int tcpdw_ctf_due(const struct decoder *decoder, int32_t class, int64_t least)
{
	const struct rows *rows = decoder->classes[class];
	int64_t count = rows->table.rows[0];

	return count && count + (int64_t)(rows->weight / WEIGHT) >= least;
}

/* Hand over what was read of a class. */
EXPORTED int tcpdw_ctf_export(struct decoder *decoder, int32_t class, struct ArrowArray *out)
{
	struct rows *rows = decoder->classes[class];

	rows->weight = 0;
	return tcpdw_table_export(&rows->table, &rows->class->body.words, out);
}
