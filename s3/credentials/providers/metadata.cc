#include "s3/credentials/providers/metadata.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <charconv>

#include "s3/credentials/providers/checked.h"
#include "s3/credentials/providers/configured.h"
#include "s3/credentials/providers/documents.h"
#include "s3/credentials/providers/profiles.h"

namespace s3 {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kContainerHost = "http://169.254.170.2";
constexpr std::string_view kInstanceHost = "http://169.254.169.254";
constexpr std::string_view kInstanceHostV6 = "http://[fd00:ec2::254]";
constexpr int kContainerAttempts = 3;
constexpr milliseconds kContainerTimeout{2'000};

HttpRequest Request(std::string_view method, Endpoint endpoint, std::string path) {
  HttpRequest request;
  request.method = method;
  request.headers = {{"host", endpoint.HostHeader()}, {"accept", "*/*"}};
  request.endpoint = std::move(endpoint);
  request.path = std::move(path);
  return request;
}

// True if the text can be used as a header value or a path.
bool IsOneWord(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

std::string_view FirstLine(std::string_view text) {
  text = text.substr(0, text.find_first_of("\r\n"));
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// True for the hosts that may be asked over http: this machine and the agents of ECS and EKS.
bool IsAgent(const Endpoint& endpoint) {
  static constexpr std::string_view kHosts[] = {"localhost", "[::1]", "169.254.170.2", "169.254.170.23",
                                                "[fd00:ec2::23]"};
  return std::find(std::begin(kHosts), std::end(kHosts), endpoint.host) != std::end(kHosts) ||
         (endpoint.host.starts_with("127.") && endpoint.HasAddressForHost());
}

Result<HttpRequest> ContainerRequest(const Environment& environment) {
  if (const auto path = environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")) {
    if (!IsOneWord(*path) || path->front() != '/') {
      return BadCredentials("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not a path: it must begin with '/'");
    }
    return Request("GET", *ParseEndpoint(kContainerHost), *path);
  }
  const auto uri = *environment("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  const auto scheme = uri.find("://");
  const auto slash =
      scheme == std::string::npos ? uri.size() : std::min(uri.find('/', scheme + 3), uri.size());
  auto endpoint = ParseEndpoint(uri.substr(0, slash));
  if (!endpoint || !IsOneWord(uri)) {
    return BadCredentials("AWS_CONTAINER_CREDENTIALS_FULL_URI is not a URI" +
                          (endpoint ? "" : ": " + endpoint.error().message));
  }
  if (endpoint->scheme != "https" && !IsAgent(*endpoint)) {
    return BadCredentials(
        fmt::format("AWS_CONTAINER_CREDENTIALS_FULL_URI: http is allowed only for this machine and "
                    "container agents, and '{}' is neither: use https",
                    endpoint->host));
  }
  return Request("GET", *endpoint, slash == uri.size() ? "/" : uri.substr(slash));
}

Result<Secret> ContainerToken(const ProviderContext& context) {
  const auto& environment = context.environment;
  const Secret whole(environment("AWS_CONTAINER_AUTHORIZATION_TOKEN").value_or(""));
  Secret token(WithoutLineEnd(whole.Reveal()));
  if (const auto path = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")) {
    const auto text = ReadSecretFile(*path);
    if (!text) return tl::unexpected(text.error());
    token = Secret(FirstLine(text->Reveal()));
    if (token.empty()) return BadCredentials(fmt::format("{} has no token", *path));
  } else if (token != whole) {
    context.warn("AWS_CONTAINER_AUTHORIZATION_TOKEN ends with a line end, which is ignored");
  }
  const auto text = token.Reveal();
  const bool fine =
      std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (!fine) return BadCredentials("the container's authorization token has an invalid character");
  return token;
}

Result<ProvidedCredentials> AskContainer(const ProviderContext& context) {
  auto request = ContainerRequest(context.environment);
  if (!request) return tl::unexpected(request.error());
  const auto token = ContainerToken(context);
  if (!token) return tl::unexpected(token.error());
  if (!token->empty()) request->secret_headers.push_back({"authorization", *token});
  const auto who = fmt::format("the container's credentials at {}", request->endpoint.HostAndPort());
  const auto transport = request->endpoint.scheme == "https" && !IsAgent(request->endpoint)
                             ? ServiceTransport(context)
                             : MetadataTransport(kContainerTimeout);
  const auto response = SendWithRetries(context, *request, transport, kContainerAttempts, who);
  if (!response) return tl::unexpected(response.error());
  if (response->status != 200) {
    const auto code = RefusalCode(response->body);
    return BadCredentials(
        fmt::format("{}: HTTP {}{}{}", who, response->status, code.empty() ? "" : ", ", code));
  }
  auto credentials = CredentialsFromJson(response->body, "Token");
  if (!credentials)
    return BadCredentials(fmt::format("{}: the response {}", who, credentials.error().message));
  return ProvidedCredentials{std::move(*credentials), who, true};
}

struct Instance {
  Endpoint endpoint;
  int attempts = 1;
  TransportOptions transport;
};

// Returns nothing if the text is not a whole number from 1 to 1,000.
std::optional<int> SmallNumber(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > 1000)
    return std::nullopt;
  return value;
}

Result<Instance> InstanceSettings(const Environment& environment) {
  const bool asks_v6 = IsTrue(environment("AWS_IMDS_USE_IPV6").value_or(""));
  const auto mode = environment("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE").value_or(asks_v6 ? "IPv6" : "IPv4");
  const bool v6 = strcasecmp(mode.c_str(), "ipv6") == 0;
  if (!v6 && strcasecmp(mode.c_str(), "ipv4") != 0)
    return BadCredentials("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE must be IPv4 or IPv6");
  const auto endpoint = ParseEndpoint(environment("AWS_EC2_METADATA_SERVICE_ENDPOINT")
                                          .value_or(std::string(v6 ? kInstanceHostV6 : kInstanceHost)));
  if (!endpoint) return BadCredentials("AWS_EC2_METADATA_SERVICE_ENDPOINT: " + endpoint.error().message);
  const auto timeout = SmallNumber(environment("AWS_METADATA_SERVICE_TIMEOUT").value_or("1"));
  if (!timeout)
    return BadCredentials("AWS_METADATA_SERVICE_TIMEOUT must be a number of seconds from 1 to 1000");
  const auto attempts = SmallNumber(environment("AWS_METADATA_SERVICE_NUM_ATTEMPTS").value_or("1"));
  if (!attempts) return BadCredentials("AWS_METADATA_SERVICE_NUM_ATTEMPTS must be a number from 1 to 1000");
  return Instance{*endpoint, *attempts, MetadataTransport(std::chrono::seconds(*timeout))};
}

// Returns the message for a failed token request. If the service responds to a plain GET, the message
// proposes a higher hop limit: by default the response to the PUT has a hop limit of 1, so it never reaches a
// container, while responses to plain GETs do.
std::string WhyNoToken(const Instance& instance, const ProviderContext& context, const Error& error) {
  const auto probe = context.send(Request("GET", instance.endpoint, "/"), instance.transport, context);
  if (probe.failure) return error.message;
  return error.message +
         " (the service responds to plain requests: inside a container, set the hop limit of the instance's "
         "metadata options to 2, --http-put-response-hop-limit 2)";
}

Result<Secret> InstanceToken(const Instance& instance, const ProviderContext& context, std::string_view who) {
  auto request = Request("PUT", instance.endpoint, "/latest/api/token");
  request.headers.push_back({"x-aws-ec2-metadata-token-ttl-seconds", "21600"});
  const auto response = SendWithRetries(context, request, instance.transport, instance.attempts, who);
  if (!response) return BadCredentials(WhyNoToken(instance, context, response.error()));
  const auto token = FirstLine(response->body);
  if (response->status != 200) {
    return BadCredentials(fmt::format("{}: no session token (IMDSv2): HTTP {}", who, response->status));
  }
  if (!IsOneWord(token))
    return BadCredentials(fmt::format(
        "{}: the session token (IMDSv2) is empty, or has a character that no token may have", who));
  return Secret(token);
}

Result<ProvidedCredentials> AskInstance(const ProviderContext& context) {
  const auto instance = InstanceSettings(context.environment);
  if (!instance) return tl::unexpected(instance.error());
  const auto who = fmt::format("the metadata service at {}", instance->endpoint.HostAndPort());
  const auto token = InstanceToken(*instance, context, who);
  if (!token) return tl::unexpected(token.error());
  const auto get = [&](const std::string& path) {
    auto request = Request("GET", instance->endpoint, path);
    request.secret_headers.push_back({"x-aws-ec2-metadata-token", *token});
    return SendWithRetries(context, request, instance->transport, instance->attempts, who);
  };
  const std::string root = "/latest/meta-data/iam/security-credentials/";
  const auto roles = get(root);
  if (!roles) return tl::unexpected(roles.error());
  if (roles->status == 404) return BadCredentials(fmt::format("{}: the instance has no role", who));
  const auto role = FirstLine(roles->body);
  if (roles->status != 200 || !IsOneWord(role)) {
    return BadCredentials(fmt::format("{}: the response has no role name: HTTP {}", who, roles->status));
  }
  const auto response = get(root + UriEncode(role, false));
  if (!response) return tl::unexpected(response.error());
  const auto code = RefusalCode(response->body);
  if (response->status != 200 || (!code.empty() && code != "Success")) {
    return BadCredentials(
        fmt::format("{}: HTTP {}{}{}", who, response->status, code.empty() ? "" : ", ", code));
  }
  auto credentials = CredentialsFromJson(response->body, "Token");
  if (!credentials)
    return BadCredentials(fmt::format("{}: the response {}", who, credentials.error().message));
  const auto now = std::chrono::system_clock::now();
  if (credentials->expires && *credentials->expires <= now) {
    // AWS recommends that clients continue to use these credentials: as long as the service cannot renew
    // them, S3 still accepts them.
    context.warn(fmt::format("{} returned expired credentials: they are used for another 15 minutes", who));
    credentials->expires = now + std::chrono::minutes(15);
  }
  return ProvidedCredentials{std::move(*credentials), who, true};
}

}  // namespace

std::optional<Result<ProvidedCredentials>> ContainerCredentials(const ProviderContext& context) {
  if (!context.environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") &&
      !context.environment("AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
    return std::nullopt;
  }
  return AskContainer(context);
}

std::optional<Result<ProvidedCredentials>> InstanceCredentials(const ProviderContext& context) {
  if (strcasecmp(context.environment("AWS_EC2_METADATA_DISABLED").value_or("").c_str(), "true") == 0) {
    return std::nullopt;
  }
  return AskInstance(context);
}

}  // namespace s3
