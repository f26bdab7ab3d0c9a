#include "service/audit.h"

#include <set>
#include <utility>

namespace ctt::service {
namespace {

std::set<std::int64_t> NamedRows(const learn::Audit& audit) {
  std::set<std::int64_t> rows;
  for (const learn::Suspect& suspect : audit.suspects) rows.insert(suspect.row);
  for (const auto& group : audit.duplicates) rows.insert(group.begin(), group.end());
  for (const learn::Conflict& conflict : audit.conflicts)
    rows.insert({conflict.first, conflict.second});
  return rows;
}

}  // namespace

Result<AuditAnswer> AuditServedTask(const Stores& stores, const ServedTask& task,
                                    std::int32_t feature_dim, std::size_t shown_max) {
  if (task.head == nullptr) {
    return Status(Code::kFailedPrecondition, "task_empty",
                  "task '" + task.name + "' has learned no example yet");
  }
  const learn::TaskKind kind = learn::TaskKindOf(task.head->settings().kind);
  if (kind != learn::TaskKind::kSingle) {
    return NotForThisKind(task.name, kind,
                          "an audit compares the single labels of examples with those of others");
  }
  CTT_ASSIGN_OR_RETURN(
      const learn::Statistics statistics,
      StatisticsAt(stores, task.id, task.watermark, feature_dim, learn::TaskKind::kSingle));
  std::vector<std::string> ids;
  CTT_ASSIGN_OR_RETURN(const learn::Rows rows, RowsAt(stores.log, task.id, task.watermark, &ids));
  learn::AuditOptions options;
  options.shown_max = shown_max;
  AuditAnswer answer;
  answer.task = task.name;
  CTT_ASSIGN_OR_RETURN(answer.found,
                       learn::AuditTask(statistics, rows, task.head->settings(), options));
  answer.examples.resize(ids.size());
  for (const std::int64_t row : NamedRows(answer.found)) {
    AuditedExample& example = answer.examples[row];
    example.id = std::move(ids[row]);
    example.label = rows.labels[rows.label_index[row]];
    CTT_ASSIGN_OR_RETURN(auto stored, stores.log.FindExample(task.id, example.id));
    if (stored) example.text = std::move(stored->text);  // Else it was unlearned a moment ago.
  }
  return answer;
}

}  // namespace ctt::service
