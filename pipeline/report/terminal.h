// Everything that goes to stdout and stderr, except the progress bar. No name, server message or job file
// value can drive the terminal: control characters, invisible characters and bytes that are not UTF-8 are
// escaped (see s3/base/printable.h). Any thread; a call writes whole lines.
#pragma once

#include <cstdio>
#include <string_view>

namespace pipeline {

// Writes one line; a line end in `line` is escaped.
void PrintLine(std::FILE* out, std::string_view line);

// Writes lines that s3flow has made; names in them have been through s3::Printable().
void PrintLines(std::FILE* out, std::string_view text);

// Writes a note to stderr, in the form of a run's console.
void PrintNote(std::string_view text);

// Returns the errno of the first text that stdout did not take (its reader has gone, its disk is full, it was
// closed); 0 when it took all. A text that cannot be written has no other effect: a run continues without it.
int StdoutProblem();

}  // namespace pipeline
