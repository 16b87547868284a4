#include "config/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "config/scalars.h"
#include "s3/uri.h"

namespace config {
namespace {

using MaybeProblem = std::optional<std::string>;
using Check = std::function<MaybeProblem(const std::string&)>;

template <typename T>
MaybeProblem Take(const Parsed<T>& parsed, auto* target) {
  if (!parsed) return parsed.error();
  *target = static_cast<std::remove_pointer_t<decltype(target)>>(*parsed);
  return std::nullopt;
}

MaybeProblem NoProblem(const std::string&) { return std::nullopt; }

MaybeProblem NotEmpty(const std::string& text) {
  return text.empty() ? MaybeProblem("must not be empty") : std::nullopt;
}

Field Text(std::string name, std::string* target, const Check& check = NoProblem) {
  return {std::move(name),
          [target, check](const std::string& text) {
            auto problem = check(text);
            if (!problem) *target = text;
            return problem;
          },
          {},
          [target] { return YamlScalar(*target); }};
}

Field SecretText(std::string name, s3::Secret* target) {
  return {std::move(name),
          [target](const std::string& text) {
            *target = s3::Secret(text);
            return MaybeProblem();
          },
          {},
          [target] { return YamlScalar(s3::Redacted(*target)); }};
}

Field Texts(std::string name, std::vector<std::string>* target) {
  return {std::move(name),
          {},
          [target](const std::vector<std::string>& texts) {
            *target = texts;
            return std::find(texts.begin(), texts.end(), "") == texts.end()
                       ? MaybeProblem()
                       : "must not contain an empty entry";
          },
          [target] {
            std::string list;
            for (const auto& text : *target) list += (list.empty() ? "" : ", ") + YamlScalar(text);
            return "[" + list + "]";
          }};
}

Field Integer(std::string name, int* target, int min, int max) {
  return {std::move(name),
          [=](const std::string& text) { return Take(ParseInteger(text, min, max), target); },
          {},
          [target] { return fmt::format("{}", *target); }};
}

Field Bool(std::string name, bool* target) {
  return {std::move(name),
          [target](const std::string& text) { return Take(ParseBool(text), target); },
          {},
          [target] { return *target ? "true" : "false"; }};
}

Field Size(std::string name, std::uint64_t* target) {
  return {std::move(name),
          [target](const std::string& text) { return Take(ParseSize(text), target); },
          {},
          [target] { return fmt::format("{}", *target); }};
}

Field Duration(std::string name, std::chrono::milliseconds* target, std::chrono::milliseconds min) {
  return {std::move(name),
          [target, min](const std::string& text) -> MaybeProblem {
            const auto parsed = ParseDuration(text);
            if (parsed && *parsed < min) return fmt::format("must be at least {}", ShowDuration(min));
            return Take(parsed, target);
          },
          {},
          [target] { return ShowDuration(*target); }};
}

template <typename E>
using Names = std::vector<std::pair<std::string, E>>;

template <typename E>
Field Choice(std::string name, E* target, Names<E> names) {
  return {std::move(name),
          [target, names](const std::string& text) -> MaybeProblem {
            std::vector<std::string> words;
            for (const auto& [word, value] : names) {
              words.push_back(word);
              if (word == text) {
                *target = value;
                return std::nullopt;
              }
            }
            return fmt::format("'{}' is not one of {}{}", text, fmt::join(words, ", "),
                               DidYouMean(text, words));
          },
          {},
          [target, names] {
            return std::find_if(names.begin(), names.end(),
                                [&](const auto& pair) { return pair.second == *target; })
                ->first;
          }};
}

MaybeProblem CheckEndpoint(const std::string& text) {
  if (text.empty()) return std::nullopt;  // AWS
  const auto parsed = s3::ParseEndpoint(text);
  return parsed ? MaybeProblem() : parsed.error().message;
}

MaybeProblem CheckRegion(const std::string& text) {
  const bool fine = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  return fine && !text.empty() ? MaybeProblem()
                               : fmt::format("'{}' is no region: letters, digits and '-'", text);
}

MaybeProblem CheckPrefix(const std::string& text) {
  return text.size() > 1024 ? MaybeProblem("is longer than any key, which has at most 1024 bytes")
                            : std::nullopt;
}

// Header values and query parameters are made of it.
MaybeProblem CheckKeyId(const std::string& text) {
  const bool fine = std::all_of(text.begin(), text.end(),
                                [](unsigned char c) { return c > 0x20 && c < 0x7f && c != '/' && c != ','; });
  return fine ? MaybeProblem() : "has a character that no access key ID has";
}

// "1", "2-4", "3-" (from the third on), "all"
MaybeProblem ReadAttempts(const std::string& text, s3::endpoint::FaultRule* rule) {
  constexpr int kMax = 1'000'000;
  const auto dash = text.find('-');
  const auto first = ParseInteger(text == "all" ? "1" : text.substr(0, dash), 1, kMax);
  const auto last = text == "all" || (dash != std::string::npos && dash + 1 == text.size())
                        ? Parsed<std::int64_t>(kMax)
                        : ParseInteger(dash == std::string::npos ? text : text.substr(dash + 1), 1, kMax);
  if (!first || !last || *first > *last)
    return fmt::format("'{}' is not attempts: write 1, 2-4, 3- or all", text);
  rule->first_attempt = static_cast<int>(*first);
  rule->last_attempt = static_cast<int>(*last);
  return std::nullopt;
}

std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, substituted}));
    }
  }
  return row.back();
}

void ReadField(const Field& field, const Value& value, const std::string& name,
               std::vector<Problem>* problems) {
  const auto report = [&](const std::string& what) {
    problems->push_back({value.where, fmt::format("{}: {}", name, what)});
  };
  if (value.refused) return;
  if (value.kind == Value::Kind::kNull) return report("has no value");
  if (field.set) {
    if (value.kind != Value::Kind::kScalar)
      return report(fmt::format("must be text, not {}", KindName(value.kind)));
    if (const auto problem = field.set(value.text)) report(*problem);
    return;
  }
  std::vector<std::string> texts;
  if (value.kind == Value::Kind::kScalar) texts.push_back(value.text);
  if (value.kind == Value::Kind::kMapping) return report("must be text or a list of texts, not a mapping");
  for (const auto& item : value.items) {
    if (item.refused) continue;
    if (item.kind != Value::Kind::kScalar) {
      problems->push_back({item.where, fmt::format("{}: must be text, not {}", name, KindName(item.kind))});
      continue;
    }
    texts.push_back(item.text);
  }
  if (const auto problem = field.set_list(texts)) report(*problem);
}

}  // namespace

std::vector<Section> JobSections(s3::Options* s3_options, pipeline::Options* options) {
  using namespace std::chrono_literals;
  using pipeline::LogLevel;
  using pipeline::ProgressStyle;
  using s3::Addressing;
  auto& destination = s3_options->destination;
  auto& credentials = s3_options->credentials;
  auto& retry = s3_options->retry;
  auto& transport = s3_options->transport;
  return {
      {"destination",
       {Text("bucket", &destination.bucket, s3::BucketNameProblem),
        Text("prefix", &destination.prefix, CheckPrefix),
        Text("endpoint", &destination.endpoint, CheckEndpoint),
        Text("region", &destination.region, CheckRegion),
        Choice(
            "addressing", &destination.addressing,
            Names<Addressing>{
                {"auto", Addressing::kAuto}, {"path", Addressing::kPath}, {"virtual", Addressing::kVirtual}}),
        Text("ca_file", &destination.ca_file)}},
      {"credentials",
       {Text("access_key_id", &credentials.access_key_id, CheckKeyId),
        SecretText("secret_access_key", &credentials.secret_access_key),
        SecretText("session_token", &credentials.session_token), Text("profile", &credentials.profile)}},
      {"upload",
       {Integer("concurrency", &options->upload.concurrency, 1, 4096),
        Integer("threads", &options->upload.threads, 0, 256)}},
      {"retry",
       {Integer("max_attempts", &retry.max_attempts, 1, 1000), Duration("base_delay", &retry.base_delay, 1ms),
        Duration("cap", &retry.cap, 1ms)}},
      {"limits",
       {Duration("connect_timeout", &transport.connect_timeout, 10ms),
        Duration("stall_window", &transport.stall_window, 100ms),
        Size("stall_bytes", &transport.stall_bytes)}},
      {"report",
       {Text("run_dir", &options->report.run_dir),
        Choice("progress", &options->report.progress,
               Names<ProgressStyle>{{"auto", ProgressStyle::kAuto},
                                    {"bar", ProgressStyle::kBar},
                                    {"lines", ProgressStyle::kLines},
                                    {"none", ProgressStyle::kNone}}),
        Choice("log", &options->report.log,
               Names<LogLevel>{{"failures", LogLevel::kFailures}, {"objects", LogLevel::kObjects}})}},
  };
}

std::vector<Field> SourceFields(pipeline::SourceRoot* root) {
  return {Text("path", &root->path, NotEmpty),
          Text("prefix", &root->prefix, CheckPrefix),
          Texts("include", &root->include),
          Texts("exclude", &root->exclude),
          Bool("follow_symlinks", &root->follow_symlinks),
          Bool("allow_empty", &root->allow_empty)};
}

std::vector<Field> FaultFields(s3::endpoint::FaultRule* rule) {
  using namespace std::chrono_literals;
  using s3::endpoint::FaultAction;
  return {Text("operation", &rule->operation, NotEmpty),
          Text("key", &rule->key, NotEmpty),
          {"attempts",
           [rule](const std::string& text) { return ReadAttempts(text, rule); },
           {},
           [rule] { return fmt::format("{}-{}", rule->first_attempt, rule->last_attempt); }},
          Choice("action", &rule->action,
                 Names<FaultAction>{{"status", FaultAction::kStatus},
                                    {"reset", FaultAction::kResetBefore},
                                    {"reset_in_body", FaultAction::kResetInBody},
                                    {"no_answer", FaultAction::kNoAnswer},
                                    {"lost_answer", FaultAction::kLostAnswer},
                                    {"delay", FaultAction::kDelay},
                                    {"wrong_etag", FaultAction::kWrongEtag}}),
          Integer("status", &rule->status, 300, 599),
          Text("code", &rule->code, NotEmpty),
          Integer("retry_after_s", &rule->retry_after_s, 0, 3600),
          Size("after_bytes", &rule->after_bytes),
          Duration("delay", &rule->delay, 0ms)};
}

void ReadFields(const Value& mapping, const std::string& path, const std::vector<Field>& fields,
                const std::vector<std::string>& elsewhere, std::vector<Problem>* problems) {
  if (mapping.kind != Value::Kind::kMapping) {
    problems->push_back(
        {mapping.where, fmt::format("{}: must be a mapping, not {}", path, KindName(mapping.kind))});
    return;
  }
  std::vector<std::string> candidates;
  for (const auto& field : fields) candidates.push_back(field.name);
  candidates.insert(candidates.end(), elsewhere.begin(), elsewhere.end());
  for (const auto& entry : mapping.entries) {
    const auto field =
        std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == entry.key; });
    if (field == fields.end()) {
      problems->push_back({entry.where, fmt::format("{}: unknown key '{}'{}", path, entry.key,
                                                    DidYouMean(entry.key, candidates))});
    } else {
      ReadField(*field, entry.value, path + "." + entry.key, problems);
    }
  }
}

std::string DidYouMean(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = 3;
  for (const auto& candidate : candidates) {
    // A full name ("retry.cap") is compared by its last part: the key may be right and misplaced.
    const auto last = std::string_view(candidate).substr(candidate.rfind('.') + 1);
    const auto distance = EditDistance(word, last);
    if (distance < best_distance && distance < std::max(word.size(), last.size()) / 2 + 1) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best.empty() ? "" : fmt::format("; did you mean '{}'?", best);
}

std::string YamlScalar(std::string_view text) {
  const bool plain =
      !text.empty() && text != "~" && text != "null" && text != "Null" && text != "NULL" &&
      std::all_of(text.begin(), text.end(),
                  [](unsigned char c) {
                    return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '/' || c == '-';
                  }) &&
      text.front() != '-';
  if (plain) return std::string(text);
  std::string quoted = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '$' && i + 1 < text.size() && text[i + 1] == '{') quoted += '$';
    if (static_cast<unsigned char>(c) < 0x20) {
      quoted += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

}  // namespace config
