// A server that sends responses which nobody asked for, at every position of a connection: none becomes the
// response to a request, for any operation. The strays are exactly what the next operation would take for its
// success, but for their x-amz-request-id; the server knows what it has carried out.
#include <gtest/gtest.h>

#include <cstdlib>
#include <list>
#include <semaphore>

#include "s3/client/client.h"
#include "s3/client/multipart.h"
#include "s3/hash/hash.h"
#include "s3/stores/store_profiles.h"
#include "s3/transport/event_loop.h"
#include "tests/support/peer_server.h"
#include "tests/support/support.h"

namespace s3 {
namespace {

using test::HttpCall;
using test::Peer;

// Of each operation at each position.
int Tries() {
  const char* tries = std::getenv("S3FLOW_STRAYS");
  return tries != nullptr ? std::atoi(tries) : 10;
}

const std::string kBody = test::Content(4 << 10);
const std::string kLarge = test::Content((1 << 20) + (1 << 19));  // asks whether it may come
const std::string kBodyMd5 = HexEncode(AsBytes(Md5(kBody))), kLargeMd5 = HexEncode(AsBytes(Md5(kLarge)));

std::string ResponseText(int status, const std::string& id, const std::string& headers = "",
                         const std::string& body = "") {
  std::string text =
      "HTTP/1.1 " + std::to_string(status) + " Said\r\nx-amz-request-id: " + id + "\r\n" + headers;
  if (headers.find("Content-Length") == std::string::npos && status != 204 && status != 304) {
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  return text + "\r\n" + body;
}

// What makes each operation on `key` a success. `id` is in it, as the request's or as an entry of a list.
std::string Success(const std::string& operation, const std::string& key, const std::string& id) {
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
    const auto whole = HexEncode(AsBytes(Md5(AsBytes(Md5(kBody))))) + "-1";
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

std::string OperationOf(const HttpCall& call) {
  const auto has = [&](const char* text) { return call.target.find(text) != std::string::npos; };
  if (call.method == "HEAD") return "head";
  if (call.method == "DELETE") return has("uploadId=") ? "abort" : "delete";
  if (call.method == "POST") return has("uploadId=") ? "complete" : "create";
  if (call.method == "GET") return has("uploadId=") ? "parts" : has("uploads=") ? "uploads" : "list";
  if (has("tagging=")) return "tags";
  if (has("partNumber=")) return "part";
  return call.Header("content-length") == std::to_string(kLarge.size()) ? "put large" : "put";
}

// "try17" of whatever holds it.
std::string KeyOf(const std::string& target) {
  const auto at = target.find("try");
  if (at == std::string::npos) return "";
  return target.substr(at, target.find_first_not_of("0123456789", at + 3) - at);
}

// One request to /first, whose response the stray is about, and what the test and the server tell each other.
struct Turn {
  explicit Turn(std::string response) : stray(std::move(response)) {}
  const std::string stray;
  std::counting_semaphore<> asked{0}, go{0}, sent{0};
  bool at_connect = false;

  void AwaitGo() { go.acquire(); }
  void Sent() { sent.release(); }
};

const std::string kOwn = ResponseText(200, "own");

// What the server does with the request to /first. It has read its head.
using Script = void (*)(Peer&, HttpCall&, Turn&);

struct Position {
  const char* name;
  const char* method;
  bool is_large;  // the request's body
  enum class When {
    kWithResponse,   // the script says it at once
    kAllAtOnce,      // so, and the client reads nothing until all was said
    kWhileIdle,      // on the word, before the next request is handed to the loop
    kBehindRequest,  // on the word, after that and before the loop looks at anything
    kAtConnect,
  } when;
  Script script;
};

void Sequel(Peer& peer, HttpCall& call, Turn& turn, const std::string& own) {
  peer.ReadBody(&call);
  peer.SayTogether({own, turn.stray});
  turn.Sent();
}

using When = Position::When;
const Position kPositions[] = {
    {"InTheResponsesSegment", "PUT", false, When::kWithResponse,
     [](Peer& peer, HttpCall& call, Turn& turn) {
       peer.ReadBody(&call);
       peer.Say(kOwn + turn.stray);
       turn.Sent();
     }},
    {"InASegmentOfItsOwn", "PUT", false, When::kWithResponse,
     [](Peer& peer, HttpCall& call, Turn& turn) {
       peer.ReadBody(&call);
       peer.Say(kOwn);
       peer.Say(turn.stray);
       turn.Sent();
     }},
    {"InATlsRecordOfItsOwn", "PUT", false, When::kWithResponse,
     [](Peer& peer, HttpCall& call, Turn& turn) { Sequel(peer, call, turn, kOwn); }},
    {"AtTheReceiveBuffersEnd", "GET", false, When::kAllAtOnce,
     [](Peer& peer, HttpCall&, Turn& turn) {
       constexpr std::size_t kBuffer = 64 << 10;
       const auto head = "HTTP/1.1 200 OK\r\nx-amz-request-id: own\r\nContent-Length: 65000\r\nX: ";
       const auto filler = kBuffer - std::string(head).size() - 4 - 65000;
       turn.AwaitGo();
       peer.Say(head + std::string(filler, 'x') + "\r\n\r\n" + std::string(65000, 'x') + turn.stray);
       turn.Sent();
     }},
    {"WhileIdle", "PUT", false, When::kWhileIdle,
     [](Peer& peer, HttpCall& call, Turn& turn) {
       peer.ReadBody(&call);
       peer.Say(kOwn);
       turn.AwaitGo();
       peer.Say(turn.stray);
       turn.Sent();
     }},
    {"AsTheNextRequestIsSent", "PUT", false, When::kBehindRequest,
     [](Peer& peer, HttpCall& call, Turn& turn) {
       peer.ReadBody(&call);
       peer.Say(kOwn);
       turn.AwaitGo();
       peer.Say(turn.stray);
       turn.Sent();
     }},
    {"ItsFirstByteBeforeTheNextRequest", "PUT", false, When::kBehindRequest,
     [](Peer& peer, HttpCall& call, Turn& turn) {
       peer.ReadBody(&call);
       peer.Say(kOwn);
       turn.AwaitGo();
       peer.Say(turn.stray.substr(0, 1));
       const auto rest = turn.stray.substr(1);
       turn.Sent();
       std::string next;
       if (peer.ReadSome(&next)) peer.Say(rest);
     }},
    {"BehindUrgentData", "PUT", false, When::kAllAtOnce,
     [](Peer& peer, HttpCall& call, Turn& turn) {
       peer.ReadBody(&call);
       turn.AwaitGo();
       peer.Say(kOwn);
       // A recv ends at the urgent byte, and looks as if there were no more. It is in no TLS record.
       if (peer.tls() == nullptr) send(peer.fd(), "!", 1, MSG_OOB | MSG_NOSIGNAL);
       peer.Say(turn.stray);
       turn.Sent();
     }},
    {"Behind100Continue", "PUT", true, When::kWithResponse,
     [](Peer& peer, HttpCall&, Turn& turn) {
       peer.SayTogether({"HTTP/1.1 100 Continue\r\n\r\n", turn.stray});
       turn.Sent();
       shutdown(peer.fd(), SHUT_WR);  // a HEAD's success is no whole response to the PUT
     }},
    {"ItsFirstByteBehind100Continue", "PUT", true, When::kWithResponse,
     [](Peer& peer, HttpCall& call, Turn& turn) {
       peer.Say("HTTP/1.1 100 Continue\r\n\r\n" + turn.stray.substr(0, 1));
       peer.ReadBody(&call);
       peer.Say(turn.stray.substr(1));
       turn.Sent();
       shutdown(peer.fd(), SHUT_WR);
     }},
    {"BehindA204", "DELETE", false, When::kWithResponse,
     [](Peer& peer, HttpCall& call, Turn& turn) {
       Sequel(peer, call, turn,
              ResponseText(204, "own", "Content-Length: " + std::to_string(turn.stray.size()) + "\r\n"));
     }},
    {"BehindA304", "GET", false, When::kWithResponse,
     [](Peer& peer, HttpCall& call, Turn& turn) {
       Sequel(peer, call, turn,
              ResponseText(304, "own", "Content-Length: " + std::to_string(turn.stray.size()) + "\r\n"));
     }},
    {"AsTheBodyOfAHead", "HEAD", false, When::kWithResponse,
     [](Peer& peer, HttpCall& call, Turn& turn) {
       Sequel(peer, call, turn,
              ResponseText(200, "own", "Content-Length: " + std::to_string(turn.stray.size()) + "\r\n"));
     }},
    {"BehindAChunkedEnd", "GET", false, When::kWithResponse,
     [](Peer& peer, HttpCall& call, Turn& turn) {
       Sequel(peer, call, turn,
              "HTTP/1.1 200 OK\r\nx-amz-request-id: own\r\nTransfer-Encoding: chunked\r\n\r\n"
              "4\r\nbody\r\n0\r\n\r\n");
     }},
    {"BehindAnEarlyRefusal", "PUT", true, When::kWithResponse,
     [](Peer& peer, HttpCall&, Turn& turn) {
       peer.SayTogether({ResponseText(403, "own"), turn.stray});
       turn.Sent();
     }},
    {"BehindConnectionClose", "PUT", false, When::kWithResponse,
     [](Peer& peer, HttpCall& call, Turn& turn) {
       Sequel(peer, call, turn, ResponseText(200, "own", "Connection: close\r\n"));
     }},
    {"BehindAKeptHttp10Response", "PUT", false, When::kWithResponse,
     [](Peer& peer, HttpCall& call, Turn& turn) {
       Sequel(
           peer, call, turn,
           "HTTP/1.0 200 OK\r\nx-amz-request-id: own\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n");
     }},
    {"BehindA101", "GET", false, When::kWithResponse,
     [](Peer& peer, HttpCall& call, Turn& turn) {
       Sequel(peer, call, turn, "HTTP/1.1 101 Switching Protocols\r\nx-amz-request-id: own\r\n\r\n");
     }},
    {"BehindA417", "PUT", true, When::kWithResponse,
     [](Peer& peer, HttpCall& call, Turn& turn) {
       if (call.Header("expect").empty()) return Sequel(peer, call, turn, kOwn);
       peer.SayTogether({ResponseText(417, "own"), turn.stray});
     }},
    {"BeforeAnyRequest", "PUT", false, When::kAtConnect,
     [](Peer& peer, HttpCall& call, Turn&) {
       peer.ReadBody(&call);
       peer.Say(kOwn);
     }},
};

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
  Endpoint endpoint() const { return server_.endpoint(); }
  std::string ca_file() const { return server_.ca_file(); }
  // Whether the server has carried the operation out on the key.
  bool Did(const std::string& operation, const std::string& key) const {
    std::lock_guard lock(mutex_);
    return done_.contains(operation + " " + key);
  }
  int connections() const { return server_.connections; }

 private:
  // The stray of a turn whose position is before any request: once, on the first connection from now on.
  std::string Greeting() {
    std::lock_guard lock(mutex_);
    if (turn_ == nullptr || !turn_->at_connect) return "";
    Turn* const turn = std::exchange(turn_, nullptr);
    turn->Sent();
    return turn->stray;
  }

  void Serve(Peer& peer) {
    while (auto call = peer.ReadHead()) {
      if (call->method == "CONNECT") {  // a proxy that is its own destination
        peer.Say("HTTP/1.1 200 Connected\r\n\r\n" + Greeting());
      } else if (call->target == "/first") {
        Turn* turn = nullptr;
        {
          std::lock_guard lock(mutex_);
          turn = turn_;
        }
        turn->asked.release();
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
    const bool gone = operation == "parts" && Did("abort", key);
    {
      std::lock_guard lock(mutex_);
      done_.insert(operation + " " + key);
    }
    peer.Say(gone ? ResponseText(404, "own", "", test::ErrorXml("NoSuchUpload"))
                  : Success(operation, key, "own"));
    return true;
  }

  mutable std::mutex mutex_;
  Turn* turn_ = nullptr;
  Script script_ = nullptr;  // changes between turns
  std::set<std::string> done_;
  test::PeerServer server_;
};

// Stands between the client and its loop: does something as soon as a request lies in the loop's inbox.
class Watched final : public Transport {
 public:
  explicit Watched(Transport* inner) : inner_(inner) {}
  void Send(HttpRequest&& request, HttpResponse* response, Wake wake) override {
    inner_->Send(std::move(request), response, wake);
    if (auto then = std::exchange(after_send, nullptr)) then();
  }
  void WakeAfter(std::chrono::milliseconds delay, Wake wake) override { inner_->WakeAfter(delay, wake); }
  void CancelSleeps() override { inner_->CancelSleeps(); }
  void Abort() override { inner_->Abort(); }

  std::function<void()> after_send;

 private:
  Transport* const inner_;
};

// Holds the loop's thread where it wakes.
struct Hold {
  std::binary_semaphore begun{0}, end{0};
  Wake wake() {
    return {[](void* self) {
              auto* const hold = static_cast<Hold*>(self);
              hold->begun.release();
              hold->end.acquire();
            },
            this};
  }
};

struct Fixture {
  Fixture(const StrayServer& server, bool through_proxy, int max_idle)
      : endpoint(server.endpoint()),
        destination({.bucket = "bucket", .endpoint = endpoint.Url()}),
        loop(OptionsFor(server, through_proxy), max_idle),
        transport(&loop),
        facts(destination, ResolveBucket(destination).value(), nullptr),
        credentials(test::Fixed({"id", Secret("secret"), Secret()})),
        client(&facts, &credentials, &free.admission,
               {.base_delay = std::chrono::milliseconds(1), .cap = std::chrono::milliseconds(2)},
               ResolveIntegrity({}, destination), &transport, &waiter, {}) {}

  static TransportOptions OptionsFor(const StrayServer& server, bool through_proxy) {
    TransportOptions options;
    options.tls.ca_file = server.ca_file();
    options.proxy.from_environment = false;
    if (through_proxy) options.proxy.url = Secret("http://" + server.endpoint().HostAndPort());
    return options;
  }

  const Endpoint endpoint;
  const DestinationOptions destination;
  const ObjectProperties properties;
  BlockingWaiter waiter;
  EventLoop loop;
  Watched transport;
  StoreContextCache facts;
  CredentialCache credentials;
  test::FreeAdmission free;
  Client client;
};

// Whose response an operation took for its own: its x-amz-request-id or what stands in a list.
using Outcome = Result<std::string>;
Outcome By(Result<Response> answer) {
  return answer.map([](const Response& taken) { return taken.request_id; });
}

struct OperationCase {
  const char* name;
  Outcome (*run)(Fixture& fixture, const std::string& key);
};

const RetryObserver kNobody = [](const RetryEvent&) {};

const OperationCase kOperations[] = {
    {"put",
     [](Fixture& fixture, const std::string& key) {
       return By(fixture.client
                     .PutObject({key, &fixture.properties}, MakePayload(kBody, fixture.client.integrity()),
                                "", kNobody)
                     .answer);
     }},
    {"put large",
     [](Fixture& fixture, const std::string& key) {
       static const auto payload = MakePayload(kLarge, fixture.client.integrity());
       return By(fixture.client.PutObject({key, &fixture.properties}, payload, "", kNobody).answer);
     }},
    {"head",
     [](Fixture& fixture, const std::string& key) {
       return By(fixture.client.HeadObject({key, &fixture.properties}, kNobody).answer);
     }},
    {"create",
     [](Fixture& fixture, const std::string& key) -> Outcome {
       MultipartUpload upload(&fixture.client, {key, &fixture.properties});
       auto created = upload.Create(kNobody);
       if (!created.answer) return tl::unexpected(created.answer.error());
       return upload.upload_id();
     }},
    {"part",
     [](Fixture& fixture, const std::string& key) {
       const MultipartUpload upload(&fixture.client, {key, &fixture.properties}, "token", "id");
       return By(upload.UploadPart(1, MakePayload(kBody, fixture.client.integrity()), kNobody).answer);
     }},
    {"complete",
     [](Fixture& fixture, const std::string& key) {
       MultipartUpload upload(&fixture.client, {key, &fixture.properties}, "token", "id");
       return By(
           upload.Complete({{1, kBody.size(), "\"" + kBodyMd5 + "\"", ""}}, kBody.size(), kNobody).answer);
     }},
    {"abort",
     [](Fixture& fixture, const std::string& key) -> Outcome {
       const MultipartUpload upload(&fixture.client, {key, &fixture.properties}, "token", "id");
       auto aborted = upload.Abort(kNobody);
       if (!aborted.answer) return tl::unexpected(aborted.answer.error());
       return "own";  // it ends with a list that finds nothing
     }},
    {"parts",
     [](Fixture& fixture, const std::string& key) {
       const MultipartUpload upload(&fixture.client, {key, &fixture.properties}, "token", "id");
       return upload.ListParts(kNobody).map([](const std::vector<ListedPart>& parts) {
         return parts.at(0).etag.substr(1, parts.at(0).etag.size() - 2);
       });
     }},
    {"uploads",
     [](Fixture& fixture, const std::string& key) {
       return ListUploadsOf(&fixture.client, key).map([](const std::vector<ListedUpload>& uploads) {
         return uploads.empty() ? "nothing" : uploads[0].upload_id;
       });
     }},
    {"list",
     [](Fixture& fixture, const std::string& key) {
       return By(
           fixture.client
               .Execute(
                   {.build = [&](const BucketAddress& bucket) { return BuildListObjects(bucket, key, ""); }},
                   kNobody)
               .answer);
     }},
    {"tags",
     [](Fixture& fixture, const std::string& key) {
       return By(
           fixture.client
               .Execute({.build =
                             [&](const BucketAddress& bucket) {
                               return BuildPutObjectTagging(bucket, {key, &fixture.properties}, "<Tagging/>");
                             }},
                        kNobody)
               .answer);
     }},
    {"delete",
     [](Fixture& fixture, const std::string& key) {
       return By(fixture.client
                     .Execute({.build =
                                   [&](const BucketAddress& bucket) {
                                     return BuildDeleteObject(bucket, {key, &fixture.properties}, "");
                                   }},
                              kNobody)
                     .answer);
     }},
};

struct Case {
  Position position;
  bool tls;
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.position.name; }

class StrayTest : public testing::TestWithParam<Case> {
 protected:
  // The request to /first. The loop stands still from its end on, until the next request is handed to it.
  static void SendFirst(Fixture& fixture, const Position& position, Turn* turn, Hold* held,
                        HttpResponse* response) {
    HttpRequest request;
    request.method = position.method;
    request.endpoint = fixture.endpoint;
    request.path = "/first";
    if (request.method == "PUT") request.body = position.is_large ? kLarge : kBody;
    fixture.loop.Send(std::move(request), response, held->wake());
    if (position.when == When::kAllAtOnce) {
      Hold reading;
      turn->asked.acquire();
      fixture.loop.WakeAfter({}, reading.wake());
      reading.begun.acquire();
      turn->go.release();
      turn->sent.acquire();
      reading.end.release();
      // It is used until then.
      held->begun.acquire();
      return;
    }
    held->begun.acquire();
    if (position.when == When::kWhileIdle) turn->go.release();
    if (position.when == When::kWhileIdle || position.when == When::kWithResponse) turn->sent.acquire();
  }
};

TEST_P(StrayTest, NoRequestGetsIt) {
  const auto& [position, tls] = GetParam();
  std::list<Turn> turns;  // the server's threads may still have one in hand when its request has ended
  StrayServer server(tls);
  server.SetScript(position.script);
  const bool at_connect = position.when == When::kAtConnect;
  const auto make = [&] { return std::make_unique<Fixture>(server, at_connect && !tls, at_connect ? 0 : 4); };
  auto fixture = make();
  int number = 0, strays = 0;
  for (int i = 0; i < Tries(); ++i) {
    for (const auto& [operation, run] : kOperations) {
      // What is learnt of a server that does not take expectations would end the position.
      if (position.is_large) fixture = make();
      const auto key = "try" + std::to_string(number++);
      auto& turn = turns.emplace_back(Success(operation, key, "stray"));
      Hold held;
      HttpResponse first;
      server.Arm(&turn);
      SendFirst(*fixture, position, &turn, &held, &first);
      if (at_connect) {
        turn.at_connect = true;
        server.Arm(&turn);
      }
      fixture->transport.after_send = [&] {
        if (position.when == When::kBehindRequest) {
          turn.go.release();
          turn.sent.acquire();
        }
        held.end.release();
      };
      const auto outcome = run(*fixture, key);
      if (!first.failure && first.status < 300) {
        ASSERT_EQ(first.headers.Find("x-amz-request-id"), "own") << operation;
      }
      ASSERT_TRUE(outcome) << operation << ": " << outcome.error().message;
      ASSERT_EQ(*outcome, "own") << operation;
      ASSERT_TRUE(server.Did(operation, key)) << operation;
      if (at_connect) turn.sent.acquire();
      ++strays;
    }
  }
  EXPECT_EQ(strays, Tries() * static_cast<int>(std::size(kOperations)));
}

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (const auto& position : kPositions) {
    cases.push_back({position, false});
    cases.push_back({position, true});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Positions, StrayTest, testing::ValuesIn(Cases()), [](const auto& one) {
  return std::string(one.param.position.name) + (one.param.tls ? "Tls" : "Plain");
});

}  // namespace
}  // namespace s3
