#pragma once
// Router: keeps the head that finds the task of a text, one for each group of tasks that somebody
// asks for, and makes it anew in the background when tasks of the group have changed.
//
// A request waits only while there is no head that knows exactly the tasks of its group: the first
// time, and after a task came or went. When tasks have merely learned, it is answered by the head
// at hand and the next one follows. Lessons never wait: the sums are read from the log.
//
// Threads: every public call is safe from any thread; answers come from the caller's thread or the
// router's.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"
#include "service/catalog.h"
#include "service/key_ring.h"
#include "service/task_ledger.h"
#include "service/types.h"

namespace ctt::service {

// The head of one group at some moment. Immutable.
struct Routes {
  struct Member {
    store::TaskId id = 0;
    store::Seq watermark = 0;  // Of the examples that the head knows.
    learn::TaskKind kind = learn::TaskKind::kSingle;
    friend bool operator==(const Member&, const Member&) = default;
  };
  std::vector<Member> members;              // By id.
  std::shared_ptr<const learn::Head> head;  // Label: the task's id in digits.
  std::string digest;                       // Hex, of the head.

  bool SameTasks(const std::vector<Member>& others) const;
};

class Router {
 public:
  // The stores, `catalog` and `clock` must outlive it.
  Router(Stores stores, const Catalog& catalog, std::int32_t feature_dim, const Clock& clock);
  ~Router();  // As Stop.
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // Ends the head being made, then joins; who waits or comes later gets kUnavailable.
  void Stop();

  // The routes of the tasks in `group` ("": all) that the caller may name and that have learned
  // something. kNotFound ("group_not_found"): there is none.
  void Find(const std::string& group, const Caller& caller,
            Done<std::shared_ptr<const Routes>> done);

 private:
  using Shared = std::shared_ptr<const Routes>;
  // A group as some caller sees it: by its name, and the caller's id when that is restricted.
  using Key = std::pair<std::string, std::string>;
  struct Group {
    std::optional<Caller> caller;  // Of the last request; always there.
    Shared routes;
    std::vector<Done<Shared>> waiting;
    bool stale = false;
    std::int64_t made_us = 0;  // Steady time.
    std::int64_t used_us = 0;
  };
  struct Groups {
    std::map<Key, Group> by_key;
    bool stopping = false;
  };

  std::vector<Routes::Member> Members(const std::string& group, const Caller& caller) const;
  void Run();
  std::vector<Done<Shared>> Publish(const Key& key, const Result<Shared>& made);
  static void DropLeastUsed(Groups& groups);
  Result<Shared> Make(const std::string& group, const Caller& caller);
  Status AddMember(const Routes::Member& member, std::size_t rows_max, learn::Statistics& sums,
                   learn::Rows& sample);
  void ForgetGone();

  const Stores stores_;
  const Catalog& catalog_;
  const std::int32_t feature_dim_;
  const Clock& clock_;
  struct Sample {
    store::Seq watermark = 0;
    std::size_t rows_max = 0;
    std::vector<std::int8_t> phi;
  };
  std::map<store::TaskId, Sample> samples_;  // The router's thread only.
  Guarded<Groups> groups_;
  std::thread thread_;
};

}  // namespace ctt::service
