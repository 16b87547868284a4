#include "s3/credentials/providers/configured.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "s3/base/text.h"

namespace s3 {
namespace {

std::optional<Setting> InEnvironment(const Environment& environment, const std::string& variable) {
  auto value = environment(variable);
  if (!value || value->empty()) return std::nullopt;
  return Setting{std::move(*value), variable};
}

std::optional<Setting> In(const Settings& settings, std::string_view name, std::string_view section) {
  const auto found = settings.find(name);
  if (found == settings.end() || found->second.empty()) return std::nullopt;
  return Setting{std::string(found->second.Reveal()), fmt::format("{} {}", section, name)};
}

std::string UpperCase(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return upper;
}

}  // namespace

bool IsTrue(std::string_view value) { return LowerCase(value) == "true"; }

std::optional<Setting> ProfileInEnvironment(const Environment& environment) {
  auto found = InEnvironment(environment, "AWS_PROFILE");
  return found ? found : InEnvironment(environment, "AWS_DEFAULT_PROFILE");
}

std::optional<Setting> Configured::InProfile(std::string_view name) const {
  const auto* profile = profiles_->Find(profile_);
  if (profile == nullptr) return std::nullopt;
  if (auto found =
          In(profile->credentials, name, fmt::format("{} [{}]", profiles_->credentials_path(), profile_))) {
    return found;
  }
  return In(
      profile->config, name,
      fmt::format("{} [{}{}]", profiles_->config_path(), profile_ == "default" ? "" : "profile ", profile_));
}

std::optional<Setting> Configured::Find(std::initializer_list<std::string_view> variables,
                                        std::string_view name) const {
  for (const auto variable : variables) {
    if (variable.empty()) continue;
    if (auto found = InEnvironment(*environment_, std::string(variable))) return found;
  }
  return name.empty() ? std::nullopt : InProfile(name);
}

std::optional<Setting> Configured::IgnoresEndpoints() const {
  auto found = Find({"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"}, "ignore_configured_endpoint_urls");
  return found && IsTrue(found->value) ? found : std::nullopt;
}

Result<std::optional<Setting>> Configured::Endpoint(std::string_view service) const {
  if (IgnoresEndpoints()) return std::nullopt;
  const auto own = fmt::format("AWS_ENDPOINT_URL_{}", UpperCase(service));
  if (auto found = Find({own, "AWS_ENDPOINT_URL"}, "")) return found;
  if (const auto services = InProfile("services")) {
    const auto* section = profiles_->FindServices(services->value);
    if (section == nullptr) {
      return Fail(ErrorKind::kPermanent,
                  fmt::format("{}: there is no section [services {}] in {}", services->source,
                              services->value, profiles_->config_path()));
    }
    if (auto found = In(*section, fmt::format("{}.endpoint_url", service),
                        fmt::format("{} [services {}]", profiles_->config_path(), services->value))) {
      return found;
    }
  }
  return InProfile("endpoint_url");
}

Environment Configured::WithProfile(
    std::initializer_list<std::pair<std::string_view, std::string_view>> names) const {
  return [self = *this,
          pairs = std::vector(names)](const std::string& variable) -> std::optional<std::string> {
    if (auto set = (*self.environment_)(variable)) return set;
    const auto pair =
        std::find_if(pairs.begin(), pairs.end(), [&](const auto& entry) { return entry.first == variable; });
    if (pair == pairs.end()) return std::nullopt;
    auto found = self.InProfile(pair->second);
    return found ? std::optional(std::move(found->value)) : std::nullopt;
  };
}

}  // namespace s3
