// A server on loopback, plain or with TLS, with a thread for each connection. A test decides what the server
// sends.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "tests/support/raw_server.h"
#include "tests/support/support.h"

namespace test {

// A key and a self-signed certificate for 127.0.0.1, in the context. `ca_file` has the certificate, too.
class TlsIdentity {
 public:
  TlsIdentity() : context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free) {
    const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const std::unique_ptr<X509, void (*)(X509*)> certificate(X509_new(), X509_free);
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 48 * 3600);
    X509_set_pubkey(certificate.get(), key.get());
    auto* const name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("a test"), -1,
                               -1, 0);
    X509_set_issuer_name(certificate.get(), name);
    for (const auto& [id, value] :
         {std::pair{NID_basic_constraints, "critical,CA:TRUE"}, {NID_subject_alt_name, "IP:127.0.0.1"}}) {
      const std::unique_ptr<X509_EXTENSION, void (*)(X509_EXTENSION*)> extension(
          X509V3_EXT_conf_nid(nullptr, nullptr, id, value), X509_EXTENSION_free);
      X509_add_ext(certificate.get(), extension.get(), -1);
    }
    EXPECT_GT(X509_sign(certificate.get(), key.get(), EVP_sha256()), 0);
    EXPECT_EQ(SSL_CTX_use_certificate(context_.get(), certificate.get()), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey(context_.get(), key.get()), 1);
    std::FILE* const file = std::fopen(ca_file.c_str(), "w");
    EXPECT_EQ(PEM_write_X509(file, certificate.get()), 1);
    std::fclose(file);
  }

  SSL_CTX* context() const { return context_.get(); }

 private:
  const TempDir directory_;
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;

 public:
  const std::string ca_file = directory_ / "ca.crt";
};

// The server's side of one connection.
class Peer {
 public:
  // Owns neither `fd` nor `context`. `context`: null without TLS.
  Peer(int fd, SSL_CTX* context) : fd_(fd), tls_(context != nullptr ? SSL_new(context) : nullptr, SSL_free) {
    if (tls_) SSL_set_fd(tls_.get(), fd);
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }

  // Sends `greeting` to the client together with the server's last handshake message, before the client can
  // send a request (TLS 1.3 allows that; RFC 8446, section 4.4.4). Only with TLS.
  bool Handshake(const std::string& greeting) {
    if (!tls_) return true;
    if (!greeting.empty()) {
      char nothing;
      std::size_t bytes = 0;
      Cork(true);
      if (SSL_read_early_data(tls_.get(), &nothing, 1, &bytes) != SSL_READ_EARLY_DATA_FINISH) return false;
      if (SSL_write_early_data(tls_.get(), greeting.data(), greeting.size(), &bytes) != 1) return false;
      Cork(false);
    }
    return SSL_accept(tls_.get()) == 1;
  }

  // Returns nothing at the end of the connection.
  std::optional<HttpCall> ReadHead() {
    std::string text;
    while (text.find("\r\n\r\n") == std::string::npos) {
      if (!ReadSome(&text)) return std::nullopt;
    }
    return ParseCall(text);
  }
  bool ReadBody(HttpCall* call) {
    const auto length = std::strtoull(call->Header("content-length").c_str(), nullptr, 10);
    while (call->body.size() < length) {
      if (!ReadSome(&call->body)) return false;
    }
    return true;
  }
  bool ReadSome(std::string* text) {
    char buffer[64 << 10];
    const auto got = tls_ ? SSL_read(tls_.get(), buffer, sizeof buffer) : read(fd_, buffer, sizeof buffer);
    if (got > 0) text->append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  }

  void Say(const std::string& text) {
    if (!tls_) return test::Say(fd_, text);
    if (!text.empty()) SSL_write(tls_.get(), text.data(), static_cast<int>(text.size()));
  }
  // Sends all texts in one segment, but each in a TLS record of its own.
  void SayTogether(std::initializer_list<std::string> texts) {
    Cork(true);
    for (const auto& text : texts) Say(text);
    Cork(false);
  }

  int fd() const { return fd_; }
  SSL* tls() const { return tls_.get(); }

 private:
  void Cork(int on) { setsockopt(fd_, IPPROTO_TCP, TCP_CORK, &on, sizeof on); }

  const int fd_;
  const std::unique_ptr<SSL, void (*)(SSL*)> tls_;
};

class PeerServer {
 public:
  // `greeting`, if given, is called at each connection and returns the argument of Peer::Handshake. Only with
  // TLS.
  PeerServer(bool tls, std::function<void(Peer&)> serve, std::function<std::string()> greeting = nullptr)
      : serve_(std::move(serve)), greeting_(std::move(greeting)) {
    if (tls) identity_.emplace();
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t length = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(listener_, 64), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    accepting_ = std::thread([this] {
      for (int fd; (fd = accept(listener_, nullptr, nullptr)) >= 0;) {
        ++connections;
        std::lock_guard lock(mutex_);
        open_.insert(fd);
        std::thread([this, fd] { Run(fd); }).detach();
      }
    });
  }
  ~PeerServer() {
    shutdown(listener_, SHUT_RDWR);
    accepting_.join();
    close(listener_);
    std::unique_lock lock(mutex_);
    for (const int fd : open_) shutdown(fd, SHUT_RDWR);
    all_closed_.wait(lock, [&] { return open_.empty(); });
  }

  s3::Endpoint endpoint() const { return {identity_ ? "https" : "http", "127.0.0.1", port_}; }
  std::string ca_file() const { return identity_ ? identity_->ca_file : ""; }
  std::atomic<int> connections{0};

 private:
  void Run(int fd) {
    {
      Peer peer(fd, identity_ ? identity_->context() : nullptr);
      if (peer.Handshake(identity_ && greeting_ ? greeting_() : "")) serve_(peer);
    }
    std::lock_guard lock(mutex_);
    close(fd);
    open_.erase(fd);
    all_closed_.notify_all();  // under the lock, so that the waiter cannot destroy the object first
  }

  const std::function<void(Peer&)> serve_;
  const std::function<std::string()> greeting_;
  std::optional<TlsIdentity> identity_;
  int listener_ = -1;
  int port_ = 0;
  std::thread accepting_;
  std::mutex mutex_;
  std::set<int> open_;
  std::condition_variable all_closed_;
};

}  // namespace test
