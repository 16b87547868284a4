// Values for keys that a job file leaves out, from somewhere else than the defaults.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/document.h"

namespace config {

struct Fallback {
  std::string key;  // "destination.endpoint"
  std::string value;
  std::string where;  // for messages and ShowJob: "AWS_ENDPOINT_URL"
  // Not used beside one of these keys, unless that is empty.
  std::vector<std::string> unless{};
  // Said when it is not used for one of them; empty: nothing is said.
  std::string unless_note{};
  // There may be a value, and it cannot be known: a mistake when the key is left out.
  std::string problem{};
};

struct Fallbacks {
  std::vector<Fallback> values;   // the first of a key counts
  std::vector<Problem> problems;  // mistakes, whatever the job file says
  std::vector<std::string> notes;
};

// `profile`: what the job file has for credentials.profile; empty for nothing.
using FindFallbacks = std::function<Fallbacks(const std::string& profile)>;

// Puts values into the job `root` where it has none, and returns those. What is not used says so in `notes`.
std::vector<Fallback> ApplyFallbacks(const Fallbacks& fallbacks, Value* root, std::vector<Problem>* problems,
                                     std::vector<std::string>* notes);

}  // namespace config
