#include "store/sqlite/file_audit.h"

#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

#include "base/file.h"
#include "store/sqlite/checked_vfs.h"
#include "store/sqlite/schema.h"

namespace ctt::store {
namespace {

constexpr std::string_view kMagic("SQLite format 3\0", 16);
constexpr std::size_t kWalHeaderSize = 32;
constexpr std::size_t kFrameHeaderSize = 24;
constexpr std::size_t kFrameSize = kFrameHeaderSize + kPageSize;
constexpr std::uint32_t kWalMagic = 0x377f0682;  // Plus 1: checksums over big-endian words.

std::uint32_t BigEndian(const char* bytes) {
  const auto* b = reinterpret_cast<const unsigned char*>(bytes);
  return std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16 | std::uint32_t{b[2]} << 8 | b[3];
}

struct WalSum {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  bool operator==(const WalSum&) const = default;
};

WalSum StoredSum(const char* bytes) { return {BigEndian(bytes), BigEndian(bytes + 4)}; }

// REQUIRES: whole pairs of words.
WalSum Extend(WalSum sum, std::string_view bytes, bool big_endian) {
  for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8) {
    std::uint32_t words[2];
    std::memcpy(words, bytes.data() + i, sizeof words);
    if (big_endian) {
      words[0] = BigEndian(bytes.data() + i);
      words[1] = BigEndian(bytes.data() + i + 4);
    }
    sum.first += words[0] + sum.second;
    sum.second += words[1] + sum.first;
  }
  return sum;
}

class Wal {
 public:
  explicit Wal(std::string_view bytes)
      : bytes_(bytes), big_endian_((BigEndian(bytes.data()) & 1) != 0) {}

  std::size_t frame_count() const { return (bytes_.size() - kWalHeaderSize) / kFrameSize; }
  bool HeaderHolds() const {
    return (BigEndian(bytes_.data()) & ~1U) == kWalMagic &&
           Extend({}, bytes_.substr(0, 24), big_endian_) == StoredSum(bytes_.data() + 24);
  }
  bool SameSalt(std::size_t i) const {
    return std::memcmp(Frame(i) + 8, bytes_.data() + 16, 8) == 0;
  }
  bool IsCommit(std::size_t i) const { return BigEndian(Frame(i) + 4) != 0; }
  // The same page, and the same size of the database after it.
  bool SamePage(std::size_t i, std::size_t j) const {
    return std::memcmp(Frame(i), Frame(j), 8) == 0;
  }
  // Whether frame i holds, given the sum that stands in the frame (or header) before it.
  bool FollowsStored(std::size_t i) const {
    if (!SameSalt(i)) return false;
    const char* before = i == 0 ? bytes_.data() + 24 : Frame(i - 1) + 16;
    WalSum sum = Extend(StoredSum(before), {Frame(i), 8}, big_endian_);
    sum = Extend(sum, {Frame(i) + kFrameHeaderSize, kPageSize}, big_endian_);
    return sum == StoredSum(Frame(i) + 16);
  }

 private:
  const char* Frame(std::size_t i) const { return bytes_.data() + kWalHeaderSize + i * kFrameSize; }
  std::string_view bytes_;
  bool big_endian_;
};

Status Damaged(const std::filesystem::path& path, const std::string& what) {
  return {Code::kDataLoss, "damaged", path.filename().string() + " is damaged: " + what};
}

// Whether frame i ends a commit that a later transaction follows. Where SQLite must not trust that
// a write leaves its sector alone, it fills a commit's last sector up with copies of its last
// frame, and the last copy is synced in part only: copies are neither ends nor later.
bool EndsEarlierCommit(const Wal& wal, std::size_t i) {
  const bool copy = i > 0 && wal.IsCommit(i - 1) && wal.SamePage(i - 1, i);
  if (!wal.IsCommit(i) || copy) return false;
  for (std::size_t j = i + 1; j < wal.frame_count() && wal.FollowsStored(j); ++j) {
    if (!wal.SamePage(i, j)) return true;
  }
  return false;
}

// Since every frame before the first bad one follows its predecessor, "follows what is stored" is
// the whole checksum there.
Status AuditWal(const std::filesystem::path& path) {
  Result<MappedFile> file = MappedFile::Open(path);
  if (!file.ok()) return file.status().code() == Code::kNotFound ? Status::Ok() : file.status();
  if (file->bytes().size() < kWalHeaderSize + kFrameSize) return Status::Ok();
  const Wal wal(file->bytes());
  // The header is synced before the first frame is written.
  if (!wal.HeaderHolds()) return Damaged(path, "the header fails its checksum");
  std::size_t bad = 0;
  while (bad < wal.frame_count() && wal.FollowsStored(bad)) ++bad;
  for (std::size_t i = bad; i < wal.frame_count(); ++i) {
    if (EndsEarlierCommit(wal, i)) {
      return Damaged(
          path, "frame " + std::to_string(bad + 1) + " fails its checksum, and commits follow it");
    }
  }
  return Status::Ok();
}

bool HasBytes(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return !error && size > 0;
}

Status AuditDatabase(const std::filesystem::path& path, std::string_view bytes) {
  if (bytes.size() < 100 || bytes.substr(0, 16) != kMagic) {
    return {Code::kDataLoss, "not_a_database", path.filename().string() + " is not a database"};
  }
  const int page_size = static_cast<int>(BigEndian(bytes.data() + 16) >> 16);
  const int reserved = static_cast<unsigned char>(bytes[20]);
  const std::uint32_t owner = BigEndian(bytes.data() + 68);
  // The owner is 0 from the first page on until the first schema reaches the file.
  if (page_size != kPageSize || reserved != kPageCheckSize ||
      (owner != 0 && owner != kApplicationId)) {
    return {Code::kDataLoss, "not_a_database",
            path.filename().string() + " is not a database of ctt, or its header is damaged"};
  }
  return Status::Ok();
}

}  // namespace

Status AuditFiles(const std::filesystem::path& database) {
  const std::filesystem::path wal = database.string() + "-wal";
  // A rollback journal exists only while the first page is made, and SQLite undoes that.
  if (HasBytes(database.string() + "-journal")) return Status::Ok();
  Result<MappedFile> file = MappedFile::Open(database);
  if (!file.ok() && file.status().code() != Code::kNotFound) return file.status();
  if (!file.ok() || file->bytes().empty()) {
    if (!HasBytes(wal)) return Status::Ok();
    return Damaged(database, "it is absent or empty, but its write-ahead log is there");
  }
  CTT_RETURN_IF_ERROR(AuditDatabase(database, file->bytes()));
  // A crash may cut off the page that it was copying from the log.
  if (file->bytes().size() % kPageSize != 0 && !HasBytes(wal)) {
    return Damaged(database, "its last page is cut off");
  }
  return AuditWal(wal);
}

}  // namespace ctt::store
