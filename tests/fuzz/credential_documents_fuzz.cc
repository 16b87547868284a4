#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "s3/credentials/providers/checked.h"
#include "s3/credentials/providers/documents.h"

namespace {

// Credentials that pass the check have no line end, zero byte or space, so they are safe in a header. Each
// error has a message.
void Check(const s3::Result<s3::Credentials>& read) {
  if (!read) {
    if (read.error().message.empty()) __builtin_trap();
    return;
  }
  const auto checked = s3::CheckedCredentials({*read, "a document"}, [](std::string_view) {});
  if (!checked) return;
  for (const auto text :
       {std::string_view(checked->credentials.access_key_id), checked->credentials.session_token.Reveal()}) {
    if (text.find_first_of(std::string_view("\r\n\0 ", 4)) != std::string_view::npos) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  Check(s3::CredentialsFromJson(text, "Token"));
  Check(s3::CredentialsFromSso(text));
  Check(s3::CredentialsFromSts(text, "AssumeRole"));
  (void)s3::SsoTokenFromJson(text);
  (void)s3::RefusalCode(text);
  (void)s3::ParseTimestamp(text);
  return 0;
}
