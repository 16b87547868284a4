// Counts requests, connections and faults of the endpoint for tests and rehearsals. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "s3/base/mutex.h"

namespace s3::endpoint {

struct ServerStats {
  std::map<std::string, std::uint64_t> requests;  // by operation
  std::map<std::string, int> max_in_flight;       // by operation; from received headers to the sent reply
  std::uint64_t faults_injected = 0;
  std::uint64_t refused_signatures = 0;
  std::uint64_t refused_headers = 0;  // requests with one of ServerOptions::refused_headers
  std::uint64_t slowed_down = 0;      // refused because of requests_per_second
  int connections = 0;                // now
  int max_connections = 0;
};

class Statistics {
 public:
  // Counts a connection while this object exists.
  class OpenConnection {
   public:
    explicit OpenConnection(Statistics* statistics);
    ~OpenConnection();
    OpenConnection(const OpenConnection&) = delete;
    OpenConnection& operator=(const OpenConnection&) = delete;

   private:
    Statistics* const statistics_;
  };

  // Counts a request as in flight while this object exists.
  class RequestInFlight {
   public:
    RequestInFlight(Statistics* statistics, std::string operation);
    ~RequestInFlight();
    RequestInFlight(const RequestInFlight&) = delete;
    RequestInFlight& operator=(const RequestInFlight&) = delete;

   private:
    Statistics* const statistics_;
    const std::string operation_;
  };

  void CountFault();
  void CountRefusedSignature();
  void CountRefusedHeader();
  void CountSlowDown();

  int connections() const;
  ServerStats Read() const;

 private:
  mutable Mutex mutex_;
  ServerStats stats_ S3_GUARDED_BY(mutex_);
  std::map<std::string, int> in_flight_ S3_GUARDED_BY(mutex_);  // by operation
};

}  // namespace s3::endpoint
