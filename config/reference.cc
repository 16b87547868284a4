#include "config/reference.h"

#include <fmt/format.h>

#include <string_view>

#include "config/descriptions.h"
#include "config/job.h"
#include "config/schema.h"

namespace config {
namespace {

const Description* Find(const std::string& key) {
  for (const auto all : {Descriptions(), FaultDescriptions()}) {
    for (const auto& entry : all) {
      if (entry.key == key) return &entry;
    }
  }
  return nullptr;
}

std::string Table(std::string_view section, const std::vector<Field>& fields) {
  auto text =
      fmt::format("## {}\n\n| key | type | default | meaning | example |\n|---|---|---|---|---|\n", section);
  for (const auto& field : fields) {
    const auto* found = Find(fmt::format("{}.{}", section, field.name));
    // Every field is bound to options that have their defaults.
    text += fmt::format("| `{}` | {} | `{}` | {} | `{}` |\n", field.name, field.type, field.show(),
                        found == nullptr ? "undescribed" : found->meaning,
                        found == nullptr ? "" : found->example);
  }
  return text + "\n";
}

}  // namespace

std::string Reference() {
  std::string text =
      "# The job file: every key\n\n"
      "This page is generated from the loader's table of keys, and a test compares the two. "
      "[complete.yaml](examples/complete.yaml) contains all keys with their defaults. A size is a number of "
      "bytes, with or without a unit: `8MB` is 8,000,000 and `8MiB` is 8,388,608. A duration has a unit: "
      "`200ms`, `20s`, `1m30s`, `2h`. A value may contain the environment variable VAR as `${VAR}` or "
      "`${VAR:-default}`. Write `$${` for the text `${` itself. `--set section.key=value` overrides one "
      "value, and `--set 'section.key=[a, b]'` a list of texts.\n\n";
  pipeline::SourceRoot root;
  text += Table("source[]", SourceFields(&root));
  Job job;
  for (const auto& section : JobSections(&job.s3, &job.pipeline)) text += Table(section.name, section.fields);
  text +=
      "# Faults files\n\n"
      "`s3flow serve` and `rehearse` read such a file with `--faults FILE`. Its one key `faults` is a list "
      "of "
      "rules. A request gets the fault of the first rule that matches it. Attempts are counted from 1 for "
      "each pair of operation and key. [quickstart-faults.yaml](examples/quickstart-faults.yaml) is an "
      "example.\n\n";
  s3::endpoint::FaultRule rule;
  text += Table("faults[]", FaultFields(&rule));
  return text;
}

}  // namespace config
