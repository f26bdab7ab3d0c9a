#include "base/file.h"

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ctt {
namespace {

Status Errno(std::string_view action, const std::filesystem::path& path) {
  const int error = errno;
  const bool full = error == ENOSPC || error == EDQUOT;
  const Code code = error == ENOENT                     ? Code::kNotFound
                    : error == EACCES || error == EPERM ? Code::kPermissionDenied
                    : full                              ? Code::kUnavailable
                                                        : Code::kInternal;
  return {
      code, full ? "disk_full" : "",
      std::string(action) + " " + path.string() + ": " + std::generic_category().message(error)};
}

// Owns a descriptor for the length of a function.
struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

Status WriteAll(int descriptor, std::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Errno("cannot write", path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return Status::Ok();
}

}  // namespace

Result<std::string> ReadFile(const std::filesystem::path& path) {
  const Descriptor descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (descriptor.number < 0) return Errno("cannot open", path);
  std::string bytes;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t size = ::read(descriptor.number, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Errno("cannot read", path);
    if (size == 0) return bytes;
    bytes.append(buffer, static_cast<std::size_t>(size));
  }
}

Status SyncFolder(const std::filesystem::path& folder) {
  const Descriptor descriptor{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (descriptor.number < 0) return Errno("cannot open folder", folder);
  if (::fsync(descriptor.number) != 0) return Errno("cannot sync folder", folder);
  return Status::Ok();
}

Status WriteFileDurably(const std::filesystem::path& path, std::string_view bytes) {
  const std::filesystem::path temporary =
      path.string() + ".tmp." + std::to_string(::getpid()) + "." + std::to_string(::gettid());
  Status status;
  {
    const Descriptor descriptor{
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
    if (descriptor.number < 0) return Errno("cannot create", temporary);
    status = WriteAll(descriptor.number, bytes, temporary);
    if (status.ok() && ::fsync(descriptor.number) != 0) status = Errno("cannot sync", temporary);
  }
  if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0)
    status = Errno("cannot rename to", path);
  if (!status.ok()) {
    ::unlink(temporary.c_str());
    return status;
  }
  return SyncFolder(path.has_parent_path() ? path.parent_path() : ".");
}

Result<MappedFile> MappedFile::Open(const std::filesystem::path& path) {
  const Descriptor descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (descriptor.number < 0) return Errno("cannot open", path);
  struct stat info {};
  if (::fstat(descriptor.number, &info) != 0) return Errno("cannot stat", path);
  if (!S_ISREG(info.st_mode)) return InvalidArgument(path.string() + " is not a regular file");
  MappedFile file;
  file.size_ = static_cast<std::size_t>(info.st_size);
  file.changed_ = std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
  if (file.size_ == 0) return file;
  void* data = ::mmap(nullptr, file.size_, PROT_READ, MAP_SHARED, descriptor.number, 0);
  if (data == MAP_FAILED) {
    file.size_ = 0;
    return Errno("cannot map", path);
  }
  file.data_ = static_cast<const char*>(data);
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      changed_(other.changed_) {}
MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(changed_, other.changed_);
  return *this;
}
MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
}

void MappedFile::DropPages() const {
  if (data_ != nullptr) ::madvise(const_cast<char*>(data_), size_, MADV_DONTNEED);
}

Result<FileLock> FileLock::Acquire(const std::filesystem::path& path, std::string_view holder) {
  FileLock lock;
  lock.descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock.descriptor_ < 0) return Errno("cannot open", path);
  if (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Errno("cannot lock", path);
    const Result<std::string> other = ReadFile(path);
    return Status(Code::kFailedPrecondition, "locked",
                  path.parent_path().string() + " is held by " +
                      (other.ok() && !other->empty() ? *other : "another process"));
  }
  if (::ftruncate(lock.descriptor_, 0) != 0) return Errno("cannot truncate", path);
  CTT_RETURN_IF_ERROR(WriteAll(lock.descriptor_, holder, path));
  return lock;
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}
FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace ctt
