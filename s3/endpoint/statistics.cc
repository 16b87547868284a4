#include "s3/endpoint/statistics.h"

#include <algorithm>
#include <utility>

namespace s3::endpoint {

Statistics::OpenConnection::OpenConnection(Statistics* statistics) : statistics_(statistics) {
  const MutexLock lock(statistics_->mutex_);
  auto& stats = statistics_->stats_;
  ++stats.connections;
  stats.max_connections = std::max(stats.max_connections, stats.connections);
}

Statistics::OpenConnection::~OpenConnection() {
  const MutexLock lock(statistics_->mutex_);
  --statistics_->stats_.connections;
}

Statistics::RequestInFlight::RequestInFlight(Statistics* statistics, std::string operation)
    : statistics_(statistics), operation_(std::move(operation)) {
  const MutexLock lock(statistics_->mutex_);
  ++statistics_->stats_.requests[operation_];
  const int now = ++statistics_->in_flight_[operation_];
  auto& max = statistics_->stats_.max_in_flight[operation_];
  max = std::max(max, now);
}

Statistics::RequestInFlight::~RequestInFlight() {
  const MutexLock lock(statistics_->mutex_);
  --statistics_->in_flight_[operation_];
}

void Statistics::CountFault() {
  const MutexLock lock(mutex_);
  ++stats_.faults_injected;
}

void Statistics::CountRefusedSignature() {
  const MutexLock lock(mutex_);
  ++stats_.refused_signatures;
}

void Statistics::CountRefusedHeader() {
  const MutexLock lock(mutex_);
  ++stats_.refused_headers;
}

void Statistics::CountSlowDown() {
  const MutexLock lock(mutex_);
  ++stats_.slowed_down;
}

int Statistics::connections() const {
  const MutexLock lock(mutex_);
  return stats_.connections;
}

ServerStats Statistics::Read() const {
  const MutexLock lock(mutex_);
  return stats_;
}

}  // namespace s3::endpoint
