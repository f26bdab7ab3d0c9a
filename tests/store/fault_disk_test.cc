// What is left when the disk fails at the k-th call, or the power goes there, for every k.
#include "tests/store/fault_disk.h"

#include <cstring>
#include <fstream>

#include <gtest/gtest.h>

#include "store/sqlite/sqlite_store.h"
#include "tests/store/store_home.h"

namespace ctt::store {
namespace {

namespace fs = std::filesystem;

struct FaultFile {
  sqlite3_file base;
  sqlite3_file* below;
  const char* path;  // SQLite's; null for a temporary file, which nothing here uses.
};

FaultFile* Self(sqlite3_file* file) { return reinterpret_cast<FaultFile*>(file); }
sqlite3_file* Below(sqlite3_file* file) { return Self(file)->below; }
std::string NameOf(const char* path) {
  return path == nullptr ? "" : fs::path(path).filename().string();
}

int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  int keep = size;
  const int code = FaultDisk::Instance().Meet(
      {DiskCall::Kind::kWrite, NameOf(Self(file)->path), offset,
       std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size))},
      &keep);
  if (keep > 0) {
    const int below = Below(file)->pMethods->xWrite(Below(file), bytes, keep, offset);
    if (below != SQLITE_OK) return below;
  }
  return code;
}
int Sync(sqlite3_file* file, int flags) {
  const int code =
      FaultDisk::Instance().Meet({DiskCall::Kind::kSync, NameOf(Self(file)->path), 0, ""}, nullptr);
  return code == SQLITE_OK ? Below(file)->pMethods->xSync(Below(file), flags) : code;
}
int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  const int code = FaultDisk::Instance().Meet(
      {DiskCall::Kind::kTruncate, NameOf(Self(file)->path), size, ""}, nullptr);
  return code == SQLITE_OK ? Below(file)->pMethods->xTruncate(Below(file), size) : code;
}
int Delete(sqlite3_vfs* vfs, const char* path, int sync_folder) {
  const int code =
      FaultDisk::Instance().Meet({DiskCall::Kind::kDelete, NameOf(path), 0, ""}, nullptr);
  auto* below = static_cast<sqlite3_vfs*>(vfs->pAppData);
  return code == SQLITE_OK ? below->xDelete(below, path, sync_folder) : code;
}

const sqlite3_io_methods kMethods = {
    .iVersion = 2,
    .xClose = [](sqlite3_file* f) { return Below(f)->pMethods->xClose(Below(f)); },
    .xRead =
        [](sqlite3_file* f, void* to, int size, sqlite3_int64 offset) {
          return Below(f)->pMethods->xRead(Below(f), to, size, offset);
        },
    .xWrite = Write,
    .xTruncate = Truncate,
    .xSync = Sync,
    .xFileSize = [](sqlite3_file* f,
                    sqlite3_int64* size) { return Below(f)->pMethods->xFileSize(Below(f), size); },
    .xLock = [](sqlite3_file* f, int level) { return Below(f)->pMethods->xLock(Below(f), level); },
    .xUnlock = [](sqlite3_file* f,
                  int level) { return Below(f)->pMethods->xUnlock(Below(f), level); },
    .xCheckReservedLock =
        [](sqlite3_file* f, int* held) {
          return Below(f)->pMethods->xCheckReservedLock(Below(f), held);
        },
    .xFileControl =
        [](sqlite3_file* f, int operation, void* argument) {
          return Below(f)->pMethods->xFileControl(Below(f), operation, argument);
        },
    .xSectorSize =
        [](sqlite3_file* f) {
          // The biggest that SQLite knows, so that it fills up with several frames.
          const bool powersafe = FaultDisk::Instance().powersafe();
          return powersafe ? Below(f)->pMethods->xSectorSize(Below(f)) : 65'536;
        },
    .xDeviceCharacteristics =
        [](sqlite3_file*) {
          return FaultDisk::Instance().powersafe() ? SQLITE_IOCAP_POWERSAFE_OVERWRITE : 0;
        },
    .xShmMap =
        [](sqlite3_file* f, int region, int size, int extend, void volatile** out) {
          return Below(f)->pMethods->xShmMap(Below(f), region, size, extend, out);
        },
    .xShmLock =
        [](sqlite3_file* f, int offset, int count, int flags) {
          return Below(f)->pMethods->xShmLock(Below(f), offset, count, flags);
        },
    .xShmBarrier = [](sqlite3_file* f) { Below(f)->pMethods->xShmBarrier(Below(f)); },
    .xShmUnmap = [](sqlite3_file* f,
                    int remove) { return Below(f)->pMethods->xShmUnmap(Below(f), remove); },
};

int Open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  auto* below = static_cast<sqlite3_vfs*>(vfs->pAppData);
  Self(file)->below = reinterpret_cast<sqlite3_file*>(Self(file) + 1);
  Self(file)->path = path;
  const int code = below->xOpen(below, path, Below(file), flags, out_flags);
  file->pMethods = Below(file)->pMethods == nullptr ? nullptr : &kMethods;
  return code;
}

}  // namespace

FaultDisk::FaultDisk() {
  sqlite3_vfs* below = sqlite3_vfs_find(nullptr);
  auto* vfs = new sqlite3_vfs(*below);  // Registered for good.
  vfs->zName = kName;
  vfs->szOsFile += static_cast<int>(sizeof(FaultFile));
  vfs->pAppData = below;
  vfs->xOpen = Open;
  vfs->xDelete = Delete;
  vfs->xAccess = [](sqlite3_vfs* v, const char* path, int flags, int* result) {
    auto* base = static_cast<sqlite3_vfs*>(v->pAppData);
    return base->xAccess(base, path, flags, result);
  };
  vfs->xFullPathname = [](sqlite3_vfs* v, const char* path, int size, char* out) {
    auto* base = static_cast<sqlite3_vfs*>(v->pAppData);
    return base->xFullPathname(base, path, size, out);
  };
  sqlite3_vfs_register(vfs, 0);
}

FaultDisk& FaultDisk::Instance() {
  static auto* disk = new FaultDisk;
  return *disk;
}

void FaultDisk::Reset() {
  calls_.clear();
  fail_at_ = 0;
  failed_ = false;
}

void FaultDisk::FailAt(int call, Fault fault, bool and_after) {
  fail_at_ = call;
  fault_ = fault;
  and_after_ = and_after;
}

int FaultDisk::Meet(DiskCall call, int* keep) {
  const DiskCall::Kind kind = call.kind;
  calls_.push_back(std::move(call));
  const auto now = static_cast<int>(calls_.size());
  if (fail_at_ == 0 || (and_after_ ? now < fail_at_ : now != fail_at_)) return SQLITE_OK;
  const bool write = kind == DiskCall::Kind::kWrite;
  const bool sync = kind == DiskCall::Kind::kSync;
  if ((fault_ == Fault::kDiskFull && !write) || (fault_ == Fault::kNoSync && !sync)) {
    if (!and_after_) ++fail_at_;  // Waits for a call that it concerns.
    return SQLITE_OK;
  }
  failed_ = true;
  if (write) *keep = fault_ == Fault::kTornWrite ? *keep / 2 : 0;
  if (fault_ == Fault::kDiskFull) return SQLITE_FULL;
  if (sync) return SQLITE_IOERR_FSYNC;
  return write ? SQLITE_IOERR_WRITE : SQLITE_IOERR;
}

namespace {

constexpr std::size_t kSector = 512;

void Apply(const DiskCall& call, std::string& file, std::mt19937_64* random) {
  if (call.kind == DiskCall::Kind::kTruncate) {
    if (random == nullptr || (*random)() % 2 == 0) file.resize(call.offset);
    return;
  }
  for (std::size_t at = 0; at < call.bytes.size(); at += kSector) {
    if (random != nullptr && (*random)() % 2 == 0) continue;
    const std::string_view piece = std::string_view(call.bytes).substr(at, kSector);
    const std::size_t offset = static_cast<std::size_t>(call.offset) + at;
    if (file.size() < offset + piece.size()) file.resize(offset + piece.size());
    std::memcpy(file.data() + offset, piece.data(), piece.size());
  }
}

}  // namespace

std::map<std::string, std::string> LeftAfterPowerCut(const std::vector<DiskCall>& calls,
                                                     std::size_t count, std::mt19937_64& random) {
  std::map<std::string, std::string> synced;
  std::map<std::string, std::vector<const DiskCall*>> pending;
  for (std::size_t i = 0; i < count; ++i) {
    const DiskCall& call = calls[i];
    if (call.kind == DiskCall::Kind::kSync) {
      for (const DiskCall* earlier : pending[call.file]) {
        Apply(*earlier, synced[call.file], nullptr);
      }
      pending.erase(call.file);
    } else if (call.kind == DiskCall::Kind::kDelete) {
      synced.erase(call.file);
      pending.erase(call.file);
    } else {
      pending[call.file].push_back(&call);
    }
  }
  // A cut may lose all of what is pending, keep it all, keep some sectors, or lose one write of
  // many.
  const auto mood = random() % 4;
  for (const auto& [file, writes] : pending) {
    const std::size_t lost = writes.empty() || mood != 3 ? writes.size() : random() % writes.size();
    for (std::size_t i = 0; i < writes.size(); ++i) {
      if (mood != 0 && i != lost) Apply(*writes[i], synced[file], mood == 2 ? &random : nullptr);
    }
  }
  return synced;
}

namespace {

TEST(FaultDiskTest, APowerCutKeepsWhatWasSyncedAndAtMostPartsOfTheRest) {
  const std::string old_page(1024, 'a');
  const std::string new_page(1024, 'b');
  const std::vector<DiskCall> calls = {{DiskCall::Kind::kWrite, "f", 0, old_page},
                                       {DiskCall::Kind::kSync, "f", 0, ""},
                                       {DiskCall::Kind::kWrite, "f", 0, new_page}};
  std::mt19937_64 random(1);
  std::map<std::string, int> seen;
  for (int trial = 0; trial < 200; ++trial) ++seen[LeftAfterPowerCut(calls, 3, random).at("f")];
  EXPECT_EQ(seen.size(), 4u) << "either sector, both, none";
  EXPECT_GT(seen[old_page], 0);
  EXPECT_GT(seen[new_page], 0);
  EXPECT_EQ(LeftAfterPowerCut(calls, 2, random).at("f"), old_page);
}

}  // namespace
}  // namespace ctt::store
