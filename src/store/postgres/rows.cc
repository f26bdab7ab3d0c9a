#include "store/postgres/rows.h"

#include <algorithm>

#include "store/log_rules.h"

namespace ctt::store {
namespace {

// About a megabyte of rows: an answer is held in memory whole.
constexpr std::int64_t kRowsPerStep = 1024;

#define CTT_PG_LIVING_AT(text)                               \
  "SELECT " CTT_PG_EXAMPLE_COLUMNS ", phi, " text            \
  " FROM example WHERE task = $1 AND seq > $2 AND seq <= $3" \
  " AND (deleted_seq = 0 OR deleted_seq > $4) ORDER BY task, seq LIMIT $5"
constexpr char kLivingAt[] = CTT_PG_LIVING_AT("NULL::bytea");
constexpr char kLivingWithTextAt[] = CTT_PG_LIVING_AT("text");

constexpr char kUnlearnedBetween[] =
    "SELECT " CTT_PG_EXAMPLE_COLUMNS
    ", phi, NULL::bytea FROM example WHERE task = $1 AND deleted_seq > 0"
    " AND (deleted_seq, seq) > ($2, $3) AND deleted_seq <= $4 AND seq <= $5"
    " ORDER BY deleted_seq, seq LIMIT $6";

Status VisitRows(const PgRows& rows, Example& row, const Store::Visit& visit) {
  for (int i = 0; i < rows.size(); ++i) {
    ReadExample(rows, i, row);
    CTT_RETURN_IF_ERROR(visit(row));
  }
  return Status::Ok();
}

// Rows of the set at `watermark` with seq in (after, last], by one of the two statements above.
Status VisitLiving(PgConnection& connection, const char* living_at, TaskId task, Seq after,
                   Seq last, Seq watermark, const Store::Visit& visit) {
  Example row;
  for (int count = kRowsPerStep; count == kRowsPerStep && after < last;) {
    CTT_ASSIGN_OR_RETURN(const PgRows rows,
                         connection.Run(living_at, {task, after, std::min(last, kNumberMax),
                                                    watermark, kRowsPerStep}));
    CTT_RETURN_IF_ERROR(VisitRows(rows, row, visit));
    count = rows.size();
    after = row.seq;
  }
  return Status::Ok();
}

// Rows with seq <= from that were unlearned in (from, to].
Status VisitUnlearned(PgConnection& connection, TaskId task, Seq from, Seq to,
                      const Store::Visit& visit) {
  Seq after_deleted = from;
  Seq after_seq = kNumberMax;
  Example row;
  for (int count = kRowsPerStep; count == kRowsPerStep;) {
    CTT_ASSIGN_OR_RETURN(
        const PgRows rows,
        connection.Run(kUnlearnedBetween, {task, after_deleted, after_seq, to,
                                           std::min(from, kNumberMax), kRowsPerStep}));
    CTT_RETURN_IF_ERROR(VisitRows(rows, row, visit));
    count = rows.size();
    after_deleted = row.deleted_seq;
    after_seq = row.seq;
  }
  return Status::Ok();
}

}  // namespace

void ReadExample(const PgRows& rows, int row, Example& example) {
  example.seq = rows.Int(row, 0);
  example.deleted_seq = rows.Int(row, 1);
  example.label = rows.Int(row, 2);
  example.time_us = rows.Int(row, 3);
  example.id = rows.Bytes(row, 4);
  example.source = rows.Bytes(row, 5);
  example.target = rows.IsNull(row, 6) ? std::string_view() : rows.Bytes(row, 6);
  const std::string_view phi = rows.Bytes(row, 7);
  example.phi.assign(phi.begin(), phi.end());
  if (rows.IsNull(row, 8)) {
    example.text.reset();
  } else {
    example.text = rows.Text(row, 8);
  }
}

Version ReadVersion(const PgRows& rows, int row) {
  return {.number = rows.Int(row, 0),
          .watermark = rows.Int(row, 1),
          .settled = rows.Bool(row, 2),
          .settings = rows.Text(row, 7),
          .head_digest = rows.Text(row, 6),
          .has_artifact = rows.Bool(row, 3),
          .examples = rows.Int(row, 4),
          .report = rows.Text(row, 8),
          .created_us = rows.Int(row, 5)};
}

std::optional<Version> FirstVersion(const PgRows& rows) {
  return rows.size() == 0 ? std::nullopt : std::optional(ReadVersion(rows, 0));
}

Status ScanLog(PgConnection& connection, TaskId task, Seq watermark, const Store::Visit& visit) {
  return VisitLiving(connection, kLivingWithTextAt, task, 0, watermark, watermark, visit);
}

Status ReplayLog(PgConnection& connection, TaskId task, Seq from, Seq to,
                 const Store::SignedVisit& visit) {
  const int sign = from <= to ? 1 : -1;
  const auto [early, late] = std::minmax(from, to);
  CTT_RETURN_IF_ERROR(VisitLiving(connection, kLivingAt, task, early, late, late,
                                  [&](const Example& row) { return visit(row, sign); }));
  return VisitUnlearned(connection, task, early, late,
                        [&](const Example& row) { return visit(row, -sign); });
}

}  // namespace ctt::store
