// Opens what lies below a directory, and nothing else: no symbolic link is followed, not even one that has
// just taken the place of a directory. Any thread.
#pragma once

namespace pipeline {

// As openat(2): a descriptor, or -1 with errno. `relative` names the file by single slashes, without "." and
// "..". ELOOP or EXDEV when a part of it is a symbolic link or leads out of `directory`.
// Takes one openat2(2) with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS; where the kernel has none (before 5.6),
// or a seccomp filter refuses it, one openat(2) for each part of the name.
int OpenBeneath(int directory, const char* relative, int flags);

// The second way alone.
int OpenStepByStep(int directory, const char* relative, int flags);

}  // namespace pipeline
