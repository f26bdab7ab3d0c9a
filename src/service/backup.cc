#include "service/backup.h"

#include "store/backup.h"

namespace ctt::service {
namespace {

BackupAnswer AnswerOf(const std::filesystem::path& folder, const store::BackupReport& report) {
  return {folder.string(), report.database, report.database_bytes, report.artifacts,
          report.artifacts_copied};
}

}  // namespace

Result<BackupAnswer> BackUpDirectory(const Location& data, const std::filesystem::path& folder,
                                     const Clock& clock) {
  CTT_ASSIGN_OR_RETURN(store::Home home, store::Home::Open(data));
  CTT_ASSIGN_OR_RETURN(
      const store::BackupReport report,
      store::WriteBackup(home.store(), home.artifacts(), folder, clock.UnixMicros()));
  return AnswerOf(folder, report);
}

Result<BackupAnswer> RestoreDirectory(const std::filesystem::path& folder, const Location& data) {
  if (store::IsDatabaseUrl(data.data)) {
    return Status(Code::kFailedPrecondition, "use_database_tools",
                  "a backup is restored to a directory; restore a database with its own tools");
  }
  CTT_ASSIGN_OR_RETURN(const store::BackupReport report, store::RestoreBackup(folder, data.data));
  return AnswerOf(data.data, report);
}

}  // namespace ctt::service
