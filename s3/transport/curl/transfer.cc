#include "s3/transport/curl/transfer.h"

#include <fmt/format.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "s3/transport/curl/curl_connection.h"
#include "s3/transport/curl_error.h"
#include "s3/transport/curl_options.h"

namespace s3 {
namespace {

// libcurl sends at most this much of a body at a time. Large bodies get a larger buffer, since each call
// costs a pass through libcurl's state machine. limits.memory counts the size of a body in a file, although
// the body occupies no memory: its buffer uses that share. A body in memory gets the smallest buffer.
constexpr long kMinUploadBuffer = 64 << 10, kMaxUploadBuffer = 512 << 10;

long UploadBufferBytes(std::uint64_t file_bytes) {
  return static_cast<long>(std::clamp<std::uint64_t>(file_bytes, kMinUploadBuffer, kMaxUploadBuffer));
}

// Elements of a curl_slist, which libcurl does not change. kExpectLine makes a body wait for 100 Continue.
// kNoExpectLine suppresses the `Expect` that libcurl would add to a large body.
char kExpectLine[] = "Expect: 100-continue";
char kNoExpectLine[] = "Expect:";

// Returns how many bytes were read from the socket since it was connected.
std::uint64_t ReadFrom(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  int unread = 0;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || ioctl(socket, SIOCINQ, &unread) != 0)
    return 0;
  return info.tcpi_bytes_received -
         std::min<std::uint64_t>(static_cast<std::uint64_t>(unread), info.tcpi_bytes_received);
}

}  // namespace

bool Transfer::Prepare(const HttpRequest& request, HttpResponse* response, Wake wake) {
  if (!Accept(request, response, wake)) return false;
  method_ = request.method;
  body_ = request.body;
  pieces_.clear();
  if (request.body_pieces.size() == 1) {
    body_ = request.body_pieces[0];
  } else if (!request.body_pieces.empty()) {
    pieces_ = request.body_pieces;
  }
  file_ = request.body_file;
  WriteHead(request);
  connection = nullptr;
  asks_proxy = continue_timed_out_ = false;
  easy_ = nullptr;
  return true;
}

// libcurl writes the lines as they are, with two exceptions. "name;" is a header with an empty value. "name:"
// makes libcurl leave out a header of its own (https://curl.se/libcurl/c/CURLOPT_HTTPHEADER.html).
void Transfer::WriteHead(const HttpRequest& request) {
  url_ = origin() + request.path;
  if (!request.query.empty()) url_.append("?").append(CanonicalQuery(request.query));
  lines_.clear();
  std::size_t bytes = 256;
  for (const auto& [name, value] : request.headers) bytes += name.size() + value.size() + 3;
  for (const auto& [name, value] : request.secret_headers) bytes += name.size() + value.Reveal().size() + 3;
  lines_.reserve(bytes);
  std::vector<std::size_t> begins;
  const auto add = [&](std::string_view name, std::string_view separator, std::string_view value) {
    begins.push_back(lines_.size());
    lines_.append(name).append(separator).append(value).push_back('\0');
  };
  bool has_host = false;
  has_content_type_ = false;
  for (const auto& [name, value] : request.headers) {
    has_host |= name == "host";
    has_content_type_ |= name == "content-type";
    value.empty() ? add(name, ";", "") : add(name, ": ", value);
  }
  is_secret_ = !request.secret_headers.empty();
  for (const auto& [name, value] : request.secret_headers) add(name, ": ", value.Reveal());
  if (!has_host) add("host", ": ", endpoint().HostHeader());
  add("User-Agent", ": ", kUserAgent);
  min_head_bytes_ = method_.size() + request.path.size() + lines_.size();
  add("Accept", ":", "");
  if (!has_content_type_) add("Content-Type", ":", "");
  list_.resize(begins.size() + 1);
  for (std::size_t i = 0; i < begins.size(); ++i) list_[i] = {lines_.data() + begins[i], &list_[i + 1]};
  list_.back().next = nullptr;
}

void Transfer::Forget() {
  if (std::exchange(is_secret_, false)) Wipe(&lines_);
}

void Transfer::SetUp(CURL* easy, bool expect_continue) {
  easy_ = easy;
  expects_continue_ = expect_continue;
  list_.back().data = expect_continue ? kExpectLine : kNoExpectLine;
  Set(easy, CURLOPT_UPLOAD, 0L);  // else a body from memory would be read by the previous transfer's callback
  Set(easy, CURLOPT_URL, url_.c_str());
  Set(easy, CURLOPT_HTTPHEADER, list_.data());
  Set(easy, CURLOPT_WRITEFUNCTION, &Transfer::OnBody);
  Set(easy, CURLOPT_WRITEDATA, this);
  Set(easy, CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
  Set(easy, CURLOPT_HEADERDATA, this);
  if (is_head_request_) {
    Set(easy, CURLOPT_NOBODY, 1L);
  } else if (method_ == "GET") {
    Set(easy, CURLOPT_HTTPGET, 1L);
  } else {
    SetBody(easy);
  }
  Set(easy, CURLOPT_CUSTOMREQUEST, method_.c_str());
}

void Transfer::SetBody(CURL* easy) {
  const auto bytes = static_cast<curl_off_t>(body_bytes());
  // libcurl sends a small body from memory together with the head.
  if (!is_read_by_callback()) {
    Set(easy, CURLOPT_POST, 1L);
    Set(easy, CURLOPT_POSTFIELDSIZE_LARGE, bytes);
    Set(easy, CURLOPT_POSTFIELDS, body_.empty() ? "" : body_.data());
    return;
  }
  Set(easy, CURLOPT_UPLOAD, 1L);
  Set(easy, CURLOPT_INFILESIZE_LARGE, bytes);
  Set(easy, CURLOPT_UPLOAD_BUFFERSIZE, UploadBufferBytes(file_.bytes));
  Set(easy, CURLOPT_READFUNCTION, &Transfer::OnRead);
  Set(easy, CURLOPT_READDATA, this);
  Set(easy, CURLOPT_SEEKFUNCTION, &Transfer::OnSeek);
  Set(easy, CURLOPT_SEEKDATA, this);
}

void Transfer::BeginAttempt(int socket) {
  socket_ = socket;
  curl_easy_getinfo(easy_, CURLINFO_REQUEST_SIZE, &head_bytes_before_);
  ClearResponse();
  OnSeek(this, 0, SEEK_SET);
  RestartBody();
  counted_bytes_ = 0;
  received_before_ = ReadFrom(socket);
  got_interim_ = holds_part_of_line_ = is_block_early_ = is_head_complete_ = false;
  block_bytes_ = framing_bytes_ = 0;
  interim_responses_ = 0;
  expectation_refused_ = continue_timed_out_ = is_cut_off_ = has_file_failed_ = false;
  file_errno_ = 0;
  problem_.clear();
  EnterState(is_read_by_callback() ? SlotState::kSending : SlotState::kFirstByte, Clock::now());
}

std::uint64_t Transfer::sent_body_bytes() const {
  curl_off_t bytes = 0;
  if (easy_ != nullptr) curl_easy_getinfo(easy_, CURLINFO_SIZE_UPLOAD_T, &bytes);
  return static_cast<std::uint64_t>(bytes);
}

bool Transfer::sent_all() const {
  if (easy_ == nullptr) return false;
  long head_bytes = 0;
  curl_easy_getinfo(easy_, CURLINFO_REQUEST_SIZE, &head_bytes);
  return head_bytes - head_bytes_before_ >= static_cast<long>(min_head_bytes_) &&
         sent_body_bytes() == body_bytes();
}

// The kernel may still hold much of a body. Each TCP segment acknowledges what its sender has received. So
// when a response arrives that was made for the whole request, the whole request is acknowledged (tcp(7),
// SIOCOUTQ).
bool Transfer::IsEarly() const {
  if (!sent_all()) return true;
  int unacknowledged = 0;
  return body_bytes() > kMaxUnacknowledged && ioctl(socket_, SIOCOUTQ, &unacknowledged) == 0 &&
         unacknowledged > 0;
}

bool Transfer::HasFlooded() const {
  constexpr std::uint64_t kTlsOverhead = 128 << 10;
  constexpr auto kMax = HttpResponse::kMaxBodyBytes + HttpResponse::kMaxFramingBytes + kTlsOverhead;
  return easy_ != nullptr && ReadFrom(socket_) > received_before_ + kMax;
}

bool Transfer::HasStalled(Clock::time_point now) {
  const auto sent = sent_body_bytes();
  if (sent > counted_bytes_) Moved(sent - std::exchange(counted_bytes_, sent));
  return ExchangeBase::HasStalled(now);
}

void Transfer::NoteReadable(Clock::time_point now) {
  if (!sent_all()) return;
  NoteResponse(now);
  EnterState(SlotState::kReceiving, now);
}

Error Transfer::file_error() const { return FileError(file_errno_, file_.offset + read_); }

// A 407 always comes from a proxy. So does a 403 without any sign of S3, because an S3 server sends an id or
// an error document. For HEAD there is no error document, so a 403 counts as the server's. tinyproxy sends
// 401 for a wrong password. Other statuses (502, 504) mean the same from a proxy and from a server.
std::string Transfer::ProxyRefusal() const {
  const bool is_s3 = response_->headers.Find("x-amz-request-id") || response_->headers.Find("x-amz-id-2") ||
                     response_->body.find("<Error>") != std::string::npos;
  const bool may_be_proxy = !is_s3 && (status() == 401 || (status() == 403 && !is_head_request_));
  if (status() != 407 && !may_be_proxy) return "";
  return fmt::format("the proxy answered HTTP {} to the request", status());
}

std::size_t Transfer::Refuse(std::string_view problem) {
  problem_ = problem;
  return 0;  // libcurl ends the transfer
}

std::size_t Transfer::TakeHeaderLine(std::string_view line) {
  connection->NoteData();
  if (sent_all()) {
    Moved(line.size());
    NoteResponse(Clock::now());
  }
  framing_bytes_ += line.size();
  if (!is_head_complete_) {
    if (block_bytes_ == 0) {
      response_->headers.Clear();
      is_block_early_ = std::exchange(holds_part_of_line_, false) || IsEarly();
    }
    block_bytes_ += line.size();
    if (block_bytes_ > HttpResponse::kMaxHeaderBytes) {
      response_->headers.Clear();
      return Refuse("not an HTTP response: its headers are too long");
    }
    if (HasStrayLineEnd(line)) return Refuse("not an HTTP response: a CR or NUL within a line of its head");
    if (line == "\r\n" || line == "\n") {
      if (EndHeaderBlock() == 0) return 0;
    } else {
      response_->headers.AppendLine(line);
    }
  }
  if (framing_bytes_ > HttpResponse::kMaxFramingBytes)
    return Refuse("the response has too many bytes besides its body");
  return line.size();
}

int Transfer::StatusSoFar() const {
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

// Returns 0 when the transfer must end.
std::size_t Transfer::EndHeaderBlock() {
  response_->status = StatusSoFar();
  block_bytes_ = 0;
  // 101 is the response to an Upgrade header, which s3flow never sends. So 101 is a final response and an
  // error.
  if (status() == 101) {
    is_head_complete_ = is_cut_off_ = true;
    return 0;
  }
  if (status() / 100 == 1) {
    got_interim_ = true;
    if (++interim_responses_ > HttpResponse::kMaxInterim)
      return Refuse("the server sent too many interim (1xx) responses");
    response_->headers.Clear();
    return 1;
  }
  is_head_complete_ = true;
  SentBody(sent_body_bytes() - std::min(sent_body_bytes(), body_sent()));  // a body that libcurl took at once
  began_early_ = is_block_early_;
  // The server refuses `Expect: 100-continue` with 417 (RFC 9110, section 15.5.18). Some gateways use 501.
  const bool awaits_continue = expects_continue_ && !got_interim_ && read_ == 0;
  expectation_refused_ = (status() == 417 && expects_continue_) || (status() == 501 && awaits_continue);
  return expectation_refused_ ? 0 : 1;
}

std::size_t Transfer::TakeBody(std::string_view bytes) {
  connection->NoteData();
  if (sent_all()) {
    Moved(bytes.size());
    NoteResponse(Clock::now());
  }
  if (response_->body.size() + bytes.size() > HttpResponse::kMaxBodyBytes) {
    response_->body_truncated = is_cut_off_ = true;
    return 0;
  }
  response_->body.append(bytes);
  return bytes.size();
}

// Returns true when libcurl has read the beginning of a header line, but not its end. libcurl reports only
// whole lines. Without TLS the socket's counter shows how much libcurl has read; with TLS nothing does.
bool Transfer::HoldsPartOfLine() const {
  curl_tlssessioninfo* session = nullptr;
  curl_easy_getinfo(easy_, CURLINFO_TLS_SSL_PTR, &session);
  const bool has_tls = session != nullptr && session->internals != nullptr;  // of the server or a proxy
  return !has_tls && ReadFrom(socket_) > received_before_ + framing_bytes_;
}

std::size_t Transfer::ReadBody(char* buffer, std::size_t size) {
  if (expects_continue_ && !got_interim_) continue_timed_out_ = true;
  if (read_ == 0) holds_part_of_line_ = HoldsPartOfLine();
  size = static_cast<std::size_t>(std::min<std::uint64_t>(size, body_bytes() - read_));
  if (size == 0) return 0;
  std::size_t taken = 0;
  if (file_.bytes > 0) {
    ssize_t got;
    do got = pread(file_.fd, buffer, size, static_cast<off_t>(file_.offset + read_));
    while (got < 0 && errno == EINTR);
    if (got <= 0) {
      has_file_failed_ = true;
      file_errno_ = got < 0 ? errno : 0;
      return CURL_READFUNC_ABORT;
    }
    taken = static_cast<std::size_t>(got);
  } else if (pieces_.empty()) {
    taken = body_.copy(buffer, size, read_);
  }
  while (taken < size && piece_ < pieces_.size()) {
    const auto some = pieces_[piece_].copy(buffer + taken, size - taken, piece_offset_);
    taken += some;
    piece_offset_ += some;
    if (piece_offset_ == pieces_[piece_].size()) ++piece_, piece_offset_ = 0;
  }
  read_ += taken;
  SentBody(taken);
  if (read_ == body_bytes()) EnterState(SlotState::kFirstByte, Clock::now());
  return taken;
}

std::size_t Transfer::OnHeader(char* data, std::size_t size, std::size_t count, void* self) {
  return static_cast<Transfer*>(self)->TakeHeaderLine({data, size * count});
}

std::size_t Transfer::OnBody(char* data, std::size_t size, std::size_t count, void* self) {
  return static_cast<Transfer*>(self)->TakeBody({data, size * count});
}

std::size_t Transfer::OnRead(char* buffer, std::size_t size, std::size_t count, void* self) {
  return static_cast<Transfer*>(self)->ReadBody(buffer, size * count);
}

// libcurl calls this function to send the body again, always from its beginning.
int Transfer::OnSeek(void* self, curl_off_t offset, int origin) {
  if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_FAIL;
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.read_ = 0;
  transfer.piece_ = transfer.piece_offset_ = 0;
  return CURL_SEEKFUNC_OK;
}

}  // namespace s3
