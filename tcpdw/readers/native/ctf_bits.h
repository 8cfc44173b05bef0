/* Numbers and texts at known bytes, and how long they are. */
#ifndef TCPDW_CTF_BITS_H
#define TCPDW_CTF_BITS_H

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "ctf_fields.h"

static inline uint64_t swap(uint64_t value, unsigned bytes)
{
	return __builtin_bswap64(value) >> (64 - 8 * bytes);
}

static inline uint64_t load(const uint8_t *from, unsigned bytes)
{
	uint8_t v1;
	uint16_t v2;
	uint32_t v4;
	uint64_t v8 = 0;

	switch (bytes) {
	case 1: memcpy(&v1, from, 1); return v1;
	case 2: memcpy(&v2, from, 2); return v2;
	case 4: memcpy(&v4, from, 4); return v4;
	default: memcpy(&v8, from, bytes); return v8;
	}
}

static inline uint64_t extend(uint64_t value, unsigned bits)
{
	uint64_t sign = UINT64_C(1) << (bits - 1);

	return (value ^ sign) - sign;
}

/* Give an integer of a run, whose bytes begin at `from`. */
static inline uint64_t part_value(const struct part *part, const uint8_t *from)
{
	uint64_t value = load(from, part->bytes);

	if (part->flags & IS_BIG) {
		value = swap(value, part->bytes);
		value >>= 8u * part->bytes - part->shift - part->bits;
	} else {
		value >>= part->shift;
	}
	if (part->bits < 64)
		value &= (UINT64_C(1) << part->bits) - 1;
	return part->flags & IS_SIGNED ? extend(value, part->bits) : value;
}

/* Give the bytes of the text up to a NUL; the whole where there is none. */
static inline size_t text_length(const uint8_t *text, size_t length, int unit)
{
	const uint8_t *nul;
	size_t i;

	if (unit == 1) {
		nul = length ? memchr(text, 0, length) : NULL;
		return nul ? (size_t)(nul - text) : length;
	}
	for (i = 0; i + (size_t)unit <= length; i += (size_t)unit)
		if (!text[i] && !text[i + 1] && (unit == 2 || (!text[i + 2] && !text[i + 3])))
			return i;
	return length;
}

/* Give the length of the text in 16 bytes: up to its NUL, 16 where there is none. It is ASCII, or
 * the length is negative. */
static inline int32_t short_length(const uint8_t *from)
{
#ifdef __SSE2__
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)from);
	uint32_t nuls = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_setzero_si128()));
	uint32_t highs = (uint32_t)_mm_movemask_epi8(bytes);
	uint32_t first = (nuls | 0x10000) & -(nuls | 0x10000);

	return highs & (first - 1) ? -1 : __builtin_ctz(first);
#else
	const uint64_t ones = UINT64_C(0x7F7F7F7F7F7F7F7F), highs = ~ones;
	uint64_t words[2], zeros[2], first, last;

	memcpy(words, from, 16);
	/* The highest bit of each byte that is 0. */
	zeros[0] = ~(((words[0] & ones) + ones) | words[0] | ones);
	zeros[1] = ~(((words[1] & ones) + ones) | words[1] | ones);
	first = zeros[0] ? (zeros[0] & -zeros[0]) - 1 : ~UINT64_C(0);
	last = zeros[0] ? 0 : zeros[1] ? (zeros[1] & -zeros[1]) - 1 : ~UINT64_C(0);
	if (((words[0] & first) | (words[1] & last)) & highs)
		return -1;
	return zeros[0]   ? __builtin_ctzll(zeros[0]) / 8
	       : zeros[1] ? 8 + __builtin_ctzll(zeros[1]) / 8
			  : 16;
#endif
}

#endif
