// The keys that sign requests, and where they come from.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "s3/options.h"
#include "s3/result.h"
#include "s3/secret.h"

namespace s3 {

struct Credentials {
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;  // empty for long-term keys
};

// What the environment answers for a name; nothing when unset.
using Environment = std::function<std::optional<std::string>(const std::string&)>;
Environment ProcessEnvironment();

// In this order: the job file's keys; the job file's profile; AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN; the profile AWS_PROFILE or "default" of
// AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials. A place that is named and incomplete is an
// error, not a reason to look further.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
Result<Credentials> LoadCredentials(const CredentialOptions& options, const Environment& environment);

// One profile of a credentials file's text; kBadCredentials names what is missing.
Result<Credentials> ParseCredentialsFile(std::string_view text, std::string_view profile);

}  // namespace s3
