// Parses one HTTP/1.1 response from bytes as they arrive.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "s3/http.h"
#include "s3/transport/direct/response_head.h"

namespace s3 {

// Can be reused for further responses. Not thread-safe.
class ResponseParser {
 public:
  enum class State {
    kIncomplete,
    kInterim,  // a 1xx response (100 Continue) came; the final response is not complete
    kComplete,
    kCutOff,     // the body is longer than HttpResponse::kMaxBodyBytes; the response keeps its beginning
    kMalformed,  // see problem()
  };

  // Begins a response. Take() writes status, headers and body to `*response`, which is not owned, as they
  // arrive. Status and headers of interim responses are dropped. `to_head`: this is the response to a HEAD
  // request, so no body follows, even if the headers announce one (RFC 9110, section 9.3.2).
  void Begin(bool to_head, HttpResponse* response);
  // Parses all of `bytes`. Call it until it returns kComplete, kCutOff or kMalformed.
  State Take(std::string_view bytes);
  // Call End when the connection has ended. Returns kComplete if the end of the connection is the end of the
  // body, else kMalformed.
  State End();

  // True once a byte has come since Begin.
  bool started() const { return started_; }
  // True once a byte of the final response has come. Also true while the head of an interim response is
  // incomplete, because only a complete head shows that the response is interim.
  bool started_final() const { return started_final_; }
  // After kComplete: true when the connection may carry another exchange (RFC 9112, section 9.3). False when
  // more bytes followed the response, and after status 101.
  bool keeps_alive() const;
  const std::string& problem() const { return problem_; }

 private:
  enum class Step { kHead, kBody, kChunkSize, kChunkData, kChunkEnd, kTrailers, kDone };

  State TakeHead(std::string_view* bytes);
  void BeginBody();
  // These functions parse the front of `*bytes` and remove it. They return false when they need more bytes,
  // and when the response is malformed.
  bool TakeChunkSize(std::string_view* bytes);
  bool TakeChunkEnd(std::string_view* bytes);
  bool TakeTrailers(std::string_view* bytes);
  // Takes bytes of the body or of one chunk.
  bool TakeData(std::string_view* bytes);
  // Moves the next line to `*line` without its end, also if it arrives in several pieces.
  bool TakeWholeLine(std::string_view* bytes, std::string_view* line);
  State Malformed(std::string problem);

  HttpResponse* response_ = nullptr;
  bool to_head_ = false;
  bool started_ = false, started_final_ = false;
  bool has_excess_bytes_ = false;
  bool keeps_alive_ = false;
  Step step_ = Step::kHead;
  ResponseHead head_;
  std::uint64_t left_ = 0;   // bytes of the body or of the chunk that are still to come
  std::uint64_t bytes_ = 0;  // received since Begin
  int interim_responses_ = 0;
  std::string rest_;  // the beginning of an incomplete head or line
  std::string line_;  // owns the last line that began in rest_
  std::string problem_;
};

}  // namespace s3
