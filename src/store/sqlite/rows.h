#pragma once
// Rows of the SQLite schema as the store's types; shared by reads and transactions.
#include <string_view>

#include "store/sqlite/connection.h"
#include "store/store.h"

namespace ctt::store {

Result<Seq> ReadLastSeq(Connection& connection, TaskId task);

// Columns in the order that ReadExample wants; `phi` and `text` may be swapped for NULL.
#define CTT_EXAMPLE_COLUMNS "seq, deleted_seq, label, time_us, id, source, target"
// Columns 0 to 6 as above, 7 phi, 8 text. Reuses the memory of `example`.
void ReadExample(const Statement& row, Example& example);

// The living example of that id, with phi and text.
Result<std::optional<Example>> ReadLiving(Connection& connection, TaskId task, std::string_view id);

}  // namespace ctt::store
