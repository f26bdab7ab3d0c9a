#include "store/sqlite/scan.h"

#include <algorithm>

#include "store/sqlite/rows.h"
#include "store/sqlite/schema.h"

namespace ctt::store {
namespace {

// 1.7 MiB of rows: long enough to make the restart of the statement vanish, short enough that a
// checkpoint soon finds a moment without readers.
constexpr std::int64_t kRowsPerStep = 2048;

// NOT INDEXED: the rows lie in key order; the partial indexes would be a detour.
#define CTT_LIVING_AT(text)                                                \
  "SELECT " CTT_EXAMPLE_COLUMNS ", phi, " text                             \
  " FROM example NOT INDEXED"                                              \
  " WHERE key BETWEEN ?1 AND ?2 AND (deleted_seq = 0 OR deleted_seq > ?3)" \
  " ORDER BY key LIMIT ?4"
constexpr char kLivingAt[] = CTT_LIVING_AT("NULL");
constexpr char kLivingWithTextAt[] = CTT_LIVING_AT("text");

constexpr char kUnlearnedBetween[] = "SELECT " CTT_EXAMPLE_COLUMNS
                                     ", phi, NULL FROM example INDEXED BY example_unlearned"
                                     " WHERE task = ?1 AND deleted_seq > 0"
                                     " AND (deleted_seq, key) > (?2, ?3) AND deleted_seq <= ?4"
                                     " AND key <= ?5"
                                     " ORDER BY deleted_seq, key LIMIT ?6";

// Rows of the set at `watermark` with seq in (after, last], by one of the two statements above.
Status VisitLiving(Connection& reader, const char* living_at, TaskId task, Seq after, Seq last,
                   Seq watermark, const Store::Visit& visit) {
  last = std::min(last, kNumberMax);
  Example row;
  for (std::int64_t count = kRowsPerStep; count == kRowsPerStep && after < last;) {
    Statement rows =
        reader.Use(living_at, Key(task, after + 1), Key(task, last), watermark, kRowsPerStep);
    for (count = 0;; ++count) {
      CTT_ASSIGN_OR_RETURN(const bool more, rows.Step());
      if (!more) break;
      ReadExample(rows, row);
      CTT_RETURN_IF_ERROR(visit(row));
      after = row.seq;
    }
  }
  return Status::Ok();
}

// Rows with seq <= from that were unlearned in (from, to].
Status VisitUnlearned(Connection& reader, TaskId task, Seq from, Seq to,
                      const Store::Visit& visit) {
  Seq after_deleted = from;
  std::int64_t after_key = Key(task, kNumberMax);
  Example row;
  for (std::int64_t count = kRowsPerStep; count == kRowsPerStep;) {
    Statement rows = reader.Use(kUnlearnedBetween, task, after_deleted, after_key, to,
                                Key(task, std::min(from, kNumberMax)), kRowsPerStep);
    for (count = 0;; ++count) {
      CTT_ASSIGN_OR_RETURN(const bool more, rows.Step());
      if (!more) break;
      ReadExample(rows, row);
      CTT_RETURN_IF_ERROR(visit(row));
      after_deleted = row.deleted_seq;
      after_key = Key(task, row.seq);
    }
  }
  return Status::Ok();
}

}  // namespace

Status ScanLog(Connection& reader, TaskId task, Seq watermark, const Store::Visit& visit) {
  return VisitLiving(reader, kLivingWithTextAt, task, 0, watermark, watermark, visit);
}

Status ReplayLog(Connection& reader, TaskId task, Seq from, Seq to,
                 const Store::SignedVisit& visit) {
  const int sign = from <= to ? 1 : -1;
  const auto [early, late] = std::minmax(from, to);
  CTT_RETURN_IF_ERROR(VisitLiving(reader, kLivingAt, task, early, late, late,
                                  [&](const Example& row) { return visit(row, sign); }));
  return VisitUnlearned(reader, task, early, late,
                        [&](const Example& row) { return visit(row, -sign); });
}

}  // namespace ctt::store
