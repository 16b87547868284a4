#include "s3/api/sigv4.h"

#include <fmt/format.h>

#include <algorithm>
#include <forward_list>
#include <tuple>

#include "s3/base/text.h"

namespace s3 {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Trims the value and turns every run of white space (also of folded lines) into one space.
void AppendHeaderValue(std::string* out, std::string_view value) {
  if (!HasAny(value, IsSpace)) {
    out->append(value);
    return;
  }
  bool pending_space = false, any = false;
  for (const char c : value) {
    if (IsSpace(c)) {
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
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  std::string text("YYYYMMDDThhmmssZ");
  const auto write = [&](std::size_t at, auto number) {
    text[at] = static_cast<char>('0' + number / 10);
    text[at + 1] = static_cast<char>('0' + number % 10);
  };
  write(0, static_cast<int>(date.year()) / 100);
  write(2, static_cast<int>(date.year()) % 100);
  write(4, static_cast<unsigned>(date.month()));
  write(6, static_cast<unsigned>(date.day()));
  write(9, clock.hours().count());
  write(11, clock.minutes().count());
  write(13, clock.seconds().count());
  return text;
}

std::string CredentialScope::Text() const {
  return Concat({date, "/", region, "/", service, "/aws4_request"});
}

CanonicalRequest BuildCanonicalRequest(std::string_view method, std::string_view path,
                                       const std::vector<QueryParam>& query,
                                       const std::vector<Header>& headers,
                                       const std::vector<SecretHeader>& secret_headers,
                                       std::string_view payload_hash) {
  // Sort by name, then by position in the request: headers with the same name keep the order in which they
  // are sent.
  std::vector<std::tuple<std::string_view, std::size_t, std::string_view>> sorted;
  sorted.reserve(headers.size() + secret_headers.size());
  std::forward_list<std::string> lowered;  // only for names with upper case; most have none
  const auto add = [&](const std::string& name, std::string_view value) {
    sorted.emplace_back(HasAny(name, IsUpper) ? lowered.emplace_front(LowerCase(name)) : name, sorted.size(),
                        value);
  };
  for (const auto& [name, value] : headers) add(name, value);
  std::size_t secret_bytes = 0;
  for (const auto& [name, value] : secret_headers) {
    add(name, value.Reveal());
    secret_bytes += name.size() + value.Reveal().size() + 2;
  }
  std::sort(sorted.begin(), sorted.end());

  CanonicalRequest canonical;
  auto& text = canonical.text;
  text.reserve(512 + secret_bytes);
  canonical.signed_headers.reserve(128);
  Append(&text, {method, "\n", path, "\n", query.empty() ? "" : CanonicalQuery(query), "\n"});
  std::string_view previous_name;
  for (const auto& [name, position, value] : sorted) {
    if (name == previous_name) {
      text.back() = ',';  // replaces the newline after the previous value
    } else {
      // Plain appends are faster here than Append: the space is reserved above.
      text.append(name) += ':';
      if (!canonical.signed_headers.empty()) canonical.signed_headers += ';';
      canonical.signed_headers.append(name);
    }
    previous_name = name;
    AppendHeaderValue(&text, value);
    text += '\n';
  }
  Append(&text, {"\n", canonical.signed_headers, "\n", payload_hash});
  return canonical;
}

std::string StringToSign(std::string_view amz_date, std::string_view scope,
                         std::string_view canonical_request) {
  return Concat({kAlgorithm, "\n", amz_date, "\n", scope, "\n", Sha256Hex(canonical_request)});
}

std::string ChunkStringToSign(std::string_view amz_date, std::string_view scope,
                              std::string_view previous_signature, std::string_view chunk_hash) {
  return fmt::format("{}-PAYLOAD\n{}\n{}\n{}\n{}\n{}", kAlgorithm, amz_date, scope, previous_signature,
                     Sha256Hex(""), chunk_hash);
}

std::string TrailerStringToSign(std::string_view amz_date, std::string_view scope,
                                std::string_view previous_signature, std::string_view trailers) {
  return fmt::format("{}-TRAILER\n{}\n{}\n{}\n{}", kAlgorithm, amz_date, scope, previous_signature,
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

const Sha256Digest& Signer::CachedSigningKey(const Credentials& credentials, const CredentialScope& scope) {
  const auto& secret = credentials.secret_access_key;
  const auto fits = [&](const DayKey& key) { return key.date == scope.date && key.secret == secret; };
  const auto* key = key_.Current();
  if (fits(*key)) return key->signing_key;
  const MutexLock lock(mutex_);
  key = key_.Current();
  if (!fits(*key)) key = key_.Publish({scope.date, secret, SigningKey(secret, scope)});
  return key->signing_key;
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
    request->secret_headers.push_back({"x-amz-security-token", credentials.session_token});
  }
  auto canonical = BuildCanonicalRequest(request->method, request->path, request->query, headers,
                                         request->secret_headers, payload_hash);
  const auto scope_text = scope.Text();
  auto signature =
      Signature(CachedSigningKey(credentials, scope), StringToSign(amz_date, scope_text, canonical.text));
  if (!request->secret_headers.empty()) Wipe(&canonical.text);
  headers.push_back(
      {"authorization", Concat({kAlgorithm, " Credential=", credentials.access_key_id, "/", scope_text,
                                ", SignedHeaders=", canonical.signed_headers, ", Signature=", signature})});
  return signature;
}

std::string Signer::SignChunk(const Credentials& credentials, SystemTime time,
                              std::string_view previous_signature, std::string_view chunk) {
  const auto amz_date = AmzDate(time);
  const CredentialScope scope{amz_date.substr(0, 8), region_, service_};
  return Signature(CachedSigningKey(credentials, scope),
                   ChunkStringToSign(amz_date, scope.Text(), previous_signature, Sha256Hex(chunk)));
}

std::string Signer::SignTrailer(const Credentials& credentials, SystemTime time,
                                std::string_view previous_signature, std::string_view trailers) {
  const auto amz_date = AmzDate(time);
  const CredentialScope scope{amz_date.substr(0, 8), region_, service_};
  return Signature(CachedSigningKey(credentials, scope),
                   TrailerStringToSign(amz_date, scope.Text(), previous_signature, trailers));
}

void Signer::SignQuery(HttpRequest* request, std::string_view payload_hash, const Credentials& credentials,
                       SystemTime time, std::chrono::seconds expires) {
  const auto amz_date = AmzDate(time);
  const CredentialScope scope{amz_date.substr(0, 8), region_, service_};
  request->headers.push_back({"host", request->endpoint.HostHeader()});
  const auto signed_headers = BuildCanonicalRequest("", "", {}, request->headers, {}, "").signed_headers;

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
      BuildCanonicalRequest(request->method, request->path, query, request->headers, {}, payload_hash);
  query.emplace_back("X-Amz-Signature", Signature(CachedSigningKey(credentials, scope),
                                                  StringToSign(amz_date, scope.Text(), canonical.text)));
}

}  // namespace s3
