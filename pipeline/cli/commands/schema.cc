#include "config/describe/json_schema.h"
#include "pipeline/cli/commands/commands.h"
#include "pipeline/cli/output.h"
#include "pipeline/report/terminal.h"

namespace cli {

CommandResult Schema(const SchemaArguments& arguments) {
  pipeline::PrintLines(stdout, (arguments.faults ? config::FaultsSchema() : config::JobSchema()) + "\n");
  return UnlessStdoutFailed(pipeline::kExitOk);
}

}  // namespace cli
