// The refusals of other stores, by their profiles, so that a rehearsal gets them too.
#pragma once

#include <optional>

#include "s3/endpoint/call.h"
#include "s3/stores/store_profiles.h"

namespace s3::endpoint {

// Returns the refusal that the store would send; nothing if its profile says nothing against the request.
std::optional<Reply> EmulatedRefusal(const StoreProfile& profile, const Call& call);

}  // namespace s3::endpoint
