#include "service/catalog.h"

#include <optional>

#include "base/nearest.h"

namespace ctt::service {

void SetHead(ServedTask& entry, const store::Version& version,
             std::shared_ptr<const learn::Head> head, std::shared_ptr<const learn::Rates> rates) {
  entry.version = head == nullptr ? 0 : version.number;
  entry.updated_us = version.created_us;
  entry.head_digest = version.head_digest;
  entry.head = std::move(head);
  entry.rates = std::move(rates);
}

Result<std::shared_ptr<const ServedTask>> Catalog::Find(std::string_view name) const {
  using Found = std::optional<Result<std::shared_ptr<const ServedTask>>>;
  Found found = tasks_.With([&](const Tasks& tasks) -> Found {
    if (const auto it = tasks.served.find(name); it != tasks.served.end()) return it->second;
    const auto it = tasks.damaged.find(name);
    return it == tasks.damaged.end() ? Found() : Found(it->second);
  });
  if (found) return *std::move(found);
  std::vector<std::string> names;
  for (const auto& task : List()) names.push_back(task->name);
  return Status(Code::kNotFound, "task_not_found",
                "no task '" + std::string(name.substr(0, 200)) + "'" + DidYouMean(name, names));
}

std::vector<std::shared_ptr<const ServedTask>> Catalog::List() const {
  return tasks_.With([](const Tasks& tasks) {
    std::vector<std::shared_ptr<const ServedTask>> list;
    list.reserve(tasks.served.size());
    for (const auto& [name, task] : tasks.served) list.push_back(task);
    return list;
  });
}

void Catalog::Put(std::shared_ptr<const ServedTask> task) {
  tasks_.With([&](Tasks& tasks) {
    const std::string name = task->name;
    tasks.damaged.erase(name);
    tasks.served.insert_or_assign(name, std::move(task));
  });
}

void Catalog::PutDamaged(std::string_view name, Status why) {
  tasks_.With([&](Tasks& tasks) {
    if (const auto it = tasks.served.find(name); it != tasks.served.end()) tasks.served.erase(it);
    tasks.damaged.insert_or_assign(std::string(name), std::move(why));
  });
}

void Catalog::Remove(std::string_view name) {
  tasks_.With([&](Tasks& tasks) {
    if (const auto it = tasks.served.find(name); it != tasks.served.end()) tasks.served.erase(it);
    if (const auto it = tasks.damaged.find(name); it != tasks.damaged.end())
      tasks.damaged.erase(it);
  });
}

std::int64_t Catalog::size() const {
  return tasks_.With(
      [](const Tasks& tasks) { return static_cast<std::int64_t>(tasks.served.size()); });
}

}  // namespace ctt::service
