// One request as options of a libcurl handle, and its response from libcurl's callbacks.
#pragma once

#include <curl/curl.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "s3/base/result.h"
#include "s3/http.h"
#include "s3/options.h"
#include "s3/transport/exchange_base.h"

namespace s3 {

class CurlConnection;

// libcurl writes the head, sends the body and parses the response. This class only sets the options, and
// checks in the callbacks what libcurl does not check: the limits, and that a response belongs to the
// request.
class Transfer final : public ExchangeBase {
 public:
  // `options` must outlive the exchange.
  explicit Transfer(const TransportOptions& options) : ExchangeBase(options) {}
  ~Transfer() override { Forget(); }

  // Copies from `request` what the transfer needs. The body is not copied. Returns false when no valid head
  // can be written. Then `*response` says why, and the caller must call `wake`.
  bool Prepare(const HttpRequest& request, HttpResponse* response, Wake wake);
  // Overwrites the headers if they contain secrets.
  void Forget();

  // Sets the request's options in `easy`. `expect_continue`: libcurl sends the body only after the server has
  // agreed to it (Expect: 100-continue; RFC 9110, section 10.1.1) or kContinueTimeout is over.
  void SetUp(CURL* easy, bool expect_continue);
  // Call it right before libcurl sends or resends the request. `socket`: the socket of the connection. From
  // then on, the caller waits for the body to be sent; if libcurl sends the body together with the head, it
  // waits for the response.
  void BeginAttempt(int socket);
  // Makes the transfer forget the handle, which may then be freed or carry another transfer.
  void Detach() { easy_ = nullptr; }
  // Call it when a byte of the response can be received, even if libcurl does not yet report it. If the whole
  // request was sent, starts the clock of `response_timeout`.
  void NoteReadable(Clock::time_point now);

  // Returns true when the server has sent more than any response may have. libcurl skips the extensions of
  // chunks without a callback, so only the socket's counters show them.
  bool HasFlooded() const;
  bool HasStalled(Clock::time_point now);
  // Always false, because libcurl itself ends the wait for 100 Continue. See continue_timed_out().
  bool HasContinueTimedOut(Clock::time_point) const { return false; }

  // How the last attempt ended, in addition to libcurl's error code.
  bool expectation_refused() const { return expectation_refused_; }  // 417, or 501 before the body
  bool continue_timed_out() const { return continue_timed_out_; }    // the body was sent without 100 Continue
  // True when this class ended the transfer, after 101 or because the body is too long. The part of the
  // response that has come is used.
  bool is_cut_off() const { return is_cut_off_; }
  bool received_any() const { return framing_bytes_ > 0; }
  bool is_head_complete() const { return is_head_complete_; }
  // Says why a proxy refused to forward the request; empty if the response is the server's.
  std::string ProxyRefusal() const;
  bool leaves_connection_usable() const { return !began_early_ && !is_cut_off_; }
  // True when no bytes could be read from the body's file. file_error() says why.
  bool has_file_failed() const { return has_file_failed_; }
  Error file_error() const;
  // Says why the response was refused; empty if it was not.
  const std::string& problem() const { return problem_; }

  // Written and read by the event loop only.
  CurlConnection* connection = nullptr;
  bool asks_proxy = false;  // sent with Expect, to learn why a proxy closed the connection

 private:
  void WriteHead(const HttpRequest& request);
  void SetBody(CURL* easy);
  bool sent_all() const override;
  std::uint64_t sent_body_bytes() const;
  bool HoldsPartOfLine() const;
  // True if libcurl asks ReadBody() for the body. Otherwise it sends the body together with the head.
  bool is_read_by_callback() const { return file_.bytes > 0 || !pieces_.empty() || is_worth_expecting(); }
  bool IsEarly() const;
  int StatusSoFar() const;
  // These functions return a value that libcurl treats as success, or a value that ends the transfer: 0, or
  // CURL_READFUNC_ABORT from ReadBody.
  std::size_t Refuse(std::string_view problem);
  std::size_t TakeHeaderLine(std::string_view line);
  std::size_t EndHeaderBlock();
  std::size_t TakeBody(std::string_view bytes);
  std::size_t ReadBody(char* buffer, std::size_t size);
  static std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t OnRead(char* buffer, std::size_t size, std::size_t count, void* self);
  static int OnSeek(void* self, curl_off_t offset, int origin);

  // The request.
  std::string method_, url_;
  std::string lines_;             // all header lines, each ends with NUL; list_ points into it
  std::vector<curl_slist> list_;  // the last is Expect
  bool is_secret_ = false;        // lines_ holds secrets
  bool has_content_type_ = false;
  std::size_t min_head_bytes_ = 0;  // the minimum size of the head that libcurl writes
  std::string_view body_;           // a body in one piece
  std::vector<std::string_view> pieces_;
  FileRange file_;

  // The attempt.
  CURL* easy_ = nullptr;
  int socket_ = -1;
  std::uint64_t received_before_ = 0;  // bytes read from the socket before this attempt
  long head_bytes_before_ = 0;         // sent with this handle before: CONNECT, earlier attempts
  std::uint64_t read_ = 0;             // bytes of the body that libcurl has taken
  std::size_t piece_ = 0, piece_offset_ = 0;
  std::uint64_t counted_bytes_ = 0;  // sent bytes that were already counted as progress
  bool expects_continue_ = false, got_interim_ = false, holds_part_of_line_ = false;
  bool is_block_early_ = false;  // the current header block began before the whole request was sent
  bool is_head_complete_ = false;
  std::size_t block_bytes_ = 0, framing_bytes_ = 0;
  int interim_responses_ = 0;
  bool expectation_refused_ = false, continue_timed_out_ = false, is_cut_off_ = false;
  bool has_file_failed_ = false;
  int file_errno_ = 0;
  std::string problem_;
};

}  // namespace s3
