#include "s3/sigv4.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace s3 {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

// Trims, and turns every run of white space (folded lines too) into one space.
void AppendHeaderValue(std::string* out, std::string_view value) {
  bool pending_space = false, any = false;
  for (const char c : value) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      pending_space = any;
      continue;
    }
    if (pending_space) *out += ' ';
    pending_space = false;
    any = true;
    *out += c;
  }
}

}  // namespace

std::string AmzDate(SystemTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  const auto length = std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc);
  return {text, length};
}

std::string CredentialScope::Text() const {
  std::string text;
  text.reserve(64);
  text.append(date).append("/").append(region).append("/").append(service).append("/aws4_request");
  return text;
}

CanonicalRequest BuildCanonicalRequest(std::string_view method, std::string_view path,
                                       const std::vector<QueryParam>& query,
                                       const std::vector<Header>& headers, std::string_view payload_hash) {
  std::vector<std::pair<std::string, std::string_view>> sorted;
  sorted.reserve(headers.size());
  for (const auto& [name, value] : headers) sorted.emplace_back(LowerCase(name), value);
  // Stable: values of one name keep the order in which they are sent.
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });

  CanonicalRequest canonical;
  auto& text = canonical.text;
  text.reserve(512);
  text.append(method).append("\n").append(path).append("\n").append(CanonicalQuery(query)).append("\n");
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const auto& [name, value] = sorted[i];
    const bool repeated = i > 0 && sorted[i - 1].first == name;
    if (repeated) {
      text.back() = ',';  // in place of the newline after the value before
    } else {
      text.append(name).append(":");
      if (!canonical.signed_headers.empty()) canonical.signed_headers += ';';
      canonical.signed_headers += name;
    }
    AppendHeaderValue(&text, value);
    text += '\n';
  }
  text.append("\n").append(canonical.signed_headers).append("\n").append(payload_hash);
  return canonical;
}

std::string StringToSign(std::string_view amz_date, const CredentialScope& scope,
                         std::string_view canonical_request) {
  std::string text(kAlgorithm);
  text.reserve(192);
  text.append("\n").append(amz_date).append("\n").append(scope.Text()).append("\n");
  return text.append(Sha256Hex(canonical_request));
}

std::string ChunkStringToSign(std::string_view amz_date, const CredentialScope& scope,
                              std::string_view previous_signature, std::string_view chunk) {
  return fmt::format("{}-PAYLOAD\n{}\n{}\n{}\n{}\n{}", kAlgorithm, amz_date, scope.Text(), previous_signature,
                     Sha256Hex(""), Sha256Hex(chunk));
}

std::string TrailerStringToSign(std::string_view amz_date, const CredentialScope& scope,
                                std::string_view previous_signature, std::string_view trailers) {
  return fmt::format("{}-TRAILER\n{}\n{}\n{}\n{}", kAlgorithm, amz_date, scope.Text(), previous_signature,
                     Sha256Hex(trailers));
}

Sha256Digest SigningKey(const Secret& secret_access_key, const CredentialScope& scope) {
  const Secret first(fmt::format("AWS4{}", secret_access_key.Reveal()));
  const auto date_key = HmacSha256(first.Reveal(), scope.date);
  const auto region_key = HmacSha256(AsBytes(date_key), scope.region);
  const auto service_key = HmacSha256(AsBytes(region_key), scope.service);
  return HmacSha256(AsBytes(service_key), "aws4_request");
}

std::string Signature(const Sha256Digest& signing_key, std::string_view string_to_sign) {
  return HexEncode(AsBytes(HmacSha256(AsBytes(signing_key), string_to_sign)));
}

Sha256Digest Signer::CachedSigningKey(const Credentials& credentials, const CredentialScope& scope) {
  std::lock_guard lock(mutex_);
  if (cached_date_ != scope.date || cached_secret_ != credentials.secret_access_key) {
    cached_key_ = SigningKey(credentials.secret_access_key, scope);
    cached_date_ = scope.date;
    cached_secret_ = credentials.secret_access_key;
  }
  return cached_key_;
}

std::string Signer::SignHeaders(HttpRequest* request, std::string_view payload_hash,
                                const Credentials& credentials, SystemTime time) {
  const auto amz_date = AmzDate(time);
  const CredentialScope scope{amz_date.substr(0, 8), region_, service_};
  auto& headers = request->headers;
  headers.push_back({"host", request->endpoint.HostHeader()});
  headers.push_back({"x-amz-content-sha256", std::string(payload_hash)});
  headers.push_back({"x-amz-date", amz_date});
  if (!credentials.session_token.empty()) {
    headers.push_back({"x-amz-security-token", std::string(credentials.session_token.Reveal())});
  }
  const auto canonical =
      BuildCanonicalRequest(request->method, request->path, request->query, headers, payload_hash);
  const auto signature =
      Signature(CachedSigningKey(credentials, scope), StringToSign(amz_date, scope, canonical.text));
  std::string authorization(kAlgorithm);
  authorization.reserve(384);
  authorization.append(" Credential=").append(credentials.access_key_id).append("/").append(scope.Text());
  authorization.append(", SignedHeaders=").append(canonical.signed_headers);
  authorization.append(", Signature=").append(signature);
  headers.push_back({"authorization", std::move(authorization)});
  return signature;
}

std::string Signer::SignChunk(const Credentials& credentials, SystemTime time,
                              std::string_view previous_signature, std::string_view chunk) {
  const auto amz_date = AmzDate(time);
  const CredentialScope scope{amz_date.substr(0, 8), region_, service_};
  return Signature(CachedSigningKey(credentials, scope),
                   ChunkStringToSign(amz_date, scope, previous_signature, chunk));
}

std::string Signer::SignTrailer(const Credentials& credentials, SystemTime time,
                                std::string_view previous_signature, std::string_view trailers) {
  const auto amz_date = AmzDate(time);
  const CredentialScope scope{amz_date.substr(0, 8), region_, service_};
  return Signature(CachedSigningKey(credentials, scope),
                   TrailerStringToSign(amz_date, scope, previous_signature, trailers));
}

void Signer::SignQuery(HttpRequest* request, std::string_view payload_hash, const Credentials& credentials,
                       SystemTime time, std::chrono::seconds expires) {
  const auto amz_date = AmzDate(time);
  const CredentialScope scope{amz_date.substr(0, 8), region_, service_};
  request->headers.push_back({"host", request->endpoint.HostHeader()});
  const auto signed_headers = BuildCanonicalRequest("", "", {}, request->headers, "").signed_headers;

  auto& query = request->query;
  query.emplace_back("X-Amz-Algorithm", kAlgorithm);
  query.emplace_back("X-Amz-Credential", fmt::format("{}/{}", credentials.access_key_id, scope.Text()));
  query.emplace_back("X-Amz-Date", amz_date);
  query.emplace_back("X-Amz-Expires", fmt::format("{}", expires.count()));
  query.emplace_back("X-Amz-SignedHeaders", signed_headers);
  if (!credentials.session_token.empty()) {
    query.emplace_back("X-Amz-Security-Token", credentials.session_token.Reveal());
  }
  const auto canonical =
      BuildCanonicalRequest(request->method, request->path, query, request->headers, payload_hash);
  query.emplace_back("X-Amz-Signature", Signature(CachedSigningKey(credentials, scope),
                                                  StringToSign(amz_date, scope, canonical.text)));
}

}  // namespace s3
