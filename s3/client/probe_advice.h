// Derives from a probe's report which profile the store has and what the user should change. Pure functions,
// any thread.
#pragma once

#include <string>
#include <vector>

#include "s3/client/probe.h"
#include "s3/options.h"
#include "s3/stores/store_profiles.h"

namespace s3 {

// Returns the profiles that do not contradict the report. If there are several, returns only the profiles
// that predict the most rows of the report.
std::vector<const StoreProfile*> FittingProfiles(const ProbeReport& report);

// Returns advice about the report, one line for each piece; may be empty. `profile` is the job's profile.
std::vector<std::string> AdviceOf(const ProbeReport& report, const IntegrityOptions& integrity,
                                  const StoreProfile& profile);

}  // namespace s3
