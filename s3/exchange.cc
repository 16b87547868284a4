#include "s3/exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <new>

namespace s3 {
namespace {

// An option that libcurl refuses here is a defect or a lack of memory, never a condition to go on
// with: a request must not leave with half of its settings.
template <typename Value>
void Set(CURL* easy, CURLoption option, Value value) {
  if (curl_easy_setopt(easy, option, value) != CURLE_OK) throw std::bad_alloc();
}

constexpr const char* kUserAgent = "s3flow/" S3FLOW_VERSION;

using HeaderList = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;

void AppendTo(HeaderList* list, const std::string& line) {
  curl_slist* const longer = curl_slist_append(list->get(), line.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  if (list->get() == nullptr) list->reset(longer);  // else its head has not changed
}

void AppendTarget(const HttpRequest& request, std::string* text) {
  text->append(request.path);
  if (!request.query.empty()) text->append("?").append(CanonicalQuery(request.query));
}

// Whether libcurl may send requests through a proxy: it then makes request targets of its own.
bool MayUseProxy(const ProxyOptions& proxy) {
  if (!proxy.url.empty()) return true;
  if (!proxy.from_environment) return false;
  constexpr const char* kNames[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
  return std::any_of(std::begin(kNames), std::end(kNames),
                     [](const char* name) { return std::getenv(name) != nullptr; });
}

ErrorKind KindOf(CURLcode code) {
  switch (code) {
    case CURLE_FAILED_INIT:
    case CURLE_URL_MALFORMAT:
    case CURLE_NOT_BUILT_IN:
    case CURLE_BAD_FUNCTION_ARGUMENT: return ErrorKind::kPermanent;
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS: return ErrorKind::kUntrusted;
    default: return ErrorKind::kTransient;
  }
}

}  // namespace

Exchange::Exchange(const TransportOptions& options)
    : options_(options),
      easy_(curl_easy_init(), curl_easy_cleanup),
      headers_(nullptr, curl_slist_free_all),
      headers_with_target_(!MayUseProxy(options.proxy)) {
  CURL* const easy = easy_.get();
  if (easy == nullptr) throw std::bad_alloc();
  Set(easy, CURLOPT_PRIVATE, this);
  Set(easy, CURLOPT_ERRORBUFFER, error_text_);
  Set(easy, CURLOPT_NOSIGNAL, 1L);  // signals and threads do not mix; the program ignores SIGPIPE
  Set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  Set(easy, CURLOPT_PATH_AS_IS, 1L);  // keys may hold "/../"; S3 does not normalise
  // Credentials go to the endpoint and nowhere else: redirects are judged, never followed.
  Set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  Set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  // A name may stand for many servers: each new connection asks anew, and takes one of them at random.
  Set(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
  Set(easy, CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);
  SetTls(options.tls);
  SetProxy(options.proxy);
  Set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
  // Answers are short, and each handle has a buffer for them: 16 KiB by default.
  Set(easy, CURLOPT_BUFFERSIZE, 4L << 10);
  // Of large bodies so much goes into one send; allocated when there is one.
  Set(easy, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
  Set(easy, CURLOPT_HEADERFUNCTION, &Exchange::OnHeader);
  Set(easy, CURLOPT_HEADERDATA, this);
  Set(easy, CURLOPT_WRITEFUNCTION, &Exchange::OnBody);
  Set(easy, CURLOPT_WRITEDATA, this);
  Set(easy, CURLOPT_READFUNCTION, &Exchange::OnRead);
  Set(easy, CURLOPT_READDATA, this);
  Set(easy, CURLOPT_SEEKFUNCTION, &Exchange::OnSeek);
  Set(easy, CURLOPT_SEEKDATA, this);
  if (!headers_with_target_) {
    Set(easy, CURLOPT_USERAGENT, kUserAgent);
    return;
  }
  // None of libcurl's own: they are in the target.
  for (const char* none : {"Host:", "Accept:", "Content-Type:"}) AppendTo(&headers_, none);
  Set(easy, CURLOPT_HTTPHEADER, headers_.get());
}

Exchange::~Exchange() = default;

void Exchange::SetTls(const TlsOptions& tls) {
  Set(easy(), CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!tls.ca_file.empty()) Set(easy(), CURLOPT_CAINFO, tls.ca_file.c_str());
  if (!tls.ca_directory.empty()) {
    Set(easy(), CURLOPT_CAPATH, tls.ca_directory.c_str());
    // A directory alone is instead of the system's authorities, not beside them.
    if (tls.ca_file.empty()) Set(easy(), CURLOPT_CAINFO, static_cast<const char*>(nullptr));
  }
  if (tls.client_certificate.empty()) return;
  const auto& key = tls.client_key.empty() ? tls.client_certificate : tls.client_key;
  Set(easy(), CURLOPT_SSLCERT, tls.client_certificate.c_str());
  Set(easy(), CURLOPT_SSLKEY, key.c_str());
}

void Exchange::SetProxy(const ProxyOptions& proxy) {
  // Headers are for the store: a proxy that tunnels sees none of them.
  Set(easy(), CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
  // libcurl reads the environment unless there is a text, be it an empty one.
  if (!proxy.url.empty() || !proxy.from_environment) {
    Set(easy(), CURLOPT_PROXY, std::string(proxy.url.Reveal()).c_str());
  }
  if (!proxy.no_proxy.empty()) Set(easy(), CURLOPT_NOPROXY, proxy.no_proxy.c_str());
}

void Exchange::Prepare(const HttpRequest& request, HttpResponse* response, Wake wake) {
  response_ = response;
  wake_ = wake;
  error_text_[0] = '\0';
  headers_complete_ = false;
  guard_bytes_ = 0;
  body_bytes_ = 0;
  may_be_given_up_ = request.give_up_when_slow;
  host_and_port_ = request.endpoint.HostAndPort();
  new_url_.assign(request.endpoint.scheme).append("://").append(host_and_port_);
  if (!headers_with_target_) AppendTarget(request, &new_url_);
  if (new_url_ != url_) {
    Set(easy(), CURLOPT_URL, new_url_.c_str());
    url_.swap(new_url_);
  }
  Set(easy(), CURLOPT_FRESH_CONNECT, request.fresh_connection ? 1L : 0L);
  SetMethod(request);
  if (headers_with_target_) {
    SetTarget(request);
  } else {
    SetHeaderList(request);
  }
}

void Exchange::SetMethod(const HttpRequest& request) {
  const bool head = request.method == "HEAD", get = request.method == "GET";
  if (method_ != request.method) {
    method_ = request.method;
    Set(easy(), CURLOPT_NOBODY, head ? 1L : 0L);
    if (get) Set(easy(), CURLOPT_HTTPGET, 1L);
    // POST and not UPLOAD, whatever the method: headers and a small body leave in one send.
    if (!head && !get) Set(easy(), CURLOPT_POST, 1L);
    Set(easy(), CURLOPT_CUSTOMREQUEST, head || get ? nullptr : method_.c_str());
  }
  if (!head && !get) SetBody(request);
}

void Exchange::SetBody(const HttpRequest& request) {
  pieces_ = request.body_pieces;
  piece_ = piece_offset_ = 0;
  std::size_t size = request.body.size();
  if (!pieces_.empty()) {
    size = 0;
    for (const auto piece : pieces_) size += piece.size();
  }
  body_bytes_ = size;
  Set(easy(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(size));
  // Without POSTFIELDS libcurl asks OnRead.
  const char* const whole = request.body.empty() ? "" : request.body.data();
  Set(easy(), CURLOPT_POSTFIELDS, pieces_.empty() ? whole : static_cast<const char*>(nullptr));
}

// libcurl writes header lines with its printf, a byte at a time: a quarter of all instructions of a
// small upload (libcurl 7.88; bench/NOTES.md). A request target it copies as it stands, so the lines travel there:
// "/key HTTP/1.1", the lines, and the last one without its end, since libcurl puts " HTTP/1.1" behind all of
// it. That last one is user-agent, which may name any number of products.
void Exchange::SetTarget(const HttpRequest& request) {
  target_.clear();
  AppendTarget(request, &target_);
  target_.append(" HTTP/1.1\r\n");
  bool has_host = false;
  for (const auto& [name, value] : request.headers) {
    has_host |= name == "host";
    target_.append(name).append(value.empty() ? ":" : ": ").append(value).append("\r\n");
  }
  if (!has_host) target_.append("host: ").append(request.endpoint.HostHeader()).append("\r\n");
  target_.append("user-agent: ").append(kUserAgent);
  Set(easy(), CURLOPT_REQUEST_TARGET, target_.c_str());
}

void Exchange::SetHeaderList(const HttpRequest& request) {
  HeaderList list(nullptr, curl_slist_free_all);
  bool has_content_type = false;
  for (const auto& [name, value] : request.headers) {
    has_content_type |= name == "content-type";
    // "name;" is how libcurl is told to send a header with an empty value.
    AppendTo(&list, value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
  }
  // libcurl's own for a POST would be a form's, which S3 refuses for some operations.
  if (!has_content_type) AppendTo(&list, "Content-Type:");
  Set(easy(), CURLOPT_HTTPHEADER, list.get());
  headers_ = std::move(list);
}

std::int64_t Exchange::BytesMoved() const {
  curl_off_t sent = 0, received = 0;
  long header_bytes = 0;
  curl_easy_getinfo(easy(), CURLINFO_SIZE_UPLOAD_T, &sent);
  curl_easy_getinfo(easy(), CURLINFO_SIZE_DOWNLOAD_T, &received);
  curl_easy_getinfo(easy(), CURLINFO_HEADER_SIZE, &header_bytes);
  return sent + received + header_bytes;
}

bool Exchange::HasStalled(Clock::time_point now) {
  const auto bytes = BytesMoved();
  // libcurl counts from zero again when it resends on a fresh connection: that is movement, too.
  if (bytes < guard_bytes_ || bytes - guard_bytes_ >= static_cast<std::int64_t>(options_.stall_bytes)) {
    guard_bytes_ = bytes;
    guard_since_ = now;
  }
  return now - guard_since_ > options_.stall_window;
}

void Exchange::Finish(CURLcode code) {
  long status = 0;
  curl_easy_getinfo(easy(), CURLINFO_RESPONSE_CODE, &status);
  response_->status = static_cast<int>(status);
  // A body over the limit was cut off by us; what was read decides.
  if (code != CURLE_OK && !response_->body_truncated) response_->failure = TransportError(code);
  // libcurl takes a connection that ends within the headers for the end of an answer without body.
  if (code == CURLE_OK && !headers_complete_) response_->failure = TransportError(CURLE_PARTIAL_FILE);
}

void Exchange::FinishSlow() {
  response_->failure = Error{.kind = ErrorKind::kSlow, .message = "far slower than requests of its size"};
}

void Exchange::FinishStalled() {
  response_->failure =
      Error{.kind = ErrorKind::kTransient,
            .message = fmt::format("network timeout: fewer than {} bytes moved to or from {} in {} ms",
                                   options_.stall_bytes, host_and_port_, options_.stall_window.count())};
}

void Exchange::FinishCancelled() {
  response_->failure =
      Error{.kind = ErrorKind::kCancelled, .message = "the run was stopped during the request"};
}

Error Exchange::TransportError(CURLcode code) const {
  long os_error = 0;
  curl_easy_getinfo(easy(), CURLINFO_OS_ERRNO, &os_error);
  std::string detail = error_text_[0] != '\0' ? error_text_ : curl_easy_strerror(code);
  if (os_error != 0) {
    char buffer[128];
    detail += fmt::format(" ({})", strerror_r(static_cast<int>(os_error), buffer, sizeof buffer));
  }
  return {.kind = KindOf(code), .message = fmt::format("{}: {}", host_and_port_, detail)};
}

std::size_t Exchange::OnHeader(char* data, std::size_t size, std::size_t count, void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  auto& response = *exchange.response_;
  const std::string_view line(data, size * count);
  // A status line begins a new set: an interim answer (100 Continue) came before the final one.
  if (line.starts_with("HTTP/")) response.headers.Clear();
  exchange.headers_complete_ = line == "\r\n" || line == "\n";
  if (response.headers.size_bytes() + line.size() > HttpResponse::kMaxHeaderBytes) return 0;
  response.headers.AppendLine(line);
  return line.size();
}

std::size_t Exchange::OnBody(char* data, std::size_t size, std::size_t count, void* self) {
  auto& response = *static_cast<Exchange*>(self)->response_;
  const std::size_t bytes = size * count;
  if (response.body.size() + bytes > HttpResponse::kMaxBodyBytes) {
    response.body_truncated = true;
    return 0;
  }
  response.body.append(data, bytes);
  return bytes;
}

// The pieces stay valid until the exchange has ended, as HttpRequest says.
std::size_t Exchange::OnRead(char* data, std::size_t size, std::size_t count, void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  std::size_t room = size * count, copied = 0;
  while (room > 0 && exchange.piece_ < exchange.pieces_.size()) {
    const auto left = exchange.pieces_[exchange.piece_].substr(exchange.piece_offset_, room);
    std::memcpy(data + copied, left.data(), left.size());
    copied += left.size();
    room -= left.size();
    exchange.piece_offset_ += left.size();
    if (exchange.piece_offset_ == exchange.pieces_[exchange.piece_].size()) {
      ++exchange.piece_;
      exchange.piece_offset_ = 0;
    }
  }
  return copied;
}

// libcurl rewinds to the beginning before it sends again, and goes nowhere else.
int Exchange::OnSeek(void* self, curl_off_t offset, int origin) {
  if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  auto& exchange = *static_cast<Exchange*>(self);
  exchange.piece_ = exchange.piece_offset_ = 0;
  return CURL_SEEKFUNC_OK;
}

}  // namespace s3
