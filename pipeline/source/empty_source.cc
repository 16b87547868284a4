#include "pipeline/source/empty_source.h"

#include <fmt/format.h>

#include "pipeline/source/name_list.h"
#include "pipeline/source/walk.h"
#include "s3/base/printable.h"

namespace pipeline {
namespace {

std::uint64_t CountWithoutFilters(SourceRoot root) {
  root.include.clear();
  root.exclude.clear();
  Walk walk({std::move(root)}, "");
  std::uint64_t count = 0;
  while (count < kMaxCounted && walk.Next()) ++count;
  return count;
}

std::string Describe(const SourceRoot& root) {
  const auto path = s3::Printable(root.path);
  const ListOf list(root);
  if (list && !list.CanBeReadAgain())
    return fmt::format("{} names no file, or none that include and exclude allow", list.Name());
  const auto left_out = root.include.empty() && root.exclude.empty() ? 0 : CountWithoutFilters(root);
  if (left_out == 0 && list) return list.Name() + " contains no names";
  if (left_out == 0) return path + " contains no files";
  const auto* const more = left_out == kMaxCounted ? "at least " : "";
  return fmt::format("include and exclude leave out {}{} {} of {}", more, left_out,
                     left_out == 1 ? "file" : "files", path);
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
