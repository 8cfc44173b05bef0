/* What stands between the library and libc while it is fuzzed.
 *
 * It counts the memory the library holds, and can refuse it some. And a file is not mapped but
 * copied to memory of its very size: past the end of a mapping lie the zeros of its last page,
 * which AddressSanitizer has nothing against. Linked with `--wrap` for each `__wrap_` below.
 */
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);

static _Atomic int64_t held, most, left;

/* Begin an input: refuse memory from the `refused`th time on that it is asked for, if not 0. */
EXPORTED void fuzz_begin(int64_t refused)
{
	left = refused;
	most = held;
}

/* Bytes that the library holds, and the most it held since `fuzz_begin`. */
EXPORTED int64_t fuzz_held(void)
{
	return held;
}

EXPORTED int64_t fuzz_most(void)
{
	return most;
}

static int refused(void)
{
	int64_t now = left;

	if (now > 1)
		left = now - 1;
	return now == 1;
}

static void count(int64_t bytes)
{
	int64_t now = held += bytes;

	if (now > most)
		most = now;
}

static void *counted(void *memory)
{
	if (memory)
		count((int64_t)malloc_usable_size(memory));
	return memory;
}

void *__wrap_malloc(size_t size)
{
	return refused() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return refused() ? NULL : counted(__real_calloc(n, size));
}

void *__wrap_realloc(void *memory, size_t size)
{
	int64_t before = memory ? (int64_t)malloc_usable_size(memory) : 0;
	void *grown = refused() ? NULL : __real_realloc(memory, size);

	/* Both are held while the content moves. */
	if (counted(grown))
		count(-before);
	return grown;
}

void __wrap_free(void *memory)
{
	if (memory)
		count(-(int64_t)malloc_usable_size(memory));
	__real_free(memory);
}

void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
	uint8_t *copy = __wrap_malloc(size);
	size_t done = 0;

	(void)address, (void)protection, (void)flags;
	while (copy && done < size) {
		ssize_t got = pread(fd, copy + done, size - done, offset + (off_t)done);

		if (got <= 0) {
			__wrap_free(copy);
			copy = NULL;
		} else {
			done += (size_t)got;
		}
	}
	if (!copy)
		errno = ENOMEM;
	return copy ? copy : MAP_FAILED;
}

int __wrap_munmap(void *copy, size_t size)
{
	(void)size;
	__wrap_free(copy);
	return 0;
}

int __wrap_madvise(void *copy, size_t size, int advice)
{
	/* The pages of a file would come again, those of memory would not. */
	(void)copy, (void)size, (void)advice;
	return 0;
}
