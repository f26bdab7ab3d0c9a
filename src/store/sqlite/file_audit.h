#pragma once
// A look at the database file and its write-ahead log before SQLite opens them, for damage that
// SQLite would pass over in silence: at a frame that fails its checksum it ends the log, and with
// it every commit after that frame is gone. A crash leaves such an end too, but only within the
// last commit, which was never acknowledged. So a commit past the bad frame that another frame
// follows proves that acknowledged bytes were damaged.
//
// Undetectable from here: damage within the last commit of the log, or to the header of the frame
// that ends the one before it, looks like a crash. Format: sqlite.org/fileformat2.html,
// sections 1.3 and 4.
#include <filesystem>

#include "base/status.h"

namespace ctt::store {

// Absent files are fine, and so is an empty database without a log. kDataLoss ("not_a_database"):
// another program's file. kDataLoss ("damaged"): the message names the file and the place.
Status AuditFiles(const std::filesystem::path& database);

}  // namespace ctt::store
