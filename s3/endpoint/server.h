// The embedded S3 endpoint: a store behind HTTP/1.1 on a loopback port, for rehearsals and tests. It verifies
// SigV4 and payload hashes, and injects faults on request.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "s3/credentials.h"
#include "s3/endpoint/options.h"
#include "s3/endpoint/statistics.h"
#include "s3/endpoint/storage/store.h"

namespace s3::endpoint {

class Server {
 public:
  // Binds the port, and serves in its own threads until destruction. Throws std::system_error if the port is
  // in use. Throws std::runtime_error if the directory cannot be used, or if the options contain only one of
  // access key ID and secret.
  explicit Server(ServerOptions options);
  ~Server();

  int port() const;
  std::string endpoint() const;  // "http://127.0.0.1:PORT"
  Store& store();
  // Returns the accepted credentials: from the options, or random ones.
  Credentials credentials() const;
  // Returns the number of multipart uploads that are neither completed nor aborted.
  std::size_t CountUploads(const std::string& bucket) const;
  ServerStats stats() const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace s3::endpoint
