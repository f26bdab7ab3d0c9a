#include "store/sqlite/checked_vfs.h"

#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>

#include <sqlite3.h>

namespace ctt::store {
namespace {

thread_local std::int64_t last_damaged_page = 0;

// Odd 64-bit constants: multiplying by one is a bijection, so a change of one word cannot cancel.
constexpr std::uint64_t kLaneFactor = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio.
constexpr std::uint64_t kFoldFactor = 0xd6e8feb86659fd93;
constexpr std::size_t kWords = (kPageSize - kPageCheckSize) / sizeof(std::uint64_t);
constexpr int kLanes = 4;  // Independent chains, so that the multiplier's latency is hidden.

std::uint64_t Fold(std::uint64_t sum, std::uint64_t word) {
  sum = (sum ^ word) * kFoldFactor;
  return sum ^ (sum >> 32);
}

// SQLite allocates szOsFile bytes; `below` is the wrapped file, which lies right behind this.
struct CheckedFile {
  sqlite3_file base;
  sqlite3_file* below;
};

sqlite3_file* Below(sqlite3_file* file) { return reinterpret_cast<CheckedFile*>(file)->below; }

bool IsPage(int size, sqlite3_int64 offset) { return size == kPageSize && offset % kPageSize == 0; }

std::span<const unsigned char> Page(const void* bytes) {
  return {static_cast<const unsigned char*>(bytes), kPageSize};
}

int FileSize(sqlite3_file* file, sqlite3_int64* size) {
  return Below(file)->pMethods->xFileSize(Below(file), size);
}

int DamagedPage(std::int64_t number) {
  last_damaged_page = number;
  return SQLITE_IOERR_DATA;
}

int Read(sqlite3_file* file, void* bytes, int size, sqlite3_int64 offset) {
  const int code = Below(file)->pMethods->xRead(Below(file), bytes, size, offset);
  if (!IsPage(size, offset)) return code;
  const std::int64_t number = offset / kPageSize + 1;
  if (code == SQLITE_IOERR_SHORT_READ) {
    // SQLite takes what is past the end for zeros, which is right for whole pages only.
    sqlite3_int64 end = 0;
    if (const int failed = FileSize(file, &end); failed != SQLITE_OK) return failed;
    return end > offset ? DamagedPage(number) : code;
  }
  if (code != SQLITE_OK) return code;
  std::uint64_t stored = 0;
  std::memcpy(&stored, static_cast<char*>(bytes) + kPageSize - kPageCheckSize, sizeof stored);
  return stored == PageCheck(Page(bytes), number) ? SQLITE_OK : DamagedPage(number);
}

int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  if (!IsPage(size, offset)) {
    return Below(file)->pMethods->xWrite(Below(file), bytes, size, offset);
  }
  std::array<unsigned char, kPageSize> page;
  std::memcpy(page.data(), bytes, kPageSize - kPageCheckSize);
  const std::uint64_t check = PageCheck(page, offset / kPageSize + 1);
  std::memcpy(page.data() + kPageSize - kPageCheckSize, &check, sizeof check);
  return Below(file)->pMethods->xWrite(Below(file), page.data(), size, offset);
}

int Close(sqlite3_file* file) { return Below(file)->pMethods->xClose(Below(file)); }
int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  return Below(file)->pMethods->xTruncate(Below(file), size);
}
int Sync(sqlite3_file* file, int flags) { return Below(file)->pMethods->xSync(Below(file), flags); }
int Lock(sqlite3_file* file, int level) { return Below(file)->pMethods->xLock(Below(file), level); }
int Unlock(sqlite3_file* file, int level) {
  return Below(file)->pMethods->xUnlock(Below(file), level);
}
int CheckReservedLock(sqlite3_file* file, int* held) {
  return Below(file)->pMethods->xCheckReservedLock(Below(file), held);
}
int FileControl(sqlite3_file* file, int operation, void* argument) {
  return Below(file)->pMethods->xFileControl(Below(file), operation, argument);
}
int SectorSize(sqlite3_file* file) { return Below(file)->pMethods->xSectorSize(Below(file)); }
int DeviceCharacteristics(sqlite3_file* file) {
  return Below(file)->pMethods->xDeviceCharacteristics(Below(file));
}
int ShmMap(sqlite3_file* file, int region, int size, int extend, void volatile** out) {
  return Below(file)->pMethods->xShmMap(Below(file), region, size, extend, out);
}
int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
  return Below(file)->pMethods->xShmLock(Below(file), offset, count, flags);
}
void ShmBarrier(sqlite3_file* file) { Below(file)->pMethods->xShmBarrier(Below(file)); }
int ShmUnmap(sqlite3_file* file, int remove) {
  return Below(file)->pMethods->xShmUnmap(Below(file), remove);
}

// Version 2: without xFetch, so that SQLite never maps the file.
constexpr sqlite3_io_methods kMethods = {2,
                                         Close,
                                         Read,
                                         Write,
                                         Truncate,
                                         Sync,
                                         FileSize,
                                         Lock,
                                         Unlock,
                                         CheckReservedLock,
                                         FileControl,
                                         SectorSize,
                                         DeviceCharacteristics,
                                         ShmMap,
                                         ShmLock,
                                         ShmBarrier,
                                         ShmUnmap,
                                         nullptr,
                                         nullptr};

sqlite3_vfs* Base(sqlite3_vfs* vfs) { return static_cast<sqlite3_vfs*>(vfs->pAppData); }

int Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  if ((flags & SQLITE_OPEN_MAIN_DB) == 0) {
    return Base(vfs)->xOpen(Base(vfs), name, file, flags, out_flags);
  }
  auto* checked = reinterpret_cast<CheckedFile*>(file);
  checked->below = reinterpret_cast<sqlite3_file*>(checked + 1);
  const int code = Base(vfs)->xOpen(Base(vfs), name, checked->below, flags, out_flags);
  // SQLite closes a file whose methods are set, even after a failed open.
  checked->base.pMethods = checked->below->pMethods == nullptr ? nullptr : &kMethods;
  return code;
}

int Delete(sqlite3_vfs* vfs, const char* name, int sync_folder) {
  return Base(vfs)->xDelete(Base(vfs), name, sync_folder);
}
int Access(sqlite3_vfs* vfs, const char* name, int flags, int* result) {
  return Base(vfs)->xAccess(Base(vfs), name, flags, result);
}
int FullPathname(sqlite3_vfs* vfs, const char* name, int size, char* out) {
  return Base(vfs)->xFullPathname(Base(vfs), name, size, out);
}
int Randomness(sqlite3_vfs* vfs, int size, char* out) {
  return Base(vfs)->xRandomness(Base(vfs), size, out);
}
int Sleep(sqlite3_vfs* vfs, int microseconds) { return Base(vfs)->xSleep(Base(vfs), microseconds); }
int CurrentTime(sqlite3_vfs* vfs, double* days) { return Base(vfs)->xCurrentTime(Base(vfs), days); }
int LastError(sqlite3_vfs* vfs, int size, char* out) {
  return Base(vfs)->xGetLastError(Base(vfs), size, out);
}
int CurrentTimeMs(sqlite3_vfs* vfs, sqlite3_int64* now) {
  return Base(vfs)->xCurrentTimeInt64(Base(vfs), now);
}

// A registered VFS stays until the process ends, as SQLite's own do.
struct Layer {
  std::string name;
  sqlite3_vfs vfs{};
};

std::unique_ptr<Layer> MakeLayer(const std::string& name, sqlite3_vfs* base) {
  auto layer = std::make_unique<Layer>();
  layer->name = name;
  sqlite3_vfs& vfs = layer->vfs;
  vfs.iVersion = 2;
  vfs.szOsFile = static_cast<int>(sizeof(CheckedFile)) + base->szOsFile;
  vfs.mxPathname = base->mxPathname;
  vfs.zName = layer->name.c_str();
  vfs.pAppData = base;
  vfs.xOpen = Open;
  vfs.xDelete = Delete;
  vfs.xAccess = Access;
  vfs.xFullPathname = FullPathname;
  vfs.xRandomness = Randomness;
  vfs.xSleep = Sleep;
  vfs.xCurrentTime = CurrentTime;
  vfs.xGetLastError = LastError;
  vfs.xCurrentTimeInt64 = CurrentTimeMs;
  return layer;
}

}  // namespace

std::uint64_t PageCheck(std::span<const unsigned char> page, std::int64_t number) {
  std::array<std::uint64_t, kLanes> lanes = {1, 2, 3, 4};
  for (std::size_t i = 0; i < kWords; ++i) {
    std::uint64_t word = 0;
    std::memcpy(&word, page.data() + i * sizeof word, sizeof word);
    std::uint64_t& lane = lanes[i % kLanes];
    lane = (lane ^ word) * kLaneFactor;
    lane ^= lane >> 29;
  }
  auto sum = static_cast<std::uint64_t>(number);
  for (const std::uint64_t lane : lanes) sum = Fold(sum, lane);
  return sum;
}

std::string RegisterCheckedVfs(const std::string& base) {
  static std::mutex mutex;
  static auto* layers = new std::map<std::string, std::unique_ptr<Layer>>;
  sqlite3_vfs* below = sqlite3_vfs_find(base.empty() ? nullptr : base.c_str());
  if (below == nullptr) return {};
  std::string name = std::string("ctt-checked-") + below->zName;
  const std::lock_guard lock(mutex);
  auto& layer = (*layers)[name];
  if (layer == nullptr) {
    layer = MakeLayer(name, below);
    sqlite3_vfs_register(&layer->vfs, /*makeDflt=*/0);
  }
  return name;
}

std::int64_t LastDamagedPage() { return last_damaged_page; }

}  // namespace ctt::store
