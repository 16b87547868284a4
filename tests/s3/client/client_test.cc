// Single requests of the client: attempts, corrections, and what a failure leaves behind.
#include "s3/client/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "tests/support/support.h"

namespace s3 {
namespace client_test {

using std::chrono::milliseconds;
using test::Answered;
using test::ErrorXml;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr RetryOptions kOptions{
    .max_attempts = 5, .base_delay = milliseconds(200), .cap = milliseconds(1000)};

// A client over a transport that follows a script.
class ClientTest : public testing::Test {
 protected:
  RetryResult Put(std::vector<HttpResponse> answers, std::stop_token stop = {}) {
    transport_ = std::make_unique<test::ScriptedTransport>(std::move(answers));
    const auto client = MakeClient(std::move(stop));
    return client->PutObject({"k", &none_}, MakePayload("body", client->integrity()), "",
                             [&](const RetryEvent& event) { retried_attempts_.push_back(event.attempt); });
  }
  std::unique_ptr<Client> MakeClient(std::stop_token stop = {}) {
    return std::make_unique<Client>(&store_, &credentials_, &admission_, kOptions,
                                    IntegrityOptions{.checksum = ChecksumAlgorithm::kNone}, transport_.get(),
                                    &waiter_, std::move(stop));
  }

  const ObjectProperties none_;
  std::vector<std::string> notices_;
  RateLimits limits_;
  AdmissionController admission_{&limits_,
                                 {.notice = [this](std::string_view text) { notices_.emplace_back(text); }}};
  StoreContextCache store_{{}, {{Endpoint{"http", "store", 80}, "/bucket/"}}, nullptr};
  CredentialCache credentials_ = test::Fixed({"id", Secret("secret-access-key"), Secret()});
  BlockingWaiter waiter_;
  std::unique_ptr<test::ScriptedTransport> transport_;
  std::vector<int> retried_attempts_;
};

const HttpResponse kSuccess = Answered(200, {"ETag: \"e\""});

TEST_F(ClientTest, TransientThenSuccess) {
  const auto result = Put({Answered(500), Answered(503, {}, ErrorXml("SlowDown")), kSuccess});
  EXPECT_TRUE(result.response);
  EXPECT_EQ(result.attempts, 3);
  EXPECT_THAT(retried_attempts_, ElementsAre(1, 2));
  EXPECT_EQ(transport_->sleeps.size(), 2u);
}

TEST_F(ClientTest, PermanentIsNotRetried) {
  const auto result = Put({Answered(403, {}, ErrorXml("SignatureDoesNotMatch"))});
  EXPECT_EQ(result.response.error().kind, ErrorKind::kBadCredentials);
  EXPECT_EQ(result.attempts, 1);
}

TEST_F(ClientTest, MaxAttemptsCountsTheFirst) {
  const auto result = Put(std::vector<HttpResponse>(5, Answered(500)));
  EXPECT_EQ(result.response.error().kind, ErrorKind::kTransient);
  EXPECT_EQ(result.attempts, 5);
  EXPECT_EQ(transport_->sleeps.size(), 4u);
}

TEST_F(ClientTest, EveryAttemptIsSignedAgainAndSendsTheWholeBody) {
  Put({Answered(500), kSuccess});
  ASSERT_EQ(transport_->requests.size(), 2u);
  for (const auto& request : transport_->requests) {
    EXPECT_EQ(request.body, "body");
    EXPECT_EQ(std::count_if(request.headers.begin(), request.headers.end(),
                            [](const Header& h) { return h.name == "authorization"; }),
              1);
  }
}

TEST_F(ClientTest, AStopEndsTheLoopAsCancelled) {
  std::stop_source stop;
  stop.request_stop();
  const auto result = Put({Answered(500), kSuccess}, stop.get_token());
  EXPECT_EQ(result.response.error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(result.attempts, 1);
}

// This happens when memory runs out while a request is built.
TEST_F(ClientTest, AnExceptionLeavesNothingInFlight) {
  transport_ = std::make_unique<test::ScriptedTransport>(std::vector<HttpResponse>{});
  const auto client = MakeClient();
  const Operation operation{.build = [](const BucketAddress&) -> HttpRequest { throw std::bad_alloc(); }};
  EXPECT_THROW((void)client->SendWithCorrections(operation, /*is_retry=*/false), std::bad_alloc);
  admission_.NoticeIfSilent();
  EXPECT_THAT(notices_, IsEmpty()) << "it says nothing when no request is in flight";
}

TEST_F(ClientTest, SecretsThatTheStoreRepeatsAreRedacted) {
  const auto result = Put(
      {Answered(400, {}, "<Error><Code>InvalidRequest</Code><Message>secret-access-key</Message></Error>")});
  EXPECT_THAT(result.response.error().message, Not(HasSubstr("secret-access-key")));
  EXPECT_THAT(result.response.error().message, HasSubstr("(redacted)"));
}

// The second send uses a new connection; the third may not be cancelled as slow.
TEST_F(ClientTest, AStragglerIsSentAgainAtOnce) {
  HttpResponse slow;
  slow.failure = Error{.kind = ErrorKind::kSlow, .message = "slow"};
  const auto result = Put({slow, slow, kSuccess});
  EXPECT_TRUE(result.response);
  EXPECT_EQ(result.attempts, 1);
  EXPECT_THAT(transport_->sleeps, IsEmpty());
  std::vector<bool> may_cancel, fresh;
  for (const auto& request : transport_->requests) {
    may_cancel.push_back(request.give_up_when_slow);
    fresh.push_back(request.fresh_connection);
  }
  EXPECT_THAT(may_cancel, ElementsAre(true, true, false));
  EXPECT_THAT(fresh, ElementsAre(false, true, true));
}

TEST_F(ClientTest, AnotherServersResponseIsTemporaryOnceTheStoreHasResponded) {
  HttpResponse other;
  other.failure = Error{.kind = ErrorKind::kWrongEndpoint, .message = "it speaks TLS"};
  EXPECT_EQ(Put({other}).response.error().kind, ErrorKind::kWrongEndpoint);
  transport_ =
      std::make_unique<test::ScriptedTransport>(std::vector<HttpResponse>{kSuccess, other, kSuccess});
  const auto client = MakeClient();
  for (const int attempts : {1, 2}) {
    const auto result = client->PutObject({"k", &none_}, MakePayload("body", client->integrity()), "",
                                          [](const RetryEvent&) {});
    EXPECT_TRUE(result.response);
    EXPECT_EQ(result.attempts, attempts);
  }
}

}  // namespace client_test
}  // namespace s3
