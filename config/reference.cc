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

// A field's type escapes each "|", because a Markdown table separates its cells with them.
constexpr std::string_view kEscapedBar = "\\|";

std::string WithoutEscapes(std::string type) {
  for (auto at = type.find(kEscapedBar); at != std::string::npos; at = type.find(kEscapedBar)) {
    type.erase(at, 1);
  }
  return type;
}

std::string WithEscapes(std::string_view type) {
  std::string text;
  for (const char c : type) text += c == '|' ? std::string(kEscapedBar) : std::string(1, c);
  return text;
}

// Every field is bound to options that have their defaults.
ReferenceSection Described(std::string section, const std::vector<Field>& fields) {
  ReferenceSection described{std::move(section), {}};
  for (const auto& field : fields) {
    const auto* found = Find(fmt::format("{}.{}", described.name, field.name));
    described.keys.push_back({.name = field.name,
                              .type = WithoutEscapes(field.type),
                              .default_value = field.show(),
                              .meaning = found == nullptr ? "undescribed" : found->meaning,
                              .example = found == nullptr ? "" : found->example});
  }
  return described;
}

std::string Table(const ReferenceSection& section) {
  auto text = fmt::format("## {}\n\n| key | type | default | meaning | example |\n|---|---|---|---|---|\n",
                          section.name);
  for (const auto& key : section.keys) {
    text += fmt::format("| `{}` | {} | `{}` | {} | `{}` |\n", key.name, WithEscapes(key.type),
                        key.default_value, key.meaning, key.example);
  }
  return text + "\n";
}

}  // namespace

std::vector<ReferenceSection> JobReference() {
  pipeline::SourceRoot root;
  Job job;
  std::vector<ReferenceSection> sections{Described("source[]", SourceFields(&root))};
  for (const auto& section : JobSections(&job.s3, &job.pipeline)) {
    sections.push_back(Described(section.name, section.fields));
  }
  return sections;
}

ReferenceSection FaultsReference() {
  s3::endpoint::FaultRule rule;
  return Described("faults[]", FaultFields(&rule));
}

std::string ValueSyntax() {
  return "A size is a number of bytes, with or without a unit: `8MB` is 8,000,000 and `8MiB` is 8,388,608. A "
         "duration has a unit: `200ms`, `20s`, `1m30s`, `2h`. A value may contain the environment variable "
         "VAR as `${VAR}` or `${VAR:-default}`. Write `$${` for the text `${` itself. `--set "
         "section.key=value` overrides one value, and `--set 'section.key=[a, b]'` a list of texts.";
}

std::string FaultsSyntax() {
  return "`s3flow serve` and `rehearse` read such a file with `--faults FILE`. Its one key `faults` is a "
         "list "
         "of rules. A request gets the fault of the first rule that matches it. Attempts are counted from 1 "
         "for each pair of operation and key.";
}

std::string Reference() {
  auto text = fmt::format(
      "# The job file: every key\n\n"
      "This page is generated from the loader's table of keys, and a test compares the two. "
      "[complete.yaml](examples/complete.yaml) contains all keys with their defaults. {}\n\n",
      ValueSyntax());
  for (const auto& section : JobReference()) text += Table(section);
  text += fmt::format(
      "# Faults files\n\n{} [quickstart-faults.yaml](examples/quickstart-faults.yaml) is an example.\n\n",
      FaultsSyntax());
  return text + Table(FaultsReference());
}

}  // namespace config
