#pragma once
// Read-only connections, kept for the next reader. A reader never waits for another one: when none
// is idle a connection is opened, and past kIdleMax it is closed after use.
//
// Threads: Take is safe from any thread; a Lease belongs to one. Leases end before the pool does.
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "base/status.h"
#include "store/sqlite/connection.h"

namespace ctt::store {

class ReaderPool {
 public:
  static constexpr std::size_t kIdleMax = 4;

  // A connection on loan.
  class Lease {
   public:
    Lease(ReaderPool* pool, std::unique_ptr<Connection> connection)
        : pool_(pool), connection_(std::move(connection)) {}
    Lease(Lease&&) noexcept = default;
    ~Lease();
    Connection* operator->() const { return connection_.get(); }
    Connection& operator*() const { return *connection_; }

   private:
    ReaderPool* pool_;
    std::unique_ptr<Connection> connection_;
  };

  ReaderPool(std::filesystem::path path, std::string vfs)
      : path_(std::move(path)), vfs_(std::move(vfs)) {}
  Result<Lease> Take();

 private:
  void GiveBack(std::unique_ptr<Connection> connection);

  std::filesystem::path path_;
  std::string vfs_;
  Guarded<std::vector<std::unique_ptr<Connection>>> idle_;
};

}  // namespace ctt::store
