#pragma once
// ArtifactStore: immutable bytes named by their SHA-256: statistics and heads. Put is durable when
// it answers; Get verifies the digest at every read, so a flipped bit is an error and never an
// answer.
//
// Threads: every call is safe from any thread.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/status.h"

namespace ctt::store {

class ArtifactStore {
 public:
  virtual ~ArtifactStore() = default;
  virtual Result<Digest> Put(std::string_view bytes) = 0;  // The same bytes again cost nothing.
  virtual Result<std::string> Get(
      const Digest& digest) = 0;                    // kNotFound; kDataLoss names the digest.
  virtual Status Remove(const Digest& digest) = 0;  // Absent is ok.
  virtual Result<std::vector<Digest>> List() = 0;
};

}  // namespace ctt::store
