#include "store/postgres/pool.h"

#include <algorithm>

#include "store/postgres/error.h"

namespace ctt::store {
namespace {

constexpr std::chrono::seconds kTurnWait{5};

}  // namespace

PgPool::Lease::~Lease() {
  if (connection_ != nullptr) pool_->GiveBack(std::move(connection_));
}

Result<PgPool::Lease> PgPool::Take() {
  const auto available = [](const Shelf& shelf) {
    return !shelf.idle.empty() || shelf.open < kOpenMax;
  };
  shelf_.AwaitFor(kTurnWait, available);
  for (;;) {
    std::unique_ptr<PgConnection> idle;
    const bool connect = shelf_.With([&](Shelf& shelf) {
      if (!shelf.idle.empty()) {
        idle = std::move(shelf.idle.back());
        shelf.idle.pop_back();
        return false;
      }
      if (shelf.open >= kOpenMax) return false;
      ++shelf.open;
      return true;
    });
    if (connect) return Connect();
    if (idle == nullptr) {
      return Status(Code::kUnavailable, "database_busy", "every connection to the database is used")
          .WithRetryAfter(kRetryAfterSeconds);
    }
    if (idle->alive()) return Lease(this, std::move(idle));
    shelf_.With([](Shelf& shelf) { --shelf.open; });
  }
}

// REQUIRES: the connection to come is counted as open.
Result<PgPool::Lease> PgPool::Connect() {
  const auto give_up = [&](const Status& status) {
    shelf_.NotifyOne();
    return status;
  };
  const Status too_early = shelf_.With([](Shelf& shelf) {
    if (shelf.last_failure.ok() || std::chrono::steady_clock::now() >= shelf.next_try)
      return Status::Ok();
    --shelf.open;
    return shelf.last_failure;
  });
  if (!too_early.ok()) return give_up(too_early);
  Result<std::unique_ptr<PgConnection>> opened = PgConnection::Open(url_);
  shelf_.With([&](Shelf& shelf) {
    shelf.last_failure = opened.status();
    if (opened.ok()) {
      shelf.pause = std::chrono::milliseconds(0);
      return;
    }
    --shelf.open;
    shelf.pause = std::clamp(2 * shelf.pause, kFirstPause, kLongestPause);
    shelf.next_try = std::chrono::steady_clock::now() + shelf.pause;
  });
  if (!opened.ok()) return give_up(opened.status());
  return Lease(this, *std::move(opened));
}

void PgPool::GiveBack(std::unique_ptr<PgConnection> connection) {
  const bool whole = PQtransactionStatus(connection->handle()) == PQTRANS_IDLE;
  shelf_.With([&](Shelf& shelf) {
    if (whole) {
      shelf.idle.push_back(std::move(connection));
    } else {
      --shelf.open;
    }
  });
  shelf_.NotifyOne();
}

}  // namespace ctt::store
