#pragma once
// S3ArtifactStore: artefacts as objects of a bucket, PREFIX/ab/cdef..., as in a directory. Put
// always writes, which also heals an object that was damaged; the server checks the digest of what
// it receives, and Get that of what it reads.
#include <memory>

#include "store/artifact_store.h"
#include "store/s3/s3_client.h"

namespace ctt::store {

class S3ArtifactStore final : public ArtifactStore {
 public:
  // Asks for one name, so that a wrong key or bucket shows at start: kPermissionDenied,
  // kFailedPrecondition ("no_bucket"), kUnavailable.
  static Result<std::unique_ptr<S3ArtifactStore>> Open(S3Options options);

  Result<Digest> Put(std::string_view bytes) override;
  Result<std::string> Get(const Digest& digest) override;
  Status Remove(const Digest& digest) override;
  Result<std::vector<Digest>> List() override;

 private:
  explicit S3ArtifactStore(S3Options options) : client_(std::move(options)) {}
  Result<S3Answer> ListPage(const std::string& token, const std::string& most);
  Status PutInParts(const std::string& key, std::string_view bytes);
  Status SendParts(const std::string& key, const std::string& upload, std::string_view bytes);

  S3Client client_;
};

}  // namespace ctt::store
