// Finds the certificate authorities of the system. Distributions keep them in different files, and libcurl
// knows only the file of the distribution that it was built for.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace s3 {

// Returns the file of the system's authorities, if `built_in`, libcurl's own choice, cannot be read: the
// first of the known files that `is_readable` accepts. Returns an empty text if libcurl's choice is good, or
// if there is no file; libcurl's choice then stays, and its error names it. `built_in` may be empty.
std::string FindAuthorities(std::string_view built_in,
                            const std::function<bool(const std::string&)>& is_readable);

// Returns true if this process may read the file.
bool IsReadableFile(const std::string& path);

}  // namespace s3
