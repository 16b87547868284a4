// Turns an HTTP response into a Response or an Error. No other code decides what a response means. Pure
// functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "s3/base/result.h"
#include "s3/http.h"

namespace s3 {

// The fields of a successful response.
struct Response {
  std::string etag;  // as received, including quotes
  std::string version_id;
  std::string request_id;
  std::optional<std::uint64_t> content_length;
  HttpHeaders headers;
  std::string body;
};

// The fields of an S3 <Error> that are safe to show. Other elements are never read: they can contain the
// session token (ExpiredToken) or the canonical request with its signed headers (SignatureDoesNotMatch).
struct ErrorBody {
  std::string code;
  std::string message;
  std::string region;
};

// Returns nothing if the body is not an S3 error document. Code and region are cut to 64 bytes, the message
// to 512; control characters become spaces.
std::optional<ErrorBody> ParseErrorBody(std::string_view body);

// Returns the kind of an S3 error code; nothing for an unknown code.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
std::optional<ErrorKind> KindOfCode(std::string_view code);

// Returns a Response for a 2xx status, and an Error for everything else. A 200 with an <Error> in its body is
// an Error, too. With `wants_etag`, a 2xx without an ETag is a transient error, because every S3 store sends
// the ETag of the data that it stored.
Result<Response> ClassifyResponse(HttpResponse response, bool wants_etag);

}  // namespace s3
