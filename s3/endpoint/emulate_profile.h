// Emulates the refusals of other stores, according to their profiles, so that a rehearsal gets the same
// refusals.
#pragma once

#include <optional>

#include "s3/endpoint/call.h"
#include "s3/stores/store_profiles.h"

namespace s3::endpoint {

// Returns the refusal that the store would send; nothing if its profile allows the request.
std::optional<Reply> EmulatedRefusal(const StoreProfile& profile, const Call& call);

}  // namespace s3::endpoint
