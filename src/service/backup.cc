#include "service/backup.h"

#include "store/backup.h"
#include "store/data_directory.h"

namespace ctt::service {
namespace {

BackupAnswer AnswerOf(const std::filesystem::path& folder, const store::BackupReport& report) {
  return {folder.string(), report.database, report.database_bytes, report.artifacts,
          report.artifacts_copied};
}

}  // namespace

Result<BackupAnswer> BackUpDirectory(const std::filesystem::path& data,
                                     const std::filesystem::path& folder, const Clock& clock) {
  CTT_ASSIGN_OR_RETURN(store::DataDirectory directory, store::DataDirectory::Open(data));
  CTT_ASSIGN_OR_RETURN(
      const store::BackupReport report,
      store::WriteBackup(directory.store(), directory.artifacts(), folder, clock.UnixMicros()));
  return AnswerOf(folder, report);
}

Result<BackupAnswer> RestoreDirectory(const std::filesystem::path& folder,
                                      const std::filesystem::path& data) {
  CTT_ASSIGN_OR_RETURN(const store::BackupReport report, store::RestoreBackup(folder, data));
  return AnswerOf(data, report);
}

}  // namespace ctt::service
