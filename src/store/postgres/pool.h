#pragma once
// PgPool: connections kept for the next call. At most kOpenMax are open; a caller past that waits a
// while. Connections that the server ended are found out before use. While the server cannot be
// reached, callers are told at once, and it is tried again after a pause that doubles from
// kFirstPause to kLongestPause.
//
// Threads: Take is safe from any thread; a Lease belongs to one. Leases end before the pool does.
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "base/status.h"
#include "store/postgres/connection.h"

namespace ctt::store {

class PgPool {
 public:
  static constexpr int kOpenMax = 16;
  static constexpr std::chrono::milliseconds kFirstPause{50};
  static constexpr std::chrono::milliseconds kLongestPause{2000};

  class Lease {
   public:
    Lease(PgPool* pool, std::unique_ptr<PgConnection> connection)
        : pool_(pool), connection_(std::move(connection)) {}
    Lease(Lease&&) noexcept = default;
    ~Lease();
    PgConnection* operator->() const { return connection_.get(); }
    PgConnection& operator*() const { return *connection_; }

   private:
    PgPool* pool_;
    std::unique_ptr<PgConnection> connection_;
  };

  explicit PgPool(std::string url) : url_(std::move(url)) {}
  // kUnavailable ("database_unavailable", "database_busy").
  Result<Lease> Take();

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Shelf {
    std::vector<std::unique_ptr<PgConnection>> idle;
    int open = 0;  // On loan or idle.
    Time next_try{};
    std::chrono::milliseconds pause{0};
    Status last_failure;
  };
  Result<Lease> Connect();
  void GiveBack(std::unique_ptr<PgConnection> connection);

  const std::string url_;
  Guarded<Shelf> shelf_;
};

}  // namespace ctt::store
