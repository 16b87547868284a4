#include "s3/credentials/providers/chain.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "s3/credentials/providers/checked.h"
#include "s3/credentials/providers/configured.h"
#include "s3/credentials/providers/documents.h"
#include "s3/credentials/providers/metadata.h"
#include "s3/credentials/providers/process.h"
#include "s3/credentials/providers/profiles.h"
#include "s3/credentials/providers/sso.h"
#include "s3/credentials/providers/sts.h"
#include "s3/stores/address.h"

namespace s3 {
namespace {

// Empty if the source is not configured. The next source is then tried.
using Maybe = std::optional<Result<ProvidedCredentials>>;

Result<Credentials> Complete(Credentials credentials, std::string_view id_name,
                             std::string_view secret_name) {
  const bool no_id = credentials.access_key_id.empty();
  if (no_id || credentials.secret_access_key.empty()) {
    return BadCredentials(fmt::format("{} is set, but {} is not: set both", no_id ? secret_name : id_name,
                                      no_id ? id_name : secret_name));
  }
  return credentials;
}

Maybe Provided(Result<Credentials> credentials, std::string source, bool renewable) {
  if (!credentials) return tl::unexpected(credentials.error());
  return ProvidedCredentials{std::move(*credentials), std::move(source), renewable};
}

Maybe FromEnvironment(const Environment& environment) {
  const auto id = environment("AWS_ACCESS_KEY_ID");
  const auto secret = environment("AWS_SECRET_ACCESS_KEY");
  if (!id && !secret) return std::nullopt;
  auto token = environment("AWS_SESSION_TOKEN");
  if (!token) token = environment("AWS_SECURITY_TOKEN");  // the old name
  auto credentials = Complete({id.value_or(""), Secret(secret.value_or("")), Secret(token.value_or(""))},
                              "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY");
  if (const auto expires = environment("AWS_CREDENTIAL_EXPIRATION"); expires && credentials) {
    credentials->expires = ParseTimestamp(*expires);
    if (!credentials->expires)
      return BadCredentials("AWS_CREDENTIAL_EXPIRATION is not a time: write 2027-01-31T12:00:00Z");
  }
  return Provided(std::move(credentials), "AWS_ACCESS_KEY_ID", false);
}

// The sources of a profile. Follows source_profile from profile to profile.
class Chain {
 public:
  Chain(const Profiles& profiles, const ProviderContext& context, bool with_environment)
      : profiles_(profiles), context_(context), with_environment_(with_environment) {}

  // Tries all sources of one profile in order. The profile need not exist.
  Maybe FromProfile(const std::string& name) {
    visited_ = {name};
    if (auto found = Role(name)) return found;
    if (auto found = WebIdentity(name)) return found;
    return Plain(name);
  }

 private:
  std::string_view Setting(const std::string& profile, std::string_view name) const {
    const auto* found = profiles_.Find(profile);
    return found == nullptr ? std::string_view() : found->Find(name);
  }
  std::string Label(const std::string& name) const { return fmt::format("profile [{}]", name); }

  Maybe Keys(const std::string& name, const Settings& settings, const std::string& path) const {
    const auto value = [&](std::string_view setting) {
      const auto found = settings.find(setting);
      return found == settings.end() ? std::string_view() : found->second.Reveal();
    };
    const auto id = value("aws_access_key_id"), secret = value("aws_secret_access_key");
    if (id.empty() && secret.empty()) return std::nullopt;
    if (id.empty() || secret.empty()) {
      return BadCredentials(fmt::format("{}: profile [{}] has no {}", path, name,
                                        id.empty() ? "aws_access_key_id" : "aws_secret_access_key"));
    }
    auto token = value("aws_session_token");
    if (token.empty()) token = value("aws_security_token");
    return Provided(Credentials{std::string(id), Secret(secret), Secret(token)},
                    fmt::format("profile [{}] of {}", name, path), true);
  }

  bool HasKeys(const std::string& name) const { return !Setting(name, "aws_access_key_id").empty(); }

  Maybe Plain(const std::string& name) const {
    const auto* profile = profiles_.Find(name);
    if (profile == nullptr) return std::nullopt;
    if (auto found = SsoCredentials(profiles_, name, context_)) {
      return Provided(std::move(*found), Label(name) + " (IAM Identity Center)", true);
    }
    if (auto found = Keys(name, profile->credentials, profiles_.credentials_path())) return found;
    if (const auto command = profile->Find("credential_process"); !command.empty()) {
      auto credentials = CredentialsFromProcess(command, context_);
      if (!credentials)
        return BadCredentials(fmt::format("{}: {}", Label(name), credentials.error().message));
      return Provided(std::move(credentials), Label(name) + " (credential_process)", true);
    }
    return Keys(name, profile->config, profiles_.config_path());
  }

  Maybe Role(const std::string& name) {
    const auto arn = Setting(name, "role_arn");
    const auto source = Setting(name, "source_profile"), place = Setting(name, "credential_source");
    if (arn.empty() || !Setting(name, "web_identity_token_file").empty()) return std::nullopt;
    const auto label = Label(name);
    if (source.empty() == place.empty()) {
      return BadCredentials(label + ": role_arn needs either a source_profile or a credential_source");
    }
    if (!Setting(name, "mfa_serial").empty()) {
      return BadCredentials(label +
                            ": s3flow cannot ask for the code of an mfa_serial: use temporary credentials "
                            "that you made before");
    }
    auto base =
        source.empty() ? FromCredentialSource(label, place) : FromSourceProfile(name, std::string(source));
    if (base) base = CheckedCredentials(std::move(*base), context_.warn);
    if (!base) return tl::unexpected(base.error());
    const auto role = RoleOf(name);
    if (!role) return tl::unexpected(role.error());
    const auto sts = StsOptionsOf(name);
    if (!sts) return tl::unexpected(sts.error());
    return Provided(AssumeRole(*role, *sts, base->credentials, context_),
                    fmt::format("{} ({})", label, role->role_arn), true);
  }

  Result<ProvidedCredentials> FromCredentialSource(const std::string& label, std::string_view place) const {
    Maybe found;
    if (place == "Environment") {
      found = FromEnvironment(context_.environment);
    } else if (place == "EcsContainer") {
      found = ContainerCredentials(context_);
    } else if (place == "Ec2InstanceMetadata") {
      found = InstanceCredentials(context_);
    } else {
      return BadCredentials(label +
                            ": credential_source must be Environment, EcsContainer or Ec2InstanceMetadata");
    }
    if (!found)
      return BadCredentials(
          fmt::format("{}: there are no credentials in credential_source {}", label, place));
    return *found;
  }

  Result<ProvidedCredentials> FromSourceProfile(const std::string& name, const std::string& source) {
    if (profiles_.Find(source) == nullptr) {
      return BadCredentials(fmt::format("{}: there is no source_profile [{}]", Label(name), source));
    }
    // A profile may name itself as source_profile if it has keys, because the keys end the chain.
    const bool is_loop = std::find(visited_.begin(), visited_.end(), source) != visited_.end();
    if (is_loop && (source != name || !HasKeys(source))) {
      return BadCredentials(
          fmt::format("the source_profiles of {} form a loop: [{}] appears twice", Label(name), source));
    }
    visited_.push_back(source);
    Maybe found;
    if (!HasKeys(source)) found = Role(source);
    if (!found && !HasKeys(source)) found = WebIdentity(source);
    if (!found) found = Plain(source);
    if (!found) return BadCredentials(fmt::format("source_profile [{}] has no credentials", source));
    return *found;
  }

  Maybe WebIdentity(const std::string& name) const {
    const auto setting = [&](const char* variable, std::string_view in_profile) {
      const auto value = with_environment_ ? context_.environment(variable) : std::nullopt;
      return value.value_or(std::string(Setting(name, in_profile)));
    };
    const auto path = setting("AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file");
    if (path.empty()) return std::nullopt;
    auto role = RoleOf(name);
    if (!role) return tl::unexpected(role.error());
    role->role_arn = setting("AWS_ROLE_ARN", "role_arn");
    if (const auto session = setting("AWS_ROLE_SESSION_NAME", "role_session_name"); !session.empty()) {
      role->session_name = session;
    }
    if (role->role_arn.empty())
      return BadCredentials("a web identity needs AWS_ROLE_ARN, or the profile's role_arn");
    const auto text = ReadSecretFile(path);
    if (!text) return tl::unexpected(text.error());
    const auto whole = text->Reveal();
    const Secret token(whole.substr(0, whole.find_last_not_of(" \t\r\n") + 1));
    if (token.empty()) return BadCredentials(fmt::format("{} has no token", path));
    const auto sts = StsOptionsOf(name);
    if (!sts) return tl::unexpected(sts.error());
    return Provided(AssumeRoleWithWebIdentity(*role, *sts, token, context_),
                    fmt::format("web identity ({})", role->role_arn), true);
  }

  Result<AssumedRole> RoleOf(const std::string& name) const {
    AssumedRole role{std::string(Setting(name, "role_arn"))};
    if (const auto session = Setting(name, "role_session_name"); !session.empty())
      role.session_name = session;
    role.external_id = Setting(name, "external_id");
    role.duration_seconds = Setting(name, "duration_seconds");
    const auto& text = role.duration_seconds;
    const bool number = text.find_first_not_of("0123456789") == std::string::npos && text.size() <= 6;
    if (!number || text == "0")
      return BadCredentials(Label(name) + ": duration_seconds is not a number of seconds");
    return role;
  }

  Result<StsOptions> StsOptionsOf(const std::string& name) const {
    const Configured configured(&context_.environment, &profiles_, name);
    StsOptions sts;
    const auto region = configured.Find({"AWS_REGION", "AWS_DEFAULT_REGION"}, "region");
    sts.region = region ? region->value : context_.region;
    const auto endpoint = configured.Endpoint("sts");
    if (!endpoint) return BadCredentials(endpoint.error().message);
    sts.endpoint = *endpoint ? (*endpoint)->value
                             : fmt::format("https://sts.{}.{}", sts.region, AwsDnsSuffix(sts.region));
    if (const auto parsed = ParseEndpoint(sts.endpoint); !parsed)
      return BadCredentials(
          fmt::format("{}: {}", *endpoint ? (*endpoint)->source : "STS", parsed.error().message));
    return sts;
  }

  const Profiles& profiles_;
  const ProviderContext& context_;
  const bool with_environment_;
  std::vector<std::string> visited_;
};

Result<ProvidedCredentials> FindCredentials(const CredentialOptions& options,
                                            const ProviderContext& context) {
  if (!options.access_key_id.empty() || !options.secret_access_key.empty()) {
    return *Provided(Complete({options.access_key_id, options.secret_access_key, options.session_token},
                              "credentials.access_key_id", "credentials.secret_access_key"),
                     "the job file", false);
  }
  const bool only_profile = !options.profile.empty();
  const auto& environment = context.environment;
  if (!only_profile) {
    if (auto found = FromEnvironment(environment)) return *found;
  }
  const auto profiles = Profiles::Load(environment, context.warn);
  if (!profiles) return tl::unexpected(profiles.error());
  const auto in_environment = ProfileInEnvironment(environment);
  std::string name = "default";
  if (in_environment) name = in_environment->value;
  if (only_profile) name = options.profile;
  if ((only_profile || in_environment) && profiles->Find(name) == nullptr) {
    return BadCredentials(fmt::format("there is no profile [{}] in {} or {}", name,
                                      profiles->credentials_path(), profiles->config_path()));
  }
  auto with_profile = context;
  with_profile.environment =
      Configured(&environment, &*profiles, name)
          .WithProfile({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint"},
                        {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode"},
                        {"AWS_IMDS_USE_IPV6", "imds_use_ipv6"},
                        {"AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout"},
                        {"AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts"}});
  if (auto found = Chain(*profiles, with_profile, !only_profile).FromProfile(name)) return *found;
  if (only_profile) return BadCredentials(fmt::format("profile [{}] has no credentials", name));
  if (auto found = ContainerCredentials(context)) return *found;
  const auto instance = InstanceCredentials(with_profile);
  if (instance && *instance) return *instance;
  return BadCredentials(
      fmt::format("no credentials: none in the job file (credentials:), no AWS_ACCESS_KEY_ID and "
                  "AWS_SECRET_ACCESS_KEY, none in profile [{}], no container agent{}",
                  name, instance ? ", and " + instance->error().message : ""));
}

}  // namespace

Result<ProvidedCredentials> LoadCredentials(const CredentialOptions& options,
                                            const ProviderContext& context) {
  auto found = FindCredentials(options, context);
  return found ? CheckedCredentials(std::move(*found), context.warn) : found;
}

}  // namespace s3
