#include "s3/endpoint/statistics.h"

#include <algorithm>
#include <utility>

namespace s3::endpoint {

Statistics::OpenConnection::OpenConnection(Statistics* statistics) : statistics_(statistics) {
  std::lock_guard lock(statistics_->mutex_);
  auto& stats = statistics_->stats_;
  ++stats.connections;
  stats.max_connections = std::max(stats.max_connections, stats.connections);
}

Statistics::OpenConnection::~OpenConnection() {
  std::lock_guard lock(statistics_->mutex_);
  --statistics_->stats_.connections;
}

Statistics::RequestInFlight::RequestInFlight(Statistics* statistics, std::string operation)
    : statistics_(statistics), operation_(std::move(operation)) {
  std::lock_guard lock(statistics_->mutex_);
  ++statistics_->stats_.requests[operation_];
  const int now = ++statistics_->in_flight_[operation_];
  auto& max = statistics_->stats_.max_in_flight[operation_];
  max = std::max(max, now);
}

Statistics::RequestInFlight::~RequestInFlight() {
  std::lock_guard lock(statistics_->mutex_);
  --statistics_->in_flight_[operation_];
}

void Statistics::CountFault() {
  std::lock_guard lock(mutex_);
  ++stats_.faults_injected;
}

void Statistics::CountRefusedSignature() {
  std::lock_guard lock(mutex_);
  ++stats_.refused_signatures;
}

void Statistics::CountRefusedHeader() {
  std::lock_guard lock(mutex_);
  ++stats_.refused_headers;
}

void Statistics::CountSlowDown() {
  std::lock_guard lock(mutex_);
  ++stats_.slowed_down;
}

int Statistics::connections() const {
  std::lock_guard lock(mutex_);
  return stats_.connections;
}

ServerStats Statistics::Read() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace s3::endpoint
