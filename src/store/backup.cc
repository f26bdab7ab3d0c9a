#include "store/backup.h"

#include <algorithm>
#include <system_error>

#include "base/file.h"
#include "base/json.h"
#include "base/rfc3339.h"
#include "store/data_directory.h"
#include "store/directory/directory_artifact_store.h"

namespace ctt::store {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kFormat = 1;

struct Manifest {
  Digest database;
  std::vector<Digest> artifacts;
};

std::string Serialize(const Manifest& manifest, std::int64_t now_us) {
  json::array artifacts;
  for (const Digest& digest : manifest.artifacts) artifacts.push_back(json::string(ToHex(digest)));
  return json::serialize(json::object{{"format", kFormat},
                                      {"created_at", Rfc3339(now_us)},
                                      {"database", ToHex(manifest.database)},
                                      {"artifacts", std::move(artifacts)}});
}

Status Unreadable(const fs::path& folder) {
  return {Code::kDataLoss, "damaged", (folder / "backup.json").string() + " cannot be read"};
}

Result<Manifest> ReadManifest(const fs::path& folder) {
  const Result<std::string> text = ReadFile(folder / "backup.json");
  if (!text.ok() && text.status().code() == Code::kNotFound)
    return Status(Code::kNotFound, "backup_not_found", folder.string() + " holds no backup");
  CTT_RETURN_IF_ERROR(text.status());
  const Result<json::value> value = ParseJson(*text);
  if (!value.ok() || !value->is_object()) return Unreadable(folder);
  const json::object& object = value->get_object();
  const auto format = OptionalInteger(object, "format");
  const auto database = OptionalString(object, "database");
  const json::value* artifacts = object.if_contains("artifacts");
  Manifest manifest;
  if (!format.ok() || *format != kFormat || !database.ok() || !*database ||
      !FromHex(**database, manifest.database) || artifacts == nullptr || !artifacts->is_array())
    return Unreadable(folder);
  for (const json::value& name : artifacts->get_array()) {
    Digest digest;
    if (!name.is_string() || !FromHex(std::string(name.get_string()), digest))
      return Unreadable(folder);
    manifest.artifacts.push_back(digest);
  }
  return manifest;
}

fs::path DatabaseIn(const fs::path& folder, const Digest& digest) {
  return folder / "database" / ToHex(digest);
}

Status FileError(const fs::path& path, std::error_code error) {
  const Code code = error == std::errc::no_space_on_device  ? Code::kResourceExhausted
                    : error == std::errc::permission_denied ? Code::kPermissionDenied
                                                            : Code::kInternal;
  return {code, path.string() + ": " + error.message()};
}

Status MakeFolders(const fs::path& folder) {
  std::error_code error;
  const bool fresh = !fs::exists(folder, error);
  fs::create_directories(folder / "database", error);
  // Private to its owner: it holds the texts.
  if (!error && fresh) fs::permissions(folder, fs::perms::owner_all, error);
  return error ? FileError(folder, error) : Status::Ok();
}

// Copies the database and gives the copy its name. Half of one has another name.
Result<Digest> CopyDatabase(Store& store, const fs::path& folder, std::set<std::string>& named,
                            BackupReport& report) {
  const fs::path half = folder / "database" / "half";
  std::error_code error;
  for (const char* ending : {"", "-journal", "-wal", "-shm"})
    fs::remove(half.string() + ending, error);
  CTT_ASSIGN_OR_RETURN(named, store.CopyTo(half));
  Digest digest;
  {
    CTT_ASSIGN_OR_RETURN(const MappedFile bytes, MappedFile::Open(half));
    digest = Sha256(bytes.bytes());
    report.database_bytes = static_cast<std::int64_t>(bytes.bytes().size());
  }
  fs::rename(half, DatabaseIn(folder, digest), error);
  if (error) return FileError(half, error);
  CTT_RETURN_IF_ERROR(SyncFolder(folder / "database"));
  report.database = ToHex(digest);
  return digest;
}

// An artefact that is gone or damaged is left out: it is computed again from the log.
Result<std::vector<Digest>> CopyArtifacts(ArtifactStore& from, ArtifactStore& to,
                                          const std::set<std::string>& named,
                                          BackupReport& report) {
  std::vector<Digest> copied;
  for (const std::string& name : named) {
    Digest digest;
    if (!FromHex(name, digest)) continue;
    if (!to.Get(digest).ok()) {
      const Result<std::string> bytes = from.Get(digest);
      if (!bytes.ok()) continue;
      CTT_RETURN_IF_ERROR(to.Put(*bytes).status());
      ++report.artifacts_copied;
    }
    copied.push_back(digest);
  }
  report.artifacts = static_cast<std::int64_t>(copied.size());
  return copied;
}

// What the manifest does not name: the backup before, or half of one.
Status RemoveOthers(const fs::path& folder, const Manifest& manifest, ArtifactStore& artifacts) {
  CTT_ASSIGN_OR_RETURN(const std::vector<Digest> present, artifacts.List());
  const std::set<Digest> named(manifest.artifacts.begin(), manifest.artifacts.end());
  for (const Digest& digest : present)
    if (!named.contains(digest)) CTT_RETURN_IF_ERROR(artifacts.Remove(digest));
  std::error_code error;
  const fs::path kept = DatabaseIn(folder, manifest.database);
  std::vector<fs::path> others;
  for (const auto& entry : fs::directory_iterator(folder / "database", error))
    if (entry.path() != kept) others.push_back(entry.path());
  for (const fs::path& path : others)
    if (!error) fs::remove(path, error);
  return error ? FileError(folder, error) : Status::Ok();
}

}  // namespace

Result<BackupReport> WriteBackup(Store& store, ArtifactStore& artifacts, const fs::path& folder,
                                 std::int64_t now_us) {
  CTT_RETURN_IF_ERROR(MakeFolders(folder));
  CTT_ASSIGN_OR_RETURN(const auto copies, DirectoryArtifactStore::Open(folder / "artifacts"));
  BackupReport report;
  Manifest manifest;
  std::set<std::string> named;
  CTT_ASSIGN_OR_RETURN(manifest.database, CopyDatabase(store, folder, named, report));
  CTT_ASSIGN_OR_RETURN(manifest.artifacts, CopyArtifacts(artifacts, *copies, named, report));
  CTT_RETURN_IF_ERROR(WriteFileDurably(folder / "backup.json", Serialize(manifest, now_us)));
  CTT_RETURN_IF_ERROR(RemoveOthers(folder, manifest, *copies));
  return report;
}

Result<BackupReport> RestoreBackup(const fs::path& backup, const fs::path& folder) {
  std::error_code error;
  if (fs::exists(folder / "ctt.sqlite", error)) {
    return Status(Code::kAlreadyExists, "database_exists",
                  (folder / "ctt.sqlite").string() + " is there; restore into another folder");
  }
  CTT_ASSIGN_OR_RETURN(const Manifest manifest, ReadManifest(backup));
  CTT_ASSIGN_OR_RETURN(const MappedFile database,
                       MappedFile::Open(DatabaseIn(backup, manifest.database)));
  if (Sha256(database.bytes()) != manifest.database) {
    return Status(Code::kDataLoss, "damaged",
                  DatabaseIn(backup, manifest.database).string() +
                      " is damaged: its bytes have another digest");
  }
  BackupReport report;
  report.database = ToHex(manifest.database);
  report.database_bytes = static_cast<std::int64_t>(database.bytes().size());
  CTT_ASSIGN_OR_RETURN(const auto from, DirectoryArtifactStore::Open(backup / "artifacts"));
  for (const Digest& digest : manifest.artifacts) CTT_RETURN_IF_ERROR(from->Get(digest).status());
  fs::create_directories(folder, error);
  if (!error) fs::permissions(folder, fs::perms::owner_all, error);
  if (error) return FileError(folder, error);
  CTT_ASSIGN_OR_RETURN(const auto to, DirectoryArtifactStore::Open(folder / "artifacts"));
  for (const Digest& digest : manifest.artifacts) {
    CTT_ASSIGN_OR_RETURN(const std::string bytes, from->Get(digest));
    CTT_RETURN_IF_ERROR(to->Put(bytes).status());
    ++report.artifacts_copied;
  }
  report.artifacts = report.artifacts_copied;
  // Last: a directory with artefacts and without a database is refused, and can be restored again.
  CTT_RETURN_IF_ERROR(WriteFileDurably(folder / "ctt.sqlite", database.bytes()));
  CTT_ASSIGN_OR_RETURN(DataDirectory restored, DataDirectory::Open(folder));
  CTT_RETURN_IF_ERROR(restored.store().Verify());
  return report;
}

}  // namespace ctt::store
