/* CTF data streams to columns, events of several streams merged by time.
 *
 * The caller (`ctf_native`) maps the stream files, has their packets listed (`tcpdw_ctf_scan`), and
 * gives a decoder the packets of each stream. `tcpdw_ctf_decode` then reads a number of events, in
 * the order of their times, into one table a class; `tcpdw_ctf_export` hands a table over. Event
 * classes are compiled when first met: the decoder stops and says which one it needs.
 *
 * Source: CTF 1.8.3, sections 5 and 6; CTF2-SPEC-2.0, section 6.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ctf_fields.h"

#define EXPORTED __attribute__((visibility("default")))
#define MAGIC 0xC1FC1FC1
#define UNKNOWN UINT64_MAX
#define SPARE 65536 /* elements without a bit in a packet, beside one for each bit it has */
#define WEIGHT 256  /* bytes of texts and elements that count as much as an event */
#define NO_CPU INT64_MIN
#define WAITING 512 /* events of a class whose prefixes are read together */
#define DIRECT 4096 /* ids below are looked up in an array */

enum packet_status {
	PACKET_OK = 0,
	/* What `tcpdw_run` gives, and: */
	PACKET_NO_MAGIC = 16,
	PACKET_NO_STREAM_CLASS,
	PACKET_BAD_SIZE,
	PACKET_NO_EVENT_CLASS,
	PACKET_CUT, /* the file ends within it */
};

enum decode_status {
	DECODE_DONE = 0,
	DECODE_FULL = 1,
	DECODE_CLASS = 2, /* an event class is needed: see `needed_*` */
	DECODE_NO_MEMORY = -1,
};

/* What the caller compiled of a stream class. */
struct stream_class {
	uint64_t id;
	struct program context;
	struct program header;
	int64_t base_ns; /* the clock's offset */
	uint64_t frequency;
	int32_t has_clock;
	int64_t only_class; /* the event class where headers have no id, -1 otherwise */
	int32_t lttng;      /* the bits of the id in LTTng's usual header, 0 for other headers */
	int32_t lttng_regs[4]; /* of the id and the time, and of those of the longer form */
	int32_t pad;
};

struct trace_class {
	struct program header;
	const uint8_t *uuid;
	const struct stream_class *streams;
	int32_t n_streams;
	int32_t n_regs; /* the most that any scope needs */
};

struct event_class {
	struct program body;
	struct prefix prefix;
	const struct column_spec *specs;
	int32_t n_columns;
	int32_t n_levels;
};

struct packet {
	const uint8_t *bytes;
	const uint8_t *limit;
	uint64_t offset;  /* bytes, in its file */
	uint64_t size;    /* bits, as far as the file goes */
	uint64_t content; /* bits, likewise */
	uint64_t begin, end, discarded, sequence, instance, cpu; /* as recorded, or UNKNOWN */
	int64_t events;
	int64_t first_ts, last_ts;
	int64_t bad_times;
	uint64_t error_at; /* bits, in the packet */
	int32_t stream_class;
	int32_t status;
	int32_t cut; /* the file ends within it */
	int32_t begins; /* its context sets the whole clock */
};

struct file {
	uint8_t *bytes;
	uint64_t size;
	struct packet *packets;
	int64_t n_packets;
	int64_t room;
	uint64_t error_at; /* bytes: what is there is no packet, by `status` */
	int32_t status;
	int32_t error;     /* errno of opening it */
};

/* One data stream on its way. */
struct cursor {
	struct packet **packets;
	int64_t n_packets, next;
	struct packet *packet;
	const struct stream_class *class;
	struct fields fields;
	uint64_t event_id;
	int64_t ts, count;
	int64_t first_count, first_ts, last_ts; /* of the packet */
	uint64_t event_at;
	int32_t cpu, has_cpu;
	int32_t is_ready; /* an event's header is read, its body is next */
	int32_t is_done;
	int32_t is_plain; /* see `read_plain` */
};

/* The rows of a class, and the bodies of those whose place and prefix are not read yet: the last
 * ones. What most events need stands first. */
struct rows {
	uint64_t bits;    /* of the prefix */
	int32_t is_plain; /* the prefix begins at any byte */
	int32_t has_rest; /* there is more than the prefix */
	int32_t n_waiting;
	struct table table;
	const struct event_class *class;
	struct body waiting[WAITING];
};

struct slot {
	uint64_t id;
	int32_t stream;
	int32_t index; /* of the class, -1 for a free slot */
};

struct decoder {
	const struct trace_class *trace;
	struct rows **classes;
	int32_t n_classes, room;
	struct slot *slots;
	int32_t n_slots;
	int32_t *direct; /* classes of small ids, by stream class: one more than their indices */
	struct cursor *cursors;
	int32_t n_cursors, cursor_room;
	int64_t left; /* events to read in this call */
	uint64_t needed_id;
	int32_t needed_stream;
};

/* --- files and their packets -------------------------------------------------------------------*/

EXPORTED void tcpdw_ctf_close(struct file *file)
{
	if (!file)
		return;
	if (file->bytes)
		munmap(file->bytes, file->size);
	free(file->packets);
	free(file);
}

EXPORTED struct file *tcpdw_ctf_open(const char *path)
{
	struct file *file = calloc(1, sizeof(*file));
	off_t size = -1;
	int fd;

	if (!file)
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	/* Not fstat: as a symbol of its own it would ask for glibc 2.33. */
	if (fd >= 0)
		size = lseek(fd, 0, SEEK_END);
	if (size < 0) {
		file->error = errno;
	} else if (size > 0) {
		void *bytes = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);

		if (bytes == MAP_FAILED) {
			file->error = errno;
		} else {
			file->bytes = bytes;
			file->size = (uint64_t)size;
		}
	}
	if (fd >= 0)
		close(fd);
	return file;
}

/* Give back the memory of pages that are read: they come again from the file if need be. */
EXPORTED void tcpdw_ctf_forget(const struct packet *first, const struct packet *last)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)first->bytes + page - 1) & ~(page - 1);
	uintptr_t to = ((uintptr_t)last->bytes + last->size / 8) & ~(page - 1);

	if (to > from)
		madvise((void *)from, to - from, MADV_DONTNEED);
}

static uint64_t role(const struct fields *fields, enum role which)
{
	return fields->seen >> which & 1 ? fields->roles[which] : UNKNOWN;
}

static const struct stream_class *class_of(const struct trace_class *trace,
					   const struct fields *fields)
{
	int32_t i;

	if (!(fields->seen >> ROLE_STREAM_ID & 1))
		return trace->n_streams == 1 ? trace->streams : NULL;
	for (i = 0; i < trace->n_streams; i++)
		if (trace->streams[i].id == fields->roles[ROLE_STREAM_ID])
			return &trace->streams[i];
	return NULL;
}

/* Read a packet's header and context; the stream class comes from the header. */
static int begin_packet(const struct trace_class *trace, struct fields *fields,
			const struct stream_class **class)
{
	int status;

	fields->pos = 0;
	fields->seen = 0;
	fields->uuid = trace->uuid;
	status = tcpdw_run(fields, &trace->header, 0, NULL);
	if (!status && fields->seen >> ROLE_MAGIC & 1 && fields->roles[ROLE_MAGIC] != MAGIC)
		return PACKET_NO_MAGIC;
	if (status)
		return status;
	*class = class_of(trace, fields);
	if (!*class)
		return PACKET_NO_STREAM_CLASS;
	return tcpdw_run(fields, &(*class)->context, 0, NULL);
}

static int scan_packet(const struct trace_class *trace, const struct file *file, uint64_t offset,
		       uint64_t *regs, struct packet *packet)
{
	const struct stream_class *class = NULL;
	uint64_t left = (file->size - offset) * 8, size, content;
	struct fields fields = {
		.bytes = file->bytes + offset,
		.limit = file->bytes + file->size,
		.end = left,
		.spare = SPARE,
		.regs = regs,
	};
	int status = begin_packet(trace, &fields, &class);

	memset(packet, 0, sizeof(*packet));
	packet->bytes = fields.bytes;
	packet->limit = fields.limit;
	packet->offset = offset;
	/* What is wrong with a packet as a whole is so where it begins. */
	packet->error_at = status == FIELDS_OVERRUN || status == FIELDS_NO_OPTION ? fields.pos : 0;
	if (status)
		return status;
	content = role(&fields, ROLE_CONTENT_SIZE);
	size = role(&fields, ROLE_PACKET_SIZE);
	if (size == UNKNOWN)
		size = content == UNKNOWN ? left : content + (8 - content % 8) % 8;
	if (content == UNKNOWN)
		content = size;
	if (size % 8 || !size || content > size || content < fields.pos)
		return PACKET_BAD_SIZE;
	packet->cut = size > left;
	packet->size = packet->cut ? left : size;
	packet->content = content > left ? left : content;
	packet->begin = role(&fields, ROLE_TIMESTAMP);
	packet->end = role(&fields, ROLE_TIMESTAMP_END);
	packet->discarded = role(&fields, ROLE_DISCARDED);
	packet->sequence = role(&fields, ROLE_SEQUENCE);
	packet->instance = role(&fields, ROLE_INSTANCE_ID);
	packet->cpu = role(&fields, ROLE_CPU);
	packet->begins = packet->begin != UNKNOWN;
	packet->stream_class = (int32_t)(class - trace->streams);
	return PACKET_OK;
}

/* List the packets of a file; it stops where there is no packet, and says why in `status`. */
EXPORTED int tcpdw_ctf_scan(struct file *file, const struct trace_class *trace)
{
	uint64_t *regs = calloc((size_t)trace->n_regs + 1, sizeof(*regs));
	uint64_t offset = 0;

	if (!regs)
		return DECODE_NO_MEMORY;
	while (offset < file->size) {
		struct packet *packet;

		if (file->n_packets == file->room) {
			int64_t room = file->room ? file->room * 2 : 64;
			void *grown = realloc(file->packets, (size_t)room * sizeof(*packet));

			if (!grown) {
				free(regs);
				return DECODE_NO_MEMORY;
			}
			file->packets = grown;
			file->room = room;
		}
		packet = &file->packets[file->n_packets];
		file->status = scan_packet(trace, file, offset, regs, packet);
		if (file->status) {
			file->error_at = offset + packet->error_at / 8;
			break;
		}
		file->n_packets++;
		offset += packet->size / 8;
	}
	free(regs);
	return 0;
}

EXPORTED struct packet *tcpdw_ctf_packets(struct file *file)
{
	return file->packets;
}

/* --- decoders ----------------------------------------------------------------------------------*/

enum { TS_COLUMN, CPU_COLUMN }; /* of each table */

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
	rows->bits = class->prefix.bits;
	rows->is_plain = class->prefix.align <= 8;
	rows->has_rest = class->body.ops[class->prefix.start].code != OP_END;
	rows->n_waiting = 0;
	decoder->classes[n] = rows;
	slot = slot_of(decoder->slots, decoder->n_slots, stream, id);
	slot->id = id;
	slot->stream = stream;
	slot->index = n;
	if (id < DIRECT)
		decoder->direct[(size_t)stream * DIRECT + id] = n + 1;
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

/* --- reading -----------------------------------------------------------------------------------*/

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

static void damaged(struct cursor *cursor, int status, uint64_t at)
{
	end_packet(cursor);
	cursor->packet->status = status;
	cursor->packet->error_at = at;
	cursor->is_ready = 0;
	cursor->is_done = 1;
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
		damaged(cursor, PACKET_NO_EVENT_CLASS, cursor->event_at);
	}
	return 0;
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
	status = begin_packet(trace, &cursor->fields, &cursor->class);
	cursor->has_cpu = cursor->fields.seen >> ROLE_CPU & 1 &&
			  (int64_t)packet->cpu == (int32_t)packet->cpu;
	cursor->cpu = (int32_t)packet->cpu;
	cursor->is_plain = !status && cursor->has_cpu && cursor->class->lttng &&
			   cursor->class->has_clock && cursor->class->frequency == 1000000000;
	if (status)
		damaged(cursor, status, cursor->fields.pos);
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

/* Read on to the next event's header. */
static inline void next_event(const struct trace_class *trace, struct cursor *cursor)
{
	struct fields *fields = &cursor->fields;
	int status;

	cursor->is_ready = 0;
	while (!cursor->packet || fields->pos >= fields->end) {
		if (cursor->packet && cursor->packet->cut) {
			damaged(cursor, PACKET_CUT, fields->pos);
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
		damaged(cursor, cursor->packet->cut ? PACKET_CUT : status, cursor->event_at);
		return;
	}
	if (cursor->class->lttng) {
		/* It has one. */
	} else if (fields->seen >> ROLE_EVENT_ID & 1) {
		cursor->event_id = fields->roles[ROLE_EVENT_ID];
	} else if (cursor->class->only_class >= 0) {
		cursor->event_id = (uint64_t)cursor->class->only_class;
	} else {
		damaged(cursor, PACKET_NO_EVENT_CLASS, cursor->event_at);
		return;
	}
	take_time(cursor);
	cursor->is_ready = 1;
}

/* Write the times and cpus of the events that wait, and read their prefixes. */
static int read_waiting(struct rows *rows)
{
	int32_t i, count = rows->n_waiting;
	struct table *table = &rows->table;
	int64_t row = table->rows[0] - count;
	int64_t *ts;
	int32_t *cpus;

	if (!count)
		return COLUMN_OK;
	rows->n_waiting = 0;
	ts = (int64_t *)(void *)table->data[TS_COLUMN] + row;
	cpus = (int32_t *)(void *)table->data[CPU_COLUMN] + row;
	for (i = 0; i < count; i++) {
		ts[i] = rows->waiting[i].ts;
		cpus[i] = (int32_t)rows->waiting[i].cpu;
		if (rows->waiting[i].cpu == NO_CPU && tcpdw_put_null(table, CPU_COLUMN, row + i))
			return DECODE_NO_MEMORY;
	}
	return tcpdw_read_prefixes(&rows->class->prefix, table, row, rows->waiting, count);
}

/* Give the index of the class of the event whose header is read, -1 if it is not there. */
static int32_t class_index(const struct decoder *decoder, const struct cursor *cursor)
{
	int32_t stream = cursor->packet->stream_class;

	if (cursor->event_id < DIRECT)
		return decoder->direct[(size_t)stream * DIRECT + cursor->event_id] - 1;
	if (!decoder->n_slots)
		return -1;
	return slot_of(decoder->slots, decoder->n_slots, stream, cursor->event_id)->index;
}

/* Take back what was read of an event that cannot be read, and end its stream. */
static int fail_event(struct cursor *cursor, struct rows *rows, int status)
{
	rows->table.weight = 0;
	tcpdw_table_rollback(&rows->table);
	if (status == COLUMN_NO_MEMORY)
		return DECODE_NO_MEMORY;
	damaged(cursor, cursor->packet->cut ? PACKET_CUT : status, cursor->event_at);
	return DECODE_DONE;
}

/* Read the body of the event whose header is read. */
static int read_event(struct decoder *decoder, struct cursor *cursor)
{
	int32_t index = class_index(decoder, cursor);
	struct fields *fields = &cursor->fields;
	const struct prefix *prefix;
	struct rows *rows;
	uint64_t at;
	int status;

	if (index < 0) {
		decoder->needed_id = cursor->event_id;
		decoder->needed_stream = cursor->packet->stream_class;
		return DECODE_CLASS;
	}
	rows = decoder->classes[index];
	prefix = &rows->class->prefix;
	status = tcpdw_table_grow(&rows->table);
	if (status)
		return DECODE_NO_MEMORY;
	at = (fields->pos + prefix->align - 1) & ~(uint64_t)(prefix->align - 1);
	if (at > fields->end || fields->end - at < prefix->bits)
		status = FIELDS_OVERRUN;
	if (!status) {
		struct body *body = &rows->waiting[rows->n_waiting];

		body->bytes = fields->bytes + at / 8;
		body->ts = cursor->ts;
		body->cpu = cursor->has_cpu ? cursor->cpu : NO_CPU;
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
	decoder->left -= (int64_t)(rows->table.weight / WEIGHT);
	rows->table.weight = 0;
	rows->table.rows[0]++;
	if (++rows->n_waiting == WAITING && read_waiting(rows))
		return DECODE_NO_MEMORY;
	if (cursor->count++ == cursor->first_count)
		cursor->first_ts = cursor->ts;
	cursor->last_ts = cursor->ts;
	next_event(decoder->trace, cursor);
	return DECODE_DONE;
}

/* Find the stream whose event is next, and the one after it. */
static struct cursor *earliest(struct decoder *decoder, const struct cursor **second)
{
	struct cursor *first = NULL;
	int32_t i;

	*second = NULL;
	for (i = 0; i < decoder->n_cursors; i++) {
		struct cursor *cursor = &decoder->cursors[i];

		if (!cursor->packet && !cursor->is_done)
			next_event(decoder->trace, cursor);
		if (!cursor->is_ready)
			continue;
		if (!first || cursor->ts < first->ts) {
			*second = first;
			first = cursor;
		} else if (!*second || cursor->ts < (*second)->ts) {
			*second = cursor;
		}
	}
	return first;
}

static inline int is_before(const struct cursor *cursor, int64_t ts, const struct cursor *other)
{
	return !other || ts < other->ts || (ts == other->ts && cursor < other);
}

/* Read events as `read_event` does, as long as they are plain and of the stream's turn: LTTng's
 * usual header in its short form, a clock of ns, a class that is known and has room. This is the
 * way that nearly all events take, so it keeps to what they need. */
static int read_plain(struct decoder *decoder, struct cursor *cursor, const struct cursor *second)
{
	const int32_t *direct = decoder->direct + (size_t)cursor->packet->stream_class * DIRECT;
	const struct stream_class *class = cursor->class;
	struct fields *const fields = &cursor->fields;
	const uint8_t *const bytes = fields->bytes;
	const uint64_t end = fields->end;
	const int is_small = class->lttng == 5;
	uint64_t pos = fields->pos, id = cursor->event_id, clock = fields->clock;
	int64_t ts = cursor->ts, left = decoder->left;

	while (left > 0 && id < DIRECT && direct[id]) {
		struct rows *rows = decoder->classes[direct[id] - 1];
		int64_t row = rows->table.rows[0];
		uint64_t begin, low, mask;
		struct body *body;
		uint32_t word;

		if (row >= rows->table.room || !rows->is_plain || end - pos < rows->bits)
			break;
		body = &rows->waiting[rows->n_waiting];
		body->bytes = bytes + pos / 8;
		body->ts = ts;
		body->cpu = cursor->cpu;
		pos += rows->bits;
		if (rows->has_rest) {
			int status;

			fields->pos = pos;
			status = tcpdw_run(fields, &rows->class->body, rows->class->prefix.start,
					   &rows->table);
			if (status) {
				decoder->left = left;
				return fail_event(cursor, rows, status);
			}
			pos = fields->pos;
			left -= (int64_t)(rows->table.weight / WEIGHT);
			rows->table.weight = 0;
		}
		rows->table.rows[0] = row + 1;
		if (++rows->n_waiting == WAITING && read_waiting(rows))
			return DECODE_NO_MEMORY;
		if (cursor->count++ == cursor->first_count)
			cursor->first_ts = ts;
		cursor->last_ts = ts;
		left--;
		begin = (pos + 7) & ~UINT64_C(7);
		if (begin >= end || end - begin < 48)
			goto otherwise;
		if (is_small) {
			memcpy(&word, bytes + begin / 8, 4);
			id = word & 31;
			low = word >> 5;
			mask = (UINT64_C(1) << 27) - 1;
		} else {
			uint16_t half;

			memcpy(&half, bytes + begin / 8, 2);
			memcpy(&word, bytes + begin / 8 + 2, 4);
			id = half;
			low = word;
			mask = UINT32_MAX;
		}
		if (id == (is_small ? 31 : 65535))
			goto otherwise;
		fields->regs[class->lttng_regs[0]] = id;
		fields->regs[class->lttng_regs[1]] = low;
		clock = (clock & ~mask) + low + (low < (clock & mask) ? mask + 1 : 0);
		fields->clock = clock;
		cursor->event_at = pos;
		pos = begin + (is_small ? 32 : 48);
		if (__builtin_add_overflow(class->base_ns, clock, &ts)) {
			ts = cursor->last_ts;
			cursor->packet->bad_times++;
		}
		if (!is_before(cursor, ts, second))
			break;
	}
	decoder->left = left;
	fields->pos = pos;
	cursor->event_id = id;
	cursor->ts = ts;
	return DECODE_DONE;
otherwise:
	decoder->left = left;
	fields->pos = pos;
	cursor->ts = ts;
	next_event(decoder->trace, cursor);
	return DECODE_DONE;
}

static int read_all_waiting(struct decoder *decoder)
{
	int32_t i;

	for (i = 0; i < decoder->n_classes; i++)
		if (read_waiting(decoder->classes[i]))
			return DECODE_NO_MEMORY;
	return DECODE_DONE;
}

/* Read up to `most` events, fewer if they hold much text. Of equal times, the stream that was added
 * first is first. */
EXPORTED int tcpdw_ctf_decode(struct decoder *decoder, int64_t most)
{
	const struct cursor *second;
	struct cursor *first;

	decoder->left = most;
	while ((first = earliest(decoder, &second))) {
		do {
			int status = DECODE_DONE;

			if (decoder->left <= 0)
				return read_all_waiting(decoder) ? DECODE_NO_MEMORY : DECODE_FULL;
			if (first->is_plain)
				status = read_plain(decoder, first, second);
			if (status)
				return status;
			if (!first->is_ready || !is_before(first, first->ts, second))
				break;
			if (decoder->left-- > 0)
				status = read_event(decoder, first);
			if (status)
				return status;
		} while (first->is_ready && is_before(first, first->ts, second));
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

EXPORTED int64_t tcpdw_ctf_rows(const struct decoder *decoder, int32_t class)
{
	return decoder->classes[class]->table.rows[0];
}

/* Hand over what was read of a class. */
EXPORTED int tcpdw_ctf_export(struct decoder *decoder, int32_t class, struct ArrowArray *out)
{
	struct rows *rows = decoder->classes[class];

	return tcpdw_table_export(&rows->table, &rows->class->body.words, out);
}
