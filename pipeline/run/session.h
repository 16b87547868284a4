// Runs one session of a run: builds the parts of the graph, uploads the remaining inputs, and returns the
// totals.
#pragma once

#include "pipeline/journal/run_dir.h"
#include "pipeline/report/summary.h"
#include "pipeline/run/run_setup.h"
#include "pipeline/run/status_writer.h"
#include "pipeline/runtime/client_factory.h"
#include "pipeline/stop.h"
#include "s3/admission/admission_controller.h"
#include "s3/options.h"
#include "s3/transport/trace.h"

namespace pipeline {

// Inputs of RunSession(). Owns nothing; all pointers and references must stay valid during the call.
struct SessionContext {
  const RunSetup& setup;
  const s3::Options& s3_options;
  const RunCredentials& credentials;
  const RunDirectory& directory;
  StopControl* stop;
  s3::TraceLog* trace;  // null for none
  s3::RateLimits* limits;
  StatusWriter* status;
  int log_fd = -1;  // the open report.log_file; -1 for none
};

// Blocks until every input has a result, or until the run was stopped and requests in flight have finished.
// Returns after all results are in the journal. Shows progress and events on stderr. At the end it reads the
// journal again and compares it with the counts. If no work is left, it aborts the run's open multipart
// uploads.
Summary RunSession(const SessionContext& context);

}  // namespace pipeline
