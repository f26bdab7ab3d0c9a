#pragma once
// The learner's group commit: what one transaction holds, and what follows it.
//
// Threads: the learner thread only.
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "service/learner.h"

namespace ctt::service {

struct Learner::Group {
  std::unique_ptr<store::Transaction> transaction;
  Status broken;  // A write of the transaction failed: nothing of the group can be kept.
  std::set<store::TaskId> known;  // Every task that the group looked at for writing.
  // Tasks that were caught up with others, while the catalog shows what was before; the digest of
  // the head that was live by then.
  std::map<store::TaskId, std::string> behind;
  std::map<std::string, Status> damaged;         // Tasks whose log cannot be read, and why.
  std::set<store::TaskId> solve;                 // Their examples changed.
  std::map<store::TaskId, std::string> reports;  // Of the version that solving makes; absent: {}.
  std::map<store::TaskId, std::shared_ptr<const ServedTask>> served;  // To publish.
  std::vector<std::string> removed;                                   // Names to take away.
  std::vector<store::TaskId> deleted;
  store::TaskId purged = 0;  // Its aliases may be gone; 0: none.

  // For writes: remembers the first failure.
  Status Keep(Status status) {
    if (broken.ok()) broken = status;
    return status;
  }
};

}  // namespace ctt::service
