/* Packet captures to columns: pcap and pcapng, fed in pieces, to batches in Arrow's layout.
 *
 * What a row says is the law of packets.py, and where a header is damaged or cut, what tshark makes
 * of it: a field counts where its bytes were captured and lie within the lengths that the headers
 * around it give, and reading ends at the first thing that does not. Where tshark would look into
 * something that is not known here, the capture is declined.
 *
 * Every byte of the input is hostile. Nothing here depends on Python; no function blocks.
 *
 * Here is what the caller sees (capture_native.py has the same in ctypes) and the decoder's state.
 */
#ifndef TCPDW_CAPTURE_H
#define TCPDW_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

/* The columns of PACKET_SCHEMA, in its order. */
enum column {
	TS, FRAME, INTERFACE, LENGTH, CAPTURED_LEN, VLAN, IP_VERSION, TTL, IP_ID, PROTOCOL, SADDR,
	DADDR, SPORT, DPORT, SEQ, ACK_SEQ, FLAGS, PAYLOAD_LEN, WINDOW, CHECKSUM, URG_PTR, MSS,
	WSCALE, SACK_OK, TSVAL, TSECR, COLUMNS
};

enum state {
	WANT_MORE,  /* feed what follows what was used */
	BATCH_FULL, /* take the batch, then feed again */
	COMPLETE,   /* the input ended after a whole record */
	CUT_SHORT,  /* the input ended within the record at `offset` */
	DAMAGED,    /* the record at `offset` makes no sense: `reason` */
	DECLINED,   /* another reader must read this capture: `reason` */
	TIMELESS,   /* frame `frames` has no time */
	NO_MEMORY,
};

/* A batch that was taken: `block` holds the columns, at `values[]` and `valid[]` within it, and
 * `text[]` the bytes of the two string columns. The caller frees these three blocks. The values of
 * INTERFACE are numbers of names, int32; of SACK_OK, bits; of SADDR and DADDR, int32 offsets. */
struct tcpdw_capture_batch {
	int64_t rows;
	uint8_t *block;
	uint8_t *text[2];
	uint64_t values[COLUMNS];
	uint64_t valid[COLUMNS];
	int64_t nulls[COLUMNS];
};

struct tcpdw_capture_status {
	uint64_t frames;   /* seen, the untimely ones among them */
	uint64_t untimely; /* left out: their times do not fit in int64 ns */
	uint64_t offset;   /* of the first byte not used yet */
	uint64_t names;
	char reason[128];
};

enum { ADDRESSES_KEPT = 512 }; /* a power of two */

/* No packet of the link types here is larger in a file that tshark reads. */
#define PACKET_MAX UINT32_C(262144)

enum outcome { DONE, SHORT, STOPPED }; /* of one record: STOPPED has set `ended` */

struct interface {
	uint16_t link;
	uint8_t resolution; /* if_tsresol: 10^-n s, or 2^-n with the top bit */
	bool fcs;           /* frames end in a check sequence */
	int32_t name;       /* -1: none */
	uint32_t snaplen;
	int64_t offset;     /* if_tsoffset, s */
};

struct name {
	uint8_t *text;
	uint32_t size;
};

struct address {
	uint64_t low, high;
	uint8_t family; /* 4, 6; 0 where the place is free */
	uint8_t size;
	char text[TCPDW_ADDRESS_MAX];
};

struct capture {
	enum { START, IN_PCAP, IN_PCAPNG, ENDED } phase;
	enum state ended; /* what an ended one says again */
	bool big;         /* byte order of the file, or of the section */

	uint32_t record;       /* pcap: bytes of a record's header, */
	uint32_t unit;         /* ns of its fraction, */
	struct interface only; /* and how its packets are framed */

	struct interface *interfaces; /* of this section */
	uint32_t interface_count, interface_room;
	struct name *names; /* of all sections */
	uint32_t name_count, name_room;

	uint64_t offset, frames, untimely;
	char reason[128];

	/* The batch being filled. */
	uint32_t capacity, rows;
	uint8_t *block;
	uint32_t *masks; /* which columns of a row are not NULL */
	uint64_t values[COLUMNS], valid[COLUMNS];
	uint8_t *text[2];
	uint32_t text_size[2];

	/* The row being filled. */
	uint32_t mask;
	bool declined;

	struct address addresses[ADDRESSES_KEPT];
};

/* Note that another reader must read the capture; the first reason stays. `what` has one number in
 * it, as printf has it, or none; so below. */
void tcpdw_capture_decline(struct capture *d, const char *what, uint32_t number);

/* End the decoding. */
enum outcome tcpdw_capture_stop(struct capture *d, enum state state);
enum outcome tcpdw_capture_declined(struct capture *d, const char *what, uint32_t number);
enum outcome tcpdw_capture_damaged(struct capture *d, const char *what, uint32_t number);

/* Make a row of a frame; one without a time that fits (`timely`) is counted and left out. */
enum outcome tcpdw_capture_frame(struct capture *d, const struct interface *from, bool timely,
				 int64_t ts, const uint8_t *data, uint32_t captured,
				 uint32_t length);

#endif
