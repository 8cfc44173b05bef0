/*
 * Packet captures to columns: pcap and pcapng, fed in pieces, to batches in Arrow's layout.
 *
 * Formats: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng, with the variants that tshark reads.
 * Headers: IEEE 802.1Q and 802.2, LINKTYPE_LINUX_SLL(2), RFC 791, 8200, 4302, 9293, 7323, 2018.
 * What a row says is the law of packets.py, and where a header is damaged or cut, what tshark makes
 * of it: a field counts where its bytes were captured and lie within the lengths that the headers
 * around it give, and reading ends at the first thing that does not.
 *
 * Where tshark would look into something that this file does not know, the capture is declined.
 *
 * Every byte of the input is hostile. Nothing here depends on Python; no function blocks.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* ---- What the caller sees; capture_native.py has the same in ctypes. ---- */

/* The columns of PACKET_SCHEMA, in its order. */
enum column {
    TS, FRAME, INTERFACE, LENGTH, CAPTURED_LEN, VLAN, IP_VERSION, TTL, IP_ID, PROTOCOL, SADDR,
    DADDR, SPORT, DPORT, SEQ, ACK_SEQ, FLAGS, PAYLOAD_LEN, WINDOW, CHECKSUM, URG_PTR, MSS, WSCALE,
    SACK_OK, TSVAL, TSECR, COLUMNS
};

enum state {
    WANT_MORE, /* Feed what follows what was used. */
    BATCH_FULL, /* Take the batch, then feed again. */
    COMPLETE, /* The input ended after a whole record. */
    CUT_SHORT, /* The input ended within the record at `offset`. */
    DAMAGED, /* The record at `offset` makes no sense: `reason`. */
    DECLINED, /* Another reader must read this capture: `reason`. */
    TIMELESS, /* Frame `frames` has no time. */
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
    uint64_t frames; /* Seen, the untimely ones among them. */
    uint64_t untimely; /* Left out: their times do not fit in int64 ns. */
    uint64_t offset; /* Of the first byte not used yet. */
    uint64_t names;
    char reason[128];
};

/* ---- The decoder's state ---- */

enum { WIDTH_MAX = 8, ADDRESS_TEXT = 40, ADDRESSES_KEPT = 512, NAME_MAX_BYTES = 4096 };

static const uint8_t WIDTH[COLUMNS] = {
    [TS] = 8, [FRAME] = 4, [INTERFACE] = 4, [LENGTH] = 4, [CAPTURED_LEN] = 4, [VLAN] = 2,
    [IP_VERSION] = 1, [TTL] = 1, [IP_ID] = 2, [PROTOCOL] = 1, [SADDR] = 4, [DADDR] = 4, [SPORT] = 2,
    [DPORT] = 2, [SEQ] = 4, [ACK_SEQ] = 4, [FLAGS] = 2, [PAYLOAD_LEN] = 4, [WINDOW] = 2,
    [CHECKSUM] = 2, [URG_PTR] = 2, [MSS] = 2, [WSCALE] = 1, [SACK_OK] = 0, [TSVAL] = 4, [TSECR] = 4,
};

#define BIT(column) (UINT32_C(1) << (column))
#define SACK_VALUE BIT(31) /* In a row's mask: the value of SACK_OK, which is a bit itself. */

/* No packet of the link types here is larger in a file that tshark reads. */
#define PACKET_MAX UINT32_C(262144)
/* Nor is a block: tshark's bound, that of a D-Bus message in a block with many options. */
#define BLOCK_MAX (UINT32_C(32) + UINT32_C(128) * 1024 * 1024 + UINT32_C(131072))

struct interface {
    uint16_t link;
    uint8_t resolution; /* if_tsresol: 10^-n s, or 2^-n with the top bit. */
    bool fcs; /* Frames end in a check sequence. */
    int32_t name; /* -1: none. */
    uint32_t snaplen;
    int64_t offset; /* if_tsoffset, s. */
};

struct name {
    uint8_t *text;
    uint32_t size;
};

struct address {
    uint64_t low, high;
    uint8_t family; /* 4, 6; 0 where the place is free. */
    uint8_t size;
    char text[ADDRESS_TEXT];
};

typedef struct tcpdw_capture {
    enum { START, IN_PCAP, IN_PCAPNG, ENDED } phase;
    enum state ended; /* What an ended one says again. */
    bool big; /* Byte order of the file, or of the section. */

    uint32_t record; /* pcap: bytes of a record's header, */
    uint32_t unit; /* ns of its fraction, */
    struct interface only; /* and how its packets are framed. */

    struct interface *interfaces; /* Of this section. */
    uint32_t interface_count, interface_room;
    struct name *names; /* Of all sections. */
    uint32_t name_count, name_room;

    uint64_t offset, frames, untimely;
    char reason[128];

    /* The batch being filled. */
    uint32_t capacity, rows;
    uint8_t *block;
    uint32_t *masks; /* Which columns of a row are not NULL. */
    uint64_t values[COLUMNS], valid[COLUMNS];
    uint8_t *text[2];
    uint32_t text_size[2];

    /* The row being filled. */
    uint32_t mask;
    bool declined;

    struct address addresses[ADDRESSES_KEPT];
} Decoder;

/* What is left of a packet: captured, and on the wire (never less) within the headers' lengths. */
typedef struct {
    const uint8_t *data;
    uint32_t captured, reported;
} Bytes;

static uint16_t be16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static uint16_t file16(const Decoder *d, const uint8_t *p)
{
    return d->big ? be16(p) : (uint16_t)(p[1] << 8 | p[0]);
}
static uint32_t file32(const Decoder *d, const uint8_t *p)
{
    return d->big ? be32(p)
                  : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}
static uint64_t file64(const Decoder *d, const uint8_t *p)
{
    uint64_t first = file32(d, p), second = file32(d, p + 4);
    return d->big ? first << 32 | second : second << 32 | first;
}

static Bytes skip(Bytes b, uint32_t count) /* `count` is at most what was captured. */
{
    return (Bytes){b.data + count, b.captured - count, b.reported - count};
}

static Bytes within(Bytes b, uint32_t length)
{
    if (length < b.reported) b.reported = length;
    if (length < b.captured) b.captured = length;
    return b;
}

static void decline(Decoder *d, const char *what, uint32_t number)
{
    if (d->declined) return;
    d->declined = true;
    snprintf(d->reason, sizeof d->reason, what, number);
}

/* ---- Columns ---- */

static void set8(Decoder *d, enum column c, uint8_t value)
{
    d->block[d->values[c] + d->rows] = value;
    d->mask |= BIT(c);
}
static void set16(Decoder *d, enum column c, uint16_t value)
{
    memcpy(d->block + d->values[c] + (uint64_t)d->rows * 2, &value, 2);
    d->mask |= BIT(c);
}
static void set32(Decoder *d, enum column c, uint32_t value)
{
    memcpy(d->block + d->values[c] + (uint64_t)d->rows * 4, &value, 4);
    d->mask |= BIT(c);
}
static void set64(Decoder *d, enum column c, int64_t value)
{
    memcpy(d->block + d->values[c] + (uint64_t)d->rows * 8, &value, 8);
    d->mask |= BIT(c);
}

static uint8_t spell4(const uint8_t *a, char *out)
{
    char *p = out;
    for (int i = 0; i < 4; i++) {
        unsigned v = a[i];
        if (v >= 100) *p++ = (char)('0' + v / 100);
        if (v >= 10) *p++ = (char)('0' + v / 10 % 10);
        *p++ = (char)('0' + v % 10);
        if (i < 3) *p++ = '.';
    }
    return (uint8_t)(p - out);
}

/* RFC 5952, but an IPv4-mapped address as the IPv4 address: addresses.from_packed. */
static uint8_t spell6(const uint8_t *a, char *out)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (memcmp(a, mapped, sizeof mapped) == 0) return spell4(a + 12, out);
    int best = -1, length = 1; /* A single zero is written. */
    for (int i = 0; i < 8;) {
        int run = 0;
        while (i + run < 8 && be16(a + 2 * (i + run)) == 0) run++;
        if (run > length) best = i, length = run;
        i += run + 1;
    }
    char *p = out;
    for (int i = 0; i < 8; i++) {
        if (i == best) {
            *p++ = ':', *p++ = ':';
            i += length - 1;
            continue;
        }
        if (i > 0 && (best < 0 || i != best + length)) *p++ = ':';
        unsigned v = be16(a + 2 * i);
        int shift = v >= 0x1000 ? 12 : v >= 0x100 ? 8 : v >= 0x10 ? 4 : 0;
        for (; shift >= 0; shift -= 4)
            *p++ = "0123456789abcdef"[v >> shift & 15];
    }
    return (uint8_t)(p - out);
}

static void set_address(Decoder *d, enum column c, const uint8_t *a, uint8_t family)
{
    uint64_t high = 0, low = 0;
    memcpy(&low, a, family == 4 ? 4 : 8);
    if (family == 6) memcpy(&high, a + 8, 8);
    uint64_t hash = (low ^ high * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xd6e8feb86659fd93);
    struct address *known = &d->addresses[hash >> 32 & (ADDRESSES_KEPT - 1)];
    if (known->family != family || known->low != low || known->high != high) {
        known->family = family;
        known->low = low;
        known->high = high;
        known->size = family == 4 ? spell4(a, known->text) : spell6(a, known->text);
    }
    int which = c == DADDR;
    /* A copy of fixed length is much the faster; there is room for it after every row's text. */
    memcpy(d->text[which] + d->text_size[which], known->text, ADDRESS_TEXT);
    d->text_size[which] += known->size;
    d->mask |= BIT(c);
}

/* ---- TCP and UDP ---- */

enum { UNKNOWN = -1 }; /* Of a length. */

static void set_payload(Decoder *d, int64_t left, uint32_t header)
{
    if (left >= header && left - header <= INT32_MAX)
        set32(d, PAYLOAD_LEN, (uint32_t)(left - header));
}

/* Set the options' columns. Of a repeated option the last counts, and an option counts that was
 * captured whole and has its right length; tshark shows a sack_ok of a wrong length too. */
static void tcp_options(Decoder *d, Bytes b, uint32_t length)
{
    bool unsure = false; /* An option went by that stops tshark, or does not, by its contents. */
    uint32_t at = 0;
    while (at < length) {
        if (at >= b.captured) return;
        uint8_t kind = b.data[at];
        if (kind == 0) return; /* tshark reads on, but only over zeros. */
        if (kind == 1) {
            at++;
            continue;
        }
        if (at + 1 >= length || at + 1 >= b.captured) return;
        uint32_t size = b.data[at + 1];
        if (size < 2 || size > length - at) return;
        const uint8_t *value = b.data + at + 2;
        bool whole = size <= b.captured - at;
        bool kept = kind == 2 || kind == 3 || kind == 4 || kind == 8;
        if (kept && unsure) {
            decline(d, "an option of a kind that is not read stands before TCP option %u", kind);
            return;
        }
        if (kind == 2 && size == 4 && whole) set16(d, MSS, be16(value));
        if (kind == 3 && size == 3 && whole) set8(d, WSCALE, *value);
        if (kind == 8 && size == 10 && whole) {
            set32(d, TSVAL, be32(value));
            set32(d, TSECR, be32(value + 4));
        }
        if (kind == 4) d->mask = size == 2 ? d->mask | SACK_VALUE : d->mask & ~SACK_VALUE;
        /* SACK without a block; SCPS, SNACK, multipath, and two of Riverbed's. */
        unsure = unsure || (kind == 5 && size < 10) || kind == 20 || kind == 21 || kind == 30 ||
                 kind == 76 || kind == 78;
        at += size;
    }
}

static void tcp(Decoder *d, Bytes b, int64_t left, bool fragment)
{
    if (b.captured < 4) return;
    const uint8_t *p = b.data;
    set16(d, SPORT, be16(p));
    set16(d, DPORT, be16(p + 2));
    if (b.captured < 20 || p[12] >> 4 < 5) return;
    uint32_t header = (uint32_t)(p[12] >> 4) * 4;
    set32(d, SEQ, be32(p + 4));
    set32(d, ACK_SEQ, be32(p + 8));
    set16(d, FLAGS, be16(p + 12) & 0xfff);
    set16(d, WINDOW, be16(p + 14));
    set16(d, CHECKSUM, be16(p + 16));
    set16(d, URG_PTR, be16(p + 18));
    if (left == UNKNOWN && !fragment) left = b.reported;
    set_payload(d, left, header);
    d->mask |= BIT(SACK_OK);
    tcp_options(d, skip(b, 20), header - 20);
}

static void udp(Decoder *d, Bytes b, int64_t left)
{
    if (b.captured < 4) return;
    set16(d, SPORT, be16(b.data));
    set16(d, DPORT, be16(b.data + 2));
    if (left == UNKNOWN && b.captured >= 6) left = be16(b.data + 4);
    set_payload(d, left, 8);
}

static void transport(Decoder *d, uint8_t protocol, Bytes b, int64_t left, bool fragment)
{
    if (protocol == 6) tcp(d, b, left, fragment);
    if (protocol == 17) udp(d, b, left);
}

static int64_t minus(int64_t whole, uint32_t part)
{
    return whole == UNKNOWN || part > whole ? UNKNOWN : whole - part;
}

/* ---- IPv4 ---- */

/* Say whether the options name a route: then the destination in the header is a station on it, and
 * tshark calls it so. -1 where the capture ends before that is known. */
static int has_route(Bytes b, uint32_t length)
{
    uint32_t at = 0;
    while (at < length) {
        if (at >= b.captured) return -1;
        uint8_t kind = b.data[at];
        if (kind == 0) return 0;
        if (kind == 1) {
            at++;
            continue;
        }
        if (at + 1 >= length) return 0;
        if (at + 1 >= b.captured) return -1;
        uint32_t size = b.data[at + 1];
        if (size < 2 || size > length - at) return 0;
        if (kind == 131 || kind == 137) {
            if (at + 2 >= b.captured) return -1;
            uint32_t pointer = b.data[at + 2];
            return pointer >= 4 && pointer % 4 == 0 && pointer <= size;
        }
        at += size;
    }
    return 0;
}

/* Say whether tshark gets past the options, to what follows them. */
static bool passes_options(Decoder *d, Bytes b, uint32_t length)
{
    if (length > b.captured) return false;
    uint32_t at = 0;
    while (at < length) {
        uint8_t kind = b.data[at];
        if (kind == 0) return true;
        if (kind == 1) {
            at++;
            continue;
        }
        if (at + 1 >= length) return true;
        uint32_t size = b.data[at + 1];
        if (size < 2 || size > length - at) return true;
        switch (kind) {
        case 7: case 131: case 137: /* Routes: a pointer. */
            if (size < 3) return false;
            break;
        case 68: /* Timestamps: a pointer and flags. */
        case 148: /* Router alert. */
            if (size < 4) return false;
            break;
        case 11: case 12: case 25: case 82: case 130: case 133: case 134: case 136: case 149:
            decline(d, "IPv4 option %u is not read", kind);
            return false;
        default:
            break;
        }
        at += size;
    }
    return true;
}

/* Walk an authentication header; false where there is nothing behind it to be read. */
static bool authentication(Bytes *b, uint8_t *next, int64_t *left)
{
    if (b->captured < 2) return false;
    *next = b->data[0];
    uint32_t words = b->data[1], size = 4 * words + 8;
    *left = minus(*left, size);
    if (b->captured < 12 || size > b->captured) return false;
    *b = skip(*b, size);
    return true;
}

static void ipv4(Decoder *d, Bytes b)
{
    if (b.captured < 1) return;
    const uint8_t *p = b.data;
    set8(d, IP_VERSION, 4);
    uint32_t header = (uint32_t)(p[0] & 15) * 4;
    if (p[0] >> 4 != 4 || header < 20 || b.captured < 4) return;
    uint32_t length = be16(p + 2);
    if (length == 0)
        length = b.reported; /* Segmentation offload. */
    else if (length < header)
        return;
    else
        b = within(b, length);
    int64_t left = minus(length, header);
    if (b.captured >= 6) set16(d, IP_ID, be16(p + 4));
    if (b.captured >= 9) set8(d, TTL, p[8]);
    if (b.captured < 10) return;
    uint8_t protocol = p[9];
    set8(d, PROTOCOL, protocol);
    if (b.captured < 16) return;
    set_address(d, SADDR, p + 12, 4);
    if (b.captured < 20) return;
    if (header > 20) {
        int route = has_route(skip(b, 20), header - 20);
        if (route == 0) set_address(d, DADDR, p + 16, 4);
        if (route < 0 || !passes_options(d, skip(b, 20), header - 20)) return;
    } else {
        set_address(d, DADDR, p + 16, 4);
    }
    if ((be16(p + 6) & 0x1fff) != 0) return; /* Not the first fragment. */
    b = skip(b, header);
    bool fragment = (p[6] & 0x20) != 0;
    if (protocol == 51) {
        bool more = authentication(&b, &protocol, &left);
        set8(d, PROTOCOL, protocol);
        if (!more) return;
    }
    transport(d, protocol, b, left, fragment);
}

/* ---- IPv6 ---- */

/* Say whether tshark gets past the options of a hop-by-hop or destination options header. An option
 * may run past its header, but not past the packet. */
static bool passes_options6(Decoder *d, Bytes b, uint32_t length)
{
    uint32_t at = 2;
    while (at < length) {
        if (at + 2 > b.captured) return false;
        uint8_t kind = b.data[at];
        uint32_t size = b.data[at + 1];
        if (kind == 0) { /* One byte of padding. */
            at++;
            continue;
        }
        at += 2;
        uint32_t least = 0;
        switch (kind) {
        case 0x05: /* Router alert. */
            least = 2;
            break;
        case 0xc9: /* Home address. */
            least = 16;
            break;
        case 0x04: case 0x07: case 0x08: case 0x0f: case 0x11: case 0x23: case 0x26: case 0x30:
        case 0x31: case 0x41: case 0x63: case 0x6d: case 0x8b: case 0x8c: case 0xc2: case 0xee:
            decline(d, "IPv6 option 0x%02x is not read", kind);
            return false;
        default:
            break;
        }
        if (size < least) size = least;
        if (size > b.captured - at) return false;
        at += size;
    }
    return true;
}

/* Say whether tshark gets past the part of a routing header that its type gives the form. */
static bool passes_route(Decoder *d, Bytes b, uint32_t size)
{
    if (b.captured < 4) return false;
    uint32_t needed;
    switch (b.data[2]) {
    case 0: /* Source route. */
        needed = 8 + b.data[1] / 2 * 16u;
        break;
    case 2: /* Mobile IPv6. */
        needed = 24;
        break;
    case 4: /* Segments. */
        if (b.captured < 5) return false;
        needed = 8 + 16u * (b.data[4] + 1u);
        break;
    case 3: case 5: case 6:
        decline(d, "IPv6 routing header of type %u is not read", b.data[2]);
        return false;
    default:
        needed = size;
        break;
    }
    return needed <= size && needed <= b.captured && size <= b.captured;
}

/* Say whether the options after an IPv6 header may give a jumbogram its length. */
static bool is_jumbo(Bytes b)
{
    uint32_t at = 42;
    while (at + 6 <= b.captured && at < 40 + 8u * (b.data[41] + 1u)) {
        if (b.data[at] == 0xc2) return true;
        at += b.data[at] == 0 ? 1 : 2u + b.data[at + 1];
    }
    return false;
}

static void ipv6(Decoder *d, Bytes b)
{
    const uint8_t *p = b.data;
    set8(d, IP_VERSION, 6);
    if (b.captured < 1 || p[0] >> 4 != 6 || b.captured < 7) return;
    uint32_t length = be16(p + 4);
    uint8_t next = p[6];
    set8(d, PROTOCOL, next);
    if (b.captured >= 8) set8(d, TTL, p[7]);
    if (b.captured >= 24) set_address(d, SADDR, p + 8, 6);
    if (b.captured < 40) return;
    set_address(d, DADDR, p + 24, 6);
    int64_t left = length;
    if (length == 0 && next != 0 && next != 59) left = length = b.reported - 40; /* Offload. */
    if (length == 0) {
        left = UNKNOWN;
        if (next == 0 && is_jumbo(b)) {
            decline(d, "IPv6 option 0x%02x is not read", 0xc2);
            return;
        }
    }
    b = skip(within(b, 40 + length), 40);
    bool fragment = false;
    for (;;) {
        uint8_t header = next;
        if (header == 0 || header == 60) {
            if (b.captured < 2) break;
            uint32_t size = 8u * (b.data[1] + 1u);
            next = b.data[0];
            left = minus(left, size);
            set8(d, PROTOCOL, next);
            if (!passes_options6(d, b, size) || size > b.captured) return;
            b = skip(b, size);
        } else if (header == 43) {
            if (b.captured < 1) break;
            next = b.data[0];
            set8(d, PROTOCOL, next);
            if (b.captured < 2) return;
            uint32_t size = 8u * (b.data[1] + 1u);
            left = minus(left, size);
            if (!passes_route(d, b, size)) return;
            b = skip(b, size);
        } else if (header == 44) {
            if (b.captured < 8) break;
            next = b.data[0];
            left = minus(left, 8);
            set8(d, PROTOCOL, next);
            uint16_t place = be16(b.data + 2);
            fragment = fragment || (place & 0xfff9) != 0;
            b = skip(b, 8);
            if ((place & 0xfff8) != 0) return; /* Not the first fragment. */
        } else if (header == 51) {
            bool more = authentication(&b, &next, &left);
            set8(d, PROTOCOL, next);
            if (!more) return;
        } else {
            transport(d, next, b, left, fragment);
            return;
        }
    }
}

/* Where a link layer says IPv4, but not by an EtherType, tshark goes by the header's version. */
static void either(Decoder *d, Bytes b)
{
    if (b.captured >= 1 && b.data[0] >> 4 == 6)
        decline(d, "IPv%u where the link layer says IPv4 is not read", 6);
    else
        ipv4(d, b);
}

/* ---- Link layers ---- */

/* EtherTypes that tshark dissects and this file does not: tunnels, tags and bridges, which may
 * carry IP, and what nobody has looked into. The rest carries none, or is data to tshark. */
static const uint16_t UNREAD[] = {
    0x0059, 0x0061, 0x0065, 0x0067, 0x00fd, 0x0600, 0x0641, 0x0643, 0x0644, 0x0645, 0x0712, 0x0713,
    0x08f0, 0x08ff, 0x0bad, 0x0baf, 0x0c15, 0x2001, 0x2065, 0x2067, 0x22e5, 0x22f0, 0x22f1, 0x22f3,
    0x22f4, 0x2323, 0x2452, 0x3e3f, 0x4305, 0x4742, 0x6000, 0x6004, 0x6558, 0x8021, 0x8023, 0x8057,
    0x8059, 0x809a, 0x809b, 0x80d5, 0x80e1, 0x80fd, 0x80ff, 0x8102, 0x8103, 0x8133, 0x814c, 0x8181,
    0x81fd, 0x8204, 0x8207, 0x8281, 0x872d, 0x8783, 0x8847, 0x8848, 0x8864, 0x886c, 0x886d, 0x886f,
    0x8870, 0x8874, 0x8892, 0x8899, 0x889a, 0x889b, 0x88a1, 0x88a2, 0x88a4, 0x88a9, 0x88ab, 0x88ae,
    0x88b4, 0x88b7, 0x88b8, 0x88ba, 0x88bb, 0x88c7, 0x88ca, 0x88cd, 0x88d8, 0x88d9, 0x88dc, 0x88de,
    0x88e3, 0x88e5, 0x88e7, 0x88ee, 0x88f8, 0x88fb, 0x8901, 0x8906, 0x8909, 0x890d, 0x8911, 0x8914,
    0x8915, 0x8917, 0x891d, 0x8926, 0x892d, 0x892f, 0x893f, 0x8940, 0x8942, 0x8947, 0x894f, 0x8988,
    0x8ffd, 0x9021, 0x9022, 0x9104, 0x99fe, 0xa0ed, 0xaaaa, 0xabcd, 0xaefe, 0xb4e3, 0xbbbb, 0xc021,
    0xc023, 0xc029, 0xc02b, 0xc02d, 0xc0de, 0xc0df, 0xc223, 0xc999, 0xcafe, 0xd00d, 0xd28b, 0xe555,
    0xf052, 0xf1c1, 0xfcfc, 0xfff2,
};

enum { TAGS_MAX = 20 }; /* As many as tshark follows. */

static void llc(Decoder *d, Bytes b, unsigned tags);

static void ethertype(Decoder *d, uint16_t type, Bytes b, unsigned tags)
{
    switch (type) {
    case 0x0800:
        ipv4(d, b);
        return;
    case 0x86dd:
        ipv6(d, b);
        return;
    case 0x0806:
        return;
    case 0x8100: case 0x9100: /* 802.1Q. */
    case 0x88a8: /* 802.1ad. */
        if (++tags > TAGS_MAX) {
            decline(d, "more than %u VLAN tags", TAGS_MAX);
            return;
        }
        if (b.captured < (type == 0x88a8 ? 4u : 2u)) return;
        if ((d->mask & BIT(VLAN)) == 0) set16(d, VLAN, be16(b.data) & 0xfff);
        if (b.captured < 4) return;
        uint16_t inner = be16(b.data + 2);
        if (type == 0x88a8 && inner == 0x88a8) {
            decline(d, "two tags of EtherType 0x%04x in a row are not read", type);
            return;
        }
        b = skip(b, 4);
        if (inner <= 1500 && type != 0x88a8) {
            if (b.captured < 2 || be16(b.data) != 0xffff) llc(d, within(b, inner), tags);
        } else {
            ethertype(d, inner, b, tags);
        }
        return;
    default:
        for (size_t i = 0; i < sizeof UNREAD / sizeof *UNREAD; i++)
            if (UNREAD[i] == type) decline(d, "EtherType 0x%04x is not read", type);
    }
}

/* IEEE 802.2. SNAP may carry any EtherType; of the rest, what carries no IP is known. */
static void llc(Decoder *d, Bytes b, unsigned tags)
{
    if (b.captured < 3) return;
    uint8_t dsap = b.data[0], control = b.data[2];
    if (dsap == 0xaa && b.data[1] == 0xaa) {
        if (b.captured < 8) return;
        uint32_t organisation = be32(b.data + 2) & 0xffffff;
        uint16_t protocol = be16(b.data + 6);
        if (control != 0x03) {
            decline(d, "LLC control 0x%02x is not read", control);
        } else if (organisation == 0 || organisation == 0xf8) {
            ethertype(d, protocol, skip(b, 8), tags);
        } else if (organisation != 0x0c) { /* Cisco: CDP and the like. */
            decline(d, "SNAP organisation 0x%06x is not read", organisation);
        }
        return;
    }
    bool exchange = (control & 0xef) == 0xaf; /* XID */
    switch (dsap) {
    case 0x00: /* Null: it is asked who is there. */
        if (!exchange) decline(d, "LLC control 0x%02x is not read", control);
        return;
    case 0x42: case 0x43: /* Spanning tree. */
    case 0xe0: /* IPX. */
    case 0xf0: case 0xf1: /* NetBIOS. */
        return;
    case 0xfe: /* OSI: IS-IS and ES-IS. */
        if (control == 0x03 && (b.captured < 4 || b.data[3] == 0x82 || b.data[3] == 0x83)) return;
        break;
    default:
        break;
    }
    decline(d, "LLC service 0x%02x is not read", dsap);
}

static void ethernet(Decoder *d, Bytes b)
{
    if (b.captured < 14) return;
    const uint8_t *p = b.data;
    uint16_t type = be16(p + 12);
    if (type <= 1500 && (p[0] == 0x01 || p[0] == 0x0c) && p[1] == 0 && p[2] == 0x0c && p[3] == 0 &&
        p[4] == 0) {
        decline(d, "ISL is not read", 0);
        return;
    }
    b = skip(b, 14);
    if (type >= 1536 || type == 0)
        ethertype(d, type, b, 0);
    else if (type <= 1500 && (b.captured < 2 || be16(b.data) != 0xffff)) /* Else bare IPX. */
        llc(d, within(b, type), 0);
}

static void cooked(Decoder *d, Bytes b, uint32_t header)
{
    if (b.captured < header) return;
    uint16_t type = be16(b.data + (header == 16 ? 14 : 0));
    uint16_t hardware = be16(b.data + (header == 16 ? 2 : 8));
    b = skip(b, header);
    bool framed = hardware == 770 || hardware == 803; /* Frame Relay, radiotap. */
    if (hardware == 824 || hardware == 778 || (type <= 1536 && framed)) { /* Netlink, GRE. */
        decline(d, "hardware type %u in a cooked capture is not read", hardware);
        return;
    }
    if (type > 1536) {
        ethertype(d, type, b, 0);
        return;
    }
    switch (type) { /* Linux's own numbers, include/uapi/linux/if_ether.h. */
    case 4:
        llc(d, b, 0);
        return;
    case 3: case 7: case 12: case 13: case 23: case 48: case 49: case 50: case 51: case 52: case 53:
    case 245: case 246:
        decline(d, "protocol %u in a cooked capture is not read", type);
        return;
    default:
        return;
    }
}

static void loopback(Decoder *d, Bytes b, bool bsd)
{
    if (b.captured >= 2 && bsd && be16(b.data) == 0xff03) {
        decline(d, "PPP in a loopback capture is not read", 0);
        return;
    }
    if (b.captured < 4) return;
    uint32_t family = be32(b.data);
    if (bsd) {
        /* In the byte order of the host that wrote it, or in 16 bits; told from its size. */
        uint32_t little = (uint32_t)b.data[3] << 24 | (uint32_t)b.data[2] << 16 |
                          (uint32_t)b.data[1] << 8 | b.data[0];
        if (little >> 16 == 0)
            family = (little & 0xff) == 0 && little < 0x600 ? little >> 8 : little;
        else if (little < 0x60000)
            family = little >> 16;
    }
    b = skip(b, 4);
    if (bsd && family > 1500) {
        ethertype(d, (uint16_t)family, b, 0);
    } else if (family == 2) {
        either(d, b);
    } else if (family == 24 || family == 28 || family == 30) {
        ipv6(d, b);
    } else if (family == 7 || family == 16) {
        decline(d, "address family %u is not read", family);
    }
}

/* LINKTYPE_RAW. Old Linux put a PPP header in front, or what was left of one. */
static void raw_ip(Decoder *d, Bytes b)
{
    const uint8_t *p = b.data;
    if (b.captured < 2) return;
    bool ppp = be16(p) == 0xff03;
    if (!ppp && b.captured < 8) return;
    if (ppp || be16(p + 6) == 0xff03 || be16(p + 1) == 0xff03) {
        decline(d, "PPP in a raw capture is not read", 0);
        return;
    }
    static const uint8_t zeros[10];
    if (b.captured >= 10 && memcmp(p, zeros, 10) == 0)
        either(d, skip(b, 10));
    else if (p[0] >> 4 == 4)
        ipv4(d, b);
    else if (p[0] >> 4 == 6)
        ipv6(d, b);
}

static bool link_known(uint16_t link)
{
    switch (link) {
    case 0: case 1: case 12: case 14: case 101: case 108: case 113: case 228: case 229: case 276:
        return true;
    default:
        return false;
    }
}

static void dissect(Decoder *d, uint16_t link, Bytes b)
{
    switch (link) {
    case 0: loopback(d, b, true); break;
    case 1: ethernet(d, b); break;
    case 108: loopback(d, b, false); break;
    case 113: cooked(d, b, 16); break;
    case 276: cooked(d, b, 20); break;
    case 228: either(d, b); break;
    case 229: ipv6(d, b); break;
    default: raw_ip(d, b); break;
    }
}

/* ---- Rows and batches ---- */

static bool batch_start(Decoder *d)
{
    uint64_t rows = d->capacity, size = 0;
    for (int c = 0; c < COLUMNS; c++) { /* 64-byte places, as Arrow recommends. */
        d->values[c] = size;
        uint64_t need = c == SACK_OK ? (rows + 7) / 8 : rows * WIDTH[c];
        if (c == SADDR || c == DADDR) need += WIDTH[c]; /* One more offset. */
        size += (need + 63) / 64 * 64;
        d->valid[c] = size;
        size += ((rows + 7) / 8 + 63) / 64 * 64;
    }
    /* Zeros: what is NULL must not show what memory held before. */
    d->block = calloc(1, (size_t)size);
    for (int i = 0; i < 2; i++) {
        d->text[i] = malloc((size_t)rows * ADDRESS_TEXT);
        d->text_size[i] = 0;
    }
    d->rows = 0;
    return d->block != NULL && d->text[0] != NULL && d->text[1] != NULL;
}

static void batch_drop(Decoder *d)
{
    free(d->block);
    free(d->text[0]);
    free(d->text[1]);
    d->block = d->text[0] = d->text[1] = NULL;
    d->rows = 0;
}

/* Turn the rows' masks into a bitmap a column. */
static void batch_bitmaps(Decoder *d, int64_t *nulls)
{
    int64_t set[32] = {0};
    for (uint32_t first = 0; first < d->rows; first += 8) {
        uint32_t count = d->rows - first < 8 ? d->rows - first : 8, all = UINT32_MAX, any = 0;
        for (uint32_t i = 0; i < count; i++) {
            all &= d->masks[first + i];
            any |= d->masks[first + i];
        }
        for (int c = 0; c <= COLUMNS; c++) {
            uint32_t bit = c == COLUMNS ? SACK_VALUE : BIT(c);
            uint8_t byte = 0;
            if (all & bit) {
                byte = (uint8_t)(0xff >> (8 - count));
                set[c] += count;
            } else if (any & bit) {
                for (uint32_t i = 0; i < count; i++)
                    if (d->masks[first + i] & bit) byte |= (uint8_t)(1u << i), set[c]++;
            }
            d->block[(c == COLUMNS ? d->values[SACK_OK] : d->valid[c]) + first / 8] = byte;
        }
    }
    for (int c = 0; c < COLUMNS; c++) nulls[c] = (int64_t)d->rows - set[c];
}

enum outcome { DONE, SHORT, STOPPED }; /* Of one record: STOPPED has set `ended`. */

static enum outcome stop(Decoder *d, enum state state)
{
    d->ended = state;
    return STOPPED;
}

static enum outcome damaged(Decoder *d, const char *what, uint32_t number)
{
    snprintf(d->reason, sizeof d->reason, what, number);
    return stop(d, DAMAGED);
}

static enum outcome declined(Decoder *d, const char *what, uint32_t number)
{
    decline(d, what, number);
    return stop(d, DECLINED);
}

static enum outcome frame(Decoder *d, const struct interface *from, bool timely, int64_t ts,
                          const uint8_t *data, uint32_t captured, uint32_t length)
{
    if (d->frames >= INT32_MAX) return declined(d, "more than %u frames", INT32_MAX);
    d->frames++;
    if (!link_known(from->link)) return declined(d, "link type %u is not read", from->link);
    if (captured > length) return declined(d, "a frame has more bytes than it had, %u", captured);
    if (length > INT32_MAX) length = INT32_MAX; /* What is said beyond it is cut to it. */
    if (from->fcs) return declined(d, "frames with a check sequence are not read", 0);
    if (!timely) {
        d->untimely++;
        return DONE;
    }
    d->mask = 0;
    set64(d, TS, ts);
    set32(d, FRAME, (uint32_t)d->frames);
    set32(d, LENGTH, length);
    set32(d, CAPTURED_LEN, captured);
    if (from->name >= 0) set32(d, INTERFACE, (uint32_t)from->name);
    dissect(d, from->link, (Bytes){data, captured, length});
    if (d->declined) return stop(d, DECLINED);
    d->masks[d->rows] = d->mask;
    d->rows++;
    for (int i = 0; i < 2; i++) /* The offset of the next row's text. */
        memcpy(d->block + d->values[i == 0 ? SADDR : DADDR] + (uint64_t)d->rows * 4,
               &d->text_size[i], 4);
    return DONE;
}

/* ---- pcap ---- */

/* Count what is wrong with the first three records, if their headers have this many bytes: what
 * tells the variants of pcap apart, which share their magic numbers. tshark's rule, but for one
 * thing: it takes a file that was cut 4 or 8 bytes into a record for one of a variant. */
static unsigned pcap_doubts(const Decoder *d, const uint8_t *p, uint64_t size, uint32_t record)
{
    unsigned cut = record != d->record;
    uint32_t snaplen = file32(d, p + 16);
    uint64_t at = 24;
    for (int i = 0; i < 3 && at < size; i++) {
        if (size - at < record) return cut;
        uint32_t fraction = file32(d, p + at + 4), captured = file32(d, p + at + 8);
        uint32_t length = file32(d, p + at + 12);
        unsigned doubts = (fraction >= 1000000) + (captured > PACKET_MAX) + (captured > snaplen) +
                          (length > UINT32_C(128) * 1024 * 1024) + (captured > length);
        if (doubts > 0) return doubts;
        if (size - at - record < captured) return cut;
        at += record + captured;
    }
    return 0;
}

static enum outcome pcap_start(Decoder *d, const uint8_t *p, uint64_t size, uint64_t *used)
{
    if (size < 24) return SHORT;
    uint32_t magic = file32(d, p), network = file32(d, p + 20);
    if (file16(d, p + 4) != 2)
        return declined(d, "pcap of major version %u is not read", file16(d, p + 4));
    if (file16(d, p + 6) < 4)
        return declined(d, "pcap of version 2.%u is not read", file16(d, p + 6));
    if (network >> 16 != 0 || !link_known((uint16_t)network))
        return declined(d, "link type %u is not read", network);
    static const uint32_t plain[] = {16, 24, 20}, modified[] = {24, 28};
    const uint32_t *sizes = magic == 0xa1b2cd34 ? modified : plain;
    d->record = sizes[0];
    d->unit = magic == 0xa1b23c4d ? 1 : 1000;
    if (d->unit != 1) {
        unsigned least = pcap_doubts(d, p, size, sizes[0]);
        for (int i = 1; least > 0 && i < (sizes == plain ? 3 : 2); i++)
            if (pcap_doubts(d, p, size, sizes[i]) < least)
                return declined(d, "pcap with records of %u bytes is not read", sizes[i]);
    }
    d->only = (struct interface){.link = (uint16_t)network, .name = -1};
    d->phase = IN_PCAP;
    *used = 24;
    return DONE;
}

static enum outcome pcap_record(Decoder *d, const uint8_t *p, uint64_t size, uint64_t *used)
{
    if (size < d->record) return SHORT;
    uint32_t seconds = file32(d, p), fraction = file32(d, p + 4);
    uint32_t captured = file32(d, p + 8), length = file32(d, p + 12);
    if (captured > PACKET_MAX) return damaged(d, "a frame of %u bytes", captured);
    if (size - d->record < captured) return SHORT;
    if (fraction >= 1000000000 / d->unit)
        return declined(d, "a fraction of a second of %u", fraction);
    *used = d->record + captured;
    int64_t ts = (int64_t)seconds * 1000000000 + (int64_t)fraction * d->unit;
    return frame(d, &d->only, true, ts, p + d->record, captured, length);
}

/* ---- pcapng ---- */

enum { SECTION = 0x0a0d0d0a, DESCRIPTION = 1, OLD_PACKET = 2, SIMPLE = 3, NAMES = 4, STATISTICS = 5,
       ENHANCED = 6, JOURNAL = 9, SECRETS = 10, CUSTOM = 0xbad };
enum { NETFLIX = 10949 }; /* The one maker of custom options whose contents tshark checks. */

static void *grown(void *old, uint32_t *room, size_t each)
{
    uint64_t wanted = *room == 0 ? 8 : (uint64_t)*room * 2;
    if (wanted > INT32_MAX || wanted > SIZE_MAX / each) return NULL;
    void *new = realloc(old, (size_t)wanted * each);
    if (new != NULL) *room = (uint32_t)wanted;
    return new;
}

static enum outcome add_name(Decoder *d, const uint8_t *text, uint32_t size, int32_t *number)
{
    const uint8_t *end = size > 0 ? memchr(text, 0, size) : NULL;
    if (end != NULL) size = (uint32_t)(end - text);
    if (size > NAME_MAX_BYTES) return declined(d, "an interface's name of %u bytes", size);
    if (d->name_count == d->name_room) {
        struct name *names = grown(d->names, &d->name_room, sizeof *names);
        if (names == NULL) return stop(d, NO_MEMORY);
        d->names = names;
    }
    struct name *name = &d->names[d->name_count];
    name->text = malloc(size + 1u);
    if (name->text == NULL) return stop(d, NO_MEMORY);
    if (size > 0) memcpy(name->text, text, size);
    name->size = size;
    *number = (int32_t)d->name_count++;
    return DONE;
}

/* Walk the options of a block. What tshark checks is checked; `into` is set for a description, and
 * `flags` for a packet. */
static enum outcome options(Decoder *d, const uint8_t *p, uint32_t size, struct interface *into,
                            uint32_t *flags)
{
    uint32_t seen = 0, at = 0;
    int naming = 4; /* The name, else the description, else the hardware. */
    while (at < size) {
        if (size - at < 4) return damaged(d, "%u bytes where an option should be", size - at);
        uint16_t code = file16(d, p + at), length = file16(d, p + at + 2);
        uint32_t padded = (length + 3u) & ~3u;
        at += 4;
        if (padded > size - at)
            return damaged(d, "an option of %u bytes, beyond its block", length);
        const uint8_t *value = p + at;
        at += padded;
        if (code == 0) break;
        if (code == 2988 || code == 2989 || code == 19372 || code == 19373) {
            if (length < 4) return damaged(d, "a custom option of %u bytes", length);
            if (file32(d, value) == NETFLIX)
                return declined(d, "custom option %u is not read", code);
            continue;
        }
        bool first = code < 32 && (seen & BIT(code)) == 0; /* Of repeated ones the first counts. */
        if (flags != NULL) {
            bool fixed4 = code == 2 || code == 6, fixed8 = code == 4 || code == 5;
            if ((fixed4 && length != 4) || (fixed8 && length != 8) || (code == 7 && length < 1) ||
                (code == 7 && (value[0] == 1 || value[0] == 2) && length != 9))
                return damaged(d, "a packet's option of %u bytes, not of its length", length);
            if (code == 2 && first) *flags = file32(d, value);
        }
        if (into != NULL) {
            int rank = code == 2 ? 1 : code == 3 ? 2 : code == 15 ? 3 : 4;
            if (code == 11 && length < 1) return damaged(d, "an interface's filter of %u bytes", 0);
            if (rank < naming && first) {
                naming = rank;
                enum outcome kept = add_name(d, value, length, &into->name);
                if (kept != DONE) return kept;
            }
            if (code == 9 && length == 1 && first) into->resolution = value[0];
            if (code == 13 && length == 1 && first) into->fcs = value[0] > 0;
            if (code == 14 && length == 8 && first) into->offset = (int64_t)file64(d, value);
            if ((code == 9 || code == 13) && length != 1) first = false;
            if (code == 14 && length != 8) first = false;
        }
        if (first) seen |= BIT(code);
    }
    return DONE;
}

static enum outcome describe(Decoder *d, const uint8_t *p, uint32_t size)
{
    if (d->interface_count == d->interface_room) {
        struct interface *all = grown(d->interfaces, &d->interface_room, sizeof *all);
        if (all == NULL) return stop(d, NO_MEMORY);
        d->interfaces = all;
    }
    struct interface new = {
        .link = file16(d, p + 8), .resolution = 6, .name = -1, .snaplen = file32(d, p + 12)};
    enum outcome read = options(d, p + 16, size - 20, &new, NULL);
    if (read == DONE) d->interfaces[d->interface_count++] = new;
    return read;
}

static uint64_t power10(unsigned exponent)
{
    uint64_t power = 1;
    while (exponent-- > 0) power *= 10;
    return power;
}

/* Turn a time stamp into ns since the epoch, exactly; false where that does not fit. tshark's own
 * arithmetic overflows where a unit is below about 0.1 ns. */
static bool nanoseconds(const struct interface *from, uint64_t stamp, int64_t *ns)
{
    unsigned exponent = from->resolution & 0x7f;
    uint64_t seconds = 0, rest = 0;
    if (from->resolution & 0x80) {
        uint64_t fraction = stamp;
        if (exponent < 64) seconds = stamp >> exponent, fraction = stamp - (seconds << exponent);
        /* fraction * 10^9 >> exponent, in 32 bits and what is above. */
        uint64_t low = (fraction & UINT32_MAX) * 1000000000, high = (fraction >> 32) * 1000000000;
        high += low >> 32;
        if (exponent < 32)
            rest = low >> exponent; /* Then the fraction has 32 bits at most. */
        else if (exponent - 32 < 64)
            rest = high >> (exponent - 32);
    } else if (exponent <= 9) {
        uint64_t units = power10(exponent);
        seconds = stamp / units;
        rest = stamp % units * power10(9 - exponent);
    } else {
        uint64_t fraction = stamp;
        if (exponent < 20) {
            seconds = stamp / power10(exponent);
            fraction = stamp % power10(exponent);
        }
        if (exponent - 9 < 20) rest = fraction / power10(exponent - 9);
    }
    const int64_t most = INT64_MAX / 1000000000; /* s */
    if (seconds > (uint64_t)INT64_MAX / 2 || from->offset > INT64_MAX / 2 ||
        from->offset < -(INT64_MAX / 2))
        return false;
    int64_t whole = (int64_t)seconds + from->offset;
    if (whole > most || whole < -most || (whole == most && rest > INT64_MAX % 1000000000))
        return false;
    *ns = whole * 1000000000 + (int64_t)rest;
    return true;
}

static enum outcome packet(Decoder *d, const uint8_t *p, uint64_t have, uint32_t size,
                           bool enhanced)
{
    if (size < 32) return damaged(d, "a packet's block of %u bytes", size);
    if (have < 28) return SHORT;
    uint32_t number = enhanced ? file32(d, p + 8) : file16(d, p + 8);
    uint64_t stamp = (uint64_t)file32(d, p + 12) << 32 | file32(d, p + 16);
    uint32_t captured = file32(d, p + 20), length = file32(d, p + 24);
    if (captured > size - 32 || ((captured + 3) & ~UINT32_C(3)) > size - 32)
        return damaged(d, "a packet of %u bytes, more than its block has", captured);
    if (number >= d->interface_count) return damaged(d, "a packet of interface %u", number);
    const struct interface *from = &d->interfaces[number];
    if (!link_known(from->link)) {
        d->frames++;
        return declined(d, "link type %u is not read", from->link);
    }
    if (captured > PACKET_MAX) return damaged(d, "a frame of %u bytes", captured);
    if (have < size) return SHORT;
    uint32_t flags = 0, data = (captured + 3) & ~UINT32_C(3);
    enum outcome read = options(d, p + 28 + data, size - 32 - data, NULL, &flags);
    if (read != DONE) return read;
    if (file32(d, p + size - 4) != size && ((file32(d, p + size - 4) + 3) & ~UINT32_C(3)) != size)
        return damaged(d, "a block ends in another length, %u", file32(d, p + size - 4));
    if ((flags >> 5 & 15) != 0)
        return declined(d, "frames with a check sequence are not read", 0);
    int64_t ts = 0;
    bool timely = nanoseconds(from, stamp, &ts);
    return frame(d, from, timely, ts, p + 28, captured, length);
}

static enum outcome simple_packet(Decoder *d, const uint8_t *p, uint64_t have, uint32_t size)
{
    if (size < 16) return damaged(d, "a packet's block of %u bytes", size);
    if (have < 12) return SHORT;
    if (d->interface_count == 0) return damaged(d, "a packet of interface %u", 0);
    uint32_t captured = file32(d, p + 8), snaplen = d->interfaces[0].snaplen;
    if (snaplen != 0 && captured > snaplen) captured = snaplen;
    if (captured > size - 16 || ((captured + 3) & ~UINT32_C(3)) > size - 16)
        return damaged(d, "a packet of %u bytes, more than its block has", captured);
    if (captured > PACKET_MAX) return damaged(d, "a frame of %u bytes", captured);
    if (have < size) return SHORT;
    d->frames++;
    return stop(d, TIMELESS);
}

/* Blocks that tshark reads but that say nothing about packets: a damaged one is left to it. */
static enum outcome aside(Decoder *d, const uint8_t *p, uint32_t type, uint32_t size)
{
    uint32_t end = size - 4, at = 8;
    bool fine = true;
    if (type == STATISTICS) {
        fine = size >= 24 && options(d, p + 20, end - 20, NULL, NULL) == DONE;
    } else if (type == SECRETS) {
        fine = size >= 20 && file32(d, p + 12) <= size - 20;
    } else if (type == NAMES) {
        for (fine = false; end - at >= 4 && !fine;) {
            uint32_t kind = file16(d, p + at), length = file16(d, p + at + 2);
            uint32_t padded = (length + 3) & ~UINT32_C(3);
            uint32_t least = kind == 1 ? 4 : kind == 2 ? 16 : 0; /* IPv4, IPv6. */
            at += 4;
            if (kind == 0 && padded <= end - at) {
                fine = options(d, p + at, end - at, NULL, NULL) == DONE;
                break;
            }
            if (padded > end - at || length < least) break;
            if (least > 0 && length > least && p[at + length - 1] != 0) break; /* No name's end. */
            at += padded;
            fine = at == end;
        }
    }
    return fine ? DONE : declined(d, "a damaged block of type %u", type);
}

static enum outcome section(Decoder *d, const uint8_t *p, uint64_t have, uint32_t *size)
{
    static const uint8_t little[4] = {0x4d, 0x3c, 0x2b, 0x1a}, big[4] = {0x1a, 0x2b, 0x3c, 0x4d};
    if (have < 24) return SHORT;
    if (memcmp(p + 8, big, 4) != 0 && memcmp(p + 8, little, 4) != 0)
        return damaged(d, "a section without its byte-order magic", 0);
    bool before = d->big;
    d->big = memcmp(p + 8, big, 4) == 0;
    uint32_t length = file32(d, p + 4);
    *size = length > BLOCK_MAX ? length : (length + 3) & ~UINT32_C(3);
    enum outcome read = DONE;
    if (*size < 28 || *size > BLOCK_MAX)
        read = damaged(d, "a section's header of %u bytes", *size);
    else if (file16(d, p + 12) != 1 || (file16(d, p + 14) != 0 && file16(d, p + 14) != 2))
        read = damaged(d, "a section of an unknown version, %u", file16(d, p + 12));
    else if (have < *size)
        read = SHORT;
    else
        read = options(d, p + 24, *size - 28, NULL, NULL);
    if (read != DONE) d->big = before; /* It is looked at again, with more of it. */
    return read;
}

static enum outcome pcapng_block(Decoder *d, const uint8_t *p, uint64_t have, uint64_t *used)
{
    if (have < 8) return SHORT;
    uint32_t type = file32(d, p), size = file32(d, p + 4);
    enum outcome read = DONE;
    if (type == SECTION) {
        read = section(d, p, have, &size);
    } else {
        if (size > BLOCK_MAX) return damaged(d, "a block of %u bytes", size);
        size = (size + 3) & ~UINT32_C(3);
        if (type == ENHANCED || type == OLD_PACKET) {
            read = packet(d, p, have, size, type == ENHANCED);
        } else if (type == SIMPLE) {
            read = simple_packet(d, p, have, size);
        } else if (type == JOURNAL || (type & 0xbfffffff) == CUSTOM || type >> 6 == 0x200 >> 6) {
            /* Frames to tshark, without a packet; the last are sysdig's. */
            read = declined(d, "a block of type 0x%x is not read", type);
        } else {
            uint32_t least = type == DESCRIPTION ? 20 : type == NAMES ? 16 : 12;
            if (size < least) return damaged(d, "a block of %u bytes", size);
            if (have < size) return SHORT;
            read = type == DESCRIPTION ? describe(d, p, size) : aside(d, p, type, size);
        }
    }
    if (read != DONE) return read;
    uint32_t again = file32(d, p + size - 4);
    if (((again + 3) & ~UINT32_C(3)) != size)
        return damaged(d, "a block ends in another length, %u", again);
    if (type == SECTION) d->interface_count = 0;
    *used = size;
    return DONE;
}

/* ---- The whole ---- */

static enum outcome start(Decoder *d, const uint8_t *p, uint64_t size, bool last, uint64_t *used)
{
    /* Enough to judge the variants of pcap by. */
    if (!last && size < 24 + 3 * (28 + (uint64_t)PACKET_MAX)) return SHORT;
    if (size < 12) return last && size > 0 ? declined(d, "no capture", 0) : SHORT;
    for (int big = 0; big < 2; big++) {
        d->big = big;
        uint32_t magic = file32(d, p);
        if (magic == 0xa1b2c3d4 || magic == 0xa1b23c4d || magic == 0xa1b2cd34)
            return pcap_start(d, p, size, used);
    }
    if (be32(p) != SECTION) return declined(d, "no capture", 0);
    d->phase = IN_PCAPNG;
    return pcapng_block(d, p, size, used);
}

/* Make a decoder whose batches have `rows` rows at most; NULL where memory lacks. */
EXPORT void *tcpdw_capture_new(uint32_t rows)
{
    Decoder *d = calloc(1, sizeof *d);
    if (d == NULL) return NULL;
    d->capacity = rows < 1 ? 1 : rows > (UINT32_C(1) << 20) ? UINT32_C(1) << 20 : rows;
    d->masks = malloc(d->capacity * sizeof *d->masks);
    if (d->masks == NULL) {
        free(d);
        return NULL;
    }
    return d;
}

EXPORT void tcpdw_capture_free(void *decoder)
{
    Decoder *d = decoder;
    if (d == NULL) return;
    batch_drop(d);
    for (uint32_t i = 0; i < d->name_count; i++) free(d->names[i].text);
    free(d->names);
    free(d->interfaces);
    free(d->masks);
    free(d);
}

/* Decode whole records from `data`; `last` says that nothing follows it. `used` is set to the bytes
 * that are done with: what is beyond must come again, with more, or after the batch was taken. */
EXPORT int32_t tcpdw_capture_feed(void *decoder, const uint8_t *data, uint64_t size, int32_t last,
                                  uint64_t *used)
{
    Decoder *d = decoder;
    *used = 0;
    if (d->phase == ENDED) return d->ended;
    if (d->block == NULL && !batch_start(d)) {
        batch_drop(d);
        d->phase = ENDED;
        return d->ended = NO_MEMORY;
    }
    enum outcome outcome = DONE;
    while (outcome == DONE) {
        if (d->rows == d->capacity) return BATCH_FULL;
        const uint8_t *p = data + *used;
        uint64_t have = size - *used, step = 0;
        if (d->phase == START)
            outcome = start(d, p, have, last != 0, &step);
        else if (have == 0)
            outcome = SHORT;
        else if (d->phase == IN_PCAP)
            outcome = pcap_record(d, p, have, &step);
        else
            outcome = pcapng_block(d, p, have, &step);
        if (outcome != DONE) break;
        *used += step;
        d->offset += step;
    }
    if (outcome == SHORT && !last) return WANT_MORE;
    if (outcome == SHORT) d->ended = *used < size ? CUT_SHORT : COMPLETE;
    d->phase = ENDED;
    return d->ended;
}

/* Hand over the rows decoded since the last time. */
EXPORT void tcpdw_capture_take(void *decoder, struct tcpdw_capture_batch *batch)
{
    Decoder *d = decoder;
    memset(batch, 0, sizeof *batch);
    if (d->block == NULL || d->rows == 0) return;
    batch_bitmaps(d, batch->nulls);
    batch->rows = d->rows;
    batch->block = d->block;
    memcpy(batch->text, d->text, sizeof batch->text);
    memcpy(batch->values, d->values, sizeof batch->values);
    memcpy(batch->valid, d->valid, sizeof batch->valid);
    d->block = d->text[0] = d->text[1] = NULL;
    d->rows = 0;
}

EXPORT void tcpdw_capture_release(void *block) { free(block); }

EXPORT void tcpdw_capture_tell(const void *decoder, struct tcpdw_capture_status *status)
{
    const Decoder *d = decoder;
    status->frames = d->frames;
    status->untimely = d->untimely;
    status->offset = d->offset;
    status->names = d->name_count;
    memcpy(status->reason, d->reason, sizeof status->reason);
}

/* Give the bytes of a name that INTERFACE refers to; they are the decoder's. */
EXPORT const uint8_t *tcpdw_capture_name(const void *decoder, uint64_t number, uint64_t *size)
{
    const Decoder *d = decoder;
    if (number >= d->name_count) return NULL;
    *size = d->names[number].size;
    return d->names[number].text;
}

/* Decode a whole capture and drop what comes of it; give the state that it ended in. */
EXPORT int32_t tcpdw_capture_try(const uint8_t *data, size_t size)
{
    void *d = tcpdw_capture_new(64);
    if (d == NULL) return NO_MEMORY;
    uint64_t at = 0, used = 0, end = size / 2;
    int32_t state = WANT_MORE;
    while (state == WANT_MORE || state == BATCH_FULL) {
        state = tcpdw_capture_feed(d, data + at, end - at, end == size, &used);
        at += used;
        struct tcpdw_capture_batch batch;
        tcpdw_capture_take(d, &batch);
        tcpdw_capture_release(batch.block);
        tcpdw_capture_release(batch.text[0]);
        tcpdw_capture_release(batch.text[1]);
        if (state == WANT_MORE) end = size;
    }
    tcpdw_capture_free(d);
    return state;
}
