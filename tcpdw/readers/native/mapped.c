/* Files mapped into memory. A page that is no longer there is a SIGBUS for whoever reads it, which
   ends the process: here the thread that reads gets a page of zeros in its place and goes on, and
   the file's owner is told. systemd's journal does likewise (src/basic/sigbus.c). */
#include "mapped.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A range that is mapped. Nodes are never freed, as the handler may be at any of them at any time:
   they are taken again. `begin` of 0 is a node without a range. */
struct range {
	struct range *next;
	atomic_uintptr_t begin, end;
	_Atomic(int32_t *) vanished;
	atomic_int taken;
};

/* Enough for most; each but the last leads to the next by its place, and the last to the list. */
#define MOST 256
static struct range few[MOST];
static _Atomic(struct range *) ranges;
static atomic_int installed;
static struct sigaction before;

static struct range *next_of(struct range *range)
{
	if (range >= few && range < few + MOST - 1)
		return range + 1;
	return range == few + MOST - 1 ? atomic_load(&ranges) : range->next;
}

/* Async-signal-safe: loads, stores, and system calls alone. */
static void on_sigbus(int number, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr;
	struct range *range = info->si_code > 0 ? few : NULL;

	for (; range; range = next_of(range)) {
		uintptr_t begin = atomic_load(&range->begin), end = atomic_load(&range->end);
		uintptr_t page = at & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);
		int saved = errno;
		int32_t *vanished;

		if (!begin || at < begin || at >= end)
			continue;
		/* All from there on: of a file that was cut nothing of it is left. */
		if (mmap((void *)page, end - page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			 0) == MAP_FAILED)
			break;
		errno = saved;
		vanished = atomic_load(&range->vanished);
		if (vanished)
			__atomic_store_n(vanished, 1, __ATOMIC_SEQ_CST);
		return;
	}
	/* None of ours: as it would have been. */
	if (before.sa_flags & SA_SIGINFO)
		before.sa_sigaction(number, info, context);
	else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
		before.sa_handler(number);
	else
		signal(number, SIG_DFL); /* It comes again, and ends the process. */
}

static void install(void)
{
	struct sigaction action = { .sa_sigaction = on_sigbus,
				    .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };

	if (atomic_exchange(&installed, 1))
		return;
	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, &before);
}

static struct range *take(void)
{
	struct range *range;

	for (range = few; range; range = next_of(range)) {
		int no = 0;

		if (atomic_compare_exchange_strong(&range->taken, &no, 1))
			return range;
	}
	range = calloc(1, sizeof(*range));
	if (!range)
		return NULL;
	atomic_store(&range->taken, 1);
	range->next = atomic_load(&ranges);
	while (!atomic_compare_exchange_weak(&ranges, &range->next, range))
		;
	return range;
}

void *tcpdw_map(int fd, uint64_t size, int32_t *vanished)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	struct range *range = take();
	void *bytes;

	if (!range) {
		errno = ENOMEM;
		return NULL;
	}
	install();
	bytes = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED) {
		atomic_store(&range->taken, 0);
		return NULL;
	}
	atomic_store(&range->vanished, vanished);
	atomic_store(&range->end, ((uintptr_t)bytes + size + page - 1) & ~(page - 1));
	atomic_store(&range->begin, (uintptr_t)bytes);
	return bytes;
}

void tcpdw_unmap(void *bytes, uint64_t size)
{
	struct range *range;

	for (range = few; range; range = next_of(range))
		if (atomic_load(&range->begin) == (uintptr_t)bytes) {
			atomic_store(&range->begin, 0);
			atomic_store(&range->vanished, NULL);
			munmap(bytes, size);
			atomic_store(&range->taken, 0);
			return;
		}
}
