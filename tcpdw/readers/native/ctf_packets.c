/* Stream files and the packets in them. */
#include "ctf_decoder.h"
#include "mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAGIC 0xC1FC1FC1
#define UNKNOWN UINT64_MAX

EXPORTED void tcpdw_ctf_close(struct file *file)
{
	if (!file)
		return;
	if (file->bytes)
		tcpdw_unmap(file->bytes, file->size);
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
		void *bytes = tcpdw_map(fd, (uint64_t)size, &file->vanished);

		if (!bytes) {
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

int tcpdw_begin_packet(const struct trace_class *trace, struct fields *fields,
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
	int status = tcpdw_begin_packet(trace, &fields, &class);

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
