// Writing to files, and what went wrong with them. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "s3/base/result.h"

namespace pipeline {

// kLocal: "PATH: what the system says".
s3::Error ErrnoError(const std::string& path, int error);

// 0, or errno.
int WriteAll(int fd, std::string_view text);

}  // namespace pipeline
