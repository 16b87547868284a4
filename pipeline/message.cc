#include "pipeline/message.h"

#include "s3/part_plan.h"

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

std::uint64_t BytesToUpload(const InputFile& file) {
  if (!file.range) return file.size_bytes;
  const auto plan = s3::PlanOfParts(file.size_bytes, file.range->part_bytes);
  const auto last = plan.Range(file.range->last);
  return last.offset + last.bytes - plan.Range(file.range->first).offset;
}

const InputFile& FileOf(const Input& input) {
  if (const auto* result = std::get_if<ObjectResult>(&input)) return *result->file;
  return *std::get<std::shared_ptr<const InputFile>>(input);
}

ObjectResult WithoutMemory(std::shared_ptr<const InputFile> file) noexcept {
  ObjectResult result;
  result.size_bytes = file->size_bytes;
  result.file = std::move(file);
  result.error = s3::Error{.kind = s3::ErrorKind::kLocal, .message = kNoMemory};
  return result;
}

}  // namespace pipeline
