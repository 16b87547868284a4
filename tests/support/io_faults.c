/* A library that is preloaded into s3flow. It makes the Nth call of one kind fail, or the process die there.
 *
 * S3FLOW_FAULT=CALL:N:WHAT[:COUNT]
 *   CALL   write, sync, open, stat, read or getdents below S3FLOW_FAULT_DIR;
 *          rename (renameat2), renameat or unlink (unlinkat) below S3FLOW_FAULT_DIR;
 *          send or recv (sockets), sendfile or sendmsg (both count as send, too)
 *   WHAT   an errno to fail with;
 *          "before" or "after": SIGKILL before or after the call;
 *          "wait": waits until somebody removes the file S3FLOW_FAULT_MARK;
 *          "short" (read): 4,099 bytes at most;
 *          "repeat" (getdents): the previous entries once more;
 *          "anonymous" (getdents, stat): entries without inode number and type
 *   COUNT  how many calls from the Nth on; 1 by default, -1: all
 * S3FLOW_FAULT_MARK=FILE   is created when the fault happens, so that a test can see it
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char fault_call[16], fault_what[16];
static int fault_number, fault_count;
static const char *fault_directory, *fault_mark;
static atomic_int calls;

__attribute__((constructor)) static void read_environment(void) {
  const char* fault = getenv("S3FLOW_FAULT");
  fault_directory = getenv("S3FLOW_FAULT_DIR");
  fault_mark = getenv("S3FLOW_FAULT_MARK");
  fault_count = 1;
  const int found = fault == NULL ? 0
                                  : sscanf(fault, "%15[^:]:%d:%15[^:]:%d", fault_call, &fault_number,
                                           fault_what, &fault_count);
  if (found < 3) fault_number = 0;
}

static int below_directory(const char* path) {
  return fault_directory != NULL && strncmp(path, fault_directory, strlen(fault_directory)) == 0;
}

static int of_directory(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t bytes = readlink(link, path, sizeof path - 1);
  if (bytes < 0) return 0;
  path[bytes] = 0;
  return below_directory(path);
}

/* True if S3FLOW_FAULT_DIR is a beginning of the path of `name` in the directory. */
static int is_entry_below(int fd, const char* name) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t bytes = readlink(link, path, sizeof path / 2);
  if (bytes < 0) return 0;
  snprintf(path + bytes, sizeof path - (size_t)bytes, "/%s", name);
  return below_directory(path);
}

static void mark(void) {
  const int fd = (int)syscall(SYS_openat, AT_FDCWD, fault_mark, O_WRONLY | O_CREAT, 0600);
  if (fd >= 0) syscall(SYS_close, fd);
}

static void die(void) {
  mark();
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static void wait_for_test(void) {
  mark();
  while (access(fault_mark, F_OK) == 0) usleep(10000);
}

static int is_one_of_them(const char* call) {
  if (fault_number == 0 || strcmp(call, fault_call) != 0) return 0;
  const int number = atomic_fetch_add(&calls, 1) + 1;
  return number >= fault_number && (fault_count < 0 || number < fault_number + fault_count);
}

/* True if the call must give an unusual result instead of an error. */
static int is_odd(const char* call, const char* what, int below) {
  if (!below || strcmp(what, fault_what) != 0 || !is_one_of_them(call)) return 0;
  mark();
  return 1;
}

/* Returns 0: make the call; -1: make the call, then die; else the errno to fail with. */
static int fault_of(const char* call) {
  if (strcmp(fault_what, "short") == 0 || strcmp(fault_what, "repeat") == 0 ||
      strcmp(fault_what, "anonymous") == 0)
    return 0;
  if (!is_one_of_them(call)) return 0;
  if (strcmp(fault_what, "before") == 0) die();
  if (strcmp(fault_what, "after") == 0) return -1;
  if (strcmp(fault_what, "wait") == 0) {
    wait_for_test();
    return 0;
  }
  mark();
  return atoi(fault_what);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define WITH_FAULT(condition, call, expression)       \
  const int fault = (condition) ? fault_of(call) : 0; \
  if (fault > 0) {                                    \
    errno = fault;                                    \
    return -1;                                        \
  }                                                   \
  const __typeof__(expression) result = (expression); \
  if (fault < 0) die();                               \
  return result

ssize_t write(int fd, const void* data, size_t bytes) {
  WITH_FAULT(fault_number && of_directory(fd), "write", REAL(write)(fd, data, bytes));
}
int fsync(int fd) { WITH_FAULT(fault_number && of_directory(fd), "sync", REAL(fsync)(fd)); }
int fdatasync(int fd) { WITH_FAULT(fault_number && of_directory(fd), "sync", REAL(fdatasync)(fd)); }
int renameat2(int from_fd, const char* from, int to_fd, const char* to, unsigned flags) {
  WITH_FAULT(fault_number && of_directory(from_fd), "rename",
             REAL(renameat2)(from_fd, from, to_fd, to, flags));
}
int renameat(int from_fd, const char* from, int to_fd, const char* to) {
  WITH_FAULT(fault_number && is_entry_below(from_fd, from), "renameat",
             REAL(renameat)(from_fd, from, to_fd, to));
}
int unlinkat(int fd, const char* name, int flags) {
  WITH_FAULT(fault_number && is_entry_below(fd, name), "unlink", REAL(unlinkat)(fd, name, flags));
}
ssize_t send(int fd, const void* data, size_t bytes, int flags) {
  WITH_FAULT(fault_number, "send", REAL(send)(fd, data, bytes, flags));
}
ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
  const char* call = strcmp(fault_call, "sendmsg") == 0 ? "sendmsg" : "send";
  WITH_FAULT(fault_number, call, REAL(sendmsg)(fd, message, flags));
}
ssize_t sendfile(int to, int from, off_t* offset, size_t bytes) {
  const char* call = strcmp(fault_call, "sendfile") == 0 ? "sendfile" : "send";
  WITH_FAULT(fault_number, call, REAL(sendfile)(to, from, offset, bytes));
}
ssize_t recv(int fd, void* data, size_t bytes, int flags) {
  WITH_FAULT(fault_number, "recv", REAL(recv)(fd, data, bytes, flags));
}

ssize_t pread(int fd, void* data, size_t bytes, off_t offset) {
  const int below = fault_number && of_directory(fd);
  if (bytes > 4099 && is_odd("read", "short", below)) bytes = 4099;
  WITH_FAULT(below, "read", REAL(pread)(fd, data, bytes, offset));
}

static char entries[1 << 16];
static ssize_t entry_bytes;
static int entries_of = -1;
ssize_t getdents64(int fd, void* data, size_t bytes) {
  const int below = fault_number && of_directory(fd);
  if (fd == entries_of && entry_bytes <= (ssize_t)bytes && is_odd("getdents", "repeat", below)) {
    memcpy(data, entries, (size_t)entry_bytes);
    return entry_bytes;
  }
  const int fault = below ? fault_of("getdents") : 0;
  if (fault > 0) {
    errno = fault;
    return -1;
  }
  const ssize_t got = REAL(getdents64)(fd, data, bytes);
  if (below && got > 0 && got <= (ssize_t)sizeof entries) {
    memcpy(entries, data, (size_t)got);
    entry_bytes = got;
    entries_of = fd;
  }
  const int anonymous = is_odd("getdents", "anonymous", below);
  for (ssize_t at = 0; anonymous && at < got;) {
    struct dirent64* const entry = (struct dirent64*)((char*)data + at);
    entry->d_ino = 0;
    entry->d_type = DT_UNKNOWN;
    at += entry->d_reclen;
  }
  return got;
}

static int without_number(struct stat* status, int result, int below) {
  if (result == 0 && is_odd("stat", "anonymous", below)) status->st_ino = 0;
  return result;
}
int fstat(int fd, struct stat* status) {
  const int below = fault_number && of_directory(fd);
  WITH_FAULT(below, "stat", without_number(status, REAL(fstat)(fd, status), below));
}
int fstatat(int directory, const char* path, struct stat* status, int flags) {
  const int below = fault_number && directory >= 0 && of_directory(directory);
  WITH_FAULT(below, "stat", without_number(status, REAL(fstatat)(directory, path, status, flags), below));
}

static int open_with_fault(int directory, const char* path, int flags, mode_t mode) {
  const int below = path[0] == '/' ? below_directory(path) : fault_number && of_directory(directory);
  WITH_FAULT(fault_number && below, "open", (int)syscall(SYS_openat, directory, path, flags, mode));
}
static mode_t mode_of(int flags, va_list arguments) {
  return flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
}
#define OPEN(declaration, directory)                      \
  declaration {                                           \
    va_list arguments;                                    \
    va_start(arguments, flags);                           \
    const mode_t mode = mode_of(flags, arguments);        \
    va_end(arguments);                                    \
    return open_with_fault(directory, path, flags, mode); \
  }
OPEN(int open(const char* path, int flags, ...), AT_FDCWD)
OPEN(int open64(const char* path, int flags, ...), AT_FDCWD)
OPEN(int openat(int directory, const char* path, int flags, ...), directory)
OPEN(int openat64(int directory, const char* path, int flags, ...), directory)

/* glibc has no function for openat2(2). */
long syscall(long number, ...) {
  long a[6];
  va_list arguments;
  va_start(arguments, number);
  for (int i = 0; i < 6; ++i) a[i] = va_arg(arguments, long);
  va_end(arguments);
  WITH_FAULT(fault_number && number == SYS_openat2 && of_directory((int)a[0]), "open",
             REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]));
}
