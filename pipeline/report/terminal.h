// Writes everything that goes to stdout and stderr, except the progress bar. Escapes control characters,
// invisible characters and bytes that are not UTF-8 (see s3/base/printable.h), so that no file name, server
// message or job file value can control the terminal. Any thread; a call writes whole lines.
#pragma once

#include <cstdio>
#include <string_view>

namespace pipeline {

// Writes one line; a line end in `line` is escaped.
void PrintLine(std::FILE* out, std::string_view line);

// Writes lines that end in a newline. Precondition: names and messages of others in `text` have been through
// s3::Printable().
void PrintLines(std::FILE* out, std::string_view text);

// Writes a note to stderr, in the form that a run's console uses.
void PrintNote(std::string_view text);

// Returns the errno of the first text that could not be written to stdout, because its reader has gone, the
// disk is full or stdout is closed. Returns 0 when all texts were written. A lost text has no other effect: a
// run continues without it.
int StdoutProblem();

}  // namespace pipeline
