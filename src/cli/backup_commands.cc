#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/session.h"
#include "service/backup.h"

namespace ctt::cli {
namespace {

void Print(const CommandContext& context, const char* done, const service::BackupAnswer& answer) {
  if (context.json) {
    return PrintJson({{"folder", answer.folder},
                      {"database", answer.database},
                      {"database_bytes", answer.database_bytes},
                      {"artifacts", answer.artifacts},
                      {"artifacts_copied", answer.artifacts_copied}});
  }
  fmt::print("{}: {} a database of {} bytes and {} artefacts, {} of them new\n", answer.folder,
             done, answer.database_bytes, answer.artifacts, answer.artifacts_copied);
}

Result<service::BackupAnswer> BackUp(const Settings& settings, const std::string& folder) {
  if (settings.url.empty()) {
    if (folder.empty()) return InvalidArgument("name the folder that the backup goes to");
    // No encoder is needed: the directory is opened as it lies.
    auto answer = service::BackUpDirectory(LocationOf(settings), folder, SystemClock());
    if (!answer.ok()) return NameUrl(answer.status());
    return answer;
  }
  if (!folder.empty())
    return InvalidArgument("a server writes to its own --backups folder: give none with --url");
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(settings));
  return session->Backup();
}

}  // namespace

Status Backup(const CommandContext& context, const std::string& folder) {
  CTT_ASSIGN_OR_RETURN(const auto answer, BackUp(context.settings, folder));
  Print(context, "holds", answer);
  return Status::Ok();
}

Status Restore(const CommandContext& context, const std::string& folder, bool if_missing) {
  const auto answer = service::RestoreDirectory(folder, LocationOf(context.settings));
  if (if_missing && !answer.ok() && answer.status().reason() == "database_exists")
    return Status::Ok();
  CTT_RETURN_IF_ERROR(answer.status());
  Print(context, "restored", *answer);
  return Status::Ok();
}

}  // namespace ctt::cli
