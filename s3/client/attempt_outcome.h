// Interprets the result of one attempt together with other facts: what the result shows about the store,
// whether the credentials may have expired, and which option of the job may be the cause. Pure functions, any
// thread.
#pragma once

#include <chrono>
#include <string_view>

#include "s3/admission/circuit_breaker.h"
#include "s3/api/classify_response.h"
#include "s3/base/result.h"
#include "s3/credentials.h"
#include "s3/options.h"

namespace s3 {

// Returns what the attempt shows about the store. `writes` is true if the request carried data.
CircuitBreaker::Outcome OutcomeOf(const Result<Response>& result, bool writes);

// Returns true when expired credentials may be the cause of a refusal that does not say so: Ceph responds
// AccessDenied or InvalidAccessKeyId, and a response to HEAD has no body. Returns false before the
// credentials' own expiry time.
bool LooksExpired(const Error& error, const Credentials& credentials);

// Returns true when a wrong clock may be the cause of a refusal that does not say so: a response to HEAD has
// no body. `now` is the time with which the request was signed. Returns false unless the response's Date
// differs from it by more than 5 minutes; stores accept up to 15.
bool LooksSkewed(const Error& error, std::chrono::system_clock::time_point now);

// Returns true when the exchange failed on this machine. Such a failure shows nothing about the server.
bool FailedLocally(ErrorKind kind);

// Returns a text to append to the error message: it names the option of the job that may be the cause of the
// refusal. The refusal may concern the way in which the data is sent, not the data. Empty when there is no
// such option.
std::string_view OptionAdvice(const IntegrityOptions& integrity, const Error& error);

}  // namespace s3
