#include "pipeline/source/empty_source.h"

#include <fmt/format.h>

#include "pipeline/source/name_list.h"
#include "pipeline/source/source_filters.h"
#include "pipeline/source/walk.h"
#include "s3/base/printable.h"

namespace pipeline {
namespace {

std::uint64_t CountWithoutFilters(const SourceRoot& root) {
  Walk walk({WithoutFilters(root)}, "");
  std::uint64_t count = 0;
  while (count < kMaxCounted && walk.Next()) ++count;
  return count;
}

std::string Describe(const SourceRoot& root) {
  const auto path = s3::Printable(root.path);
  const ListOf list(root);
  if (list && !list.CanBeReadAgain())
    return fmt::format("{} names no file, or the filters leave out every file", list.Name());
  const auto left_out = HasFilters(root) ? CountWithoutFilters(root) : 0;
  if (left_out == 0 && list) return list.Name() + " contains no names";
  if (left_out == 0) return path + " contains no files";
  const auto* const more = left_out == kMaxCounted ? "at least " : "";
  return fmt::format("the filters leave out {}{} {} of {}", more, left_out, left_out == 1 ? "file" : "files",
                     path);
}

}  // namespace

std::string EmptySourceText(const Options& options) {
  std::string reasons;
  for (const auto& root : options.source) {
    if (!root.stream) reasons += (reasons.empty() ? "" : "; ") + Describe(root);
  }
  const auto* const colon = reasons.empty() ? "" : ": ";
  return fmt::format("the source is empty{}{} (to allow an empty source, set allow_empty: true)", colon,
                     reasons);
}

}  // namespace pipeline
