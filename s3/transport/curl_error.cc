#include "s3/transport/curl_error.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "s3/base/unique_fd.h"
#include "s3/uri.h"

namespace s3 {

bool IsProtocolMismatch(CURLcode code, std::string_view detail) {
  constexpr std::string_view kPhrases[] = {"wrong version number",
                                           "packet length too long",
                                           "unknown protocol",
                                           "unsupported protocol",
                                           "alert protocol version",
                                           "alert handshake failure",
                                           "alert bad certificate",
                                           "http request",
                                           "alert unknown ca",
                                           "alert certificate required",
                                           "alert unsupported certificate"};
  const bool is_tls_error =
      code == CURLE_SSL_CONNECT_ERROR || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR;
  return is_tls_error && std::ranges::any_of(kPhrases, [&](std::string_view phrase) {
           return detail.find(phrase) != std::string_view::npos;
         });
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

std::string ErrnoText(int error) {
  char buffer[128];
  return strerror_r(error, buffer, sizeof buffer);
}

std::string CurlProblem(CURLcode code, const char* error_text) {
  return error_text[0] != '\0' ? error_text : curl_easy_strerror(code);
}

Error ConnectError(CURL* easy, CURLcode code, const char* error_text,
                   std::chrono::milliseconds connect_timeout) {
  long os_error = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_error);
  if (code == CURLE_ABORTED_BY_CALLBACK) {
    return {.kind = KindOf(code),
            .message = fmt::format("not connected within connect_timeout ({} ms)", connect_timeout.count())};
  }
  auto detail = CurlProblem(code, error_text);
  if (os_error != 0) detail += fmt::format(" ({})", ErrnoText(static_cast<int>(os_error)));
  long proxy_status = 0;
  curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
  const bool is_client_error = proxy_status >= 400 && proxy_status < 500;
  const bool proxy_refuses = is_client_error && proxy_status != 408 && proxy_status != 429;
  const bool is_wrong = IsProtocolMismatch(code, detail) || proxy_refuses;
  if (KindOf(code) == ErrorKind::kUntrusted) {
    detail +=
        ": check the host name, and set destination.ca_file to the file of the CA that signed the "
        "server's certificate";
  }
  if (proxy_status >= 300) detail += fmt::format(" (the proxy answered HTTP {} to CONNECT)", proxy_status);
  return {.kind = is_wrong ? ErrorKind::kWrongEndpoint : KindOf(code),
          .message = WithoutUser(detail)};  // libcurl quotes a proxy's whole URL
}

// Name resolution and reading certificates need file descriptors, too, and libcurl does not report why they
// failed. So this function tries to create a descriptor.
bool LacksDescriptor(int open_errno) {
  if (open_errno == EMFILE || open_errno == ENFILE) return true;
  const UniqueFd trial(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return trial.get() < 0 && (errno == EMFILE || errno == ENFILE);
}

Error FileError(int read_errno, std::uint64_t offset) {
  const auto kind =
      read_errno == ESTALE ? ErrorKind::kChanged : ErrorKind::kLocal;  // an NFS server no longer has the file
  if (read_errno != 0) return {.kind = kind, .message = ErrnoText(read_errno), .system_error = read_errno};
  return {.kind = ErrorKind::kChanged,
          .message = fmt::format("changed while it was sent: it ends at byte {}", offset)};
}

}  // namespace s3
