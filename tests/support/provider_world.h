// Fakes of STS, IAM Identity Center, the container's agent and EC2's metadata service on the loopback
// interface, and a home directory: everything that the chain of credential providers reads.
#pragma once

#include <fmt/chrono.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "s3/credentials/providers/chain.h"
#include "tests/support/raw_server.h"
#include "tests/support/support.h"

namespace test {

using s3::CredentialOptions;
using s3::HttpRequest;
using s3::LoadCredentials;
using s3::ProvidedCredentials;
using s3::ProviderContext;
using s3::Result;
using s3::SendOverHttp;
using s3::TransportOptions;
using Variables = std::map<std::string, std::string>;

inline std::string In(std::chrono::seconds time) {
  return fmt::format(
      "{:%Y-%m-%dT%H:%M:%SZ}",
      fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() + time)));
}

inline std::string StsXml(std::string_view action, std::string_view expiration) {
  return fmt::format(
      "<{0}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{0}Result><Credentials>"
      "<AccessKeyId>STSID</AccessKeyId><SecretAccessKey>stssecret</SecretAccessKey>"
      "<SessionToken>ststoken</SessionToken><Expiration>{1}</Expiration></Credentials></{0}Result></"
      "{0}Response>",
      action, expiration);
}

inline std::string KeysJson(std::string_view id, std::string_view expiration, std::string_view more = "") {
  return fmt::format(
      R"({{"AccessKeyId": "{}", "SecretAccessKey": "jsonsecret", "Token": "jsontoken", "Expiration": "{}"{}}})",
      id, expiration, more);
}

// All services together. They respond as the real ones, unless a test changes `answers`.
struct World {
  World() { environment["HOME"] = home.path(); }

  HttpAnswer Serve(const HttpCall& call) {
    for (const auto& [prefix, answer] : answers) {
      if ((call.method + " " + call.target).starts_with(prefix)) return answer;
    }
    const auto later = In(std::chrono::hours(1));
    if (call.body.starts_with("Action=AssumeRole&")) return {200, StsXml("AssumeRole", later)};
    if (call.body.starts_with("Action=AssumeRoleWithWebIdentity&")) {
      return {200, StsXml("AssumeRoleWithWebIdentity", later)};
    }
    if (call.target.starts_with("/federation/credentials?")) {
      const auto end = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()) + 3600;
      return {200, fmt::format(R"({{"roleCredentials": {{"accessKeyId": "SSOID", "secretAccessKey": "s",
                                  "sessionToken": "t", "expiration": {}000}}}})",
                               end)};
    }
    if (call.target == "/latest/api/token") return {200, "imdstoken"};
    if (call.target == kRoles) return {200, "the-role\n"};
    if (call.target == kRoles + "the-role") return {200, KeysJson("IMDSID", later, R"(, "Code": "Success")")};
    if (call.target.starts_with("/creds")) return {200, KeysJson("BOXID", later)};
    return {404, ""};
  }

  Result<ProvidedCredentials> Load() {
    environment.try_emplace("AWS_ENDPOINT_URL_STS", service.url());
    environment.try_emplace("AWS_ENDPOINT_URL_SSO", service.url());
    ProviderContext context;
    context.environment = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = environment.find(name);
      return found == environment.end() ? std::nullopt : std::optional(found->second);
    };
    context.warn = [this](std::string_view text) { warnings.emplace_back(text); };
    // Redirects requests to link-local addresses to the fake, because this machine does not have those
    // addresses.
    context.send = [this](const HttpRequest& request, const TransportOptions& options,
                          const ProviderContext& asking) {
      auto redirected = request;
      if (request.endpoint.host.starts_with("169.254.") || request.endpoint.host.starts_with("[fd00:ec2:")) {
        local.push_back(request.endpoint.host);
        through_proxy = through_proxy || options.proxy.from_environment || !options.proxy.url.empty();
        redirected.endpoint = service.endpoint();
      }
      return SendOverHttp(redirected, options, asking);
    };
    return LoadCredentials(job, context);
  }

  // Returns the access key ID, or "error: " and the message.
  std::string Outcome() {
    const auto loaded = Load();
    return loaded ? loaded->credentials.access_key_id : "error: " + loaded.error().message;
  }

  void Write(const std::string& name, const std::string& text) { home.Write(".aws/" + name, text); }

  static inline const std::string kRoles = "/latest/meta-data/iam/security-credentials/";
  test::TempDir home;
  Variables environment;
  CredentialOptions job;
  std::vector<std::pair<std::string, HttpAnswer>> answers;  // key: the beginning of "METHOD TARGET"
  std::vector<std::string> warnings, local;
  bool through_proxy = false;
  test::HttpDouble service{[this](const HttpCall& call) { return Serve(call); }};
};

inline constexpr const char* kKeys =
    "[default]\naws_access_key_id = FILEID\naws_secret_access_key = filesecret\n";
inline constexpr const char* kRole =
    "[profile r]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\n"
    "[profile base]\naws_access_key_id = BASEID\naws_secret_access_key = basesecret\n";

struct Case {
  const char* name;
  Variables environment;
  std::string config, credentials;
  const char* expected;  // the access key ID, or "error: " and a part of the message
  std::vector<std::pair<std::string, HttpAnswer>> answers{};
};

inline void Check(const std::vector<Case>& cases) {
  for (const auto& one : cases) {
    World world;
    world.environment.insert(one.environment.begin(), one.environment.end());
    if (!world.environment.contains("AWS_EC2_METADATA_DISABLED")) {
      world.environment["AWS_EC2_METADATA_DISABLED"] = "true";
    }
    if (!one.config.empty()) world.Write("config", one.config);
    if (!one.credentials.empty()) world.Write("credentials", one.credentials);
    world.answers = one.answers;
    const auto outcome = world.Outcome();
    if (std::string_view(one.expected).starts_with("error: ")) {
      EXPECT_TRUE(outcome.starts_with("error: ")) << one.name << ": " << outcome;
      EXPECT_THAT(outcome, testing::HasSubstr(one.expected + 7)) << one.name;
    } else {
      EXPECT_EQ(outcome, one.expected) << one.name;
    }
    EXPECT_THAT(outcome, testing::Not(testing::HasSubstr("secret/"))) << one.name;
  }
}

inline const Variables kEnvironmentKeys{{"AWS_ACCESS_KEY_ID", "ENVID"}, {"AWS_SECRET_ACCESS_KEY", "s"}};
inline Variables With(Variables base, const Variables& more) {
  base.insert(more.begin(), more.end());
  return base;
}

}  // namespace test
