#include "pipeline/message.h"

namespace pipeline {

std::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kUploaded: return "uploaded";
    case Outcome::kSkipped: return "skipped";
    case Outcome::kFailed: return "failed";
    case Outcome::kCancelled: return "cancelled";
    case Outcome::kSent: return "sent";
  }
  return "unknown";
}

Outcome OutcomeOf(std::string_view name) {
  for (const auto outcome : {Outcome::kUploaded, Outcome::kSkipped, Outcome::kFailed, Outcome::kSent}) {
    if (name == OutcomeName(outcome)) return outcome;
  }
  return Outcome::kCancelled;
}

const InputFile& FileOf(const Input& input) {
  if (const auto* result = std::get_if<ObjectResult>(&input)) return *result->file;
  return *std::get<std::shared_ptr<const InputFile>>(input);
}

}  // namespace pipeline
