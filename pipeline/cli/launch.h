// Repairs what the process inherits from its launcher: descriptors, signals, limits, umask.
#pragma once

namespace cli {

// Makes a process fit to run, whatever its launcher left. Call it first in main, before any thread, file or
// output. Batch systems, containers and cron jobs close standard descriptors, ignore or block signals and set
// limits; all of that is inherited through execve(2).
void PrepareProcess();

// Takes the places of closed standard descriptors, so that no file of ours gets the number 0, 1 or 2 and
// another's output with it. Such a place can be neither read nor written: EBADF, as if it were closed.
void HoldStandardDescriptors();

}  // namespace cli
