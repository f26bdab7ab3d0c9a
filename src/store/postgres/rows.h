#pragma once
// Rows of the PostgreSQL schema as the store's types; shared by reads and transactions.
#include <optional>
#include <vector>

#include "store/postgres/connection.h"
#include "store/store.h"

namespace ctt::store {

// Columns in the order that ReadExample wants; `phi` and `text` may be swapped for NULL.
#define CTT_PG_EXAMPLE_COLUMNS "seq, deleted_seq, label, time_us, id, source, target"
// Columns 0 to 6 as above, 7 phi, 8 text. Reuses the memory of `example`.
void ReadExample(const PgRows& rows, int row, Example& example);

#define CTT_PG_VERSION_QUERY                                                            \
  "SELECT number, watermark, settled, has_artifact, examples, created_us, head_digest," \
  " settings, report FROM version WHERE task = $1"
Version ReadVersion(const PgRows& rows, int row);
// The first row, if there is one.
std::optional<Version> FirstVersion(const PgRows& rows);

// The two walks over a task's log (see Store), in bounded steps, each a statement of its own. That
// is sound because a set at a watermark never changes.
Status ScanLog(PgConnection& connection, TaskId task, Seq watermark, const Store::Visit& visit);
// Additions in rising seq, then removals in rising (deleted_seq, seq). `from` may lie after `to`:
// the same rows with the other sign.
Status ReplayLog(PgConnection& connection, TaskId task, Seq from, Seq to,
                 const Store::SignedVisit& visit);

}  // namespace ctt::store
