#include "store/sqlite/reader_pool.h"

namespace ctt::store {

ReaderPool::Lease::~Lease() {
  if (connection_ != nullptr) pool_->GiveBack(std::move(connection_));
}

Result<ReaderPool::Lease> ReaderPool::Take() {
  std::unique_ptr<Connection> connection = idle_.With([](auto& idle) {
    if (idle.empty()) return std::unique_ptr<Connection>();
    std::unique_ptr<Connection> last = std::move(idle.back());
    idle.pop_back();
    return last;
  });
  if (connection == nullptr) {
    CTT_ASSIGN_OR_RETURN(connection, Connection::Open(path_, Connection::Mode::kReadOnly, vfs_));
  }
  return Lease(this, std::move(connection));
}

void ReaderPool::GiveBack(std::unique_ptr<Connection> connection) {
  // Closing happens outside the lock, when `connection` goes.
  idle_.With([&](auto& idle) {
    if (idle.size() < kIdleMax) idle.push_back(std::move(connection));
  });
}

}  // namespace ctt::store
