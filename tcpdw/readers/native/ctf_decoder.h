/* What the parts of the CTF decoder share: what the caller compiled of the metadata (`ctf_library`
 * has the same in ctypes), packets and files, and the decoder's state.
 *
 * The caller (`ctf_native`) maps the stream files and has their packets listed (ctf_packets.c), and
 * gives a decoder the packets of each stream (ctf_decoder.c). That reads a number of events, in the
 * order of their times, into one table a class (ctf_events.c), and hands the tables over. Event
 * classes are compiled when first met: the decoder stops and says which one it needs.
 *
 * Source: CTF 1.8.3, sections 5 and 6; CTF2-SPEC-2.0, section 6.
 */
#ifndef TCPDW_CTF_DECODER_H
#define TCPDW_CTF_DECODER_H

#include "ctf_fields.h"

#define EXPORTED __attribute__((visibility("default")))
#define SPARE 65536 /* elements without a bit in a packet, beside one for each bit it has */
#define WEIGHT 256  /* bytes of texts and elements that count as much as an event */
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
	int32_t vanished;  /* bytes of it could no longer be read, and were read as zeros */
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
	int32_t is_plain; /* see `tcpdw_read_plain` */
};

/* The rows of a class, and the bodies of those whose prefix is not read yet: the last ones. What
 * most events need stands first. */
struct rows {
	int64_t *ts;   /* the columns of times and cpus, */
	int32_t *cpus; /* as long as there is room in the table */
	int32_t n_waiting;
	int32_t has_rest; /* there is more than the prefix */
	struct table table;
	const struct event_class *class;
	uint64_t weight; /* about the bytes of its texts and elements */
	const uint8_t *waiting[WAITING];
};

/* A class of a small id, for the way that most events take. */
struct direct {
	struct rows *plain; /* NULL where there is none, or where its prefix may begin within a byte */
	uint32_t bits;      /* of the prefix */
	int32_t number;     /* of the class, from 1 on; 0 where there is none */
};

struct slot {
	uint64_t id;
	int32_t stream;
	int32_t index; /* of the class, -1 for a free slot */
};

/* A stream that has an event, and when that is. */
struct turn {
	int64_t ts;
	struct cursor *cursor;
};

struct decoder {
	const struct trace_class *trace;
	struct rows **classes;
	int32_t n_classes, room;
	struct slot *slots;
	int32_t n_slots;
	struct direct *direct; /* by stream class and id */
	struct cursor *cursors;
	struct turn *turns; /* as many as there are cursors, in order */
	int32_t n_cursors, cursor_room;
	int64_t left; /* events to read in this call */
	uint64_t needed_id;
	int32_t needed_stream;
};

/* Read a packet's header and context; the stream class comes from the header. */
int tcpdw_begin_packet(const struct trace_class *trace, struct fields *fields,
		       const struct stream_class **class);

/* End a stream where it cannot be read on. */
void tcpdw_damaged(struct cursor *cursor, int status, uint64_t at);

/* Read on to the next event's header. */
void tcpdw_next_event(const struct trace_class *trace, struct cursor *cursor);

/* Read the body of the event whose header is read, and on to the next one. */
int tcpdw_read_event(struct decoder *decoder, struct cursor *cursor);

/* Read events likewise, up to the time `until` and as long as they are plain. */
int tcpdw_read_plain(struct decoder *decoder, struct cursor *cursor, int64_t until);

/* Read the prefixes of the events that wait. */
int tcpdw_read_waiting(struct rows *rows);

/* Give the rows of a class, NULL if it is not there. */
struct rows *tcpdw_rows_of(const struct decoder *decoder, int32_t stream, uint64_t id);

#endif
