// A client whose event loop a test can block, and all operations that a stray response could deceive.
#pragma once

#include <functional>
#include <ostream>
#include <semaphore>
#include <string>
#include <utility>

#include "s3/client/client.h"
#include "s3/client/multipart.h"
#include "s3/stores/store_profiles.h"
#include "s3/transport/event_loop.h"
#include "tests/support/stray_server.h"

namespace test {

// Calls `after_send` as soon as the loop's command queue has the next request.
class ObservedTransport final : public s3::Transport {
 public:
  explicit ObservedTransport(s3::Transport* inner) : inner_(inner) {}
  void Send(s3::HttpRequest&& request, s3::HttpResponse* response, s3::Wake wake) override {
    inner_->Send(std::move(request), response, wake);
    if (auto then = std::exchange(after_send, nullptr)) then();
  }
  void WakeAfter(std::chrono::milliseconds delay, s3::Wake wake) override { inner_->WakeAfter(delay, wake); }
  void CancelSleeps() override { inner_->CancelSleeps(); }
  void Abort() override { inner_->Abort(); }

  std::function<void()> after_send;

 private:
  s3::Transport* const inner_;
};

// Its wake() blocks the thread that calls it, which is the event loop's, until `end` is released.
struct LoopBlocker {
  std::binary_semaphore begun{0}, end{0};
  s3::Wake wake() {
    return {[](void* self) {
              auto* const blocker = static_cast<LoopBlocker*>(self);
              blocker->begun.release();
              blocker->end.acquire();
            },
            this};
  }
};

struct StrayFixture {
  StrayFixture(const StrayServer& server, s3::TransportKind kind, bool through_proxy, int max_idle)
      : endpoint(server.endpoint()),
        destination({.bucket = "bucket", .endpoint = endpoint.Url()}),
        loop(OptionsFor(server, kind, through_proxy), max_idle),
        transport(&loop),
        facts(destination, s3::ResolveBucket(destination).value(), nullptr),
        credentials(Fixed({"id", s3::Secret("secret"), s3::Secret()})),
        client(&facts, &credentials, &free.admission,
               {.base_delay = std::chrono::milliseconds(1), .cap = std::chrono::milliseconds(2)},
               s3::ResolveIntegrity({}, destination), &transport, &waiter, {}) {}

  static s3::TransportOptions OptionsFor(const StrayServer& server, s3::TransportKind kind,
                                         bool through_proxy) {
    s3::TransportOptions options;
    options.kind = kind;
    options.tls.ca_file = server.ca_file();
    options.proxy.from_environment = false;
    if (through_proxy) options.proxy.url = s3::Secret("http://" + server.endpoint().HostAndPort());
    return options;
  }

  const s3::Endpoint endpoint;
  const s3::DestinationOptions destination;
  const s3::ObjectProperties properties;
  s3::BlockingWaiter waiter;
  s3::EventLoop loop;
  ObservedTransport transport;
  s3::StoreContextCache facts;
  s3::CredentialCache credentials;
  FreeAdmission free;
  s3::Client client;
};

// Tells which response an operation accepted: its x-amz-request-id, or the entry of a list.
using Outcome = s3::Result<std::string>;
inline Outcome IdOf(s3::Result<s3::Response> answer) {
  return answer.map([](const s3::Response& taken) { return taken.request_id; });
}

struct OperationCase {
  const char* name;
  Outcome (*run)(StrayFixture& fixture, const std::string& key);
};

inline const s3::RetryObserver kNoObserver = [](const s3::RetryEvent&) {};

inline const OperationCase kOperations[] = {
    {"put",
     [](StrayFixture& fixture, const std::string& key) {
       return IdOf(fixture.client
                       .PutObject({key, &fixture.properties},
                                  s3::MakePayload(kBody, fixture.client.integrity()), "", kNoObserver)
                       .response);
     }},
    {"put large",
     [](StrayFixture& fixture, const std::string& key) {
       static const auto payload = s3::MakePayload(kLarge, fixture.client.integrity());
       return IdOf(fixture.client.PutObject({key, &fixture.properties}, payload, "", kNoObserver).response);
     }},
    {"head",
     [](StrayFixture& fixture, const std::string& key) {
       return IdOf(fixture.client.HeadObject({key, &fixture.properties}, kNoObserver).response);
     }},
    {"create",
     [](StrayFixture& fixture, const std::string& key) -> Outcome {
       s3::MultipartUpload upload(&fixture.client, {key, &fixture.properties});
       auto created = upload.Create(kNoObserver);
       if (!created.response) return tl::unexpected(created.response.error());
       return upload.upload_id();
     }},
    {"part",
     [](StrayFixture& fixture, const std::string& key) {
       const s3::MultipartUpload upload(&fixture.client, {key, &fixture.properties}, "token", "id");
       return IdOf(
           upload.UploadPart(1, s3::MakePayload(kBody, fixture.client.integrity()), kNoObserver).response);
     }},
    {"complete",
     [](StrayFixture& fixture, const std::string& key) {
       s3::MultipartUpload upload(&fixture.client, {key, &fixture.properties}, "token", "id");
       return IdOf(upload.Complete({{1, kBody.size(), "\"" + kBodyMd5 + "\"", ""}}, kBody.size(), kNoObserver)
                       .response);
     }},
    {"abort",
     [](StrayFixture& fixture, const std::string& key) -> Outcome {
       const s3::MultipartUpload upload(&fixture.client, {key, &fixture.properties}, "token", "id");
       auto aborted = upload.Abort(kNoObserver);
       if (!aborted.response) return tl::unexpected(aborted.response.error());
       return "own";  // Abort ends when ListParts finds no upload
     }},
    {"parts",
     [](StrayFixture& fixture, const std::string& key) {
       const s3::MultipartUpload upload(&fixture.client, {key, &fixture.properties}, "token", "id");
       return upload.ListParts(kNoObserver).map([](const std::vector<s3::ListedPart>& parts) {
         return parts.at(0).etag.substr(1, parts.at(0).etag.size() - 2);
       });
     }},
    {"uploads",
     [](StrayFixture& fixture, const std::string& key) {
       return s3::ListUploadsOf(&fixture.client, key).map([](const std::vector<s3::ListedUpload>& uploads) {
         return uploads.empty() ? "nothing" : uploads[0].upload_id;
       });
     }},
    {"list",
     [](StrayFixture& fixture, const std::string& key) {
       return IdOf(fixture.client
                       .Execute({.build =
                                     [&](const s3::BucketAddress& bucket) {
                                       return s3::BuildListObjects(bucket, key, "");
                                     }},
                                kNoObserver)
                       .response);
     }},
    {"tags",
     [](StrayFixture& fixture, const std::string& key) {
       return IdOf(
           fixture.client
               .Execute(
                   {.build =
                        [&](const s3::BucketAddress& bucket) {
                          return s3::BuildPutObjectTagging(bucket, {key, &fixture.properties}, "<Tagging/>");
                        }},
                   kNoObserver)
               .response);
     }},
    {"delete",
     [](StrayFixture& fixture, const std::string& key) {
       return IdOf(fixture.client
                       .Execute({.build =
                                     [&](const s3::BucketAddress& bucket) {
                                       return s3::BuildDeleteObject(bucket, {key, &fixture.properties}, "");
                                     }},
                                kNoObserver)
                       .response);
     }},
};

}  // namespace test
