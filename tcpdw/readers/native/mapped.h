/* Files mapped into memory, whose bytes may go while they are read. */
#ifndef TCPDW_MAPPED_H
#define TCPDW_MAPPED_H

#include <stdint.h>

/* Map `size` bytes of a file to read; NULL with errno. Where bytes can no longer be read, because the
   file was cut or its disk failed, they read as zeros from then on, and *vanished is 1. */
void *tcpdw_map(int fd, uint64_t size, int32_t *vanished);
void tcpdw_unmap(void *bytes, uint64_t size);

#endif
