#include "s3/base/result.h"

namespace s3 {

std::string_view KindName(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kTransient: return "transient";
    case ErrorKind::kThrottled: return "throttled";
    case ErrorKind::kSlow: return "slow";
    case ErrorKind::kClockSkewed: return "clock_skewed";
    case ErrorKind::kExpiredCredentials: return "expired_credentials";
    case ErrorKind::kNoCredentials: return "no_credentials";
    case ErrorKind::kBadCredentials: return "bad_credentials";
    case ErrorKind::kAccessDenied: return "access_denied";
    case ErrorKind::kNoSuchBucket: return "no_such_bucket";
    case ErrorKind::kWrongRegion: return "wrong_region";
    case ErrorKind::kUntrusted: return "untrusted";
    case ErrorKind::kWrongEndpoint: return "wrong_endpoint";
    case ErrorKind::kStoreFull: return "store_full";
    case ErrorKind::kIntegrity: return "integrity";
    case ErrorKind::kPermanent: return "permanent";
    case ErrorKind::kLocal: return "local";
    case ErrorKind::kChanged: return "changed";
    case ErrorKind::kUnsupported: return "unsupported";
    case ErrorKind::kConflict: return "conflict";
    case ErrorKind::kCancelled: return "cancelled";
  }
  return "unknown";
}

std::optional<ErrorKind> KindOf(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(ErrorKind::kCancelled); ++i) {
    if (KindName(static_cast<ErrorKind>(i)) == name) return static_cast<ErrorKind>(i);
  }
  return std::nullopt;
}

bool IsRetryable(ErrorKind kind) {
  return kind == ErrorKind::kTransient || kind == ErrorKind::kThrottled || kind == ErrorKind::kIntegrity ||
         kind == ErrorKind::kExpiredCredentials || kind == ErrorKind::kStoreFull;
}

bool RefusesWholeRun(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kClockSkewed:
    case ErrorKind::kBadCredentials:
    case ErrorKind::kNoSuchBucket:
    case ErrorKind::kWrongRegion:
    case ErrorKind::kUntrusted:
    case ErrorKind::kWrongEndpoint: return true;
    default: return false;
  }
}

}  // namespace s3
