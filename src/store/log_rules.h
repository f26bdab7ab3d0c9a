#pragma once
// The rules of the log that every Store keeps before it writes, whatever it writes to (store.h says
// them in words). Pure functions: any thread.
#include <span>
#include <string>

#include "base/status.h"
#include "store/store.h"

namespace ctt::store {

// The last number that a task may count its writes or versions with.
inline constexpr std::int64_t kNumberMax = (std::int64_t{1} << 40) - 1;

Status NoSuchTask(TaskId task);              // kNotFound ("task_not_found").
Status NoSuchVersion(std::int64_t version);  // kNotFound ("version_not_found").
Status NoSuchLabel(LabelId label);           // kInvalidArgument.
Status NoLivingExample();                    // kNotFound.
Status LiveHoldsPurged();                    // kFailedPrecondition ("live_holds_purged").
Status TaskNameTaken();                      // kAlreadyExists ("task_exists").
Status ExampleIdTaken();                     // kAlreadyExists ("example_exists").
Status IdempotencyKeyTaken();                // kAlreadyExists ("idempotency_key_exists").
Status CommittedBefore();                    // kFailedPrecondition.

Status CheckNextSeq(Seq last, Seq seq);
Status CheckAppend(Seq last, std::span<const Example> examples);  // But for the labels.
Status CheckNextVersion(Seq last, std::int64_t last_number, const Version& version);
Status CheckCheckpoint(Seq last, const Checkpoint& checkpoint);

}  // namespace ctt::store
