// Reads one answer and decides, once, what it means. Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "s3/base/result.h"
#include "s3/http.h"

namespace s3 {

// The facts of a successful answer.
struct Response {
  std::string etag;  // as sent, quotes included
  std::string version_id;
  std::string request_id;
  std::optional<std::uint64_t> content_length;
  HttpHeaders headers;
  std::string body;
};

// The fields of an S3 <Error> that are safe to show. The body's other elements are never read:
// they can hold the session token (ExpiredToken) or the canonical request with its signed headers
// (SignatureDoesNotMatch).
struct ErrorBody {
  std::string code;
  std::string message;
  std::string region;
};

// Nothing when the body is not an S3 error document. Code and message are cut to 64 and 512
// bytes, and control characters become spaces.
std::optional<ErrorBody> ParseErrorBody(std::string_view body);

// What an S3 error code means; nothing for a code this table does not have.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
std::optional<ErrorKind> KindOfCode(std::string_view code);

// A 2xx answer becomes an Response, all else an Error. `wants_etag`: a 2xx without an ETag is not
// believed, since every S3 store names what it has stored.
Result<Response> ClassifyResponse(HttpResponse response, bool wants_etag);

}  // namespace s3
