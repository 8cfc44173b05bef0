/* The layers of a packet, the outermost first: each sets its columns, and goes on to what it has
 * inside, as far as that is captured and is known. */
#ifndef TCPDW_CAPTURE_LAYERS_H
#define TCPDW_CAPTURE_LAYERS_H

#include "capture.h"

enum { LEFT_UNKNOWN = -1 }; /* of the bytes that are left of the IP length */

/* What is left of a packet: captured, and on the wire (never less) within the headers' lengths. */
struct bytes {
	const uint8_t *data;
	uint32_t captured, reported;
};

static inline uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* `count` is at most what was captured. */
static inline struct bytes skip(struct bytes b, uint32_t count)
{
	return (struct bytes){b.data + count, b.captured - count, b.reported - count};
}

static inline struct bytes within(struct bytes b, uint32_t length)
{
	if (length < b.reported)
		b.reported = length;
	if (length < b.captured)
		b.captured = length;
	return b;
}

/* Tell whether packets of a link type can be read. */
bool tcpdw_capture_link_known(uint16_t link);

/* Read a packet of a link type that is known. */
void tcpdw_capture_link(struct capture *d, uint16_t link, struct bytes b);

void tcpdw_capture_ipv4(struct capture *d, struct bytes b);
void tcpdw_capture_ipv6(struct capture *d, struct bytes b);

/* Read what IP carries; `left` is how much of the IP length it has, `fragment` that there is more
 * of it in other packets. */
void tcpdw_capture_transport(struct capture *d, uint8_t protocol, struct bytes b, int64_t left,
			     bool fragment);

#endif
