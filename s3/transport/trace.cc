#include "s3/transport/trace.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "s3/api/classify_response.h"
#include "s3/base/printable.h"
#include "s3/base/text.h"

namespace s3 {
namespace {

using std::chrono::microseconds;

constexpr std::string_view kShownHeaders[] = {"accept-ranges",
                                              "connection",
                                              "content-encoding",
                                              "content-length",
                                              "content-md5",
                                              "content-type",
                                              "date",
                                              "etag",
                                              "host",
                                              "if-none-match",
                                              "last-modified",
                                              "retry-after",
                                              "server",
                                              "transfer-encoding",
                                              "x-amz-acl",
                                              "x-amz-bucket-region",
                                              "x-amz-content-sha256",
                                              "x-amz-date",
                                              "x-amz-decoded-content-length",
                                              "x-amz-id-2",
                                              "x-amz-mp-object-size",
                                              "x-amz-request-id",
                                              "x-amz-retry-after",
                                              "x-amz-sdk-checksum-algorithm",
                                              "x-amz-server-side-encryption",
                                              "x-amz-storage-class",
                                              "x-amz-tagging-count",
                                              "x-amz-trailer",
                                              "x-amz-version-id"};
constexpr std::string_view kShownQuery[] = {"delete",   "partNumber", "part-number-marker", "tagging",
                                            "uploadId", "uploads",    "versionId"};
// Values from a server may have any length. Long values are cut, so that a line stays readable.
constexpr std::size_t kMaxValueBytes = 256;

bool IsShownHeader(std::string_view name) {
  return name.starts_with("x-amz-checksum-") ||
         std::find(std::begin(kShownHeaders), std::end(kShownHeaders), name) != std::end(kShownHeaders);
}

std::string Shown(std::string_view text) { return PrintableLine(text.substr(0, kMaxValueBytes)); }

// Shows the scope and the signed headers of an Authorization header, so that the traces of two machines can
// be compared. Hides the signature.
std::string ShownValue(std::string_view name, std::string_view value) {
  constexpr std::string_view kSignature = "Signature=";
  if (IsShownHeader(name)) return Shown(value);
  const auto at = value.rfind(kSignature);
  if (name != "authorization" || at == std::string_view::npos) return "(redacted)";
  return Shown(value.substr(0, at)) + "Signature=(redacted)";
}

std::string Timestamp() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  return fmt::format("{:%FT%T}.{:06d}Z", fmt::gmtime(static_cast<std::time_t>(seconds.count())),
                     std::chrono::floor<microseconds>(now - seconds).count());
}

// Lives from Send until the exchange is over.
struct TracedExchange {
  TraceLog* log;
  const HttpResponse* response;
  Wake wake;
  std::uint64_t number;
  std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();

  static void Done(void* argument) {
    const std::unique_ptr<TracedExchange> traced(static_cast<TracedExchange*>(argument));
    const auto took =
        std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now() - traced->since);
    traced->log->Write(
        TraceOfResponse(*traced->response, took, fmt::format("{} #{} <", Timestamp(), traced->number)));
    traced->wake();
  }
};

}  // namespace

std::string TraceOfRequest(const HttpRequest& request, std::string_view lead) {
  std::string query;
  for (const auto& [name, value] : request.query) {
    const bool shown =
        std::find(std::begin(kShownQuery), std::end(kShownQuery), name) != std::end(kShownQuery);
    query += fmt::format("{}{}", query.empty() ? "?" : "&", name);
    if (!value.empty()) query += "=" + (shown ? Shown(value) : "(redacted)");
  }
  auto text = fmt::format("{} {} {}://{}{}{}\n", lead, request.method, request.endpoint.scheme,
                          request.endpoint.HostAndPort(), Shown(request.path), query);
  for (const auto& [name, value] : request.headers) {
    text += fmt::format("{} {}: {}\n", lead, name, ShownValue(name, value));
  }
  for (const auto& header : request.secret_headers) {
    text += fmt::format("{} {}: (redacted)\n", lead, header.name);
  }
  return text + fmt::format("{} ({} bytes)\n", lead, request.body_bytes());
}

std::string TraceOfResponse(const HttpResponse& response, microseconds took, std::string_view lead) {
  auto text = fmt::format("{} {} after {:.3f} ms", lead,
                          response.status == 0 ? "no response" : fmt::format("HTTP {}", response.status),
                          static_cast<double>(took.count()) / 1000);
  if (response.failure) text += ": " + Shown(response.failure->message);
  if (const auto error = ParseErrorBody(response.body)) text += ": " + Shown(error->code);
  text += '\n';
  auto lines = response.headers.lines();
  while (!lines.empty()) {
    const auto end = std::min(lines.find('\n'), lines.size());
    const auto line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const auto name = Shown(LowerCase(line.substr(0, colon)));
    const auto value = TrimHeaderSpace(line.substr(colon + 1));
    text += fmt::format("{} {}: {}\n", lead, name, ShownValue(name, value));
  }
  return text + fmt::format("{} ({} bytes)\n", lead, response.body.size());
}

void TraceLog::Write(std::string_view text) {
  MutexLock lock(mutex_);
  while (!text.empty()) {
    const ssize_t written = write(file_.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && problem_.empty()) problem_ = std::strerror(errno);
    if (written < 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string TraceLog::problem() const {
  MutexLock lock(mutex_);
  return problem_;
}

void TracingTransport::Send(HttpRequest&& request, HttpResponse* response, Wake wake) {
  if (log_ == nullptr) return inner_->Send(std::move(request), response, wake);
  const auto number = log_->NextNumber();
  log_->Write(TraceOfRequest(request, fmt::format("{} #{} >", Timestamp(), number)));
  auto* const traced = new TracedExchange{log_, response, wake, number};
  inner_->Send(std::move(request), response, {&TracedExchange::Done, traced, wake.clock});
}

}  // namespace s3
