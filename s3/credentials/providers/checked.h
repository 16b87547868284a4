// The one check that credentials pass, wherever they come from.
#pragma once

#include <functional>
#include <string_view>

#include "s3/credentials.h"

namespace s3 {

// Without the line ends at its end.
std::string_view WithoutLineEnd(std::string_view text);

// Takes line ends off the end of each part, which files and variables often have there, and tells `warn`. Any
// other character that none of them can have is an error that names `source`: a header is made of keys and
// tokens.
Result<ProvidedCredentials> CheckedCredentials(ProvidedCredentials provided,
                                               const std::function<void(std::string_view)>& warn);

}  // namespace s3
