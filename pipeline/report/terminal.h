// Writes all output to stdout and stderr. Escapes control characters, invisible
// characters and bytes that are not UTF-8 (see s3/base/printable.h), so that no file name, server message or
// job file value can control the terminal. Any thread; a call writes whole lines.
#pragma once

#include <cstdio>
#include <string_view>

namespace pipeline {

// The color of the first word of a line.
enum class Color { kNone, kRed, kYellow };

// Writes one line; a line end in `line` is escaped.
void PrintLine(std::FILE* out, std::string_view line, Color color = Color::kNone);

// Writes one line, escaped, to a file that is no terminal. Returns 0, or the errno of the write that failed.
int AppendLine(int fd, std::string_view line);

enum class Patience {
  kNone,  // write only if the terminal takes the bytes at once
  kWait,  // wait up to one second
};

// Writes text that contains control sequences. Only for texts that pipeline/report/ has made itself. Returns
// false only with Patience::kNone, if the terminal takes no bytes.
bool WriteControl(std::FILE* out, std::string_view text, Patience patience);

// Returns true if `out` is a terminal that understands control sequences (TERM is set, and is not "dumb").
bool IsSmartTerminal(std::FILE* out);

// Writes several lines, each with a newline at its end. Precondition: s3::Printable() has escaped file names
// and servers' messages in `text`, because a line end in them would begin a new line.
void PrintLines(std::FILE* out, std::string_view text);

// Writes a document to stdout without a change, so that another program gets each byte. If stdout is a
// terminal, escapes the document's lines as PrintLines() does. Returns false if stdout cannot be written.
bool WriteDocument(std::string_view bytes);

// Clears a terminal's screen. The next text begins at its top.
void ClearScreen(std::FILE* out);

// Writes a note to stderr, with the lead word "note".
void PrintNote(std::string_view text);

// Returns the errno of the first write to stdout that failed, for example because its reader has gone, the
// disk is full or stdout is closed. Returns 0 if all texts were written. A failed write has no other effect
// on a run.
int StdoutProblem();

}  // namespace pipeline
