// Values for keys that a job file does not set. Such a value replaces the default.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/document.h"

namespace config {

struct Fallback {
  std::string key;  // "destination.endpoint"
  std::string value;
  std::string where;  // the source of the value, for messages and ShowJob: "AWS_ENDPOINT_URL"
  // The value is not used if the job file sets one of these keys to a non-empty value.
  std::vector<std::string> unless{};
  // The value is not used if the job file itself has one of these keys, even with an empty value.
  std::vector<std::string> unless_given{};
  // The note if the value is not used because of `unless`; empty for none.
  std::string unless_note{};
  // Not empty if the value is invalid or cannot be read. Reported as a problem only if the value would be
  // used.
  std::string problem{};
};

struct Fallbacks {
  std::vector<Fallback> values;   // the first value for a key is used
  std::vector<Problem> problems;  // problems that do not depend on the job file
  std::vector<std::string> notes;
};

// `profile` is the job file's credentials.profile; empty if it has none.
using FindFallbacks = std::function<Fallbacks(const std::string& profile)>;

// Adds values to the tree of a job for keys that the tree does not set. Returns the added fallbacks.
std::vector<Fallback> ApplyFallbacks(const Fallbacks& fallbacks, Value* root, std::vector<Problem>* problems,
                                     std::vector<std::string>* notes);

}  // namespace config
