#include "s3/credentials/providers/sso.h"

#include <fmt/format.h>

#include "s3/credentials/providers/configured.h"
#include "s3/credentials/providers/documents.h"
#include "s3/hash/hash.h"
#include "s3/stores/address.h"

namespace s3 {
namespace {

struct Login {
  std::string cached_as;  // the SHA-1 of this text is the name of the cache file
  std::string region;
  std::string account_id;
  std::string role_name;
};

std::string Sha1Hex(std::string_view text) {
  Digest digest(Digest::Kind::kSha1);
  digest.Update(text);
  return HexEncode(digest.Finish());
}

Result<Login> ReadLogin(const Profiles& profiles, const std::string& name) {
  const auto& profile = *profiles.Find(name);
  Login login{std::string(profile.Find("sso_start_url")), std::string(profile.Find("sso_region")),
              std::string(profile.Find("sso_account_id")), std::string(profile.Find("sso_role_name"))};
  if (const auto session = profile.Find("sso_session"); !session.empty()) {
    const auto* settings = profiles.FindSsoSession(session);
    if (settings == nullptr) {
      return BadCredentials(fmt::format("profile [{}]: there is no [sso-session {}] in {}", name, session,
                                        profiles.config_path()));
    }
    const auto region = settings->find("sso_region");
    login.region = region == settings->end() ? "" : region->second.Reveal();
    login.cached_as = session;
  }
  for (const auto& [setting, value] : {std::pair("sso_start_url", &login.cached_as),
                                       {"sso_region", &login.region},
                                       {"sso_account_id", &login.account_id},
                                       {"sso_role_name", &login.role_name}}) {
    if (value->empty())
      return BadCredentials(fmt::format("profile [{}]: IAM Identity Center needs {}", name, setting));
  }
  return login;
}

Result<Credentials> FetchFor(const Login& login, const std::string& name, const Profiles& profiles,
                             const ProviderContext& context) {
  const auto path = fmt::format("{}/.aws/sso/cache/{}.json", context.environment("HOME").value_or(""),
                                Sha1Hex(login.cached_as));
  const auto advice = fmt::format("run: aws sso login --profile {}", name);
  const auto text = ReadSecretFile(path);
  if (!text)
    return BadCredentials(
        fmt::format("profile [{}]: there is no login ({}); {}", name, text.error().message, advice));
  const auto token = SsoTokenFromJson(text->Reveal());
  if (!token) return BadCredentials(fmt::format("{} {}; {}", path, token.error().message, advice));
  if (token->expires <= std::chrono::system_clock::now()) {
    return BadCredentials(
        fmt::format("profile [{}]: the login of IAM Identity Center has expired; {}", name, advice));
  }
  const auto configured = Configured(&context.environment, &profiles, name).Endpoint("sso");
  if (!configured) return BadCredentials(configured.error().message);
  const auto url = *configured
                       ? (*configured)->value
                       : fmt::format("https://portal.sso.{}.{}", login.region, AwsDnsSuffix(login.region));
  const auto endpoint = ParseEndpoint(url);
  if (!endpoint) {
    return BadCredentials(
        fmt::format("{}: {}", *configured ? (*configured)->source : "the portal of IAM Identity Center",
                    endpoint.error().message));
  }
  HttpRequest request;
  request.method = "GET";
  request.endpoint = *endpoint;
  request.path = "/federation/credentials";
  request.query = {{"role_name", login.role_name}, {"account_id", login.account_id}};
  request.headers = {{"host", endpoint->HostHeader()}};
  request.secret_headers = {{"x-amz-sso_bearer_token", token->access_token}};
  const auto who = fmt::format("the portal of IAM Identity Center at {}", url);
  const auto response = SendWithRetries(context, request, ServiceTransport(context), kServiceAttempts, who);
  if (!response) return tl::unexpected(response.error());
  if (response->status != 200) {
    const auto code = RefusalCode(response->body);
    return BadCredentials(fmt::format("{}: HTTP {}{}{}{}", who, response->status, code.empty() ? "" : ", ",
                                      code, response->status == 401 ? "; " + advice : ""));
  }
  auto credentials = CredentialsFromSso(response->body);
  if (!credentials)
    return BadCredentials(fmt::format("{}: the response {}", who, credentials.error().message));
  credentials->expires = ByOurClock(*credentials->expires, response->headers);
  return credentials;
}

}  // namespace

std::optional<Result<Credentials>> SsoCredentials(const Profiles& profiles, const std::string& name,
                                                  const ProviderContext& context) {
  const auto* profile = profiles.Find(name);
  if (profile == nullptr || (!profile->Has("sso_session") && !profile->Has("sso_start_url")))
    return std::nullopt;
  const auto login = ReadLogin(profiles, name);
  if (!login) return tl::unexpected(login.error());
  return FetchFor(*login, name, profiles, context);
}

}  // namespace s3
