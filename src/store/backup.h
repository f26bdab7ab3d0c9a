#pragma once
// Backups: a data directory as of one instant, in another folder, made while it is in use.
//
//   DEST/backup.json           written last: names the database by its SHA-256, and every artefact
//   DEST/database/abcd...      a copy of the database
//   DEST/artifacts/ab/cdef...  the artefacts that it names
//
// A backup into a folder that holds one already copies only artefacts that are not there yet, and
// replaces it when it is whole: a crash on the way leaves the earlier one. The artefacts are a
// convenience: heads and sums that are missing are computed again from the database's log.
//
// Threads: pure functions over a Store and an ArtifactStore; one backup at a time into a folder.
#include <cstdint>
#include <filesystem>

#include "base/status.h"
#include "store/artifact_store.h"
#include "store/store.h"

namespace ctt::store {

struct BackupReport {
  std::string database;  // Hex SHA-256 of the copy.
  std::int64_t database_bytes = 0;
  std::int64_t artifacts = 0;         // Named by it and there.
  std::int64_t artifacts_copied = 0;  // Those that were not there yet.
};

// kResourceExhausted (disk full): the earlier backup stays.
Result<BackupReport> WriteBackup(Store& store, ArtifactStore& artifacts,
                                 const std::filesystem::path& folder, std::int64_t now_us);

// Checks every digest, then makes the data directory `folder`, which must hold no database, and
// checks that too. kNotFound ("backup_not_found"): no whole backup is there. kDataLoss: damaged;
// nothing was made. kAlreadyExists ("database_exists").
Result<BackupReport> RestoreBackup(const std::filesystem::path& backup,
                                   const std::filesystem::path& folder);

}  // namespace ctt::store
