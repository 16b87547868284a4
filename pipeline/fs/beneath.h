// Opens files below a directory, and nothing else: follows no symbolic link, not even one that has just taken
// the place of a directory. Any thread.
#pragma once

namespace pipeline {

// Returns a descriptor, or -1 with errno, as openat(2). `relative` has single slashes and neither "." nor
// "..". ELOOP or EXDEV when a part of it is a symbolic link or leads out of `directory`. Uses openat2(2) with
// RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS. Where the kernel doesn't have it (before 5.6) or a seccomp filter
// refuses it, uses OpenStepByStep().
int OpenBeneath(int directory, const char* relative, int flags);

// The same, with one openat(2) for each part of the name.
int OpenStepByStep(int directory, const char* relative, int flags);

}  // namespace pipeline
