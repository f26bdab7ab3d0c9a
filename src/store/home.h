#pragma once
// Home: where everything that ctt learns is kept, chosen by what it is called.
//
//   DIR                                  a data directory, one process at a time (data_directory.h)
//   postgresql://...  and  s3://...      rows in PostgreSQL, artefacts in a bucket; any number of
//                                        processes at a time
//   postgresql://...  and  DIR           the same with artefacts in a folder that all of them see
//
// Threads: see Store and ArtifactStore; the home itself is opened and closed by one thread.
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "store/artifact_store.h"
#include "store/data_directory.h"
#include "store/store.h"

namespace ctt::store {

struct Location {
  std::string data;
  std::string artifacts;  // Empty with a data directory, which has its own.
};

bool IsDatabaseUrl(std::string_view data);
// The URL without the password; any other text as it is.
std::string WithoutPassword(std::string_view data);

class Home {
 public:
  // kInvalidArgument ("no_artifacts", "artifacts_unwanted"); the errors of DataDirectory::Open,
  // PostgresStore::Open and S3ArtifactStore::Open.
  static Result<Home> Open(const Location& location);

  Store& store() { return *store_; }
  ArtifactStore& artifacts() { return *artifacts_; }
  const std::string& name() const { return name_; }  // For people; without a password.

 private:
  Home() = default;
  std::string name_;
  std::unique_ptr<DataDirectory> directory_;  // Of a data directory; else the two below are owned.
  std::unique_ptr<Store> owned_store_;
  std::unique_ptr<ArtifactStore> owned_artifacts_;
  Store* store_ = nullptr;
  ArtifactStore* artifacts_ = nullptr;
};

}  // namespace ctt::store
