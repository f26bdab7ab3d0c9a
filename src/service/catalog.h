#pragma once
// Catalog: what is served at this moment, by task name. A reader takes one task's entry, immutable,
// and keeps it for the length of its request; the learner swaps entries.
//
// Threads: every call is safe from any thread.
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/container/flat_map.hpp>

#include "base/guarded.h"
#include "base/status.h"
#include "learn/rates.h"
#include "service/types.h"
#include "store/store.h"

namespace ctt::service {

// A version beside the live one; number 0: none.
struct ServedVersion {
  std::int64_t number = 0;
  std::shared_ptr<const learn::Head> head;
  std::shared_ptr<const learn::Rates> rates;  // As in ServedTask.
};

// Examples of each label. Flat: thousands of tasks keep theirs in memory.
using LabelCounts = boost::container::flat_map<std::string, std::int64_t>;

// One task as it is served. Immutable.
struct ServedTask {
  store::TaskId id = 0;
  std::string name;
  std::int64_t created_us = 0;
  std::int64_t version = 0;  // 0: nothing is served (no example yet, or none is left).
  bool settled = false;      // The last version, live or not, was chosen for all examples.
  std::int64_t updated_us = 0;
  std::string head_digest;
  std::shared_ptr<const learn::Head> head;    // Null when version is 0.
  std::shared_ptr<const learn::Rates> rates;  // Of the choices that the head takes; may be null.
  TaskSettings settings;
  std::int64_t examples = 0;  // Held now, by the log, at sequence number:
  store::Seq watermark = 0;
  std::int64_t last_version = 0;  // Made by then, live or not.
  LabelCounts label_counts;
  std::int64_t previous = 0;  // 0: no version was live before.
  ServedVersion canary, shadow;
};

// Makes `entry` serve a version's head; a null head serves nothing.
void SetHead(ServedTask& entry, const store::Version& version,
             std::shared_ptr<const learn::Head> head, std::shared_ptr<const learn::Rates> rates);

class Catalog {
 public:
  // kNotFound ("task_not_found"), with the near names; kDataLoss, what PutDamaged was told.
  Result<std::shared_ptr<const ServedTask>> Find(std::string_view name) const;
  std::vector<std::shared_ptr<const ServedTask>> List() const;  // By name.
  void Put(std::shared_ptr<const ServedTask> task);
  // The log of this task cannot be read: `why`, until it is put or removed.
  void PutDamaged(std::string_view name, Status why);
  void Remove(std::string_view name);
  std::int64_t size() const;

 private:
  struct Tasks {  // A name is in one of the two.
    std::map<std::string, std::shared_ptr<const ServedTask>, std::less<>> served;
    std::map<std::string, Status, std::less<>> damaged;
  };
  Guarded<Tasks> tasks_;
};

}  // namespace ctt::service
