// Interprets how one attempt ended, beyond what its response alone says: what it shows about the store,
// whether the credentials may have expired, and which option of the job may be the cause. Pure functions, any
// thread.
#pragma once

#include <string_view>

#include "s3/admission/circuit_breaker.h"
#include "s3/api/classify_response.h"
#include "s3/base/result.h"
#include "s3/credentials.h"
#include "s3/options.h"

namespace s3 {

// Returns what the attempt shows about the store. `writes`: the request carried data.
CircuitBreaker::Outcome OutcomeOf(const Result<Response>& result, bool writes);

// True when the refusal may mean expired credentials, although it does not say so: Ceph responds AccessDenied
// or InvalidAccessKeyId, and a response to HEAD has no body that could say it. False before the credentials'
// own expiry time has passed.
bool LooksExpired(const Error& error, const Credentials& credentials);

// True when the exchange failed on this side, which shows nothing about the server.
bool FailedLocally(ErrorKind kind);

// Returns the option of the job that may be the cause of the refusal: the refusal may concern the way the
// data is sent, not the data. To be appended to the message; empty when there is no such option.
std::string_view OptionAdvice(const IntegrityOptions& integrity, const Error& error);

}  // namespace s3
