#include "service/router.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "learn/router.h"

namespace ctt::service {
namespace {

// Rows that judge the router: of one task, and of all.
constexpr std::size_t kTaskRowsMax = 64;
constexpr std::size_t kRowsMax = 4096;
// A group whose tasks keep learning is made anew this long after the last time.
constexpr std::int64_t kRestUs = 500'000;
constexpr std::size_t kGroupsMax = 16;  // Kept: 2.4 MB at work, some hundred KB each at rest.

Status Stopping() { return {Code::kUnavailable, "the service is stopping"}; }

}  // namespace

bool Routes::SameTasks(const std::vector<Member>& others) const {
  return std::equal(members.begin(), members.end(), others.begin(), others.end(),
                    [](const Member& a, const Member& b) { return a.id == b.id; });
}

Router::Router(Stores stores, const Catalog& catalog, std::int32_t feature_dim, const Clock& clock)
    : stores_(stores), catalog_(catalog), feature_dim_(feature_dim), clock_(clock), thread_([this] {
        Run();
      }) {}

Router::~Router() { Stop(); }

void Router::Stop() {
  auto groups = groups_.With([](Groups& groups) {
    groups.stopping = true;
    return std::exchange(groups.by_key, {});
  });
  groups_.NotifyAll();
  if (thread_.joinable()) thread_.join();
  for (auto& [key, group] : groups)
    for (const Done<Shared>& done : group.waiting) done(Stopping());
}

std::vector<Routes::Member> Router::Members(const std::string& group, const Caller& caller) const {
  std::vector<Routes::Member> members;
  for (const auto& task : catalog_.List()) {
    const std::vector<std::string>& groups = task->settings.groups;
    const bool in = group.empty() || std::binary_search(groups.begin(), groups.end(), group);
    if (in && task->head != nullptr && caller.MayName(task->name))
      members.push_back(
          {task->id, task->watermark, learn::TaskKindOf(task->head->settings().kind)});
  }
  std::sort(members.begin(), members.end(),
            [](const Routes::Member& a, const Routes::Member& b) { return a.id < b.id; });
  return members;
}

void Router::Find(const std::string& group, const Caller& caller, Done<Shared> done) {
  const std::vector<Routes::Member> members = Members(group, caller);
  if (members.empty()) {
    return done(Status(
        Code::kNotFound, "group_not_found",
        group.empty() ? "no task has learned an example yet"
                      : "no task of group '" + group.substr(0, 200) + "' has learned an example"));
  }
  bool stopping = false;
  const Shared ready = groups_.With([&](Groups& groups) -> Shared {
    stopping = groups.stopping;
    if (stopping) return nullptr;
    Group& entry = groups.by_key[{group, caller.restricted() ? caller.id() : std::string()}];
    entry.caller = caller;
    entry.used_us = clock_.SteadyMicros();
    entry.stale = entry.routes == nullptr || entry.routes->members != members;
    if (entry.routes != nullptr && entry.routes->SameTasks(members)) return entry.routes;
    entry.waiting.push_back(done);
    return nullptr;
  });
  groups_.NotifyAll();
  if (stopping) return done(Stopping());
  if (ready != nullptr) done(ready);
}

void Router::Run() {
  for (;;) {
    std::optional<Key> found;
    std::optional<Caller> caller;
    std::int64_t next_us = clock_.SteadyMicros() + 3'600'000'000;
    const bool stop = groups_.With([&](Groups& groups) {
      for (const auto& [key, group] : groups.by_key) {
        const std::int64_t due_us = group.waiting.empty() ? group.made_us + kRestUs : 0;
        if (!group.stale) continue;
        next_us = std::min(next_us, due_us);
        if (due_us <= clock_.SteadyMicros()) found = key;
      }
      if (found) {
        groups.by_key[*found].stale = false;
        caller = groups.by_key[*found].caller;
      }
      return groups.stopping;
    });
    if (stop) return;
    if (!found) {
      groups_.AwaitFor(
          std::chrono::microseconds(next_us - clock_.SteadyMicros()), [&](const Groups& groups) {
            return groups.stopping ||
                   std::any_of(groups.by_key.begin(), groups.by_key.end(), [&](const auto& row) {
                     const Group& group = row.second;
                     return group.stale &&
                            (!group.waiting.empty() || group.made_us + kRestUs < next_us);
                   });
          });
      continue;
    }
    const Result<Shared> made = Make(found->first, *caller);
    const std::vector<Done<Shared>> waiting = Publish(*found, made);
    for (const Done<Shared>& done : waiting) done(made);
  }
}

// Who waited for it. A group that could not be made is forgotten, so that the next request tries.
std::vector<Done<Router::Shared>> Router::Publish(const Key& key, const Result<Shared>& made) {
  return groups_.With([&](Groups& groups) {
    const auto group = groups.by_key.find(key);
    if (group == groups.by_key.end()) return std::vector<Done<Shared>>();  // Stopping.
    std::vector<Done<Shared>> waiting = std::exchange(group->second.waiting, {});
    if (made.ok()) {
      group->second.routes = *made;
      group->second.made_us = clock_.SteadyMicros();
    } else {
      groups.by_key.erase(group);
    }
    if (groups.by_key.size() > kGroupsMax) DropLeastUsed(groups);
    return waiting;
  });
}

void Router::DropLeastUsed(Groups& groups) {
  auto least = groups.by_key.end();
  for (auto it = groups.by_key.begin(); it != groups.by_key.end(); ++it) {
    if (!it->second.waiting.empty()) continue;
    if (least == groups.by_key.end() || it->second.used_us < least->second.used_us) least = it;
  }
  if (least != groups.by_key.end()) groups.by_key.erase(least);
}

Result<Router::Shared> Router::Make(const std::string& group, const Caller& caller) {
  ForgetGone();
  auto routes = std::make_shared<Routes>();
  routes->members = Members(group, caller);
  const std::size_t rows_max = std::clamp<std::size_t>(
      kRowsMax / std::max<std::size_t>(routes->members.size(), 1), 2, kTaskRowsMax);
  learn::Statistics sums(feature_dim_);
  learn::Rows sample;
  for (const Routes::Member& member : routes->members)
    CTT_RETURN_IF_ERROR(AddMember(member, rows_max, sums, sample));
  CTT_ASSIGN_OR_RETURN(learn::Head head, learn::FitRouter(sums, sample));
  routes->digest = ToHex(head.ContentDigest());
  routes->head = std::make_shared<const learn::Head>(std::move(head));
  return Shared(std::move(routes));
}

// A task that was deleted a moment ago has no rows left, and adds nothing.
Status Router::AddMember(const Routes::Member& member, std::size_t rows_max,
                         learn::Statistics& sums, learn::Rows& sample) {
  CTT_ASSIGN_OR_RETURN(
      const learn::Statistics task,
      StatisticsAt(stores_, member.id, member.watermark, feature_dim_, member.kind));
  if (task.example_count() == 0) return Status::Ok();
  Sample& kept = samples_[member.id];
  if (kept.watermark != member.watermark || kept.rows_max != rows_max) {
    CTT_ASSIGN_OR_RETURN(const learn::Rows rows, RowsAt(stores_.log, member.id, member.watermark));
    CTT_ASSIGN_OR_RETURN(kept.phi, learn::RouterSample(task, rows, rows_max));
    kept.watermark = member.watermark;
    kept.rows_max = rows_max;
  }
  const std::string name = std::to_string(member.id);
  CTT_RETURN_IF_ERROR(learn::AddTask(task, name, sums));
  const auto label = static_cast<std::int32_t>(sample.labels.size());
  sample.labels.push_back(name);
  sample.phi.insert(sample.phi.end(), kept.phi.begin(), kept.phi.end());
  sample.label_index.resize(sample.phi.size() / static_cast<std::size_t>(feature_dim_), label);
  return Status::Ok();
}

void Router::ForgetGone() {
  std::set<store::TaskId> there;
  for (const auto& task : catalog_.List()) there.insert(task->id);
  std::erase_if(samples_, [&](const auto& row) { return !there.contains(row.first); });
}

}  // namespace ctt::service
