/* Text of traces and captures: repaired UTF-8, and addresses as `addresses.from_packed` has them. */
#ifndef TCPDW_TEXT_H
#define TCPDW_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum tcpdw_encoding { UTF8, UTF16BE, UTF16LE, UTF32BE, UTF32LE };

/* The most bytes that `tcpdw_spell_ipv6` writes. */
#define TCPDW_ADDRESS_MAX 40

/* Bytes that `tcpdw_repair` may write for `length` bytes of text in any encoding. */
size_t tcpdw_repaired_max(size_t length);

/* Write the text of `length` bytes as valid UTF-8, whatever is not valid as U+FFFD; a maximal part
 * of a sequence counts as one (the Unicode Standard, section 3.9; Python's "replace" does the
 * same). Gives the number of bytes written. */
size_t tcpdw_repair(uint8_t *out, const uint8_t *text, size_t length, enum tcpdw_encoding encoding);

/* Tell whether all bytes are ASCII. */
int tcpdw_is_ascii(const uint8_t *text, size_t length);

/* Spell 4 bytes as an IPv4 address; gives its length. */
size_t tcpdw_spell_ipv4(char *out, const uint8_t address[4]);

/* Spell 16 bytes as RFC 5952 does, an IPv4-mapped address as the IPv4 address in it. */
size_t tcpdw_spell_ipv6(char *out, const uint8_t address[16]);

#endif
