#pragma once
// DataDirectory: the default home of everything that a ctt process learns.
//
//   DIR/ctt.lock        held while a process uses the directory; says who
//   DIR/ctt.sqlite      tasks, labels, the log of examples, versions (WAL mode, synchronous = FULL)
//   DIR/artifacts/ab/cdef...   statistics and heads by SHA-256
//
// Threads: see Store and ArtifactStore; the directory itself is opened and closed by one thread.
#include <filesystem>
#include <memory>
#include <string>

#include "base/file.h"
#include "base/status.h"
#include "store/artifact_store.h"
#include "store/store.h"

namespace ctt::store {

class DataDirectory {
 public:
  // Makes the directory when it is absent, takes its lock, migrates the database to this version.
  // kFailedPrecondition ("locked"): another process holds it. kFailedPrecondition ("newer_schema"):
  // a later ctt wrote it. kDataLoss: not a database, or damaged.
  static Result<DataDirectory> Open(const std::filesystem::path& folder);

  Store& store() { return *store_; }
  ArtifactStore& artifacts() { return *artifacts_; }
  const std::filesystem::path& folder() const { return folder_; }

 private:
  DataDirectory(std::filesystem::path folder, FileLock lock, std::unique_ptr<Store> store,
                std::unique_ptr<ArtifactStore> artifacts)
      : folder_(std::move(folder)),
        lock_(std::move(lock)),
        store_(std::move(store)),
        artifacts_(std::move(artifacts)) {}
  std::filesystem::path folder_;
  FileLock lock_;  // Released last.
  std::unique_ptr<Store> store_;
  std::unique_ptr<ArtifactStore> artifacts_;
};

}  // namespace ctt::store
