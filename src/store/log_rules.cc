#include "store/log_rules.h"

namespace ctt::store {

Status NoSuchTask(TaskId task) {
  return {Code::kNotFound, "task_not_found", "no task with id " + std::to_string(task)};
}

Status NoSuchVersion(std::int64_t version) {
  return {Code::kNotFound, "version_not_found", "no version " + std::to_string(version)};
}

Status NoSuchLabel(LabelId label) {
  return InvalidArgument("label " + std::to_string(label) + " is not of this task");
}

Status NoLivingExample() { return NotFound("no living example has this seq"); }

Status LiveHoldsPurged() {
  return {Code::kFailedPrecondition, "live_holds_purged",
          "the live version was learned with examples that would be purged; publish a later one "
          "first"};
}

Status TaskNameTaken() {
  return {Code::kAlreadyExists, "task_exists", "a task of this name exists"};
}

Status ExampleIdTaken() {
  return {Code::kAlreadyExists, "example_exists", "a living example has this id"};
}

Status IdempotencyKeyTaken() {
  return {Code::kAlreadyExists, "idempotency_key_exists", "this idempotency key has been used"};
}

Status CommittedBefore() { return FailedPrecondition("the transaction was committed before"); }

Status CheckNextSeq(Seq last, Seq seq) {
  if (seq == last + 1 && seq <= kNumberMax) return Status::Ok();
  return InvalidArgument("sequence numbers must follow the last one");
}

Status CheckAppend(Seq last, std::span<const Example> examples) {
  if (last + static_cast<std::int64_t>(examples.size()) > kNumberMax) {
    return {Code::kTooLarge, "a task's log holds at most 2^40 - 1 writes"};
  }
  for (const Example& example : examples) {
    if (example.seq != ++last) return InvalidArgument("sequence numbers must follow the last one");
    if (example.deleted_seq != 0) return InvalidArgument("a new example cannot be unlearned");
    if (example.id.empty()) return InvalidArgument("an example needs an id");
    if (example.phi.empty()) return InvalidArgument("an example needs features");
  }
  return Status::Ok();
}

Status CheckNextVersion(Seq last, std::int64_t last_number, const Version& version) {
  if (version.number != last_number + 1) {
    return InvalidArgument("version numbers must follow the last one");
  }
  if (version.watermark < 0 || version.watermark > last) {
    return InvalidArgument("a version cannot hold more than the log");
  }
  return Status::Ok();
}

Status CheckCheckpoint(Seq last, const Checkpoint& checkpoint) {
  if (checkpoint.watermark >= 0 && checkpoint.watermark <= last) return Status::Ok();
  return InvalidArgument("a checkpoint cannot hold more than the log");
}

}  // namespace ctt::store
