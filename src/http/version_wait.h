#pragma once
// If-Version-At-Least: a caller that has learned through one replica asks another one. The request
// waits a little until this process knows that version of the task of its path.
//
// Threads: the call's loop, `then` too.
#include <functional>

#include "http/route.h"

namespace ctt::http {

// Calls then(ok) at once where the version is known. kFailedPrecondition ("version_not_reached"),
// after kVersionWaitMs; kInvalidArgument ("bad_version_at_least"): no version, or a route without a
// task in its path.
inline constexpr std::int64_t kVersionWaitMs = 1000;
void AwaitVersion(const Call& call, std::function<void(const Status&)> then);

}  // namespace ctt::http
