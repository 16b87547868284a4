// Everything that is written to stdout and stderr, but the progress bar: whatever a name, a message of a
// server or a value of a job file holds, it does not drive the terminal. Any thread; a call writes whole
// lines.
#pragma once

#include <cstdio>
#include <string_view>

namespace pipeline {

// One line: a line end in it is shown, and makes no second one.
void PrintLine(std::FILE* out, std::string_view line);

// Lines of our own making, as they stand; names in them have been through s3::Printable().
void PrintLines(std::FILE* out, std::string_view text);

// A note on stderr, as a run's console writes it.
void PrintNote(std::string_view text);

// The errno of the first text that stdout did not take (its reader has gone, its disk is full, it was
// closed); 0 when it took all. Nothing else comes of a text that cannot be written: a run goes on.
int StdoutProblem();

}  // namespace pipeline
