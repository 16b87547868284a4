#include "s3/endpoint/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>

namespace s3::endpoint {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::chrono::minutes kMaxSkew{15};
// Seven days: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
constexpr int kMaxExpiresSeconds = 7 * 24 * 3600;

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

struct Claim {
  std::string credential, signed_headers, signature, amz_date;
  std::chrono::seconds expires = kMaxSkew;
  bool in_query = false;
};

std::optional<Claim> ReadClaim(const Call& call) {
  Claim claim;
  if (call.FindQuery("X-Amz-Algorithm") == kAlgorithm) {
    claim.in_query = true;
    claim.credential = call.FindQuery("X-Amz-Credential").value_or("");
    claim.signed_headers = call.FindQuery("X-Amz-SignedHeaders").value_or("");
    claim.signature = call.FindQuery("X-Amz-Signature").value_or("");
    claim.amz_date = call.FindQuery("X-Amz-Date").value_or("");
    const auto expires = call.FindQuery("X-Amz-Expires").value_or("");
    int seconds = 0;
    std::from_chars(expires.data(), expires.data() + expires.size(), seconds);
    claim.expires = std::chrono::seconds(std::clamp(seconds, 0, kMaxExpiresSeconds));
    return claim;
  }
  const auto authorization = call.FindHeader("authorization");
  if (!authorization || !authorization->starts_with(kAlgorithm)) return std::nullopt;
  for (auto part : Split(std::string_view(*authorization).substr(kAlgorithm.size()), ',')) {
    part.erase(0, part.find_first_not_of(' '));
    const auto value = [&](std::string_view name) { return part.substr(name.size()); };
    if (part.starts_with("Credential=")) claim.credential = value("Credential=");
    if (part.starts_with("SignedHeaders=")) claim.signed_headers = value("SignedHeaders=");
    if (part.starts_with("Signature=")) claim.signature = value("Signature=");
  }
  claim.amz_date = call.FindHeader("x-amz-date").value_or("");
  return claim;
}

// Returns seconds, because system_clock's nanoseconds overflow in the year 2262.
std::optional<std::chrono::sys_seconds> ParseAmzDate(const std::string& text) {
  std::tm utc{};
  const char* end = strptime(text.c_str(), "%Y%m%dT%H%M%SZ", &utc);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return std::chrono::sys_seconds(std::chrono::seconds(timegm(&utc)));
}

std::optional<Reply> CheckTime(const Claim& claim, std::chrono::sys_seconds now) {
  const auto time = ParseAmzDate(claim.amz_date);
  if (!time) return ErrorReply(403, "AccessDenied", "The request has no valid x-amz-date");
  if (*time > now + kMaxSkew || (!claim.in_query && *time < now - kMaxSkew)) {
    return ErrorReply(403, "RequestTimeTooSkewed",
                      "The difference between the request time and the current time is too large.");
  }
  if (claim.in_query && now > *time + claim.expires) {
    return ErrorReply(403, "AccessDenied", "Request has expired");
  }
  return std::nullopt;
}

std::optional<Reply> CheckSignedHeaders(const Call& call, const std::vector<std::string>& names) {
  const auto is_signed = [&](std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (!is_signed("host")) return ErrorReply(403, "AccessDenied", "The host header is not signed");
  for (const auto& [name, value] : call.headers) {
    if (name.starts_with("x-amz-") && !is_signed(name)) {
      return ErrorReply(403, "AccessDenied",
                        "There were headers present in the request which were not signed: " + name);
    }
  }
  return std::nullopt;
}

}  // namespace

bool IsEqual(std::string_view signature, std::string_view given) {
  if (signature.size() != given.size()) return false;
  int difference = 0;
  for (std::size_t i = 0; i < signature.size(); ++i) difference |= signature[i] ^ given[i];
  return difference == 0;
}

std::string PromisedPayloadHash(const Call& call) {
  return call.FindHeader("x-amz-content-sha256").value_or(std::string(kUnsignedPayload));
}

namespace {

CredentialScope ScopeOf(const Claim& claim) {
  const auto scope = Split(claim.credential, '/');
  return {scope[1], scope[2], scope[3]};
}

}  // namespace

std::string SeedSignature(const Call& call) { return ReadClaim(call).value_or(Claim{}).signature; }

std::string ExpectedChunkSignature(const Call& call, const ServerOptions& options, std::string_view previous,
                                   std::string_view chunk_hash) {
  const auto claim = ReadClaim(call).value();
  const auto scope = ScopeOf(claim);
  return Signature(SigningKey(options.secret_access_key, scope),
                   ChunkStringToSign(claim.amz_date, scope.Text(), previous, chunk_hash));
}

std::string ExpectedTrailerSignature(const Call& call, const ServerOptions& options,
                                     std::string_view previous, std::string_view trailers) {
  const auto claim = ReadClaim(call).value();
  const auto scope = ScopeOf(claim);
  return Signature(SigningKey(options.secret_access_key, scope),
                   TrailerStringToSign(claim.amz_date, scope.Text(), previous, trailers));
}

std::optional<Reply> VerifySignature(const Call& call, const ServerOptions& options, SystemTime now) {
  const auto claim = ReadClaim(call);
  if (!claim) return ErrorReply(403, "AccessDenied", "Anonymous access is forbidden");
  const auto scope = Split(claim->credential, '/');
  if (scope.size() != 5 || scope[4] != "aws4_request" || scope[3] != "s3") {
    return ErrorReply(400, "AuthorizationHeaderMalformed", "The credential scope is malformed");
  }
  if (options.access_key_id.empty() || scope[0] != options.access_key_id) {
    return ErrorReply(403, "InvalidAccessKeyId",
                      "The AWS Access Key Id you provided does not exist in our records.");
  }
  if (scope[2] != options.region) {
    auto reply = ErrorReply(400, "AuthorizationHeaderMalformed",
                            fmt::format("The region is wrong; expecting '{}'", options.region));
    const auto end = reply.body.rfind("</Error>");
    reply.body.insert(end, fmt::format("<Region>{}</Region>", options.region));
    return reply;
  }
  if (auto refusal = CheckTime(*claim, std::chrono::floor<std::chrono::seconds>(now))) return refusal;
  if (scope[1] != claim->amz_date.substr(0, 8)) {
    return ErrorReply(400, "AuthorizationHeaderMalformed",
                      "The date of the credential scope is not the date of x-amz-date");
  }
  if (!claim->in_query && !call.FindHeader("x-amz-content-sha256")) {
    return ErrorReply(400, "InvalidRequest",
                      "Missing required header for this request: x-amz-content-sha256");
  }

  const auto names = Split(claim->signed_headers, ';');
  if (names.size() > call.headers.size()) {
    return ErrorReply(403, "AccessDenied", "SignedHeaders names a header that the request does not have");
  }
  if (auto refusal = CheckSignedHeaders(call, names)) return refusal;
  std::vector<Header> headers;
  for (const auto& header : call.headers) {
    if (std::find(names.begin(), names.end(), header.name) != names.end()) headers.push_back(header);
  }
  auto query = call.query;
  std::erase_if(query, [](const auto& param) { return param.first == "X-Amz-Signature"; });
  // The path is decoded and encoded again, so that a client with other encoding rules is refused.
  const auto path = UriEncode(UriDecode(call.raw_path).value_or(""), true);
  const auto canonical =
      BuildCanonicalRequest(call.method, path, query, headers, {}, PromisedPayloadHash(call));
  const auto credential_scope = ScopeOf(*claim);
  const auto expected = Signature(SigningKey(options.secret_access_key, credential_scope),
                                  StringToSign(claim->amz_date, credential_scope.Text(), canonical.text));
  if (!IsEqual(expected, claim->signature)) {
    return ErrorReply(403, "SignatureDoesNotMatch",
                      "The request signature we calculated does not match the signature you provided. "
                      "Check your key and signing method.");
  }
  return std::nullopt;
}

}  // namespace s3::endpoint
