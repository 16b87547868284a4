#include "config/builders.h"

namespace config {
namespace {

template <typename T>
MaybeProblem Take(const Parsed<T>& parsed, auto* target) {
  if (!parsed) return parsed.error();
  *target = static_cast<std::remove_pointer_t<decltype(target)>>(*parsed);
  return std::nullopt;
}

MaybeProblem CheckedSize(const std::string& text, std::uint64_t min, std::uint64_t max,
                         std::uint64_t* target) {
  const auto parsed = ParseSize(text);
  if (parsed && *parsed < min) return fmt::format("must be at least {}", ShowSize(min));
  if (parsed && *parsed > max) return fmt::format("must be at most {}", ShowSize(max));
  return Take(parsed, target);
}

std::string SizeType(std::uint64_t min, std::uint64_t max) {
  const auto from = min > 0 ? fmt::format(", at least {}", ShowSize(min)) : "";
  return max < UINT64_MAX ? fmt::format("size{}, at most {}", from, ShowSize(max)) : "size" + from;
}

Shape IntegerShape(int min, int max, std::vector<std::string> words = {}) {
  return {.kind = Shape::Kind::kInteger,
          .words = std::move(words),
          .pattern = "[0-9]+",
          .minimum = static_cast<std::uint64_t>(min),
          .maximum = static_cast<std::uint64_t>(max)};
}

Shape SizeShape(std::uint64_t min, std::uint64_t max, std::vector<std::string> words = {}) {
  return {.kind = Shape::Kind::kInteger,
          .words = std::move(words),
          .pattern = kSizePattern,
          .minimum = min,
          .maximum = max};
}

}  // namespace

Field Text(std::string name, std::string* target, Check check, std::string pattern) {
  return {.name = std::move(name),
          .type = "text",
          .set =
              [target, check = std::move(check)](const std::string& text) {
                auto problem = check(text);
                if (!problem) *target = text;
                return problem;
              },
          .show = [target] { return YamlScalar(*target); },
          .shape = {.pattern = std::move(pattern)}};
}

Field SecretText(std::string name, s3::Secret* target) {
  return {.name = std::move(name),
          .type = "text, secret",
          .set =
              [target](const std::string& text) {
                *target = s3::Secret(text);
                return MaybeProblem();
              },
          .show = [target] { return YamlScalar(s3::Redacted(*target)); },
          .holds_secret = [](std::string_view literal) { return !literal.empty(); }};
}

Field Texts(std::string name, std::vector<std::string>* target, Check check, std::string pattern) {
  return {.name = std::move(name),
          .type = "list of texts",
          .set_list =
              [target, check = std::move(check)](const std::vector<std::string>& texts) {
                *target = texts;
                MaybeProblem problem;
                for (const auto& text : texts) {
                  if (!problem) problem = text.empty() ? "must not contain an empty entry" : check(text);
                }
                return problem;
              },
          .show =
              [target] {
                std::string list;
                for (const auto& text : *target) list += (list.empty() ? "" : ", ") + YamlScalar(text);
                return "[" + list + "]";
              },
          .shape = {.kind = Shape::Kind::kTexts, .pattern = std::move(pattern)}};
}

Field Integer(std::string name, int* target, int min, int max) {
  return {.name = std::move(name),
          .type = fmt::format("integer, {} to {}", min, max),
          .set = [=](const std::string& text) { return Take(ParseInteger(text, min, max), target); },
          .show = [target] { return fmt::format("{}", *target); },
          .shape = IntegerShape(min, max)};
}

Field AutoOrInteger(std::string name, int* target, int automatic, int min, int max) {
  return {.name = std::move(name),
          .type = fmt::format("auto, or an integer, {} to {}", min, max),
          .set = [=](const std::string& text) -> MaybeProblem {
            if (text != "auto") return Take(ParseInteger(text, min, max), target);
            *target = automatic;
            return std::nullopt;
          },
          .show = [=]() -> std::string { return *target == automatic ? "auto" : fmt::format("{}", *target); },
          .shape = IntegerShape(min, max, {"auto"})};
}

Field Bool(std::string name, bool* target) {
  return {.name = std::move(name),
          .type = "true or false",
          .set = [target](const std::string& text) { return Take(ParseBool(text), target); },
          .show = [target] { return *target ? "true" : "false"; },
          .shape = {.kind = Shape::Kind::kWord, .words = {"true", "false"}}};
}

Field Size(std::string name, std::uint64_t* target, std::uint64_t min, std::uint64_t max) {
  return {.name = std::move(name),
          .type = SizeType(min, max),
          .set = [=](const std::string& text) { return CheckedSize(text, min, max, target); },
          .show = [target] { return ShowSize(*target); },
          .shape = SizeShape(min, max)};
}

Field MaybeSize(std::string name, std::optional<std::uint64_t>* target) {
  return {.name = std::move(name),
          .type = "size, or empty",
          .set =
              [target](const std::string& text) {
                target->reset();
                if (text.empty()) return MaybeProblem();
                return CheckedSize(text, 0, UINT64_MAX, &target->emplace(0));
              },
          .show = [target] { return *target ? fmt::format("{}", **target) : YamlScalar(""); },
          .shape = SizeShape(0, UINT64_MAX, {""})};
}

Field Duration(std::string name, std::chrono::milliseconds* target, std::chrono::milliseconds min) {
  return {.name = std::move(name),
          .type = min.count() > 0 ? fmt::format("duration, at least {}", ShowDuration(min)) : "duration",
          .set = [target, min](const std::string& text) -> MaybeProblem {
            const auto parsed = ParseDuration(text);
            if (parsed && *parsed < min) return fmt::format("must be at least {}", ShowDuration(min));
            return Take(parsed, target);
          },
          .show = [target] { return ShowDuration(*target); },
          .shape = {.kind = Shape::Kind::kDuration,
                    .pattern = "(?=.)(?:[0-9]+h)?(?:[0-9]+m)?(?:[0-9]+s)?(?:[0-9]+ms)?"}};
}

Field Mapping(std::string name, std::function<void(const Pairs&)> set,
              std::function<MaybeProblem(const std::string&, const std::string&)> check,
              std::function<Pairs()> get, Shape shape) {
  return {.name = std::move(name),
          .type = "mapping of names to texts",
          .read =
              [set = std::move(set), check = std::move(check)](const Value& value, const std::string& path,
                                                               std::vector<Problem>* problems) {
                if (value.kind != Value::Kind::kMapping) {
                  problems->push_back(
                      {value.where, fmt::format("{}: must be a mapping of names to texts, not {}: write "
                                                "{{name: text, ...}}",
                                                path, KindName(value.kind))});
                  return;
                }
                Pairs pairs;
                for (const auto& [key, where, entry] : value.entries) {
                  if (entry.refused) continue;
                  const auto problem = entry.kind == Value::Kind::kScalar
                                           ? check(key, entry.text)
                                           : fmt::format("must be text, not {}", KindName(entry.kind));
                  if (problem)
                    problems->push_back({entry.where, fmt::format("{}.{}: {}", path, key, *problem)});
                  pairs.emplace_back(key, entry.text);
                }
                set(pairs);
              },
          .show =
              [get = std::move(get)] {
                std::string list;
                for (const auto& [key, value] : get()) {
                  list +=
                      fmt::format("{}{}: {}", list.empty() ? "" : ", ", YamlScalar(key), YamlScalar(value));
                }
                return "{" + list + "}";
              },
          .shape = std::move(shape)};
}

}  // namespace config
