// Parses the documents that contain credentials: JSON, and the XML of STS. Pure functions, any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "s3/credentials.h"
#include "s3/http.h"

namespace s3 {

using SystemTime = std::chrono::system_clock::time_point;

// Parses RFC 3339: "2026-01-31T12:00:00Z", with or without a fraction, in UTC or with an offset. Times after
// 2200 become 2200.
std::optional<SystemTime> ParseTimestamp(std::string_view text);

// Converts `expires` from the server's clock to this machine's clock. Computes the difference from the Date
// header of the response.
SystemTime ByOurClock(SystemTime expires, const HttpHeaders& headers);

// Parses {"AccessKeyId": ..., "SecretAccessKey": ..., "Expiration": ...} with the token under `token_name`.
// Error messages name members and never show values. A message is the end of a sentence, for example "has no
// AccessKeyId"; the caller adds the subject.
Result<Credentials> CredentialsFromJson(std::string_view json, std::string_view token_name);

// The fields of the cache file of `aws sso login` that s3flow needs.
// https://docs.aws.amazon.com/sdkref/latest/guide/understanding-sso.html
struct SsoToken {
  Secret access_token;
  SystemTime expires;
};
Result<SsoToken> SsoTokenFromJson(std::string_view json);

// Parses {"roleCredentials": {"accessKeyId": ..., "expiration": milliseconds since 1970}}.
// https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html
Result<Credentials> CredentialsFromSso(std::string_view json);

// Parses the response to an STS action; `action` is its name: "AssumeRole".
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
Result<Credentials> CredentialsFromSts(std::string_view xml, std::string_view action);

// Returns the error code of a JSON document (Code, code or __type); empty if the document has no code, or if
// the code is not one short word.
std::string RefusalCode(std::string_view json);

}  // namespace s3
