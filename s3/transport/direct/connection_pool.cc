#include "s3/transport/direct/connection_pool.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "s3/transport/curl_options.h"

namespace s3 {

ConnectionPool::ConnectionPool(const TransportOptions& options, int epoll, int max_idle,
                               std::size_t max_connecting)
    : options_(options),
      epoll_(epoll),
      max_idle_(static_cast<std::size_t>(max_idle)),
      max_connecting_(max_connecting),
      multi_(NewMulti()) {
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &ConnectionPool::OnSocket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &ConnectionPool::OnTimer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  // The pool, not libcurl, decides which connections are kept.
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, 1L << 20);
}

ConnectionPool::~ConnectionPool() {
  while (!connections_.empty()) Close(connections_.begin()->first);
  curl_multi_cleanup(multi_);
}

Connection* ConnectionPool::TakeIdle(const std::string& origin, Clock::time_point now) {
  const auto found = idle_.find(origin);
  if (found == idle_.end()) return nullptr;
  auto& idle = found->second;
  CloseExpired(&idle, now);
  while (!idle.empty()) {
    Connection* const connection = idle.back();
    if (connection->IsQuiet()) {
      idle.pop_back();
      --idle_count_;
      return connection;
    }
    Close(connection);
  }
  return nullptr;
}

void ConnectionPool::CloseExpired(std::vector<Connection*>* idle, Clock::time_point now) {
  while (!idle->empty() && now - idle->front()->idle_since > kIdleTimeout) Close(idle->front());
}

void ConnectionPool::CloseIdle() {
  for (auto& [origin, idle] : idle_) {
    while (!idle.empty()) Close(idle.front());
  }
}

Connection* ConnectionPool::Connect(const Endpoint& endpoint) {
  const bool keeps_tls_buffers = connections_.size() < kMaxWithTlsBuffers;
  auto created = std::make_unique<Connection>(options_, endpoint, keeps_tls_buffers);
  Connection* const connection = created.get();
  connections_.emplace(connection, std::move(created));
  if (curl_multi_add_handle(multi_, connection->easy()) != CURLM_OK) {
    connections_.erase(connection);
    throw std::bad_alloc();
  }
  ++connecting_;
  return connection;
}

void ConnectionPool::KeepAlive(Connection* connection, Clock::time_point now) {
  if (idle_count_ >= max_idle_) return Close(connection);
  connection->exchange = nullptr;
  connection->idle_since = now;
  connection->is_reused = true;
  idle_[connection->origin].push_back(connection);
  ++idle_count_;
}

void ConnectionPool::Close(Connection* connection) {
  if (const auto found = idle_.find(connection->origin); found != idle_.end()) {
    idle_count_ -= std::erase(found->second, connection);
  }
  if (connection->socket() >= 0) by_socket_[static_cast<std::size_t>(connection->socket())] = nullptr;
  if (!connection->is_connected) --connecting_;
  // Closing the socket removes it from epoll.
  if (connection->easy() != nullptr) curl_multi_remove_handle(multi_, connection->easy());
  connections_.erase(connection);
}

Connection* ConnectionPool::HandleEvent(int fd, std::uint32_t events) {
  const auto index = static_cast<std::size_t>(fd);
  Connection* const connection = index < by_socket_.size() ? by_socket_[index] : nullptr;
  if (connection == nullptr) {
    const int mask = ((events & EPOLLIN) ? CURL_CSELECT_IN : 0) |
                     ((events & EPOLLOUT) ? CURL_CSELECT_OUT : 0) |
                     ((events & (EPOLLERR | EPOLLHUP)) ? CURL_CSELECT_ERR : 0);
    int running;
    curl_multi_socket_action(multi_, fd, mask, &running);
    return nullptr;
  }
  if (connection->exchange != nullptr) return connection;
  // If there is something to receive on an idle connection, the server is closing it, or TLS sent a message
  // of its own.
  if ((events & Connection::kReadable) && !connection->IsQuiet()) Close(connection);
  return nullptr;
}

void ConnectionPool::HandleTimeout(Clock::time_point now) {
  if (deadline_ > now) return;
  deadline_ = Clock::time_point::max();
  int running;
  curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
}

std::optional<ConnectionPool::Connected> ConnectionPool::NextConnected() {
  int left;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    Connection* connection = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &connection);
    const CURLcode code = message->data.result;
    connection->is_connected = true;
    --connecting_;
    if (code != CURLE_OK) return Connected{connection, code};
    if (!connection->TakeSocket() || !Watch(connection)) return Connected{connection, CURLE_COULDNT_CONNECT};
    if (connection->is_plain_tcp()) {
      curl_multi_remove_handle(multi_, connection->easy());
      connection->DropEasy();
    }
    return Connected{connection, CURLE_OK};
  }
  return std::nullopt;
}

// Registers the socket edge-triggered and once for its whole life, so that no exchange needs an epoll_ctl.
bool ConnectionPool::Watch(Connection* connection) {
  const auto index = static_cast<std::size_t>(connection->socket());
  if (by_socket_.size() <= index) by_socket_.resize(index + 1);
  by_socket_[index] = connection;
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                    .data = {.fd = connection->socket()}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, connection->socket(), &event) == 0) return true;
  return errno == EEXIST && epoll_ctl(epoll_, EPOLL_CTL_MOD, connection->socket(), &event) == 0;
}

// libcurl calls this function for the sockets of connections that are being made.
int ConnectionPool::OnSocket(CURL*, curl_socket_t fd, int what, void* self, void* known) {
  auto* const pool = static_cast<ConnectionPool*>(self);
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(pool->epoll_, EPOLL_CTL_DEL, fd, nullptr);
    return 0;
  }
  epoll_event event{
      .events = ((what & CURL_POLL_IN) ? EPOLLIN : 0u) | ((what & CURL_POLL_OUT) ? EPOLLOUT : 0u),
      .data = {.fd = fd}};
  // `known` says whether epoll watches `fd`. It may be wrong, because the system reuses descriptor numbers
  // after a close. Then epoll's error shows the true state.
  const int operation = known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  if (epoll_ctl(pool->epoll_, operation, fd, &event) != 0) {
    const int other = errno == EEXIST ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(pool->epoll_, other, fd, &event) != 0) return -1;
  }
  curl_multi_assign(pool->multi_, fd, pool);
  return 0;
}

int ConnectionPool::OnTimer(CURLM*, long timeout_ms, void* self) {
  static_cast<ConnectionPool*>(self)->deadline_ =
      timeout_ms < 0 ? Clock::time_point::max() : Clock::now() + std::chrono::milliseconds(timeout_ms);
  return 0;
}

}  // namespace s3
