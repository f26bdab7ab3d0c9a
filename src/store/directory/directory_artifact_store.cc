#include "store/directory/directory_artifact_store.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <system_error>

#include "base/file.h"

namespace ctt::store {
namespace {

namespace fs = std::filesystem;

// A file of another process that is half written may still be on its way for this long.
constexpr std::chrono::hours kBeingWritten{1};

Status FileError(std::string_view action, const fs::path& path, std::error_code error) {
  const Code code = error == std::errc::permission_denied    ? Code::kPermissionDenied
                    : error == std::errc::no_space_on_device ? Code::kResourceExhausted
                                                             : Code::kInternal;
  return {code, std::string(action) + " " + path.string() + ": " + error.message()};
}

// Calls visit(path) for every file in the folder's subfolders.
template <typename Visit>
Status VisitFiles(const fs::path& folder, Visit visit) {
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->is_regular_file(error)) CTT_RETURN_IF_ERROR(visit(entry->path()));
  }
  return error ? FileError("cannot list", folder, error) : Status::Ok();
}

Status RemoveFile(const fs::path& path) {
  std::error_code error;
  fs::remove(path, error);
  return error ? FileError("cannot remove", path, error) : Status::Ok();
}

// A subfolder that is new must itself survive a power cut.
Status MakeFolder(const fs::path& folder) {
  std::error_code error;
  if (!fs::create_directory(folder, error)) {
    return error ? FileError("cannot create", folder, error) : Status::Ok();
  }
  return SyncFolder(folder.parent_path());
}

}  // namespace

Result<std::unique_ptr<DirectoryArtifactStore>> DirectoryArtifactStore::Open(const fs::path& folder,
                                                                             bool shared) {
  CTT_RETURN_IF_ERROR(MakeFolder(folder));
  const auto now = fs::file_time_type::clock::now();
  CTT_RETURN_IF_ERROR(VisitFiles(folder, [&](const fs::path& path) {
    if (path.filename().string().find(".tmp.") == std::string::npos) return Status::Ok();
    std::error_code error;
    const auto written = fs::last_write_time(path, error);
    if (shared && (error || now - written < kBeingWritten)) return Status::Ok();
    return RemoveFile(path);
  }));
  return std::unique_ptr<DirectoryArtifactStore>(new DirectoryArtifactStore(folder));
}

fs::path DirectoryArtifactStore::PathOf(const Digest& digest) const {
  const std::string name = ToHex(digest);
  return folder_ / name.substr(0, 2) / name.substr(2);
}

Result<Digest> DirectoryArtifactStore::Put(std::string_view bytes) {
  const Digest digest = Sha256(bytes);
  const fs::path path = PathOf(digest);
  if (const Result<std::string> present = ReadFile(path); present.ok() && *present == bytes) {
    return digest;
  }
  CTT_RETURN_IF_ERROR(MakeFolder(path.parent_path()));
  CTT_RETURN_IF_ERROR(WriteFileDurably(path, bytes));
  return digest;
}

Result<std::string> DirectoryArtifactStore::Get(const Digest& digest) {
  Result<std::string> bytes = ReadFile(PathOf(digest));
  if (!bytes.ok()) {
    if (bytes.status().code() != Code::kNotFound) return bytes;
    return Status(Code::kNotFound, "artifact_not_found", "no artefact " + ToHex(digest));
  }
  if (Sha256(*bytes) != digest) {
    return Status(Code::kDataLoss, "damaged",
                  "artefact " + ToHex(digest) + " is damaged: its bytes have another digest");
  }
  return bytes;
}

Status DirectoryArtifactStore::Remove(const Digest& digest) { return RemoveFile(PathOf(digest)); }

Result<std::vector<Digest>> DirectoryArtifactStore::List() {
  std::vector<Digest> digests;
  CTT_RETURN_IF_ERROR(VisitFiles(folder_, [&](const fs::path& path) {
    Digest digest;
    const std::string name = path.parent_path().filename().string() + path.filename().string();
    if (FromHex(name, digest)) digests.push_back(digest);
    return Status::Ok();
  }));
  std::sort(digests.begin(), digests.end());
  return digests;
}

}  // namespace ctt::store
