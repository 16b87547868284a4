// Opens files below a directory, and nothing outside it. Follows no symbolic link, not even one that has just
// replaced a directory. Any thread.
#pragma once

namespace pipeline {

// Returns a descriptor that the caller owns, or -1 with errno, like openat(2). Precondition: no part of
// `relative` is empty, "." or "..". errno is ELOOP or EXDEV when a part of `relative` is a symbolic link or
// leads out of `directory`. Uses openat2(2) with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS. If the kernel
// doesn't have that call (before 5.6) or a seccomp filter refuses it, uses OpenStepByStep().
int OpenBeneath(int directory, const char* relative, int flags);

// Does the same with one openat(2) for each part of `relative`.
int OpenStepByStep(int directory, const char* relative, int flags);

}  // namespace pipeline
