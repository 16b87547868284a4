// A server that sends responses nobody asked for (strays), for tests of the client. Apart from its
// x-amz-request-id, a stray is exactly the response that makes the next operation a success. The server
// records which operations it has executed, so that a test can tell whether a success was true.
#pragma once

#include <mutex>
#include <semaphore>
#include <set>
#include <string>
#include <utility>

#include "s3/hash/hash.h"
#include "tests/support/peer_server.h"
#include "tests/support/support.h"

namespace test {

inline const std::string kBody = Content(4 << 10);
inline const std::string kLarge = Content((1 << 20) + (1 << 19));  // large enough for Expect: 100-continue
inline const std::string kBodyMd5 = s3::HexEncode(s3::AsBytes(s3::Md5(kBody))),
                         kLargeMd5 = s3::HexEncode(s3::AsBytes(s3::Md5(kLarge)));

inline std::string ResponseText(int status, const std::string& id, const std::string& headers = "",
                                const std::string& body = "") {
  std::string text =
      "HTTP/1.1 " + std::to_string(status) + " Said\r\nx-amz-request-id: " + id + "\r\n" + headers;
  if (headers.find("Content-Length") == std::string::npos && status != 204 && status != 304) {
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  return text + "\r\n" + body;
}

// Returns the response that makes `operation` on `key` a success. It contains `id`, as the x-amz-request-id
// or as an entry of a list.
inline std::string Success(const std::string& operation, const std::string& key, const std::string& id) {
  const auto etag = [](const std::string& md5) { return "ETag: \"" + md5 + "\"\r\n"; };
  const auto quoted = "&quot;" + id + "&quot;";
  if (operation == "put" || operation == "part") return ResponseText(200, id, etag(kBodyMd5));
  if (operation == "put large") return ResponseText(200, id, etag(kLargeMd5));
  if (operation == "head") return ResponseText(200, id, etag(kBodyMd5) + "Content-Length: 4096\r\n");
  if (operation == "abort" || operation == "delete") return ResponseText(204, id);
  if (operation == "create") {
    return ResponseText(
        200, id, "",
        "<InitiateMultipartUploadResult><UploadId>" + id + "</UploadId></InitiateMultipartUploadResult>");
  }
  if (operation == "complete") {
    const auto whole = s3::HexEncode(s3::AsBytes(s3::Md5(s3::AsBytes(s3::Md5(kBody))))) + "-1";
    return ResponseText(
        200, id, "",
        "<CompleteMultipartUploadResult><ETag>" + whole + "</ETag></CompleteMultipartUploadResult>");
  }
  if (operation == "parts") {
    return ResponseText(200, id, "",
                        "<ListPartsResult><Part><PartNumber>1</PartNumber><Size>4096</Size><ETag>" + quoted +
                            "</ETag></Part></ListPartsResult>");
  }
  if (operation == "uploads") {
    return ResponseText(200, id, "",
                        "<ListMultipartUploadsResult><Upload><Key>" + key + "</Key><UploadId>" + id +
                            "</UploadId></Upload></ListMultipartUploadsResult>");
  }
  if (operation == "list") {
    return ResponseText(200, id, "",
                        "<ListBucketResult><Contents><Key>k</Key><Size>1</Size><ETag>" + quoted +
                            "</ETag></Contents></ListBucketResult>");
  }
  return ResponseText(200, id);  // tags
}

inline std::string OperationOf(const HttpCall& call) {
  const auto has = [&](const char* text) { return call.target.find(text) != std::string::npos; };
  if (call.method == "HEAD") return "head";
  if (call.method == "DELETE") return has("uploadId=") ? "abort" : "delete";
  if (call.method == "POST") return has("uploadId=") ? "complete" : "create";
  if (call.method == "GET") return has("uploadId=") ? "parts" : has("uploads=") ? "uploads" : "list";
  if (has("tagging=")) return "tags";
  if (has("partNumber=")) return "part";
  return call.Header("content-length") == std::to_string(kLarge.size()) ? "put large" : "put";
}

// Returns the key in a target, for example "try17".
inline std::string KeyOf(const std::string& target) {
  const auto at = target.find("try");
  if (at == std::string::npos) return "";
  return target.substr(at, target.find_first_not_of("0123456789", at + 3) - at);
}

// One request to /first, the stray that the server sends around its response, and the signals between test
// and server.
struct Turn {
  explicit Turn(std::string response) : stray(std::move(response)) {}
  const std::string stray;
  std::counting_semaphore<> requested{0}, go{0}, sent{0};
  bool at_connect = false;

  void AwaitGo() { go.acquire(); }
  void Sent() { sent.release(); }
};

// Handles the request to /first, after its head was read.
using Script = void (*)(Peer&, HttpCall&, Turn&);

class StrayServer {
 public:
  explicit StrayServer(bool tls)
      : server_(
            tls, [this](Peer& peer) { Serve(peer); }, [this] { return Greeting(); }) {}

  void Arm(Turn* turn) {
    std::lock_guard lock(mutex_);
    turn_ = turn;
  }
  void SetScript(Script script) { script_ = script; }
  s3::Endpoint endpoint() const { return server_.endpoint(); }
  std::string ca_file() const { return server_.ca_file(); }
  // True when the server has executed the operation on the key.
  bool HasExecuted(const std::string& operation, const std::string& key) const {
    std::lock_guard lock(mutex_);
    return executed_.contains(operation + " " + key);
  }
  int connections() const { return server_.connections; }

 private:
  // If the armed turn sends its stray before any request (`at_connect`), returns the stray and disarms the
  // turn. Otherwise returns an empty text.
  std::string Greeting() {
    std::lock_guard lock(mutex_);
    if (turn_ == nullptr || !turn_->at_connect) return "";
    Turn* const turn = std::exchange(turn_, nullptr);
    turn->Sent();
    return turn->stray;
  }

  void Serve(Peer& peer) {
    while (auto call = peer.ReadHead()) {
      if (call->method == "CONNECT") {  // this server is also its own proxy
        peer.Say("HTTP/1.1 200 Connected\r\n\r\n" + Greeting());
      } else if (call->target == "/first") {
        Turn* turn = nullptr;
        {
          std::lock_guard lock(mutex_);
          turn = turn_;
        }
        turn->requested.release();
        script_(peer, *call, *turn);
        if (!peer.ReadBody(&*call)) return;
      } else if (!Respond(peer, *call)) {
        return;
      }
    }
  }

  bool Respond(Peer& peer, HttpCall& call) {
    if (!call.Header("expect").empty()) peer.Say("HTTP/1.1 100 Continue\r\n\r\n");
    if (!peer.ReadBody(&call)) return false;
    const auto operation = OperationOf(call), key = KeyOf(call.target);
    const bool is_gone = operation == "parts" && HasExecuted("abort", key);
    {
      std::lock_guard lock(mutex_);
      executed_.insert(operation + " " + key);
    }
    peer.Say(is_gone ? ResponseText(404, "own", "", ErrorXml("NoSuchUpload"))
                     : Success(operation, key, "own"));
    return true;
  }

  mutable std::mutex mutex_;
  Turn* turn_ = nullptr;
  Script script_ = nullptr;  // changes between turns
  std::set<std::string> executed_;
  PeerServer server_;
};

}  // namespace test
