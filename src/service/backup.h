#pragma once
// Backup and restore of a data directory that no Service holds; Service::Backup copies one that it
// does. What lies where, and the errors: store/backup.h. Threads: any; blocks on the disk.
#include <filesystem>

#include "base/clock.h"
#include "service/types.h"

namespace ctt::service {

// Also kFailedPrecondition ("locked"): a server or command holds `data`.
Result<BackupAnswer> BackUpDirectory(const std::filesystem::path& data,
                                     const std::filesystem::path& folder, const Clock& clock);
// `folder` of the answer is `data`.
Result<BackupAnswer> RestoreDirectory(const std::filesystem::path& folder,
                                      const std::filesystem::path& data);

}  // namespace ctt::service
