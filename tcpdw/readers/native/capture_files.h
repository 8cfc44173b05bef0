/* The two forms of capture files: each function takes the bytes at the decoder's place, and sets
 * `used` to how many of them a whole record has. */
#ifndef TCPDW_CAPTURE_FILES_H
#define TCPDW_CAPTURE_FILES_H

#include "capture.h"

/* Of a block of pcapng; a section's header is the same in either byte order. */
#define PCAPNG_SECTION UINT32_C(0x0a0d0d0a)

static inline uint32_t big32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Numbers in the byte order of the file. */
static inline uint16_t file16(const struct capture *d, const uint8_t *p)
{
	return (uint16_t)(d->big ? p[0] << 8 | p[1] : p[1] << 8 | p[0]);
}

static inline uint32_t file32(const struct capture *d, const uint8_t *p)
{
	if (d->big)
		return big32(p);
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static inline uint64_t file64(const struct capture *d, const uint8_t *p)
{
	uint64_t first = file32(d, p), second = file32(d, p + 4);

	return d->big ? first << 32 | second : second << 32 | first;
}

/* The length of something that is followed by padding to words of 4 bytes. */
static inline uint32_t padded(uint32_t length)
{
	return (length + 3) & ~UINT32_C(3);
}

enum outcome tcpdw_capture_pcap_start(struct capture *d, const uint8_t *p, uint64_t size,
				      uint64_t *used);
enum outcome tcpdw_capture_pcap_record(struct capture *d, const uint8_t *p, uint64_t size,
				       uint64_t *used);
enum outcome tcpdw_capture_pcapng_block(struct capture *d, const uint8_t *p, uint64_t have,
					uint64_t *used);

/* Walk the options of a pcapng block. What tshark checks is checked; `into` is set for a
 * description of an interface, and `flags` for a packet. */
enum outcome tcpdw_capture_options(struct capture *d, const uint8_t *p, uint32_t size,
				   struct interface *into, uint32_t *flags);

/* Add the interface that a block of `size` bytes, 20 at least, describes. */
enum outcome tcpdw_capture_describe(struct capture *d, const uint8_t *p, uint32_t size);

/* Turn a time stamp into ns since the epoch, exactly; false where that does not fit. */
bool tcpdw_capture_nanoseconds(const struct interface *from, uint64_t stamp, int64_t *ns);

#endif
