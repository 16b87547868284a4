// Refusals of other stores, by their profiles: so that a rehearsal meets them.
#pragma once

#include <optional>

#include "s3/endpoint/call.h"
#include "s3/stores/store_profiles.h"

namespace s3::endpoint {

// Nothing when the store takes the request as far as its profile tells.
std::optional<Reply> EmulatedRefusal(const StoreProfile& profile, const Call& call);

}  // namespace s3::endpoint
