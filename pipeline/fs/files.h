// Writes to files, and turns errno into an error. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "s3/base/result.h"

namespace pipeline {

// Returns a kLocal error with the message "PATH: TEXT", where TEXT is strerror(3) of `error`.
s3::Error ErrnoError(const std::string& path, int error);

// Writes all of `text`; blocks. Returns 0, or the errno of the failed write.
int WriteAll(int fd, std::string_view text);

}  // namespace pipeline
