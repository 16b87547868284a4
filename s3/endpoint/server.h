// The embedded S3 endpoint: a store behind HTTP/1.1 on a loopback port, for rehearsals and tests.
// Verifies SigV4 and payload hashes, and makes faults on command.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "s3/credentials.h"
#include "s3/endpoint/options.h"
#include "s3/endpoint/storage/store.h"

namespace s3::endpoint {

struct ServerStats {
  std::map<std::string, std::uint64_t> requests;  // by operation
  std::map<std::string, int> max_in_flight;       // by operation: from the headers read to the answer sent
  std::uint64_t faults_injected = 0;
  std::uint64_t refused_signatures = 0;
  std::uint64_t refused_headers = 0;  // requests with one of ServerOptions::refused_headers
  std::uint64_t slowed_down = 0;      // more than requests_per_second
  int connections = 0;                // now
  int max_connections = 0;
};

class Server {
 public:
  // Binds, and serves in threads of its own until destruction. Throws std::system_error when the
  // port is taken, std::runtime_error when the directory cannot be used or half of the credentials is
  // missing.
  explicit Server(ServerOptions options);
  ~Server();

  int port() const;
  std::string endpoint() const;  // "http://127.0.0.1:PORT"
  Store& store();
  // What it takes: its options', or random ones.
  Credentials credentials() const;
  // Multipart uploads that are neither completed nor aborted.
  std::size_t CountUploads(const std::string& bucket) const;
  ServerStats stats() const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace s3::endpoint
