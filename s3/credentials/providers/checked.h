// The check that credentials from every source must pass.
#pragma once

#include <functional>
#include <string_view>

#include "s3/credentials.h"

namespace s3 {

// Removes all CR and LF at the end.
std::string_view WithoutLineEnd(std::string_view text);

// Removes line ends from the end of each value (files and variables often have them) and reports that to
// `warn`. Any other invalid character is an error that names the source, because access key IDs
// and session tokens become part of a header.
Result<ProvidedCredentials> CheckedCredentials(ProvidedCredentials provided,
                                               const std::function<void(std::string_view)>& warn);

}  // namespace s3
