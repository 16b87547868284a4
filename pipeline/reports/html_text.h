// Pieces of an HTML page. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pipeline {

// Returns text from a file or a server as the content of an HTML element or attribute. Escapes HTML, and what
// Printable() escapes: control characters, invisible characters and bytes that are not UTF-8.
std::string Html(std::string_view text);
// The same, cut off after about `max_bytes` bytes. The end of a path tells more than its beginning, so
// HtmlPath() keeps the end.
std::string HtmlShort(std::string_view text, std::size_t max_bytes);
std::string HtmlPath(std::string_view path);
// A short text from a journal, at most about 200 bytes of it.
std::string HtmlText(std::string_view text);

// Returns what a slot does or waits for, in words. `state`: a name of s3::SlotState, or another text from a
// file, which is escaped.
std::string SlotStateHtml(std::string_view state);

// "18.2 ms", "1.35 s", "3 min 20 s"
std::string HtmlMillis(double ms);
std::string HtmlDuration(double seconds);

// "1,234,567"
std::string GroupedDigits(std::uint64_t number);

// A table. Cells are HTML. The first column names the row. Columns from `first_number` on are numbers.
struct HtmlTable {
  std::string caption;
  std::vector<std::string> columns;
  std::size_t first_number = 1;
  std::vector<std::vector<std::string>> rows;
};
// Returns nothing for a table without rows.
std::string Render(const HtmlTable& table);

// Returns the beginning of the page up to its first content, with all styles.
std::string HtmlHead(std::string_view title);

}  // namespace pipeline
