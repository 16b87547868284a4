// Compares what an embedded store has with what a run's journal and files say.
#pragma once

#include <string>

#include "s3/endpoint/storage/store.h"

namespace cli {

// Reads every uploaded object back and compares it with the journal in `run_dir` and with its file. Prints
// each difference, and at the end how many objects are equal. Returns whether everything agrees. The store
// may have more objects than were recorded as uploaded, if a response was lost: but no more than inputs that
// failed or were cancelled after a request.
bool ReadBackAndCompare(const s3::endpoint::Store& store, const std::string& bucket,
                        const std::string& run_dir);

}  // namespace cli
