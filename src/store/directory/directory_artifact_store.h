#pragma once
// DirectoryArtifactStore: artefacts as files, FOLDER/ab/cdef... for the digest abcdef...
//
// A file appears under its name only when it is whole and synced (WriteFileDurably). Put compares
// with a file that is there already and replaces one that differs, so writing the bytes again heals
// them.
#include <filesystem>
#include <memory>

#include "store/artifact_store.h"

namespace ctt::store {

class DirectoryArtifactStore final : public ArtifactStore {
 public:
  // Makes the folder when it is absent and removes what a crash left half-written; of a folder that
  // is `shared` with other processes, what is an hour old.
  static Result<std::unique_ptr<DirectoryArtifactStore>> Open(const std::filesystem::path& folder,
                                                              bool shared = false);

  Result<Digest> Put(std::string_view bytes) override;
  Result<std::string> Get(const Digest& digest) override;
  Status Remove(const Digest& digest) override;
  Result<std::vector<Digest>> List() override;  // Rising.

 private:
  explicit DirectoryArtifactStore(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path PathOf(const Digest& digest) const;

  std::filesystem::path folder_;
};

}  // namespace ctt::store
