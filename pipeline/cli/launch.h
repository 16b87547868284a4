// Repairs what the process inherits from its launcher: descriptors, signals, limits, umask.
#pragma once

namespace cli {

// Makes the process independent of its launcher. Batch systems, containers and cron jobs close standard
// descriptors, ignore or block signals, and set limits; a program inherits all of that through execve(2).
// Call it first in main, before any thread, file or output.
void PrepareProcess();

// Occupies closed standard descriptors. Otherwise a file that s3flow opens could get the number 0, 1 or 2,
// and output for the terminal would be written into that file. Reads and writes of an occupied descriptor
// fail with EBADF, as for a closed descriptor.
void HoldStandardDescriptors();

}  // namespace cli
