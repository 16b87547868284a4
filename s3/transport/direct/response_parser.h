// Parses one HTTP/1.1 response from bytes as they arrive.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "s3/http.h"
#include "s3/transport/direct/response_head.h"

namespace s3 {

// Reused for one response after the other. Not thread-safe.
class ResponseParser {
 public:
  enum class State {
    kIncomplete,
    kInterim,  // a 1xx response (100 Continue) came; the final one is not complete
    kComplete,
    kCutOff,     // the body is over HttpResponse's limit; the response keeps what was read before
    kMalformed,  // see problem()
  };

  // Begins a response. Writes status, headers and body to `*response`, which is not owned, as they arrive,
  // and drops those of interim responses. `to_head`: this is the response to a HEAD request, so no body
  // follows, whatever the headers say (RFC 9110, section 9.3.2).
  void Begin(bool to_head, HttpResponse* response);
  // Parses all of `bytes`. Call it until it returns one of the last three states.
  State Take(std::string_view bytes);
  // Call it when the connection has ended. Returns kComplete if the end of the connection is the end of the
  // body, else kMalformed.
  State End();

  // True once a byte has come since Begin.
  bool started() const { return started_; }
  // The same for the final response. Also true while an interim response is incomplete.
  bool started_final() const { return started_final_; }
  // After kComplete: true when the connection may carry another exchange (RFC 9112, section 9.3). False when
  // more bytes came than the response has, and after a switch to another protocol.
  bool keeps_alive() const;
  const std::string& problem() const { return problem_; }

 private:
  enum class Step { kHead, kBody, kChunkSize, kChunkData, kChunkEnd, kTrailers, kDone };

  State TakeHead(std::string_view* bytes);
  void BeginBody();
  // Each of these parses the front of `*bytes` and removes it. Returns false when it needs more bytes, and
  // when the response is malformed.
  bool TakeChunkSize(std::string_view* bytes);
  bool TakeChunkEnd(std::string_view* bytes);
  bool TakeTrailers(std::string_view* bytes);
  // Bytes of the body or of one chunk.
  bool TakeData(std::string_view* bytes);
  // Yields the next line without its end, also when it arrives in several pieces.
  bool TakeWholeLine(std::string_view* bytes, std::string_view* line);
  State Malformed(std::string problem);

  HttpResponse* response_ = nullptr;
  bool to_head_ = false;
  bool started_ = false, started_final_ = false;
  bool has_excess_bytes_ = false;
  bool keeps_alive_ = false;
  Step step_ = Step::kHead;
  ResponseHead head_;
  std::uint64_t left_ = 0;   // bytes of the body or of the chunk
  std::uint64_t bytes_ = 0;  // since Begin
  int interim_responses_ = 0;
  std::string rest_;  // the beginning of an incomplete head or line
  std::string line_;  // the last line that began in rest_
  std::string problem_;
};

}  // namespace s3
