// Writes all output to stdout and stderr, except the progress bar. Escapes control characters, invisible
// characters and bytes that are not UTF-8 (see s3/base/printable.h), so that no file name, server message or
// job file value can control the terminal. Any thread; a call writes whole lines.
#pragma once

#include <cstdio>
#include <string_view>

namespace pipeline {

// Writes one line; a line end in `line` is escaped.
void PrintLine(std::FILE* out, std::string_view line);

// Writes several lines, each with a newline at its end. Precondition: s3::Printable() has escaped file names
// and servers' messages in `text`, because a line end in them would begin a new line.
void PrintLines(std::FILE* out, std::string_view text);

// Clears a terminal's screen. The next text begins at its top.
void ClearScreen(std::FILE* out);

// Writes a note to stderr, with the lead word "note".
void PrintNote(std::string_view text);

// Returns the errno of the first write to stdout that failed, for example because its reader has gone, the
// disk is full or stdout is closed. Returns 0 if all texts were written. A failed write has no other effect
// on a run.
int StdoutProblem();

}  // namespace pipeline
