// Compares the objects in an embedded store with a run's journal and files.
#pragma once

#include <string>

#include "s3/endpoint/storage/store.h"

namespace cli {

// Reads every uploaded object back and compares it with the journal in `run_dir` and with its file. Prints
// each difference, and at the end the number of equal objects. Returns true if everything agrees. If
// responses were lost, the store may have more objects than the journal records as uploaded, but at most one
// more for each input that failed or was cancelled after a request was sent.
bool ReadBackAndCompare(const s3::endpoint::Store& store, const std::string& bucket,
                        const std::string& run_dir);

}  // namespace cli
