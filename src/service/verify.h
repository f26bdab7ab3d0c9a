#pragma once
// Computes a task again from its log, and compares. Threads: any; it only reads the stores.
#include "service/learner.h"

namespace ctt::service {

// `sums` and `served` were taken one after the other: lessons in between are no difference, since
// both name the sequence number or version that they stand at.
Result<VerifyAnswer> VerifyTask(const Stores& stores, const ServedTask& served,
                                const Learner::SumsDigest& sums, std::int32_t feature_dim);

}  // namespace ctt::service
