#include "s3/credentials/providers/checked.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace s3 {
namespace {

bool IsControl(unsigned char c) { return c < 0x20 || c == 0x7f; }
// For access key IDs and session tokens, which become part of a header. The secret access key is never sent,
// only hashed, so only control characters are invalid in it.
bool IsNotWordCharacter(unsigned char c) { return c <= 0x20 || c >= 0x7f; }

}  // namespace

std::string_view WithoutLineEnd(std::string_view text) {
  return text.substr(0, text.find_last_not_of("\r\n") + 1);
}

Result<ProvidedCredentials> CheckedCredentials(ProvidedCredentials provided,
                                               const std::function<void(std::string_view)>& warn) {
  auto& credentials = provided.credentials;
  std::string problem;
  const auto check = [&](std::string_view text, std::string_view what, bool (*is_bad)(unsigned char)) {
    const auto line = WithoutLineEnd(text);
    if (line.size() < text.size()) {
      warn(fmt::format("{}: the {} ends with a line end, which is ignored", provided.source, what));
    }
    const bool bad = std::any_of(line.begin(), line.end(), is_bad);
    if ((bad || (line.empty() && !text.empty())) && problem.empty()) {
      const bool control = std::any_of(line.begin(), line.end(), IsControl);
      problem = fmt::format("{}: the {} has {}: correct it", provided.source, what,
                            !bad      ? "only a line end"
                            : control ? "a control character"
                                      : "an invalid character");
    }
    return line;
  };
  credentials.access_key_id =
      std::string(check(credentials.access_key_id, "access key ID", IsNotWordCharacter));
  credentials.secret_access_key =
      Secret(check(credentials.secret_access_key.Reveal(), "secret access key", IsControl));
  credentials.session_token =
      Secret(check(credentials.session_token.Reveal(), "session token", IsNotWordCharacter));
  if (!problem.empty()) return Fail(ErrorKind::kBadCredentials, std::move(problem));
  return provided;
}

}  // namespace s3
