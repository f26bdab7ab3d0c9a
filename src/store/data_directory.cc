#include "store/data_directory.h"

#include <system_error>

#include <unistd.h>

#include "store/directory/directory_artifact_store.h"
#include "store/sqlite/sqlite_store.h"

namespace ctt::store {
namespace {

namespace fs = std::filesystem;

// Private to its owner: it holds the texts.
Status MakeFolder(const fs::path& folder) {
  std::error_code error;
  if (fs::is_directory(folder, error)) return Status::Ok();
  fs::create_directories(folder, error);
  if (!error) fs::permissions(folder, fs::perms::owner_all, error);
  if (error) {
    const bool denied = error == std::errc::permission_denied;
    return {denied ? Code::kPermissionDenied : Code::kInternal,
            "cannot create data directory " + folder.string() + ": " + error.message()};
  }
  return SyncFolder(folder.has_parent_path() ? folder.parent_path() : ".");
}

std::string Holder() { return "process " + std::to_string(::getpid()); }

// A database that is gone while artefacts are there was lost, and must not be made anew in silence.
Status RefuseLostDatabase(const fs::path& database, ArtifactStore& artifacts) {
  std::error_code error;
  if (fs::file_size(database, error) > 0 && !error) return Status::Ok();
  CTT_ASSIGN_OR_RETURN(const std::vector<Digest> digests, artifacts.List());
  if (digests.empty()) return Status::Ok();
  return {Code::kDataLoss, "database_lost",
          database.string() + " is absent or empty, but artefacts of it are there: restore it"};
}

}  // namespace

Result<DataDirectory> DataDirectory::Open(const fs::path& folder) {
  CTT_RETURN_IF_ERROR(MakeFolder(folder));
  CTT_ASSIGN_OR_RETURN(FileLock lock, FileLock::Acquire(folder / "ctt.lock", Holder()));
  CTT_ASSIGN_OR_RETURN(std::unique_ptr<DirectoryArtifactStore> artifacts,
                       DirectoryArtifactStore::Open(folder / "artifacts"));
  CTT_RETURN_IF_ERROR(RefuseLostDatabase(folder / "ctt.sqlite", *artifacts));
  CTT_ASSIGN_OR_RETURN(std::unique_ptr<SqliteStore> store,
                       SqliteStore::Open(folder / "ctt.sqlite"));
  CTT_RETURN_IF_ERROR(SyncFolder(folder));
  return DataDirectory(folder, std::move(lock), std::move(store), std::move(artifacts));
}

}  // namespace ctt::store
