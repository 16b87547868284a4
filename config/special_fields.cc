#include "config/special_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "config/builders.h"
#include "s3/api/properties.h"
#include "s3/stores/store_profiles.h"
#include "s3/uri.h"

namespace config {
namespace {

// Returns true if the URL, or its literal part outside variables, contains a password. A user without a
// password is treated as a password, because it may be a token.
bool HasPassword(std::string_view url) {
  const auto at = url.rfind('@');
  if (at == std::string_view::npos) return false;
  auto user = url.substr(0, at);
  if (const auto scheme = user.find("://"); scheme != std::string_view::npos) user.remove_prefix(scheme + 3);
  const auto colon = user.find(':');
  return !user.substr(colon == std::string_view::npos ? 0 : colon + 1).empty();
}

MaybeProblem ProxyUrlProblem(const std::string& text) {
  if (text.empty()) return "must be auto, none or a URL";
  if (s3::HeaderValueProblem(text)) return "has a character that is not allowed in a URL";
  const auto scheme_end = std::min(text.find("://"), text.size());
  const auto scheme = text.substr(0, scheme_end);
  const bool is_known = scheme == "http" || scheme == "https" || scheme == "socks5" || scheme == "socks5h";
  if (!is_known || scheme_end == text.size()) {
    return "must be auto, none or http://, https://, socks5:// or socks5h://HOST:PORT";
  }
  const auto rest = text.substr(scheme_end + 3);
  const auto host = rest.substr(rest.rfind('@') + 1);
  if (s3::ParseEndpoint("http://" + host)) return std::nullopt;
  // The message does not quote the text, because a password in a URL without '@' looks like a port.
  return "has no valid host and port: write SCHEME://HOST:PORT, or SCHEME://USER:PASSWORD@HOST:PORT";
}

// Reads limits.on_failure. For a mapping, `word` and `value` are its key and value. For a scalar, `word` is
// the whole text and `value` is empty.
MaybeProblem ReadOnFailure(std::string word, std::string value, pipeline::FailureLimit* limit) {
  const auto trim = [](std::string text) {
    text.erase(0, std::min(text.find_first_not_of(' '), text.size()));
    return text;
  };
  if (const auto colon = word.find(':'); colon != std::string::npos) {
    value = word.substr(colon + 1);
    word.erase(colon);
  }
  value = trim(value);
  const bool percent = value.ends_with('%');
  double number = 0;
  const auto* end = value.data() + value.size() - (percent ? 1 : 0);
  const auto [rest, error] = std::from_chars(value.data(), end, number);
  const bool is_number = error == std::errc() && rest == end;
  const bool is_count = is_number && !percent && number >= 1 && number == std::floor(number) && number < 1e15;
  const bool is_share = is_number && percent && number >= 0 && number <= 100;
  if (word == "continue" && value.empty()) {
    *limit = {};
  } else if (word == "stop" && value.empty()) {
    *limit = {.count = 1};
  } else if (word == "stop_after" && is_count) {
    *limit = {.count = static_cast<std::uint64_t>(number)};
  } else if (word == "stop_above" && is_share) {
    *limit = {.share = number / 100};
  } else {
    return "must be continue, stop, 'stop_after: N' or 'stop_above: P%'";
  }
  return std::nullopt;
}

MaybeProblem ReadAttempts(const std::string& text, s3::endpoint::FaultRule* rule) {
  constexpr int kMax = 1'000'000;
  const auto dash = text.find('-');
  const bool all = text == "all";
  const bool is_single = dash == std::string::npos;
  const bool is_open = !is_single && dash + 1 == text.size();
  const auto first = ParseInteger(all ? "1" : text.substr(0, dash), 1, kMax);
  auto last = Parsed<std::int64_t>(kMax);
  if (!all && !is_open) last = ParseInteger(is_single ? text : text.substr(dash + 1), 1, kMax);
  if (!first || !last || *first > *last)
    return fmt::format("'{}' is not a range of attempts: write 1, 2-4, 3- or all", text);
  rule->first_attempt = static_cast<int>(*first);
  rule->last_attempt = static_cast<int>(*last);
  return std::nullopt;
}

}  // namespace

MaybeProblem CheckEndpoint(const std::string& text) {
  if (text.empty()) return std::nullopt;  // AWS
  const auto parsed = s3::ParseEndpoint(text);
  return parsed ? MaybeProblem() : parsed.error().message;
}

MaybeProblem CheckRegion(const std::string& text) {
  const bool fine = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  if (fine && !text.empty()) return std::nullopt;
  return fmt::format("'{}' is not a region: it must have letters, digits, '-' and '_' only", text);
}

MaybeProblem CheckPrefix(const std::string& text) {
  if (text.size() <= 1024) return std::nullopt;
  return fmt::format("has {} bytes, but a key can have at most 1024: shorten it", text.size());
}

MaybeProblem CheckKeyId(const std::string& text) {
  // A line end behind the key ID is allowed here: s3/credentials/providers/checked.h removes it with a
  // warning.
  const auto id = std::string_view(text).substr(0, text.find_last_not_of("\r\n") + 1);
  const bool fine = std::all_of(id.begin(), id.end(),
                                [](unsigned char c) { return c > 0x20 && c < 0x7f && c != '/' && c != ','; });
  return fine ? MaybeProblem() : "has a character that is not allowed in an access key ID";
}

void CheckRoot(const Value& item, const pipeline::SourceRoot& root,
               const std::vector<pipeline::SourceRoot>& earlier, std::vector<Problem>* problems) {
  const auto report = [&](const char* what) {
    problems->push_back({item.where, fmt::format("source: {}", what)});
  };
  if (item.Find("path") == nullptr) report("this entry has no path: add one");
  if (root.path == "-" && !root.stream) report("standard input ('-') needs stream: true");
  if (root.path == "-" && root.key.empty()) report("standard input has no name: add a key");
  if (!root.stream && (!root.key.empty() || root.size_bytes)) report("key and size need stream: true");
  if (root.stream && !(root.include.empty() && root.exclude.empty())) {
    report("include and exclude cannot be used with stream: true");
  }
  if (root.stream && !(root.include_from.empty() && root.exclude_from.empty())) {
    report("include_from and exclude_from cannot be used with stream: true");
  }
  const bool has_limits = root.min_size_bytes || root.max_size_bytes || !root.newer_than.text.empty() ||
                          !root.older_than.text.empty() || root.exclude_caches;
  if (root.stream && has_limits) {
    report("min_size, max_size, newer_than, older_than and exclude_caches cannot be used with stream: true");
  }
  if (root.min_size_bytes.value_or(0) > root.max_size_bytes.value_or(UINT64_MAX)) {
    report("min_size is larger than max_size, so no file is taken");
  }
  for (const auto* globs : {&root.include_from, &root.exclude_from}) {
    if (std::find(globs->begin(), globs->end(), "-") != globs->end()) {
      report("include_from and exclude_from cannot read standard input ('-'): name a file");
    }
  }
  const bool has_list = !root.files_from.empty() || !root.files_from0.empty();
  if (has_list && root.stream) report("files_from and files_from0 cannot be used with stream: true");
  if (!root.files_from.empty() && !root.files_from0.empty()) {
    report("files_from and files_from0 cannot be used together: remove one");
  }
  // Standard input has one reader: a stream or a list.
  const auto reads_standard_input = [](const pipeline::SourceRoot& each) {
    return (each.stream && each.path == "-") || each.files_from == "-" || each.files_from0 == "-";
  };
  if (reads_standard_input(root) && std::any_of(earlier.begin(), earlier.end(), reads_standard_input)) {
    report("two entries read standard input ('-'): only one can");
  }
}

Field Proxy(std::string name, s3::ProxyOptions* proxy) {
  return {.name = std::move(name),
          .type = "auto, none or a URL",
          .set =
              [proxy](const std::string& text) {
                const bool is_url = text != "auto" && text != "none";
                proxy->from_environment = text == "auto";
                proxy->url = s3::Secret(is_url ? text : "");
                return is_url ? ProxyUrlProblem(text) : std::nullopt;
              },
          .show = [proxy]() -> std::string {
            const auto url = proxy->url.Reveal();
            if (url.empty()) return proxy->from_environment ? "auto" : "none";
            return YamlScalar(s3::WithoutUser(url));
          },
          .holds_secret = HasPassword,
          .shape = {.words = {"auto", "none"}, .pattern = "(?:https?|socks5h?)://.+"}};
}

Field StoreProfileName(std::string name, std::string* target) {
  Names<std::string> names{{"auto", "auto"}};
  for (const auto& profile : s3::StoreProfiles()) names.emplace_back(profile.name, profile.name);
  return Choice(std::move(name), target, std::move(names));
}

namespace {

Shape PricesShape() {
  const Shape price{.kind = Shape::Kind::kNumber, .pattern = "[0-9.eE+-]+", .minimum = 0};
  return {.kind = Shape::Kind::kMapping,
          .properties = {{"put", price}, {"get", price}, {"gib_month", price}}};
}

Shape OnFailureShape() {
  const std::string count = "[0-9.eE+-]+", share = count + "%";
  return {.kind = Shape::Kind::kMapping,
          .words = {"continue", "stop"},
          .pattern = fmt::format("stop_after: *{}|stop_above: *{}|(?:continue|stop): *", count, share),
          .properties = {{"stop_after", {.kind = Shape::Kind::kInteger, .pattern = count, .minimum = 1}},
                         {"stop_above", {.kind = Shape::Kind::kDuration, .pattern = share}},
                         {"continue", {}},
                         {"stop", {}}},
          .is_one_property = true};
}

}  // namespace

Field Prices(std::string name, pipeline::RequestPrices* prices) {
  using Target = std::pair<const char*, double pipeline::RequestPrices::*>;
  static constexpr Target kTargets[] = {{"put", &pipeline::RequestPrices::put_per_1000},
                                        {"get", &pipeline::RequestPrices::get_per_1000},
                                        {"gib_month", &pipeline::RequestPrices::gib_month}};
  const auto number = [](const std::string& text) -> std::optional<double> {
    double value = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc() && rest == text.data() + text.size();
    return whole && value >= 0 && value < 1e9 ? std::optional(value) : std::nullopt;
  };
  return Mapping(
      std::move(name),
      [prices, number](const Pairs& pairs) {
        for (const auto& [request, text] : pairs) {
          for (const auto& [key, member] : kTargets) {
            if (request == key) prices->*member = number(text).value_or(0);
          }
        }
      },
      [number](const std::string& key, const std::string& value) -> MaybeProblem {
        if (key != "put" && key != "get" && key != "gib_month")
          return "is not a price: write put, get or gib_month";
        if (number(value)) return std::nullopt;
        return fmt::format("'{}' is not a price: write a number such as 0.005", value);
      },
      [prices] {
        Pairs pairs;
        for (const auto& [key, member] : kTargets) {
          if (prices->*member > 0) pairs.emplace_back(key, fmt::format("{}", prices->*member));
        }
        return pairs;
      },
      PricesShape());
}

Field Mtime(std::string name, pipeline::MtimeLimit* limit) {
  return {.name = std::move(name),
          .type = "age, date or time; or empty",
          .set = [limit](const std::string& text) -> MaybeProblem {
            *limit = {.text = text};
            if (text.empty()) return std::nullopt;
            // Only dates have a "-".
            if (text.find('-') != std::string::npos) {
              const auto time = ParseTime(text);
              if (!time) return time.error();
              limit->seconds = *time;
              return std::nullopt;
            }
            const auto age = ParseAge(text);
            if (!age) {
              return fmt::format("'{}' is neither an age such as 30d or 12h, nor a date or time", text);
            }
            limit->seconds = age->count();
            limit->is_age = true;
            return std::nullopt;
          },
          .show = [limit] { return YamlScalar(limit->text); },
          .shape = {.pattern = "(?:[0-9]+d)?(?:[0-9]+h)?(?:[0-9]+m)?(?:[0-9]+s)?(?:[0-9]+ms)?|"
                               "[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}:[0-9]{2}"
                               "(?:Z|[-+][0-9]{2}:[0-9]{2}))?"}};
}

Field OnFailure(std::string name, pipeline::FailureLimit* limit) {
  return {.name = std::move(name),
          .type = "continue, stop, \"stop_after: N\" or \"stop_above: P%\"",
          .read =
              [limit](const Value& value, const std::string& path, std::vector<Problem>* problems) {
                const bool mapping = value.kind == Value::Kind::kMapping && value.entries.size() == 1;
                if (mapping && value.entries[0].value.kind != Value::Kind::kScalar) {
                  const auto& [key, where, entry] = value.entries[0];
                  if (entry.refused) return;
                  problems->push_back(
                      {where, fmt::format("{}.{}: must be text, not {}", path, key, KindName(entry.kind))});
                  return;
                }
                auto problem = mapping
                                   ? ReadOnFailure(value.entries[0].key, value.entries[0].value.text, limit)
                                   : ReadOnFailure(value.text, "", limit);
                if (problem) problems->push_back({value.where, fmt::format("{}: {}", path, *problem)});
              },
          .show = [limit]() -> std::string {
            if (limit->count == 1) return "stop";
            if (limit->count != UINT64_MAX) return fmt::format("'stop_after: {}'", limit->count);
            return limit->share < 1 ? fmt::format("'stop_above: {}%'", limit->share * 100) : "continue";
          },
          .shape = OnFailureShape()};
}

Field Attempts(std::string name, s3::endpoint::FaultRule* rule) {
  return {.name = std::move(name),
          .type = "1, 2-4, 3- or all",
          .set = [rule](const std::string& text) { return ReadAttempts(text, rule); },
          .show = [rule] { return fmt::format("{}-{}", rule->first_attempt, rule->last_attempt); },
          .shape = {.kind = Shape::Kind::kInteger,
                    .words = {"all"},
                    .pattern = "[0-9]+(?:-[0-9]*)?",
                    .minimum = 1}};
}

}  // namespace config
