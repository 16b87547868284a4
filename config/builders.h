// Builds fields for all kinds of values. The tables of keys are lists of such fields.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "config/field.h"
#include "config/scalars.h"
#include "s3/base/secret.h"

namespace config {

using Check = std::function<MaybeProblem(const std::string&)>;

inline MaybeProblem NoProblem(const std::string&) { return std::nullopt; }
inline MaybeProblem NotEmpty(const std::string& text) {
  return text.empty() ? MaybeProblem("must not be empty") : std::nullopt;
}

// Regular expressions for Shape::pattern.
inline constexpr char kAnyButEmpty[] = "[\\s\\S]+";
inline constexpr char kSizePattern[] = "[0-9]+ *(?:(?:[KkMmGgTt][Ii]?)?[Bb])?";

// Every `target` must outlive the field. `pattern` accepts all texts that `check` accepts, see Shape.
Field Text(std::string name, std::string* target, Check check = NoProblem, std::string pattern = "");
Field SecretText(std::string name, s3::Secret* target);
// Runs `check` on each entry. An empty entry is an error.
Field Texts(std::string name, std::vector<std::string>* target, Check check = NoProblem,
            std::string pattern = kAnyButEmpty);
Field Integer(std::string name, int* target, int min, int max);
// `automatic` is the value for the word "auto".
Field AutoOrInteger(std::string name, int* target, int automatic, int min, int max);
Field Bool(std::string name, bool* target);
Field Size(std::string name, std::uint64_t* target, std::uint64_t min = 0, std::uint64_t max = UINT64_MAX);
// Sets no size if the text is empty.
Field MaybeSize(std::string name, std::optional<std::uint64_t>* target);
Field Duration(std::string name, std::chrono::milliseconds* target, std::chrono::milliseconds min);

// A mapping from names to texts, in the order of the file.
using Pairs = std::vector<std::pair<std::string, std::string>>;
Field Mapping(std::string name, std::function<void(const Pairs&)> set,
              std::function<MaybeProblem(const std::string& key, const std::string& value)> check,
              std::function<Pairs()> get, Shape shape);

template <typename E>
using Names = std::vector<std::pair<std::string, E>>;

template <typename E>
Field Choice(std::string name, E* target, Names<E> names) {
  std::vector<std::string> choices;
  for (const auto& entry : names) choices.push_back(entry.first);
  return {.name = std::move(name),
          .type = fmt::format("{}", fmt::join(choices, " \\| ")),
          .set = [target, names](const std::string& text) -> MaybeProblem {
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
          .show =
              [target, names] {
                return std::find_if(names.begin(), names.end(),
                                    [&](const auto& pair) { return pair.second == *target; })
                    ->first;
              },
          .shape = {.kind = Shape::Kind::kWord, .words = choices}};
}

}  // namespace config
