// Files that are written whole, and what went wrong with them. Any thread.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "s3/result.h"

namespace pipeline {

// kLocal: "PATH: what the system says".
s3::Error ErrnoError(const std::string& path, int error);

// 0, or errno.
int WriteAll(int fd, std::string_view text);

// Writes all of `text` to the file `path`, so that whoever reads it sees the old or the new one whole. `mode`
// is as open(2) has it.
s3::Result<void> WriteFile(const std::string& path, const std::string& text, mode_t mode = 0666);

}  // namespace pipeline
