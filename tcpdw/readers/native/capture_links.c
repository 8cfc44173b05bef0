/* Link layers, down to IP: Ethernet with IEEE 802.1Q, 802.1ad and 802.2, LINKTYPE_LINUX_SLL(2),
 * loopback, and bare IP. */
#include "capture_columns.h"
#include "capture_layers.h"

/* EtherTypes that tshark dissects and this file does not: tunnels, tags and bridges, which may
 * carry IP, and what nobody has looked into. The rest carries none, or is data to tshark. */
static const uint16_t UNREAD[] = {
	0x0059, 0x0061, 0x0065, 0x0067, 0x00fd, 0x0600, 0x0641, 0x0643, 0x0644, 0x0645, 0x0712,
	0x0713, 0x08f0, 0x08ff, 0x0bad, 0x0baf, 0x0c15, 0x2001, 0x2065, 0x2067, 0x22e5, 0x22f0,
	0x22f1, 0x22f3, 0x22f4, 0x2323, 0x2452, 0x3e3f, 0x4305, 0x4742, 0x6000, 0x6004, 0x6558,
	0x8021, 0x8023, 0x8057, 0x8059, 0x809a, 0x809b, 0x80d5, 0x80e1, 0x80fd, 0x80ff, 0x8102,
	0x8103, 0x8133, 0x814c, 0x8181, 0x81fd, 0x8204, 0x8207, 0x8281, 0x872d, 0x8783, 0x8847,
	0x8848, 0x8864, 0x886c, 0x886d, 0x886f, 0x8870, 0x8874, 0x8892, 0x8899, 0x889a, 0x889b,
	0x88a1, 0x88a2, 0x88a4, 0x88a9, 0x88ab, 0x88ae, 0x88b4, 0x88b7, 0x88b8, 0x88ba, 0x88bb,
	0x88c7, 0x88ca, 0x88cd, 0x88d8, 0x88d9, 0x88dc, 0x88de, 0x88e3, 0x88e5, 0x88e7, 0x88ee,
	0x88f8, 0x88fb, 0x8901, 0x8906, 0x8909, 0x890d, 0x8911, 0x8914, 0x8915, 0x8917, 0x891d,
	0x8926, 0x892d, 0x892f, 0x893f, 0x8940, 0x8942, 0x8947, 0x894f, 0x8988, 0x8ffd, 0x9021,
	0x9022, 0x9104, 0x99fe, 0xa0ed, 0xaaaa, 0xabcd, 0xaefe, 0xb4e3, 0xbbbb, 0xc021, 0xc023,
	0xc029, 0xc02b, 0xc02d, 0xc0de, 0xc0df, 0xc223, 0xc999, 0xcafe, 0xd00d, 0xd28b, 0xe555,
	0xf052, 0xf1c1, 0xfcfc, 0xfff2,
};

enum { TAGS_MAX = 20 }; /* as many as tshark follows */

static void llc(struct capture *d, struct bytes b, unsigned tags);
static void ethertype(struct capture *d, uint16_t type, struct bytes b, unsigned tags);

/* 802.1Q and 802.1ad tags. Two 802.1ad tags in a row are one header to tshark, which shows the id
 * of the first (as `svid`) where that of the second was captured too. */
static void vlan(struct capture *d, uint16_t type, struct bytes b, unsigned tags)
{
	bool is_service = type == 0x88a8;
	uint32_t header = 4;
	uint16_t inner;

	tags++;
	if (is_service && b.captured >= 4 && be16(b.data + 2) == type) {
		header = 8;
		tags++;
	}
	if (tags > TAGS_MAX) {
		tcpdw_capture_decline(d, "more than %u VLAN tags", TAGS_MAX);
		return;
	}
	if (b.captured < (is_service ? 4u : 2u) || b.captured < header - 2)
		return;
	if (!(d->mask & BIT(VLAN)))
		set16(d, VLAN, be16(b.data) & 0xfff);
	if (b.captured < header)
		return;
	inner = be16(b.data + header - 2);
	b = skip(b, header);
	if (inner > 1500 || is_service)
		ethertype(d, inner, b, tags);
	else if (b.captured < 2 || be16(b.data) != 0xffff) /* else bare IPX */
		llc(d, within(b, inner), tags);
}

static void ethertype(struct capture *d, uint16_t type, struct bytes b, unsigned tags)
{
	size_t i;

	switch (type) {
	case 0x0800:
		tcpdw_capture_ipv4(d, b);
		return;
	case 0x86dd:
		tcpdw_capture_ipv6(d, b);
		return;
	case 0x0806:
		return;
	case 0x8100: case 0x9100: case 0x88a8:
		vlan(d, type, b, tags);
		return;
	default:
		for (i = 0; i < sizeof(UNREAD) / sizeof(*UNREAD); i++)
			if (UNREAD[i] == type)
				tcpdw_capture_decline(d, "EtherType 0x%04x is not read", type);
	}
}

/* SNAP may carry any EtherType. */
static void snap(struct capture *d, struct bytes b, unsigned tags)
{
	uint32_t organisation;
	uint8_t control;

	if (b.captured < 8)
		return;
	control = b.data[2];
	organisation = be32(b.data + 2) & 0xffffff;
	if (control != 0x03)
		tcpdw_capture_decline(d, "LLC control 0x%02x is not read", control);
	else if (organisation == 0 || organisation == 0xf8)
		ethertype(d, be16(b.data + 6), skip(b, 8), tags);
	else if (organisation != 0x0c) /* Cisco: CDP and the like. */
		tcpdw_capture_decline(d, "SNAP organisation 0x%06x is not read", organisation);
}

/* IEEE 802.2: of what is not SNAP, that which carries no IP is known. */
static void llc(struct capture *d, struct bytes b, unsigned tags)
{
	uint8_t dsap, control;

	if (b.captured < 3)
		return;
	dsap = b.data[0];
	control = b.data[2];
	switch (dsap) {
	case 0x00: /* Null: it is asked who is there. */
		if ((control & 0xef) != 0xaf) /* XID */
			tcpdw_capture_decline(d, "LLC control 0x%02x is not read", control);
		return;
	case 0x42: case 0x43: /* spanning tree */
	case 0xe0: /* IPX */
	case 0xf0: case 0xf1: /* NetBIOS */
		return;
	case 0xaa:
		if (b.data[1] != 0xaa)
			break;
		snap(d, b, tags);
		return;
	case 0xfe: /* OSI: IS-IS and ES-IS. */
		if (control == 0x03 &&
		    (b.captured < 4 || b.data[3] == 0x82 || b.data[3] == 0x83))
			return;
		break;
	default:
		break;
	}
	tcpdw_capture_decline(d, "LLC service 0x%02x is not read", dsap);
}

static void ethernet(struct capture *d, struct bytes b)
{
	const uint8_t *p = b.data;
	uint16_t type;

	if (b.captured < 14)
		return;
	type = be16(p + 12);
	if (type <= 1500 && (p[0] == 0x01 || p[0] == 0x0c) && p[1] == 0 && p[2] == 0x0c &&
	    p[3] == 0 && p[4] == 0) {
		tcpdw_capture_decline(d, "ISL is not read", 0);
		return;
	}
	b = skip(b, 14);
	if (type >= 1536 || type == 0)
		ethertype(d, type, b, 0);
	else if (type <= 1500 && (b.captured < 2 || be16(b.data) != 0xffff)) /* else bare IPX */
		llc(d, within(b, type), 0);
}

static void cooked(struct capture *d, struct bytes b, uint32_t header)
{
	uint16_t type, hardware;
	bool is_framed;

	if (b.captured < header)
		return;
	type = be16(b.data + (header == 16 ? 14 : 0));
	hardware = be16(b.data + (header == 16 ? 2 : 8));
	b = skip(b, header);
	is_framed = hardware == 770 || hardware == 803; /* Frame Relay, radiotap */
	if (hardware == 824 || hardware == 778 || (type <= 1536 && is_framed)) { /* Netlink, GRE */
		tcpdw_capture_decline(d, "hardware type %u in a cooked capture is not read",
				      hardware);
		return;
	}
	if (type > 1536) {
		ethertype(d, type, b, 0);
		return;
	}
	switch (type) { /* Linux's own numbers, include/uapi/linux/if_ether.h */
	case 4:
		llc(d, b, 0);
		return;
	case 3: case 7: case 12: case 13: case 23: case 48: case 49: case 50: case 51: case 52:
	case 53: case 245: case 246:
		tcpdw_capture_decline(d, "protocol %u in a cooked capture is not read", type);
		return;
	default:
		return;
	}
}

/* Where a link layer says IPv4, but not by an EtherType, tshark goes by the header's version. */
static void either(struct capture *d, struct bytes b)
{
	if (b.captured >= 1 && b.data[0] >> 4 == 6)
		tcpdw_capture_decline(d, "IPv%u where the link layer says IPv4 is not read", 6);
	else
		tcpdw_capture_ipv4(d, b);
}

static void loopback(struct capture *d, struct bytes b, bool is_bsd)
{
	uint32_t family;

	if (b.captured >= 2 && is_bsd && be16(b.data) == 0xff03) {
		tcpdw_capture_decline(d, "PPP in a loopback capture is not read", 0);
		return;
	}
	if (b.captured < 4)
		return;
	family = be32(b.data);
	if (is_bsd) {
		/* In the byte order of the host that wrote it, or in 16 bits: its size tells. */
		uint32_t little = (uint32_t)b.data[3] << 24 | (uint32_t)b.data[2] << 16 |
				  (uint32_t)b.data[1] << 8 | b.data[0];

		if (little >> 16 == 0)
			family = (little & 0xff) == 0 && little < 0x600 ? little >> 8 : little;
		else if (little < 0x60000)
			family = little >> 16;
	}
	b = skip(b, 4);
	if (is_bsd && family > 1500)
		ethertype(d, (uint16_t)family, b, 0);
	else if (family == 2)
		either(d, b);
	else if (family == 24 || family == 28 || family == 30)
		tcpdw_capture_ipv6(d, b);
	else if (family == 7 || family == 16)
		tcpdw_capture_decline(d, "address family %u is not read", family);
}

/* LINKTYPE_RAW. Old Linux put a PPP header in front, or what was left of one. */
static void raw_ip(struct capture *d, struct bytes b)
{
	static const uint8_t zeros[10];
	const uint8_t *p = b.data;
	bool is_ppp;

	if (b.captured < 2)
		return;
	is_ppp = be16(p) == 0xff03;
	if (!is_ppp && b.captured < 8)
		return;
	if (is_ppp || be16(p + 6) == 0xff03 || be16(p + 1) == 0xff03) {
		tcpdw_capture_decline(d, "PPP in a raw capture is not read", 0);
		return;
	}
	if (b.captured >= sizeof(zeros) && !memcmp(p, zeros, sizeof(zeros)))
		either(d, skip(b, sizeof(zeros)));
	else if (p[0] >> 4 == 4)
		tcpdw_capture_ipv4(d, b);
	else if (p[0] >> 4 == 6)
		tcpdw_capture_ipv6(d, b);
}

bool tcpdw_capture_link_known(uint16_t link)
{
	switch (link) {
	case 0: case 1: case 12: case 14: case 101: case 108: case 113: case 228: case 229:
	case 276:
		return true;
	default:
		return false;
	}
}

void tcpdw_capture_link(struct capture *d, uint16_t link, struct bytes b)
{
	switch (link) {
	case 0: loopback(d, b, true); break;
	case 1: ethernet(d, b); break;
	case 108: loopback(d, b, false); break;
	case 113: cooked(d, b, 16); break;
	case 276: cooked(d, b, 20); break;
	case 228: either(d, b); break;
	case 229: tcpdw_capture_ipv6(d, b); break;
	default: raw_ip(d, b); break;
	}
}
