#pragma once
// Files: whole reads, writes that survive a power cut, read-only memory maps, and lock files.
// Errors: kNotFound, kPermissionDenied, kUnavailable ("disk_full"), else kInternal; every
// message names the path. Threads: free functions are safe from any thread.
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/status.h"

namespace ctt {

Result<std::string> ReadFile(const std::filesystem::path& path);

// Writes a temporary neighbour, syncs it, renames it over `path`, syncs the folder: after a crash
// the file holds the old bytes or the new, never a mixture.
Status WriteFileDurably(const std::filesystem::path& path, std::string_view bytes);

// Makes the names in a folder (new, renamed, removed) survive a power cut.
Status SyncFolder(const std::filesystem::path& folder);

// A file's bytes, mapped read-only and shared between processes. Move-only; unmapped at
// destruction.
class MappedFile {
 public:
  static Result<MappedFile> Open(const std::filesystem::path& path);
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();
  std::string_view bytes() const { return {data_, size_}; }
  // When the file was last changed, as of Open: nanoseconds since 1970.
  std::int64_t changed() const { return changed_; }
  // Takes the pages that were read out of this process's memory; they come again when they are
  // read.
  void DropPages() const;

 private:
  const char* data_ = nullptr;
  std::size_t size_ = 0;
  std::int64_t changed_ = 0;
};

// An exclusive advisory lock on a file, which is made if it is absent, held until destruction or
// the end of the process. kFailedPrecondition ("locked") when another process holds it; the message
// carries the content of the file, where the holder has written who it is.
class FileLock {
 public:
  static Result<FileLock> Acquire(const std::filesystem::path& path, std::string_view holder);
  FileLock() = default;
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

 private:
  int descriptor_ = -1;
};

}  // namespace ctt
