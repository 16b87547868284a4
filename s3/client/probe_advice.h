// Derives from a probe's report which profile the store has and what the user should change. Pure functions,
// any thread.
#pragma once

#include <string>
#include <vector>

#include "s3/client/probe.h"
#include "s3/options.h"
#include "s3/stores/store_profiles.h"

namespace s3 {

// Returns the profiles that contradict nothing in the report. If there are several, only those that predict
// the most of its rows.
std::vector<const StoreProfile*> FittingProfiles(const ProbeReport& report);

// Returns what to do about the report, one line for each advice; may be empty. `profile` is the job's.
std::vector<std::string> AdviceOf(const ProbeReport& report, const IntegrityOptions& integrity,
                                  const StoreProfile& profile);

}  // namespace s3
