#include "s3/api/classify_response.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>
#include <initializer_list>
#include <pugixml.hpp>
#include <utility>

#include "s3/base/text.h"

namespace s3 {
namespace {

// A longer Retry-After is reduced to this time, because a job must not seem to hang. If a store asks for an
// hour each time, the attempts are used up and the files are reported as failed.
constexpr std::chrono::milliseconds kMaxRetryAfter{300'000};

std::optional<std::int64_t> ParseCount(std::optional<std::string_view> text) {
  if (!text) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value < 0) return std::nullopt;
  return value;
}

void ReadRetryAfter(const HttpHeaders& headers, Error* error) {
  using std::chrono::milliseconds;
  const std::int64_t max_ms = kMaxRetryAfter.count();
  if (const auto advice_ms = ParseCount(headers.Find("x-amz-retry-after"))) {
    error->retry_after = milliseconds(std::min(*advice_ms, max_ms));
    error->retry_after_is_advice = true;
  } else if (const auto seconds = ParseCount(headers.Find("retry-after"))) {
    error->retry_after = milliseconds(std::min(*seconds, max_ms / 1000) * 1000);
  }
}

bool ContainsAnyPhrase(std::string_view text, std::initializer_list<std::string_view> phrases) {
  const auto is_same = [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); };
  return std::any_of(phrases.begin(), phrases.end(), [&](std::string_view phrase) {
    return std::search(text.begin(), text.end(), phrase.begin(), phrase.end(), is_same) != text.end();
  });
}

// Recognises the responses of Go, nginx and Apache to plain HTTP on a TLS port.
bool IsTlsRequired(const HttpResponse& response) {
  return response.status == 400 && ContainsAnyPhrase(response.body, {"HTTPS", "SSL-enabled"});
}

bool IsStoreFull(const ErrorBody& body, int status) {
  if (status == 507) return true;
  return status >= 500 && ContainsAnyPhrase(body.message, {"no space left", "disk quota exceeded"});
}

ErrorKind KindOfStatus(int status) {
  switch (status) {
    // This is a 400 without an S3 error document: the server's HTTP layer received a truncated or damaged
    // head.
    case 400: return ErrorKind::kTransient;
    case 301:
    case 302:
    case 307:
    case 308: return ErrorKind::kWrongRegion;
    case 401:
    case 403: return ErrorKind::kAccessDenied;
    case 408:
    case 425:
    case 499:
    case 500:
    case 502:
    case 504: return ErrorKind::kTransient;
    case 429:
    case 503: return ErrorKind::kThrottled;
    case 501:
    case 505: return ErrorKind::kPermanent;
    default: return status >= 500 ? ErrorKind::kTransient : ErrorKind::kPermanent;
  }
}

std::string MessageFor(const Error& error, const ErrorBody& body, const HttpHeaders& headers) {
  switch (error.kind) {
    case ErrorKind::kWrongRegion: {
      if (!error.region.empty()) {
        return fmt::format("the bucket is in region {}: set destination.region", error.region);
      }
      if (!body.message.empty()) return body.message;
      return fmt::format("the store redirects (HTTP {}): check destination.region and destination.endpoint",
                         error.http_status);
    }
    case ErrorKind::kClockSkewed:
      return fmt::format(
          "this machine's clock differs too much from the store's (Date of the response: {}): "
          "correct the clock",
          OneLine(headers.Find("date").value_or("none"), 64));
    case ErrorKind::kNoSuchBucket:
      return "the bucket does not exist: check destination.bucket and destination.endpoint";
    case ErrorKind::kWrongEndpoint:
      return "the server expects TLS on this port: use https:// in destination.endpoint";
    default: break;
  }
  if (!body.message.empty()) return body.message;
  if (!body.code.empty()) return fmt::format("the store returned {}", body.code);
  return fmt::format("the store returned HTTP {} without an explanation", error.http_status);
}

// Reads the region from the header x-amz-bucket-region, or else from the body. Responses without a body have
// the header, too.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
void ReadRegion(const HttpHeaders& headers, const ErrorBody& body, Error* error) {
  const auto header = headers.Find("x-amz-bucket-region").value_or("");
  if (error->http_status == 400 && body.code.empty() && !header.empty())
    error->kind = ErrorKind::kWrongRegion;
  if (error->kind == ErrorKind::kWrongRegion)
    error->region = OneLine(header.empty() ? body.region : header, 64);
}

Error ErrorOf(const HttpResponse& response) {
  Error error;
  error.http_status = response.status;
  error.request_id = OneLine(response.headers.Find("x-amz-request-id").value_or(""), 128);
  const auto body = ParseErrorBody(response.body).value_or(ErrorBody{});
  error.code = body.code;
  const bool has_unknown_code_400 = response.status == 400 && !body.code.empty();
  const auto by_status = has_unknown_code_400 ? ErrorKind::kPermanent : KindOfStatus(response.status);
  error.kind = KindOfCode(body.code).value_or(by_status);
  if (IsStoreFull(body, response.status)) error.kind = ErrorKind::kStoreFull;
  if (body.code.empty() && IsTlsRequired(response)) error.kind = ErrorKind::kWrongEndpoint;
  ReadRegion(response.headers, body, &error);
  const bool may_be_skewed = response.status == 403 && body.code.empty();  // as HEAD is refused
  if (error.kind == ErrorKind::kClockSkewed || may_be_skewed) {
    error.server_time = ParseHttpDate(response.headers.Find("date").value_or(""));
  }
  error.message = MessageFor(error, body, response.headers);
  ReadRetryAfter(response.headers, &error);
  return error;
}

}  // namespace

std::optional<ErrorBody> ParseErrorBody(std::string_view body) {
  // Some stores put white space before the XML declaration; pugixml accepts that.
  pugi::xml_document document;
  if (!document.load_buffer(body.data(), body.size(), pugi::parse_minimal | pugi::parse_escapes)) {
    return std::nullopt;
  }
  auto error = document.child("Error");
  // Some services wrap the element: <Response><Errors><Error>, <ErrorResponse><Error>.
  if (!error) error = document.first_child().child("Error");
  if (!error) error = document.first_child().child("Errors").child("Error");
  if (!error) return std::nullopt;
  return ErrorBody{OneLine(error.child_value("Code"), 64), OneLine(error.child_value("Message"), 512),
                   OneLine(error.child_value("Region"), 64)};
}

std::optional<ErrorKind> KindOfCode(std::string_view code) {
  using enum ErrorKind;
  static constexpr std::pair<std::string_view, ErrorKind> kCodes[] = {
      {"AccessDenied", kAccessDenied},
      {"AllAccessDisabled", kAccessDenied},
      {"AccountProblem", kBadCredentials},
      {"AuthorizationHeaderMalformed", kWrongRegion},
      {"BadDigest", kIntegrity},
      {"BandwidthLimitExceeded", kThrottled},
      {"ConditionalRequestConflict", kTransient},
      {"EC2ThrottledException", kThrottled},
      {"ExpiredToken", kExpiredCredentials},
      {"ExpiredTokenException", kExpiredCredentials},
      {"IllegalLocationConstraintException", kWrongRegion},
      {"IncompleteBody", kTransient},
      {"InsufficientStorage", kStoreFull},
      {"InternalError", kTransient},
      {"InvalidAccessKeyId", kBadCredentials},
      {"InvalidChunkSizeError", kIntegrity},
      {"InvalidDigest", kPermanent},
      {"InvalidSecurity", kBadCredentials},
      {"InvalidToken", kBadCredentials},
      {"NoSuchBucket", kNoSuchBucket},
      {"MalformedTrailerError", kIntegrity},
      {"NotSignedUp", kBadCredentials},
      {"OperationAborted", kTransient},
      {"PermanentRedirect", kWrongRegion},
      {"PriorRequestNotComplete", kThrottled},
      {"QuotaExceeded", kStoreFull},
      {"Redirect", kWrongRegion},
      {"RequestExpired", kClockSkewed},
      {"RequestLimitExceeded", kThrottled},
      {"RequestThrottled", kThrottled},
      {"RequestThrottledException", kThrottled},
      {"RequestTimeTooSkewed", kClockSkewed},
      {"RequestTimeout", kTransient},
      {"RequestTimeoutException", kTransient},
      {"ServiceUnavailable", kThrottled},
      {"SignatureDoesNotMatch", kBadCredentials},
      {"SlowDown", kThrottled},
      {"StorageQuotaExceeded", kStoreFull},
      {"TemporaryRedirect", kWrongRegion},
      {"Throttling", kThrottled},
      {"ThrottlingException", kThrottled},
      {"ThrottledException", kThrottled},
      {"TokenRefreshRequired", kExpiredCredentials},
      {"TooManyRequests", kThrottled},
      {"TooManyRequestsException", kThrottled},
      {"UserSuspended", kBadCredentials},
      {"XAmzContentSHA256Mismatch", kIntegrity},
      {"XMinioAdminBucketQuotaExceeded", kStoreFull},
      {"XMinioStorageFull", kStoreFull},
  };
  for (const auto& [name, kind] : kCodes) {
    if (name == code) return kind;
  }
  return std::nullopt;
}

Result<Response> ClassifyResponse(HttpResponse response, bool wants_etag) {
  if (response.failure) return tl::unexpected(*response.failure);
  const bool is_success = response.status >= 200 && response.status <= 299;
  // Stores that begin to respond before they know the outcome send 200 and then an <Error>.
  if (!is_success || (!response.body.empty() && ParseErrorBody(response.body))) {
    return tl::unexpected(ErrorOf(response));
  }
  Response success;
  success.etag = OneLine(response.headers.Find("etag").value_or(""), 256);
  success.version_id = OneLine(response.headers.Find("x-amz-version-id").value_or(""), 1024);
  success.request_id = OneLine(response.headers.Find("x-amz-request-id").value_or(""), 128);
  if (const auto length = ParseCount(response.headers.Find("content-length"))) {
    success.content_length = static_cast<std::uint64_t>(*length);
  }
  if (wants_etag && success.etag.empty()) {
    return tl::unexpected(Error{.kind = ErrorKind::kTransient,
                                .message = "the store reported success without an ETag",
                                .http_status = response.status,
                                .request_id = success.request_id});
  }
  success.headers = std::move(response.headers);
  success.body = std::move(response.body);
  return success;
}

}  // namespace s3
