#include "config/aws_settings.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "s3/base/text.h"

namespace config {
namespace {

constexpr std::string_view kBool = "true|false";

// In the order of AWS.md. Region, endpoint and CA bundle are not in this table, because Reader treats each of
// them differently.
constexpr AwsSetting kSettings[] = {
    {"use_dualstack_endpoint", "AWS_USE_DUALSTACK_ENDPOINT", "destination.dualstack", true, kBool},
    {"s3.use_dualstack_endpoint", "", "destination.dualstack", true, kBool},
    {"use_fips_endpoint", "AWS_USE_FIPS_ENDPOINT", "destination.fips", true, kBool},
    {"s3.use_accelerate_endpoint", "", "destination.accelerate", true, kBool},
    {"s3.addressing_style", "", "destination.addressing", true, "auto|path|virtual"},
    {"max_attempts", "AWS_MAX_ATTEMPTS", "retry.max_attempts", true},
    {"retry_mode", "AWS_RETRY_MODE", "retry", false, "legacy|standard|adaptive"},
    {"defaults_mode", "AWS_DEFAULTS_MODE", "retry", false,
     "legacy|standard|in-region|cross-region|mobile|auto", "legacy"},
    {"request_checksum_calculation", "AWS_REQUEST_CHECKSUM_CALCULATION", "integrity.checksum", false,
     "when_supported|when_required", "when_supported"},
    {"s3.payload_signing_enabled", "", "integrity.payload", false, kBool, "true"},
    {"s3.signature_version", "", "", false, "", "s3v4"},
    {"s3.max_concurrent_requests", "", "upload.concurrency", false},
    {"s3.multipart_threshold", "", "upload.multipart_threshold", false},
    {"s3.multipart_chunksize", "", "upload.part_size", false},
    {"s3.max_bandwidth", "", "limits.bandwidth", false},
    {"s3.us_east_1_regional_endpoint", "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT", "destination.endpoint", false,
     "legacy|regional", "regional"},
    {"sts_regional_endpoints", "AWS_STS_REGIONAL_ENDPOINTS", "", false, "legacy|regional", "regional"},
    {"sigv4a_signing_region_set", "AWS_SIGV4A_SIGNING_REGION_SET", "", false},
    {"auth_scheme_preference", "AWS_AUTH_SCHEME_PREFERENCE", "", false},
    {"sdk_ua_app_id", "AWS_SDK_UA_APP_ID", "", false},
    {"proxy_ca_bundle", "", "destination.ca_file", false},
    {"proxy_client_cert", "", "", false},
    {"", "AWS_CREDENTIAL_FILE", "credentials", false},
};

bool IsOneOf(std::string_view value, std::string_view words) {
  while (!words.empty()) {
    const auto word = words.substr(0, words.find('|'));
    if (word == value) return true;
    words.remove_prefix(std::min(word.size() + 1, words.size()));
  }
  return false;
}

std::string WithCommas(std::string_view words) {
  std::string text;
  for (const char c : words) text += c == '|' ? std::string(", ") : std::string(1, c);
  return text;
}

// Returns true for options that only AWS's own endpoints have.
bool IsOfAws(std::string_view key) {
  return key == "destination.dualstack" || key == "destination.fips" || key == "destination.accelerate";
}

class Reader {
 public:
  Reader(const s3::Profiles& profiles, std::string profile, const s3::Environment& environment)
      : configured_(&environment, &profiles, std::move(profile)) {}

  Fallbacks Read() {
    ReadEndpoint();
    if (const auto region = configured_.Find({"AWS_REGION", "AWS_DEFAULT_REGION"}, "region"))
      found_.values.push_back({"destination.region", region->value, region->source});
    ReadBundle();
    for (const auto& row : kSettings) Read(row);
    return std::move(found_);
  }

 private:
  void ReadEndpoint() {
    if (const auto why = configured_.IgnoresEndpoints()) return NoteIgnored(*why);
    const auto endpoint = configured_.Endpoint("s3");
    Fallback fallback{.key = "destination.endpoint", .unless = {"destination.endpoints"}};
    if (!endpoint) {
      fallback.problem = endpoint.error().message;
      fallback.where = "destination.endpoint";
    } else if (*endpoint) {
      fallback.value = (*endpoint)->value;
      fallback.where = (*endpoint)->source;
    } else {
      return;
    }
    found_.values.push_back(std::move(fallback));
  }

  void NoteIgnored(const s3::Setting& why) {
    for (const auto& [variable, name] :
         {std::pair("AWS_ENDPOINT_URL_S3", ""), std::pair("AWS_ENDPOINT_URL", "services"),
          std::pair("", "endpoint_url")}) {
      if (const auto ignored = configured_.Find({variable}, name)) {
        found_.notes.push_back(fmt::format("{} is ignored, as {} says", ignored->source, why.source));
      }
    }
  }

  // As in other clients, the bundle may be a file or a directory.
  void ReadBundle() {
    const auto bundle = configured_.Find({"AWS_CA_BUNDLE"}, "ca_bundle");
    if (!bundle) return ReadOpenSslVariables();
    std::error_code error;
    const bool directory = std::filesystem::is_directory(bundle->value, error);
    Fallback fallback{.key = directory ? "destination.ca_directory" : "destination.ca_file",
                      .value = bundle->value,
                      .where = bundle->source,
                      .unless = {directory ? "destination.ca_file" : "destination.ca_directory"}};
    if (access(bundle->value.c_str(), R_OK) != 0) {
      fallback.problem =
          fmt::format("cannot read the CA bundle {}: {}; correct it, or set destination.ca_file",
                      bundle->value, std::strerror(errno));
    }
    found_.values.push_back(std::move(fallback));
  }

  // OpenSSL, Go and curl read these two variables:
  // https://docs.openssl.org/3.0/man3/X509_get_default_cert_file/ A directory may be a list. Here they
  // replace the system's authorities.
  void ReadOpenSslVariables() {
    for (const auto& [variable, key] : {std::pair("SSL_CERT_FILE", "destination.ca_file"),
                                        std::pair("SSL_CERT_DIR", "destination.ca_directory")}) {
      const auto place = configured_.Find({variable}, "");
      if (!place) continue;
      const bool is_list = key == std::string_view("destination.ca_directory");
      found_.values.push_back({.key = key,
                               .value = place->value,
                               .where = place->source,
                               .unless_given = {"destination.ca_file", "destination.ca_directory"},
                               .problem = PathsProblem(place->value, is_list)});
    }
  }

  static std::string PathsProblem(std::string_view paths, bool is_list) {
    while (!paths.empty()) {
      const auto path = std::string(paths.substr(0, is_list ? paths.find(':') : std::string_view::npos));
      paths.remove_prefix(std::min(path.size() + 1, paths.size()));
      const auto problem = [&](std::string_view what) {
        return fmt::format(
            "cannot read the certificate authorities {}: {}; correct it, or set "
            "destination.ca_file",
            path, what);
      };
      if (!path.starts_with('/')) return problem("the path is not absolute");
      if (access(path.c_str(), R_OK) != 0) return problem(std::strerror(errno));
      std::error_code error;
      if (std::filesystem::is_directory(path, error) != is_list) {
        return problem(is_list ? "it is not a directory" : "it is a directory");
      }
    }
    return "";
  }

  void Read(const AwsSetting& row) {
    auto setting = configured_.Find({row.variable}, row.name);
    if (!setting) return;
    auto& value = setting->value;
    if (!row.words.empty()) value = s3::LowerCase(value);
    if (!row.words.empty() && !IsOneOf(value, row.words)) {
      const auto what = fmt::format("'{}' is not one of {}", value, WithCommas(row.words));
      if (!row.followed) return found_.problems.push_back({setting->source, what});
      return found_.values.push_back(
          {.key = std::string(row.key), .where = setting->source, .problem = what});
    }
    if (!row.followed) return NoteNotFollowed(row, *setting);
    Fallback fallback{std::string(row.key), value, setting->source};
    if (IsOfAws(row.key)) {
      fallback.unless = {"destination.endpoint", "destination.endpoints"};
      if (value == "true")
        fallback.unless_note = fmt::format("{} has no effect: the endpoint is not AWS's", setting->source);
    }
    found_.values.push_back(std::move(fallback));
  }

  void NoteNotFollowed(const AwsSetting& row, const s3::Setting& setting) {
    if (!row.same.empty() && setting.value == row.same) return;
    found_.notes.push_back(row.key.empty()
                               ? fmt::format("{} has no effect in s3flow", setting.source)
                               : fmt::format("{} has no effect in s3flow: set {} in the job file instead",
                                             setting.source, row.key));
  }

  const s3::Configured configured_;
  Fallbacks found_;
};

}  // namespace

std::span<const AwsSetting> AwsSettings() { return kSettings; }

Fallbacks FindAwsSettings(const s3::Result<s3::Profiles>& profiles, const std::string& job_profile,
                          const s3::Environment& environment) {
  const auto chosen = job_profile.empty() ? s3::ProfileInEnvironment(environment)
                                          : std::optional(s3::Setting{job_profile, "credentials.profile"});
  const auto name = chosen ? chosen->value : "default";
  const s3::Profiles none(environment);
  auto found = Reader(profiles ? *profiles : none, name, environment).Read();
  // A config file or profile that cannot be read may name the endpoint. So the job is refused unless the job
  // itself names an endpoint. A profile of the job file that does not exist needs no check here: then there
  // are no credentials and nothing is sent.
  std::string problem;
  if (!profiles) {
    problem = profiles.error().message;
  } else if (chosen && job_profile.empty() && profiles->Find(name) == nullptr) {
    problem = fmt::format("there is no profile [{}] ({}) in {} or {}", name, chosen->source,
                          profiles->config_path(), profiles->credentials_path());
  }
  if (problem.empty()) return found;
  found.notes.push_back(problem + ": s3flow uses no setting of this file or profile");
  if (s3::IsTrue(environment("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").value_or(""))) return found;
  found.values.push_back(
      {.key = "destination.endpoint",
       .where = "destination.endpoint",
       .unless = {"destination.endpoints"},
       .problem = problem + ": correct it, or write the endpoint into the job file ('' is AWS)"});
  return found;
}

}  // namespace config
