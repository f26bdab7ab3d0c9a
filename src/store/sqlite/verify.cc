#include "store/sqlite/verify.h"

namespace ctt::store {
namespace {

Status Damaged(std::string what) {
  return {Code::kDataLoss, "damaged", "the database is damaged: " + std::move(what)};
}

// A check that answers rows of text: "ok", or what is wrong.
Status RunCheck(Connection& connection, const char* sql) {
  Statement rows = connection.Use(sql);
  CTT_ASSIGN_OR_RETURN(const bool row, rows.Step());
  if (!row || rows.Bytes(0) == "ok") return Status::Ok();
  return Damaged(rows.Text(0));
}

constexpr const char* kSmallTables[] = {
    "PRAGMA quick_check(task)",  "PRAGMA quick_check(label)",      "PRAGMA quick_check(label_name)",
    "PRAGMA quick_check(alias)", "PRAGMA quick_check(checkpoint)", "PRAGMA quick_check(idempotent)",
    "PRAGMA quick_check(meta)",  "PRAGMA quick_check(api_key)",
};

// A query that finds rows only where its rule is broken.
struct Rule {
  const char* broken_by;
  const char* query;
};
constexpr Rule kRules[] = {
    {"an example without its task",
     "SELECT 1 FROM example WHERE NOT EXISTS (SELECT 1 FROM task WHERE task.id = example.task)"},
    {"an example whose label is not of its task",
     "SELECT 1 FROM example WHERE NOT EXISTS"
     " (SELECT 1 FROM label WHERE label.id = example.label AND label.task = example.task)"},
    {"an example past its task's last seq",
     "SELECT 1 FROM example JOIN task ON task.id = example.task"
     " WHERE max(example.seq, deleted_seq) > last_seq"},
    {"a task whose count of living examples is wrong",
     "SELECT 1 FROM task WHERE living <> (SELECT count(*) FROM example"
     " WHERE example.task = task.id AND deleted_seq = 0)"},
    {"a label that was renamed past its task's last seq",
     "SELECT 1 FROM label_name JOIN label ON label.id = label_name.label JOIN task"
     " ON task.id = label.task WHERE until_seq > last_seq"},
    // Each seq is one example's, one unlearning's or one renaming's.
    {"a gap in a task's log",
     "SELECT 1 FROM task WHERE last_seq <> (SELECT count(*) FROM example WHERE key BETWEEN"
     " task.id << 40 AND (task.id + 1 << 40) - 1) + (SELECT count(DISTINCT deleted_seq) FROM "
     "example"
     " WHERE example.task = task.id AND deleted_seq > 0) + (SELECT count(DISTINCT until_seq) FROM"
     " label_name JOIN label ON label.id = label_name.label WHERE label.task = task.id)"},
    {"a version without its task",
     "SELECT 1 FROM version WHERE NOT EXISTS (SELECT 1 FROM task WHERE task.id = version.task)"},
    {"a gap in a task's versions",
     "SELECT 1 FROM version GROUP BY task HAVING max(number) <> count(*)"},
};

Status CheckRules(Connection& connection) {
  for (const Rule& rule : kRules) {
    Statement rows = connection.Use(rule.query);
    CTT_ASSIGN_OR_RETURN(const bool broken, rows.Step());
    if (broken) return Damaged(rule.broken_by);
  }
  return Status::Ok();
}

Status CheckForeignKeys(Connection& connection) {
  Statement rows = connection.Use("PRAGMA foreign_key_check");
  CTT_ASSIGN_OR_RETURN(const bool broken, rows.Step());
  return broken ? Damaged("a row of " + rows.Text(0) + " points to nothing") : Status::Ok();
}

}  // namespace

Status QuickVerify(Connection& connection) {
  for (const char* check : kSmallTables) CTT_RETURN_IF_ERROR(RunCheck(connection, check));
  return Status::Ok();
}

Status FullVerify(Connection& connection) {
  // One snapshot for all of it, so that writes in between cannot look like damage.
  CTT_RETURN_IF_ERROR(connection.Run("BEGIN"));
  Status status = RunCheck(connection, "PRAGMA integrity_check(1)");
  if (status.ok()) status = CheckForeignKeys(connection);
  if (status.ok()) status = CheckRules(connection);
  const Status end = connection.Run("ROLLBACK");
  return status.ok() ? end : status;
}

}  // namespace ctt::store
