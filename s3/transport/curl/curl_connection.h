// A libcurl handle and the one connection that it keeps.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "s3/base/result.h"
#include "s3/options.h"
#include "s3/transport/curl/transfer.h"
#include "s3/transport/curl_options.h"
#include "s3/uri.h"

struct ssl_st;

namespace s3 {

class CurlPool;

// Belongs to the event loop's thread. By default, libcurl keeps the connections of all handles in one cache
// and chooses among them. Here each handle has a cache of its own, which holds one connection. So the pool
// knows which connection a request gets, and the socket of that connection.
class CurlConnection {
 public:
  using Clock = std::chrono::steady_clock;

  // Prepares easy(). `options` and `pool` must outlive the connection. Throws std::bad_alloc when libcurl has
  // no memory. `auth_schemes`: the schemes with which we may authenticate to a proxy, a mask of CURLAUTH_*.
  CurlConnection(const TransportOptions& options, const Endpoint& endpoint, unsigned long auth_schemes,
                 CurlPool* pool);
  ~CurlConnection();
  CurlConnection(const CurlConnection&) = delete;
  CurlConnection& operator=(const CurlConnection&) = delete;

  CURL* easy() const { return easy_.get(); }
  // Sets the transfer that easy() will carry. `expect_continue`: see Transfer::SetUp.
  void SetUp(Transfer* next, bool expect_continue);

  // Call it when libcurl could not connect. Returns true when the reason is that no file descriptor is left.
  bool LacksDescriptor() const;
  // False when the last transfer was not sent, because there was something to receive before the request.
  bool was_quiet() const { return was_quiet_; }
  // True when the last transfer is the first on its connection.
  bool is_new() const { return is_new_; }
  // Call it when the socket is readable.
  void NoteReadable();
  // True every eighth time that the socket is readable during a transfer. Then check Transfer::HasFlooded().
  // libcurl may read 400 kB each time.
  bool reads_a_lot() const { return reads_ % 8 == 7; }
  // Call it when data came. Sets the count of TLS records without data in a row to 0.
  void NoteData() { tls_.records_without_data = 0; }
  // Returns false when libcurl has closed the connection, for example after `Connection: close`.
  bool has_socket() const { return !sockets_.empty(); }
  // Returns the HTTP status of a proxy's response to CONNECT; 0 if there was none.
  int tunnel_status() const;
  // Says why libcurl could not connect.
  Error ConnectFailure(CURLcode code) const;
  // Says why the connection was lost after it was made.
  Error Loss(CURLcode code) const;

  // Written and read by the event loop and the pool only.
  Transfer* transfer = nullptr;    // null while idle
  const std::string origin;        // scheme, host and port, as a URL
  const unsigned long proxy_auth;  // the schemes for a proxy's user, a mask of CURLAUTH_*
  bool is_connected = false;       // the current transfer has a connection
  std::string last_request_id;     // x-amz-request-id of the last response that had one
  bool has_distinct_ids = false;   // two responses in a row had different ids
  Clock::time_point idle_since{};

 private:
  bool IsQuiet() const;
  bool IsTlsQuiet(ssl_st* tls) const;
  static curl_socket_t OnOpen(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int OnClose(void* self, curl_socket_t socket);
  static int OnRequest(void* self, char* ip, char* local_ip, int port, int local_port);
  static int OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);

  CurlPool* const pool_;
  std::unique_ptr<char[]> error_text_;  // outlives easy_, which writes it
  // The cache outlives easy_, and closes the connection.
  std::unique_ptr<CURLSH, CURLSHcode (*)(CURLSH*)> share_;
  std::unique_ptr<CURL, void (*)(CURL*)> easy_;
  const std::chrono::milliseconds connect_timeout_;
  const bool is_plain_tcp_;
  Clock::time_point began_{};  // the current transfer
  std::vector<int> sockets_;   // usually one; several while libcurl tries several addresses
  bool was_quiet_ = true;
  bool is_new_ = true;
  bool has_tls_in_tls_ = false;  // an https endpoint behind an https proxy
  bool met_tls_ = false;         // the server answered plain HTTP with a TLS alert
  int reads_ = 0;                // of the current transfer
  TlsState tls_;
  int open_errno_ = 0;  // of socket(2)
};

}  // namespace s3
