#include "s3/credentials/providers/sts.h"

#include <fmt/format.h>

#include "s3/api/classify_response.h"
#include "s3/api/sigv4.h"
#include "s3/credentials/providers/documents.h"
#include "s3/hash/hash.h"

namespace s3 {
namespace {

// The parameters of a request. Encode() writes them as application/x-www-form-urlencoded, but a space becomes
// %20, as in UriEncode(), and not '+'.
using Form = std::vector<QueryParam>;
std::string Encode(const Form& form) {
  std::string text;
  for (const auto& [name, value] : form) {
    if (value.empty()) continue;
    text += fmt::format("{}{}={}", text.empty() ? "" : "&", name, UriEncode(value, false));
  }
  return text;
}

Form RoleForm(std::string_view action, const AssumedRole& role) {
  return {{"Action", std::string(action)},
          {"Version", "2011-06-15"},
          {"RoleArn", role.role_arn},
          {"RoleSessionName", role.session_name},
          {"DurationSeconds", role.duration_seconds}};
}

HttpRequest PostTo(const Endpoint& endpoint, std::string_view body) {
  HttpRequest request;
  request.method = "POST";
  request.endpoint = endpoint;
  request.path = "/";
  request.headers = {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"}};
  request.body = body;
  return request;
}

// Reads the credentials in a response of STS. Removes `secret` from error messages.
Result<Credentials> Read(HttpResponse response, std::string_view action, const Secret& secret,
                         const std::string& who) {
  const auto headers = response.headers;
  auto classified = ClassifyResponse(std::move(response), false);
  if (!classified) {
    auto& error = classified.error();
    RedactIn(&error.message, secret);
    error.message = fmt::format("{}: {}{}{}", who, error.code, error.code.empty() ? "" : ": ", error.message);
    // The kinds of ClassifyResponse describe requests to a store. For STS every kind has the same effect:
    // there are no credentials.
    if (error.kind != ErrorKind::kClockSkewed) error.kind = ErrorKind::kBadCredentials;
    return tl::unexpected(error);
  }
  auto credentials = CredentialsFromSts(classified->body, action);
  if (!credentials) {
    credentials.error().message = fmt::format("{}: the response {}", who, credentials.error().message);
    return credentials;
  }
  credentials->expires = ByOurClock(*credentials->expires, headers);
  return credentials;
}

std::string Who(std::string_view action, const AssumedRole& role, const StsOptions& sts) {
  return fmt::format("{} of {} at {}", action, role.role_arn, sts.endpoint);
}

// Returns STS's time minus ours if STS refused the request and the difference may be the reason; else
// nothing.
std::optional<std::chrono::seconds> SkewOf(const HttpResponse& response) {
  constexpr std::chrono::minutes kTolerated{4};  // STS accepts 5
  if (response.status < 400 || response.status > 499) return std::nullopt;
  const auto theirs = ParseHttpDate(response.headers.Find("date").value_or(""));
  if (!theirs) return std::nullopt;
  const auto skew = *theirs - std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  if (std::chrono::abs(skew) < kTolerated) return std::nullopt;
  return skew;
}

}  // namespace

Result<Credentials> AssumeRole(const AssumedRole& role, const StsOptions& sts, const Credentials& base,
                               const ProviderContext& context) {
  constexpr std::string_view kAction = "AssumeRole";
  const auto endpoint = ParseEndpoint(sts.endpoint);
  if (!endpoint) return tl::unexpected(endpoint.error());
  auto form = RoleForm(kAction, role);
  form.emplace_back("ExternalId", role.external_id);
  const auto body = Encode(form);
  const auto who = Who(kAction, role, sts);
  Signer signer(sts.region, "sts");
  const auto ask = [&](std::chrono::seconds offset) {
    auto request = PostTo(*endpoint, body);
    signer.SignHeaders(&request, Sha256Hex(body), base, std::chrono::system_clock::now() + offset);
    return SendWithRetries(context, request, ServiceTransport(context), kServiceAttempts, who);
  };
  auto response = ask(std::chrono::seconds(0));
  if (response) {
    if (const auto skew = SkewOf(*response)) response = ask(*skew);
  }
  if (!response) return tl::unexpected(response.error());
  return Read(std::move(*response), kAction, base.session_token, who);
}

Result<Credentials> AssumeRoleWithWebIdentity(const AssumedRole& role, const StsOptions& sts,
                                              const Secret& token, const ProviderContext& context) {
  constexpr std::string_view kAction = "AssumeRoleWithWebIdentity";
  const auto endpoint = ParseEndpoint(sts.endpoint);
  if (!endpoint) return tl::unexpected(endpoint.error());
  auto form = RoleForm(kAction, role);
  form.emplace_back("WebIdentityToken", std::string(token.Reveal()));
  auto body = Encode(form);
  const auto who = Who(kAction, role, sts);
  auto request = PostTo(*endpoint, body);
  request.headers.push_back({"host", endpoint->HostHeader()});
  auto response = SendWithRetries(context, request, ServiceTransport(context), kServiceAttempts, who);
  for (auto* secret : {&body, &form.back().second}) explicit_bzero(secret->data(), secret->size());
  if (!response) return tl::unexpected(response.error());
  return Read(std::move(*response), kAction, token, who);
}

}  // namespace s3
