"""Steps between fork and exec that leave something broken, as unusual launchers do. A step is a function without
arguments."""
import ctypes
import os
import pty
import resource
import signal
import socket
import subprocess
import tempfile

LIBC = ctypes.CDLL(None, use_errno=True)
# Numbers on x86-64: Linux, arch/x86/entry/syscalls/syscall_64.tbl.
CALLS = {"sched_setaffinity": 203, "sched_getaffinity": 204, "fadvise64": 221, "epoll_create1": 291, "eventfd2": 290, "pwritev2": 328,
         "getrandom": 318, "memfd_create": 319, "copy_file_range": 326, "preadv2": 327, "statx": 332, "rseq": 334,
         "io_uring_setup": 425, "clone3": 435, "close_range": 436, "openat2": 437, "faccessat2": 439, "epoll_pwait2": 441,
         "prlimit64": 302, "sendfile": 40, "utimensat": 280, "fsync": 74, "fdatasync": 75}


class Filter(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("k", ctypes.c_uint32)]


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint16), ("filters", ctypes.POINTER(Filter))]


def forbid(*names):
    """Returns a step that makes these calls fail with EPERM, as the seccomp profiles of old container runtimes do for
    unknown calls (seccomp(2); moby/moby issue 40734)."""
    # Loads the number of the call, compares it with each of ours, and allows it or fails with errno 1.
    numbers = [CALLS[name] for name in names]
    rules = [Filter(0x20, 0, 0, 0)]
    rules += [Filter(0x15, len(numbers) - i, 0, number) for i, number in enumerate(numbers)]
    rules += [Filter(0x06, 0, 0, 0x7FFF0000), Filter(0x06, 0, 0, 0x00050001)]

    def install():
        program = Program(len(rules), (Filter * len(rules))(*rules))
        no_new_privileges, set_filter = 38, 22
        if LIBC.prctl(no_new_privileges, 1, 0, 0, 0) != 0 or LIBC.prctl(set_filter, 2, ctypes.byref(program), 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "seccomp")
    return install


def close(*descriptors):
    return lambda: [os.close(fd) for fd in descriptors]


def limit(what, value):
    return lambda: resource.setrlimit(what, (value, value))


def ignore(*signals):
    return lambda: [signal.signal(number, signal.SIG_IGN) for number in signals]


def leave_signals_alone():
    """Restores the default actions of the signals that Python ignores from its start."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)


def hide(*directories):
    """Returns a step that mounts an empty, read-only file system over each directory, for this process and its children."""
    def mount():
        new_namespace, recursive_private, read_only = 0x20000, 0x44000, 1
        calls = [LIBC.unshare(new_namespace), LIBC.mount(None, b"/", None, recursive_private, None)]
        calls += [LIBC.mount(b"none", directory.encode(), b"tmpfs", read_only, None) for directory in directories]
        if any(calls):
            raise OSError(ctypes.get_errno(), "mount")
    return mount


def may_hide():
    try:
        return subprocess.run(["/bin/true"], preexec_fn=hide("/proc")).returncode == 0
    except subprocess.SubprocessError:
        return False


def in_removed_directory():
    path = tempfile.mkdtemp()
    os.chdir(path)
    os.rmdir(path)


def onto(fd, make):
    """Returns a step that replaces `fd` by the descriptor that `make()` returns."""
    return lambda: os.dup2(make(), fd)


def full_device():
    return os.open("/dev/full", os.O_WRONLY)


def pipe_without_reader():
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def pipe_that_nobody_reads():
    """Returns the write end of a full, non-blocking pipe. Its reader lives as long as the process."""
    reader, writer = os.pipe()
    os.set_inheritable(reader, True)
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        return writer


def terminal_that_has_gone():
    leader, follower = pty.openpty()
    os.close(leader)
    return follower


def silent_socket():
    ours, theirs = socket.socketpair()
    os.set_inheritable(theirs.detach(), True)
    return ours.detach()


def silent_pipe():
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    return reader
