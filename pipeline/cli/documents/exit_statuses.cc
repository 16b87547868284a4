#include "pipeline/cli/documents/exit_statuses.h"

namespace cli {
namespace {

constexpr ExitStatusText kExitStatuses[] = {
    {pipeline::kExitOk, "All inputs are uploaded or skipped.", ""},
    {pipeline::kExitSomeFailed, "Some objects failed, or `limits.on_failure` stopped the run.",
     "Look at the failures; run again."},
    {pipeline::kExitUsage, "The command line is wrong.", "Correct the command."},
    {pipeline::kExitNoInput, "The job file or a source is missing, or the source is empty.",
     "Correct the path."},
    {pipeline::kExitBroken,
     "The counts of inputs and results do not add up, or a rehearsal found an object that differs from its "
     "file.",
     "Report a bug."},
    {pipeline::kExitSystem, "The system refuses open files, address space or threads.", "Raise the limit."},
    {pipeline::kExitJournal,
     "The journal, the summary or the output was not written, or the run or plan directory is damaged or not "
     "trusted.",
     "Do what the message says."},
    {pipeline::kExitStopped,
     "The run stopped early with work left, or another process uses the run directory.", "Run again."},
    {pipeline::kExitRefused,
     "The store refuses the whole run: credentials, access, bucket, region, clock, TLS or proxy.",
     "Correct what the message names."},
    {pipeline::kExitConfig,
     "There is a mistake in the job file, or the directory belongs to another job, a finished run or another "
     "program.",
     "Correct the job file or the path."},
    {pipeline::kExitInterrupted, "SIGINT stopped the run. Requests in flight have ended.", "Run again."},
};

}  // namespace

std::span<const ExitStatusText> ExitStatuses() { return kExitStatuses; }

}  // namespace cli
