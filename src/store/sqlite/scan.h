#pragma once
// The two walks over a task's log (see Store): in bounded steps, each of its own short read
// transaction. That is sound because a set at a watermark never changes: later writes only add rows
// past it or mark rows as unlearned past it.
#include "store/sqlite/reader_pool.h"
#include "store/store.h"

namespace ctt::store {

Status ScanLog(Connection& reader, TaskId task, Seq watermark, const Store::Visit& visit);

// Additions in rising seq, then removals in rising (deleted_seq, seq). `from` may lie after `to`:
// the same rows with the other sign.
Status ReplayLog(Connection& reader, TaskId task, Seq from, Seq to,
                 const Store::SignedVisit& visit);

}  // namespace ctt::store
