// Draws a few lines in place at the bottom of a terminal, with a hidden cursor.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

namespace pipeline {

// Not thread-safe; one at a time in a process.
class ProgressArea {
 public:
  // Draws nothing yet. `out` is not owned. From here on, if a signal kills or stops the process, the cursor
  // is shown first.
  explicit ProgressArea(std::FILE* out);
  // Erases the lines and shows the cursor.
  ~ProgressArea();
  ProgressArea(const ProgressArea&) = delete;
  ProgressArea& operator=(const ProgressArea&) = delete;

  struct Size {
    std::size_t columns = 80, rows = 24;
  };
  // Returns the present size of the terminal, or 80 x 24 if `out` is not a terminal.
  Size size() const;

  // Replaces the lines. Precondition: each line has fewer columns than the terminal, and only printable
  // ASCII. Draws nothing if the terminal takes no bytes at the moment, for example after Ctrl-S.
  void Draw(const std::vector<std::string>& lines);
  // Removes the lines, so that other text can be written in their place.
  void Erase();

 private:
  std::string BackToStart() const;

  std::FILE* const out_;
  std::vector<std::size_t> drawn_;  // the lengths of the lines on the terminal
};

}  // namespace pipeline
