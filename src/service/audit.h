#pragma once
// The audit of a task with its examples by name; learn/audit.h says what is found and how. Threads:
// reads the stores only; any thread that may wait.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "learn/audit.h"
#include "service/catalog.h"
#include "service/task_ledger.h"

namespace ctt::service {

struct AuditedExample {
  std::string id;
  std::optional<std::string> text;
  std::string label;
};

struct AuditAnswer {
  std::string task;
  learn::Audit found;                    // Rows are indices into:
  std::vector<AuditedExample> examples;  // Those that `found` names, and empty ones between.
  const AuditedExample& example(std::int64_t row) const { return examples[row]; }
};

// kFailedPrecondition ("task_empty"); the store's errors.
Result<AuditAnswer> AuditServedTask(const Stores& stores, const ServedTask& task,
                                    std::int32_t feature_dim, std::size_t shown_max);

}  // namespace ctt::service
