#include "s3/client.h"

namespace s3 {

Client::Client(BucketAddress bucket, std::string region, Credentials credentials, RetryOptions retry,
               Transport* transport, Waiter* waiter, std::stop_token stop)
    : bucket_(std::move(bucket)),
      credentials_(std::move(credentials)),
      retry_(retry),
      transport_(transport),
      waiter_(waiter),
      stop_(std::move(stop)),
      signer_(std::move(region)) {}

Settled Client::PutObject(const PutObjectInput& input, const RetryObserver& on_retry) {
  return Settle([&] { return BuildPutObject(bucket_, input); }, input.body_sha256, true, on_retry);
}

Settled Client::HeadObject(std::string_view key, const RetryObserver& on_retry) {
  static const std::string kEmptySha256 = Sha256Hex("");
  return Settle([&] { return BuildHeadObject(bucket_, key); }, kEmptySha256, true, on_retry);
}

Settled Client::Settle(const std::function<HttpRequest()>& build, std::string_view payload_hash,
                       bool wants_etag, const RetryObserver& on_retry) {
  RetryHooks hooks;
  hooks.sleep = [this](std::chrono::milliseconds delay) { return Sleep(delay); };
  hooks.on_retry = on_retry;
  return RunAttempts(retry_, hooks, [&] { return Attempt(build(), payload_hash, wants_etag); });
}

Result<Answer> Client::Attempt(HttpRequest request, std::string_view payload_hash, bool wants_etag) {
  signer_.SignHeaders(&request, payload_hash, credentials_, std::chrono::system_clock::now());
  HttpResponse response;
  waiter_->Wait([&](Wake wake) { transport_->Send(request, &response, wake); });
  return Judge(response, wants_etag);
}

bool Client::Sleep(std::chrono::milliseconds delay) {
  if (!stop_.stop_requested()) {
    waiter_->Wait([&](Wake wake) { transport_->WakeAfter(delay, wake); });
  }
  return !stop_.stop_requested();
}

}  // namespace s3
