#pragma once
// A disk that fails on demand and remembers what was done to it: a SQLite VFS above the default
// one.
//
// Counted calls are those that change a file (write, sync, truncate, delete). FailAt makes the k-th
// of them fail, alone or with all that follow. Each call is also recorded, so that a test can work
// out what a power cut at any moment could have left (see LeftAfterPowerCut).
#include <cstdint>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <sqlite3.h>

namespace ctt::store {

struct DiskCall {
  enum class Kind { kWrite, kSync, kTruncate, kDelete };
  Kind kind;
  std::string file;         // Name without folder.
  std::int64_t offset = 0;  // kTruncate: the new size.
  std::string bytes;        // kWrite.
};

class FaultDisk {
 public:
  enum class Fault {
    kIoError,    // The call fails and does nothing.
    kTornWrite,  // A write leaves its first half; other calls fail.
    kDiskFull,   // Writes fail with SQLITE_FULL; other calls succeed.
    kNoSync,     // Syncs fail; other calls succeed.
  };

  static FaultDisk&
  Instance();  // SQLite keeps one list of VFSes per process, so there is one disk.
  const char* name() const { return kName; }

  // Forgets calls and faults.
  void Reset();
  // Whether SQLite may trust that a write never harms bytes beside it, as it does by default.
  void SetPowersafe(bool powersafe) { powersafe_ = powersafe; }
  bool powersafe() const { return powersafe_; }
  void FailAt(int call, Fault fault, bool and_after);
  bool failed() const { return failed_; }
  const std::vector<DiskCall>& calls() const { return calls_; }

  // Records the call and answers SQLITE_OK or the error to give. `keep` is what of a write to do.
  int Meet(DiskCall call, int* keep);

 private:
  static constexpr char kName[] = "ctt-fault";
  FaultDisk();

  std::vector<DiskCall> calls_;
  int fail_at_ = 0;  // From 1; 0: never.
  Fault fault_ = Fault::kIoError;
  bool and_after_ = false;
  bool failed_ = false;
  bool powersafe_ = true;
};

// Files that a power cut after the first `count` calls may leave: all that was synced, and of what
// was not any part, chosen by `random`: whole writes or sectors of 512 bytes.
std::map<std::string, std::string> LeftAfterPowerCut(const std::vector<DiskCall>& calls,
                                                     std::size_t count, std::mt19937_64& random);

}  // namespace ctt::store
