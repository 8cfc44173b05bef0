#include "text.h"

#include <string.h>

size_t tcpdw_repaired_max(size_t length)
{
	/* One byte may become U+FFFD, which is three. */
	return length * 3;
}

int tcpdw_is_ascii(const uint8_t *text, size_t length)
{
	uint64_t seen = 0;

	while (length >= 8) {
		uint64_t word;

		memcpy(&word, text, 8);
		seen |= word;
		text += 8;
		length -= 8;
	}
	while (length--)
		seen |= *text++;
	return !(seen & UINT64_C(0x8080808080808080));
}

static size_t put(uint8_t *out, uint32_t point)
{
	if (point < 0x80) {
		out[0] = (uint8_t)point;
		return 1;
	}
	if (point < 0x800) {
		out[0] = (uint8_t)(0xC0 | point >> 6);
		out[1] = (uint8_t)(0x80 | (point & 0x3F));
		return 2;
	}
	if (point < 0x10000) {
		out[0] = (uint8_t)(0xE0 | point >> 12);
		out[1] = (uint8_t)(0x80 | (point >> 6 & 0x3F));
		out[2] = (uint8_t)(0x80 | (point & 0x3F));
		return 3;
	}
	out[0] = (uint8_t)(0xF0 | point >> 18);
	out[1] = (uint8_t)(0x80 | (point >> 12 & 0x3F));
	out[2] = (uint8_t)(0x80 | (point >> 6 & 0x3F));
	out[3] = (uint8_t)(0x80 | (point & 0x3F));
	return 4;
}

/* Give the length of the sequence that starts here, negative for that of an invalid part. */
static int sequence(const uint8_t *s, size_t left)
{
	uint8_t low = 0x80, high = 0xBF;
	int want, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xC2 || s[0] > 0xF4)
		return -1;
	want = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
	switch (s[0]) {
	case 0xE0: low = 0xA0; break;
	case 0xED: high = 0x9F; break;
	case 0xF0: low = 0x90; break;
	case 0xF4: high = 0x8F; break;
	default: break;
	}
	for (i = 1; i < want; i++) {
		if ((size_t)i >= left || s[i] < low || s[i] > high)
			return -i;
		low = 0x80;
		high = 0xBF;
	}
	return want;
}

static size_t repair_utf8(uint8_t *out, const uint8_t *text, size_t length)
{
	size_t from = 0, n = 0;

	while (from < length) {
		int got = sequence(text + from, length - from);

		if (got > 0) {
			memcpy(out + n, text + from, (size_t)got);
			n += (size_t)got;
			from += (size_t)got;
		} else {
			n += put(out + n, 0xFFFD);
			from += (size_t)-got;
		}
	}
	return n;
}

static uint32_t unit(const uint8_t *s, int size, int is_little)
{
	uint32_t value = 0;
	int i;

	for (i = 0; i < size; i++)
		value = value << 8 | s[is_little ? size - 1 - i : i];
	return value;
}

size_t tcpdw_repair(uint8_t *out, const uint8_t *text, size_t length, enum tcpdw_encoding encoding)
{
	int size = encoding == UTF16BE || encoding == UTF16LE ? 2 : 4;
	int is_little = encoding == UTF16LE || encoding == UTF32LE;
	size_t from = 0, n = 0;

	if (encoding == UTF8)
		return repair_utf8(out, text, length);
	while (from + (size_t)size <= length) {
		uint32_t point = unit(text + from, size, is_little);

		from += (size_t)size;
		if (size == 2 && point >= 0xD800 && point < 0xDC00 && from + 2 <= length) {
			uint32_t low = unit(text + from, 2, is_little);

			if (low >= 0xDC00 && low < 0xE000) {
				point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
				from += 2;
			}
		}
		if (point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
			point = 0xFFFD;
		n += put(out + n, point);
	}
	if (from < length)
		n += put(out + n, 0xFFFD);
	return n;
}

/* Each byte in decimal: up to three digits, and in the fourth place how many. */
static char decimals[256][4];

__attribute__((constructor)) static void spell_decimals(void)
{
	int i;

	for (i = 0; i < 256; i++) {
		char *to = decimals[i];

		if (i >= 100)
			*to++ = (char)('0' + i / 100);
		if (i >= 10)
			*to++ = (char)('0' + i / 10 % 10);
		*to++ = (char)('0' + i % 10);
		decimals[i][3] = (char)(to - decimals[i]);
	}
}

size_t tcpdw_spell_ipv4(char *out, const uint8_t address[4])
{
	char *to = out;
	int i;

	for (i = 0; i < 4; i++) {
		if (i)
			*to++ = '.';
		memcpy(to, decimals[address[i]], 3);
		to += decimals[address[i]][3];
	}
	return (size_t)(to - out);
}

size_t tcpdw_spell_ipv6(char *out, const uint8_t address[16])
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
	int i, start = -1, length = 1, here = 0;
	uint16_t words[8];
	char *to = out;

	if (!memcmp(address, mapped, sizeof(mapped)))
		return tcpdw_spell_ipv4(out, address + 12);
	for (i = 0; i < 8; i++) {
		words[i] = (uint16_t)(address[2 * i] << 8 | address[2 * i + 1]);
		here = words[i] ? 0 : here + 1;
		/* The first of the longest runs of zeros, if of two words or more. */
		if (here > length) {
			length = here;
			start = i + 1 - here;
		}
	}
	for (i = 0; i < 8; i++) {
		int shift, is_begun = 0;

		if (i == start) {
			*to++ = ':';
			*to++ = ':';
			i += length - 1;
			continue;
		}
		if (i && i != start + length * (start >= 0))
			*to++ = ':';
		for (shift = 12; shift >= 0; shift -= 4) {
			int digit = words[i] >> shift & 15;

			if (digit || is_begun || !shift) {
				*to++ = "0123456789abcdef"[digit];
				is_begun = 1;
			}
		}
	}
	return (size_t)(to - out);
}
