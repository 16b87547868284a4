#include "pipeline/terminal.h"

#include <algorithm>
#include <string>

#include "s3/printable.h"
#include "s3/text.h"

namespace pipeline {

void PrintLine(std::FILE* out, std::string_view line) {
  const auto shown = s3::PrintableLine(line) + "\n";
  std::fwrite(shown.data(), 1, shown.size(), out);
  std::fflush(out);
}

void PrintLines(std::FILE* out, std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    shown += s3::PrintableLine(line) + "\n";
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  std::fwrite(shown.data(), 1, shown.size(), out);
  std::fflush(out);
}

void NoteLine(std::string_view text) { PrintLine(stderr, s3::Concat({"note    ", text})); }

}  // namespace pipeline
