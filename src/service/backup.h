#pragma once
// Backup and restore of a data directory that no Service holds; Service::Backup copies one that it
// does. What lies where, and the errors: store/backup.h. Threads: any; blocks on the disk.
#include <filesystem>

#include "base/clock.h"
#include "service/location.h"
#include "service/types.h"

namespace ctt::service {

// Also kFailedPrecondition ("locked"): a server or command holds `data`; ("use_database_tools"): it
// is no directory.
Result<BackupAnswer> BackUpDirectory(const Location& data, const std::filesystem::path& folder,
                                     const Clock& clock);
// `folder` of the answer is `data`.
Result<BackupAnswer> RestoreDirectory(const std::filesystem::path& folder, const Location& data);

}  // namespace ctt::service
