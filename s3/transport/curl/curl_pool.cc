#include "s3/transport/curl/curl_pool.h"

#include <sys/epoll.h>

#include <cerrno>
#include <new>

#include "s3/transport/curl_options.h"

namespace s3 {

CurlPool::CurlPool(const TransportOptions& options, int epoll, int max_idle, std::size_t max_connecting)
    : options_(options),
      epoll_(epoll),
      max_idle_(static_cast<std::size_t>(max_idle)),
      max_connecting_(max_connecting),
      multi_(NewMulti()) {
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlPool::OnSocket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlPool::OnTimer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  // The pool, not libcurl, decides which connections are kept.
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, 1L << 20);
}

CurlPool::~CurlPool() {
  while (!connections_.empty()) Close(connections_.begin()->first);
  curl_multi_cleanup(multi_);
}

CurlConnection* CurlPool::TakeIdle(const std::string& origin, Clock::time_point now) {
  const auto found = idle_.find(origin);
  if (found == idle_.end()) return nullptr;
  auto& idle = found->second;
  while (!idle.empty() && now - idle.front()->idle_since > kIdleTimeout) Close(idle.front());
  if (idle.empty()) return nullptr;
  CurlConnection* const connection = idle.back();
  idle.pop_back();
  --idle_count_;
  return connection;
}

CurlConnection* CurlPool::Create(const Endpoint& endpoint) {
  auto created = std::make_unique<CurlConnection>(options_, endpoint, proxy_auth_, this);
  CurlConnection* const connection = created.get();
  connections_.emplace(connection, std::move(created));
  return connection;
}

void CurlPool::Start(CurlConnection* connection) {
  connection->is_connected = false;
  ++connecting_;  // until libcurl says that it has a connection
  if (curl_multi_add_handle(multi_, connection->easy()) != CURLM_OK) throw std::bad_alloc();
}

void CurlPool::KeepAlive(CurlConnection* connection, Clock::time_point now) {
  if (idle_count_ >= max_idle_ || !connection->has_socket()) return Close(connection);
  connection->transfer = nullptr;
  connection->idle_since = now;
  idle_[connection->origin].push_back(connection);
  ++idle_count_;
}

void CurlPool::Close(CurlConnection* connection) {
  if (connection->transfer == nullptr) {
    if (const auto found = idle_.find(connection->origin); found != idle_.end())
      idle_count_ -= std::erase(found->second, connection);
  } else {
    curl_multi_remove_handle(multi_, connection->easy());
    if (!connection->is_connected) --connecting_;
    connection->transfer->Detach();
  }
  connections_.erase(connection);
}

void CurlPool::CloseIdle() {
  for (auto& [origin, idle] : idle_) {
    while (!idle.empty()) Close(idle.front());
  }
}

void CurlPool::SocketAction(int fd, int mask) {
  int running;
  curl_multi_socket_action(multi_, fd, mask, &running);
}

Transfer* CurlPool::HandleEvent(int fd, std::uint32_t events) {
  const auto index = static_cast<std::size_t>(fd);
  CurlConnection* const connection = index < sockets_.size() ? sockets_[index].connection : nullptr;
  if (connection != nullptr && connection->transfer == nullptr) {
    Close(connection);
    return nullptr;
  }
  if (connection != nullptr && (events & EPOLLIN)) connection->NoteReadable();
  SocketAction(fd, ((events & EPOLLIN) ? CURL_CSELECT_IN : 0) | ((events & EPOLLOUT) ? CURL_CSELECT_OUT : 0) |
                       ((events & (EPOLLERR | EPOLLHUP)) ? CURL_CSELECT_ERR : 0));
  const bool is_much = connection != nullptr && connection->is_connected && connection->reads_a_lot();
  return is_much ? connection->transfer : nullptr;
}

void CurlPool::HandleTimeout(Clock::time_point now) {
  if (deadline_ > now) return;
  deadline_ = Clock::time_point::max();
  SocketAction(CURL_SOCKET_TIMEOUT, 0);
}

std::optional<CurlPool::Ended> CurlPool::NextEnded() {
  int left;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CurlConnection* connection = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &connection);
    const CURLcode code = message->data.result;
    curl_multi_remove_handle(multi_, connection->easy());
    return Ended{connection, code};
  }
  return std::nullopt;
}

void CurlPool::Opened(int fd, CurlConnection* connection) {
  const auto index = static_cast<std::size_t>(fd);
  if (sockets_.size() <= index) sockets_.resize(index + 1);
  sockets_[index] = {connection, 0};
}

// Closing a descriptor removes it from epoll.
void CurlPool::Closed(int fd) { sockets_[static_cast<std::size_t>(fd)] = {}; }

// When a transfer ends, libcurl asks us to stop watching its socket (CURL_POLL_REMOVE). Nevertheless the idle
// socket stays in epoll for reading: if anything can be received on it, HandleEvent closes the connection.
int CurlPool::Watch(int fd, int what) {
  auto& socket = sockets_[static_cast<std::size_t>(fd)];
  const std::uint32_t wanted = what == CURL_POLL_REMOVE ? EPOLLIN
                                                        : ((what & CURL_POLL_IN) ? EPOLLIN : 0u) |
                                                              ((what & CURL_POLL_OUT) ? EPOLLOUT : 0u);
  if (wanted == socket.events) return 0;
  epoll_event event{.events = wanted, .data = {.fd = fd}};
  const int result = epoll_ctl(epoll_, socket.events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
  socket.events = wanted;
  return result;
}

// Watches a descriptor that is not a connection's socket: that of libcurl's resolver.
int CurlPool::WatchOther(int fd, int what) {
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
    return 0;
  }
  epoll_event event{
      .events = ((what & CURL_POLL_IN) ? EPOLLIN : 0u) | ((what & CURL_POLL_OUT) ? EPOLLOUT : 0u),
      .data = {.fd = fd}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0) return 0;
  return errno == EEXIST ? epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) : -1;
}

int CurlPool::OnSocket(CURL*, curl_socket_t fd, int what, void* self, void*) {
  auto* const pool = static_cast<CurlPool*>(self);
  const auto index = static_cast<std::size_t>(fd);
  const bool is_ours = index < pool->sockets_.size() && pool->sockets_[index].connection != nullptr;
  return is_ours ? pool->Watch(fd, what) : pool->WatchOther(fd, what);
}

int CurlPool::OnTimer(CURLM*, long timeout_ms, void* self) {
  static_cast<CurlPool*>(self)->deadline_ =
      timeout_ms < 0 ? Clock::time_point::max() : Clock::now() + std::chrono::milliseconds(timeout_ms);
  return 0;
}

}  // namespace s3
