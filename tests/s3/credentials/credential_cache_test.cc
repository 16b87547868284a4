// Credentials that expire during the work: they are renewed early, waited for, given up, and never mixed.
#include "s3/credentials/credential_cache.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>

#include "s3/api/sigv4.h"
#include "tests/support/support.h"

namespace s3 {
namespace credential_cache_test {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::system_clock;
using testing::HasSubstr;

// ID, secret and token of generation `i` contain its number.
Credentials Generation(int i, std::optional<system_clock::duration> life = std::nullopt) {
  Credentials credentials{fmt::format("ID{}", i), Secret(fmt::format("secret{}", i)),
                          Secret(fmt::format("token{}", i))};
  if (life) credentials.expires = system_clock::now() + *life;
  return credentials;
}

// A source of generations; `give` decides about each.
struct Source {
  // Returns the result of the n-th request, counted from 1.
  std::function<Result<Credentials>(int)> give;
  std::atomic<int> asked{0};

  FetchCredentials Fetch() {
    return [this](std::stop_token) -> Result<ProvidedCredentials> {
      auto given = give(++asked);
      if (!given) return tl::unexpected(given.error());
      return ProvidedCredentials{std::move(*given), "the source", true};
    };
  }
};

struct Notices {
  mutable std::mutex mutex;
  std::vector<std::string> texts;
  std::function<void(std::string_view)> Take() {
    return [this](std::string_view text) {
      std::lock_guard lock(mutex);
      texts.emplace_back(text);
    };
  }
  std::vector<std::string> All() const {
    std::lock_guard lock(mutex);
    return texts;
  }
};

Result<Credentials> Refuse(std::string why = "the source is down") {
  return Fail(ErrorKind::kBadCredentials, why);
}

TEST(CredentialCache, CredentialsThatDoNotExpireAreNeverFetchedAgain) {
  Source source{[](int i) { return Generation(i); }};
  BlockingWaiter waiter;
  {
    CredentialCache cache({Generation(0), "test", true}, source.Fetch(), {}, nullptr);
    for (int i = 0; i < 100; ++i) EXPECT_EQ((*cache.Get(&waiter))->access_key_id, "ID0");
    EXPECT_EQ(cache.renewals(), 0u);
  }
  EXPECT_EQ(source.asked, 0);
}

TEST(CredentialCache, RenewsBeforeTheExpiryWhileTheWorkContinues) {
  Source source{[](int i) { return Generation(i, hours(1)); }};
  Notices notices;
  BlockingWaiter waiter;
  // The advisory window begins after half of the lifetime: after 20 ms.
  CredentialCache cache({Generation(0, milliseconds(40)), "test", true}, source.Fetch(), {}, notices.Take());
  while (cache.renewals() == 0) std::this_thread::yield();
  EXPECT_EQ((*cache.Get(&waiter))->access_key_id, "ID1");
  EXPECT_EQ(source.asked, 1);
  EXPECT_TRUE(notices.All().empty()) << "a renewal that works gives no notice";
}

TEST(CredentialCache, RenewsAgainAndAgain) {
  Source source{[](int i) { return Generation(i, milliseconds(30)); }};
  BlockingWaiter waiter;
  CredentialCache cache({Generation(0, milliseconds(30)), "test", true}, source.Fetch(), {}, nullptr);
  while (cache.renewals() < 10) {
    const auto snapshot = cache.Get(&waiter);
    ASSERT_TRUE(snapshot);
  }
}

// A failure in the advisory window gives one notice, and the old credentials are used until they expire.
TEST(CredentialCache, AFailureBeforeTheExpiryIsReportedOnceAndTheOldKeysAreUsed) {
  Source source{[](int) { return Refuse(); }};
  Notices notices;
  BlockingWaiter waiter;
  RenewalOptions options{.advisory = hours(2), .mandatory = hours(1)};
  CredentialCache cache({Generation(0, minutes(1)), "test", true}, source.Fetch(), options, notices.Take());
  // The windows of a short lifetime are short: nothing is fetched for half a minute.
  EXPECT_TRUE(cache.Get(&waiter));
  EXPECT_EQ(source.asked, 0);

  Source soon{[](int) { return Refuse("hush"); }};
  CredentialCache short_lived({Generation(0, milliseconds(2000)), "test", true}, soon.Fetch(), options,
                              notices.Take());
  while (notices.All().empty()) std::this_thread::yield();
  EXPECT_THAT(notices.All()[0], HasSubstr("cannot renew the credentials"));
  const auto snapshot = short_lived.Get(&waiter);
  ASSERT_TRUE(snapshot);
  EXPECT_EQ((*snapshot)->access_key_id, "ID0");
}

TEST(CredentialCache, ARefusalByTheStoreRenewsThemOnceForAllWaiters) {
  Source source{[](int i) { return Generation(i, hours(1)); }};
  CredentialCache cache({Generation(0, hours(1)), "test", true}, source.Fetch(), {}, nullptr);
  BlockingWaiter first;
  const auto used = *cache.Get(&first);
  std::vector<std::jthread> threads;
  std::atomic<int> renewed{0};
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] {
      BlockingWaiter waiter;
      if (cache.Renew(used, &waiter)) ++renewed;
    });
  }
  threads.clear();
  EXPECT_EQ(renewed, 16);
  EXPECT_EQ(source.asked, 1) << "fetched once, not once for each waiter";
  EXPECT_EQ(cache.renewals(), 1u);
}

TEST(CredentialCache, TheSameKeysAgainAreNoRenewal) {
  // The first fetch returns the refused keys again, the second returns others.
  Source source{[](int i) { return i < 2 ? Generation(0, hours(1)) : Generation(i, hours(1)); }};
  Notices notices;
  CredentialCache cache({Generation(0, hours(1)), "test", true}, source.Fetch(), {}, notices.Take());
  BlockingWaiter waiter;
  const auto used = *cache.Get(&waiter);
  EXPECT_TRUE(cache.Renew(used, &waiter));
  EXPECT_EQ((*cache.Get(&waiter))->access_key_id, "ID2");
  while (notices.All().size() < 2) std::this_thread::yield();
  EXPECT_THAT(notices.All()[0],
              HasSubstr("returned the same credentials again; new requests wait for up to 300 s"));
  EXPECT_THAT(notices.All()[1], HasSubstr("the run continues"));
  EXPECT_EQ(cache.renewals(), 1u);
}

TEST(CredentialCache, GivesUpWhenPatienceEnds) {
  Source source{[](int) { return Refuse(); }};
  Notices notices;
  CredentialCache cache({Generation(0, milliseconds(-1)), "test", true}, source.Fetch(),
                        {.patience = milliseconds(50)}, notices.Take());
  BlockingWaiter waiter;
  const auto none = cache.Get(&waiter);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::kNoCredentials);
  EXPECT_THAT(none.error().message, HasSubstr("the credentials have expired (test): the source is down"));
  EXPECT_FALSE(cache.Get(&waiter)) << "at every later call";
  const auto asked = source.asked.load();
  EXPECT_FALSE(cache.Get(&waiter));
  EXPECT_EQ(source.asked, asked);
  EXPECT_EQ(notices.All().size(), 1u) << "reported once";
}

TEST(CredentialCache, ExpiredCredentialsFromTheSourceAreAFailure) {
  Source source{[](int i) { return Generation(i, milliseconds(-1)); }};
  CredentialCache cache({Generation(0, milliseconds(-1)), "test", true}, source.Fetch(),
                        {.patience = milliseconds(10)}, nullptr);
  BlockingWaiter waiter;
  const auto none = cache.Get(&waiter);
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("returned credentials that have already expired"));
}

TEST(CredentialCache, CredentialsThatCannotBeRenewedFailAtOnce) {
  BlockingWaiter waiter;
  CredentialCache fixed({Generation(0), "the job file", false}, nullptr, {}, nullptr);
  const auto used = *fixed.Get(&waiter);
  EXPECT_FALSE(fixed.Renew(used, &waiter));
  const auto none = fixed.Get(&waiter);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::kNoCredentials);
  EXPECT_THAT(none.error().message, HasSubstr("(the job file): their source cannot renew them"));
}

TEST(CredentialCache, CancelEndsTheWait) {
  std::latch asked(1), answer(1);
  CredentialCache cache(
      {Generation(0, milliseconds(-1)), "test", true},
      [&](std::stop_token) -> Result<ProvidedCredentials> {
        asked.count_down();
        answer.wait();
        return Fail(ErrorKind::kBadCredentials, "too late");
      },
      {}, nullptr);
  std::jthread canceller([&] {
    asked.wait();
    cache.Cancel();
  });
  BlockingWaiter waiter;
  const auto none = cache.Get(&waiter);
  canceller.join();
  answer.count_down();
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::kCancelled);
}

// In the mandatory window the work waits for one attempt. If that fails, the old credentials are used.
TEST(CredentialCache, WaitsForOneAttemptInTheMandatoryWindow) {
  const auto first = Generation(0, milliseconds(3000));
  const auto mandatory_at = *first.expires - milliseconds(500);  // the window begins 600 ms before the expiry
  std::atomic<bool> tried{false};
  CredentialCache cache(
      {first, "test", true},
      [&](std::stop_token) -> Result<ProvidedCredentials> {
        while (system_clock::now() < mandatory_at + milliseconds(50)) std::this_thread::yield();
        tried = true;
        return Fail(ErrorKind::kBadCredentials, "the source is down");
      },
      {}, nullptr);
  BlockingWaiter waiter;
  while (system_clock::now() < mandatory_at) std::this_thread::yield();
  const auto snapshot = cache.Get(&waiter);
  EXPECT_TRUE(tried) << "Get did not wait for the attempt";
  ASSERT_TRUE(snapshot) << snapshot.error().message;
  EXPECT_EQ((*snapshot)->access_key_id, "ID0");
}

TEST(CredentialCache, ASignatureNeverMixesTwoGenerations) {
  constexpr int kThreads = 64, kSignatures = 100'000;
  Source source{[](int i) { return Generation(i, milliseconds(8)); }};
  CredentialCache cache({Generation(0, milliseconds(8)), "test", true}, source.Fetch(), {}, nullptr);
  Signer signer("us-east-1");
  const auto time = system_clock::now();
  const auto sign = [&](Signer& with, const Credentials& credentials) {
    HttpRequest request;
    request.method = "PUT";
    request.endpoint = {"http", "h", 80};
    request.path = "/k";
    with.SignHeaders(&request, kUnsignedPayload, credentials, time);
    return request.headers;
  };
  std::atomic<int> left{kSignatures}, mixed{0};
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      BlockingWaiter waiter;
      while (left-- > 0) {
        const auto snapshot = cache.Get(&waiter);
        if (!snapshot) {
          ++mixed;
          continue;
        }
        const auto headers = sign(signer, **snapshot);
        const auto& authorization = headers.back().value;
        const auto begin = authorization.find("Credential=ID") + 13;
        const auto generation = std::stoi(authorization.substr(begin));
        // Signs again with a signer that has never seen another secret.
        Signer alone("us-east-1");
        const auto expected = sign(alone, Generation(generation));
        for (std::size_t h = 0; h < headers.size(); ++h) mixed += headers[h].value != expected[h].value;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(mixed, 0);
  EXPECT_GT(cache.renewals(), 20u) << "without renewals the test proves nothing";
  fmt::print("{} generations over {} signatures\n", cache.renewals(), kSignatures);
}

}  // namespace credential_cache_test
}  // namespace s3
