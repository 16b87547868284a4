// The documents that credentials come in: JSON, and the XML of STS. Pure, any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "s3/credentials.h"
#include "s3/http.h"

namespace s3 {

using SystemTime = std::chrono::system_clock::time_point;

// RFC 3339: "2026-01-31T12:00:00Z", with a fraction or not, in UTC or with an offset.
// After 2200, 2200.
std::optional<SystemTime> ParseTimestamp(std::string_view text);

// `expires`, which the answerer's clock says, by this machine's: the answer's Date tells them apart.
SystemTime ByOurClock(SystemTime expires, const HttpHeaders& headers);

// {"AccessKeyId": ..., "SecretAccessKey": ..., "Expiration": ...} and the token under `token_name`. The
// messages of errors name members, and never show values.
Result<Credentials> CredentialsFromJson(std::string_view json, std::string_view token_name);

// What `aws configure sso` leaves in its cache, as far as it matters here.
// https://docs.aws.amazon.com/sdkref/latest/guide/understanding-sso.html
struct SsoToken {
  Secret access_token;
  SystemTime expires;
};
Result<SsoToken> SsoTokenFromJson(std::string_view json);

// {"roleCredentials": {"accessKeyId": ..., "expiration": milliseconds since 1970}}
// https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html
Result<Credentials> CredentialsFromSso(std::string_view json);

// The answer of an STS action; `action` as "AssumeRole".
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
Result<Credentials> CredentialsFromSts(std::string_view xml, std::string_view action);

// "Code" of an answer that refuses, when it has a plain one.
std::string RefusalCode(std::string_view json);

}  // namespace s3
