// Reads one HTTP/1.1 response from bytes as they come.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "s3/http.h"
#include "s3/transport/response_head.h"

namespace s3 {

// Reused from response to response. Not thread-safe.
class ResponseParser {
 public:
  enum class State {
    kIncomplete,
    kInterim,  // a 1xx answer came (100 Continue), and nothing of the final one yet or not all of it
    kComplete,
    kCutOff,     // the body is over HttpResponse's limit; what was read stands
    kMalformed,  // see problem()
  };

  // Begins a response. Status, headers and body go to `*response`, which is not owned, as they come; those of
  // interim answers do not stay. `to_head`: no body follows, whatever the headers say (RFC 9110,
  // section 9.3.2).
  void Begin(bool to_head, HttpResponse* response);
  // Takes all bytes. To be called until it answers with one of the last three.
  State Take(std::string_view bytes);
  // The connection has ended: kComplete for a body that lasts until then, else kMalformed.
  State End();

  // Whether any byte has come since Begin.
  bool started() const { return started_; }
  // The same for the final response; true also while an interim one is incomplete.
  bool started_final() const { return started_final_; }
  // After kComplete: whether the connection may carry another exchange (RFC 9112, section 9.3), which it may
  // not when more has come than the response, or a switch to another protocol.
  bool keeps_alive() const;
  const std::string& problem() const { return problem_; }

 private:
  enum class Step { kHead, kBody, kChunkSize, kChunkData, kChunkEnd, kTrailers, kDone };

  State TakeHead(std::string_view* bytes);
  // Each takes what it can of `*bytes`, and returns false when it needs more.
  bool TakeChunkSize(std::string_view* bytes);
  bool TakeChunkEnd(std::string_view* bytes);
  bool TakeTrailers(std::string_view* bytes);
  // Of the body, or of one chunk of it.
  bool TakeData(std::string_view* bytes);
  // A line that came in several pieces or in one, without its end.
  bool TakeWholeLine(std::string_view* bytes, std::string_view* line);
  State Malformed(std::string problem);

  HttpResponse* response_ = nullptr;
  bool to_head_ = false;
  bool started_ = false, started_final_ = false;
  bool more_behind_ = false;
  bool keeps_alive_ = false;
  Step step_ = Step::kHead;
  ResponseHead head_;
  std::uint64_t left_ = 0;   // of the body's or the chunk's bytes
  std::uint64_t bytes_ = 0;  // since Begin
  int interim_responses_ = 0;
  std::string rest_;  // the beginning of a head or a line that is not complete
  std::string line_;  // the last one that was begun in rest_
  std::string problem_;
};

}  // namespace s3
