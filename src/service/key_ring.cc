#include "service/key_ring.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <set>
#include <utility>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/json.h"
#include "base/nearest.h"
#include "store/home.h"

namespace ctt::service {
namespace {

constexpr char kLockName[] = ".keys";  // Transaction::Lock's, for writers of keys.

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kDayUs = 86'400 * kSecondUs;
constexpr std::string_view kPrefix = "ctt_";
constexpr std::size_t kIdDigits = 12;
constexpr std::size_t kNameBytesMax = 100;
constexpr std::size_t kPatternsMax = 100;
constexpr std::array<std::string_view, 3> kScopes = {"predict", "learn", "admin"};

template <std::size_t kBytes>
std::string RandomHex() {
  std::array<unsigned char, kBytes> bytes;
  CTT_CHECK(RAND_bytes(bytes.data(), static_cast<int>(kBytes)) == 1);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const unsigned char byte : bytes) hex += {kDigits[byte >> 4], kDigits[byte & 15]};
  return hex;
}

std::string ListJson(const std::vector<std::string>& words) {
  json::array list;
  for (const std::string& word : words) list.push_back(json::string(word));
  return json::serialize(list);
}

Result<std::vector<std::string>> ParseList(const std::string& text, const std::string& id) {
  const Result<json::value> value = ParseJson(text);
  const bool list = value.ok() && value->is_array();
  std::vector<std::string> words;
  for (const json::value& word : list ? value->get_array() : json::array()) {
    if (word.is_string()) words.emplace_back(word.get_string());
  }
  if (list && words.size() == value->get_array().size()) return words;
  return DataLoss("the lists of the key '" + id + "' are damaged");
}

bool GoodPattern(std::string_view pattern) {
  return !pattern.empty() && pattern.size() <= 128 &&
         std::all_of(pattern.begin(), pattern.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("_.:-*").find(c) != std::string_view::npos;
         });
}

Status CheckNewKey(const NewKey& key) {
  if (key.name.empty() || key.name.size() > kNameBytesMax)
    return {Code::kInvalidArgument, "bad_key_name", "a key's name has 1 to 100 bytes"};
  if (key.scopes.empty())
    return {Code::kInvalidArgument, "missing_scope", "a key needs a scope: predict, learn, admin"};
  for (const std::string& scope : key.scopes) {
    if (std::find(kScopes.begin(), kScopes.end(), scope) != kScopes.end()) continue;
    const std::vector<std::string> names(kScopes.begin(), kScopes.end());
    return {Code::kInvalidArgument, "unknown_scope",
            "unknown scope '" + scope.substr(0, 50) + "'" + DidYouMean(scope, names) +
                "; there are predict, learn and admin"};
  }
  if (key.tasks.size() > kPatternsMax)
    return {Code::kInvalidArgument, "too_many_patterns", "a key has at most 100 task patterns"};
  for (const std::string& pattern : key.tasks) {
    if (!GoodPattern(pattern)) {
      return {Code::kInvalidArgument, "bad_task_pattern",
              "a task pattern is a task's name, in which '*' stands for any letters"};
    }
  }
  if (key.requests_per_second >= 0 && key.requests_per_day >= 0) return Status::Ok();
  return {Code::kInvalidArgument, "out_of_range", "a key's limits are 0 (none) or more"};
}

bool HasScope(const NewKey& key, Scope scope) {
  return std::any_of(key.scopes.begin(), key.scopes.end(), [scope](const std::string& name) {
    return name == ScopeName(scope) || name == ScopeName(Scope::kAdmin);
  });
}

// The id within a key; empty: it is none.
std::string_view IdOf(std::string_view key) {
  if (!key.starts_with(kPrefix) || key.size() < kPrefix.size() + kIdDigits) return {};
  return key.substr(kPrefix.size(), kIdDigits);
}

}  // namespace

std::string_view ScopeName(Scope scope) { return kScopes[static_cast<std::size_t>(scope)]; }

bool MatchesPattern(std::string_view pattern, std::string_view name) {
  // On a mismatch the last star takes one letter more; no earlier one ever has to.
  std::size_t p = 0, n = 0, star = std::string_view::npos, taken = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool Caller::MayName(std::string_view task) const {
  return tasks_.empty() || std::any_of(tasks_.begin(), tasks_.end(), [task](const auto& pattern) {
           return MatchesPattern(pattern, task);
         });
}

KeyRing::KeyRing(store::Store& store, const Clock& clock) : store_(store), clock_(clock) {}

Result<std::unique_ptr<KeyRing>> KeyRing::Open(store::Store& store, const Clock& clock) {
  std::unique_ptr<KeyRing> ring(new KeyRing(store, clock));
  CTT_RETURN_IF_ERROR(ring->Reload());
  ring->flusher_ = std::thread([ring = ring.get()] { ring->FlushLoop(); });
  return ring;
}

Result<std::unique_ptr<KeyRing>> KeyRing::OpenAt(const Location& location, const Clock& clock) {
  CTT_ASSIGN_OR_RETURN(store::Home opened, store::Home::Open(location));
  auto data = std::make_unique<store::Home>(std::move(opened));
  CTT_ASSIGN_OR_RETURN(std::unique_ptr<KeyRing> ring, Open(data->store(), clock));
  ring->owned_ = std::move(data);
  return ring;
}

KeyRing::~KeyRing() {
  ring_.With([](Ring& ring) { ring.stopping = true; });
  ring_.NotifyAll();
  if (flusher_.joinable()) flusher_.join();
  Flush();
}

Status KeyRing::Reload() {
  CTT_ASSIGN_OR_RETURN(const std::vector<store::ApiKey> records, store_.ApiKeys());
  for (const store::ApiKey& record : records) CTT_RETURN_IF_ERROR(Take(record));
  return Status::Ok();
}

// Of a known key only the revocation can be news.
Status KeyRing::Take(const store::ApiKey& record) {
  const bool known = ring_.With([&](Ring& ring) {
    const auto found = ring.entries.find(record.id);
    if (found == ring.entries.end()) return false;
    if (record.revoked_us != 0) found->second.record.revoked_us = record.revoked_us;
    return true;
  });
  if (known) return Status::Ok();
  Entry entry;
  entry.record = record;
  entry.key = {record.name, {}, {}, record.requests_per_second, record.requests_per_day};
  CTT_ASSIGN_OR_RETURN(entry.key.scopes, ParseList(record.scopes, record.id));
  CTT_ASSIGN_OR_RETURN(entry.key.tasks, ParseList(record.tasks, record.id));
  if (!FromHex(record.digest, entry.digest))
    return DataLoss("the digest of the key '" + record.id + "' is damaged");
  entry.caller = std::make_shared<const Caller>(record.id, entry.key.tasks,
                                                HasScope(entry.key, Scope::kLearn));
  ring_.With([&](Ring& ring) { ring.entries.emplace(record.id, std::move(entry)); });
  return Status::Ok();
}

bool KeyRing::needs_keys() const {
  return ring_.With([](const Ring& ring) { return !ring.entries.empty(); });
}

Result<std::shared_ptr<const Caller>> KeyRing::Admit(std::string_view key, Scope scope) {
  static const auto kAnyone =
      std::make_shared<const Caller>("anonymous", std::vector<std::string>());
  const Digest digest = Sha256(key);
  return ring_.With([&](Ring& ring) -> Result<std::shared_ptr<const Caller>> {
    if (ring.entries.empty()) return kAnyone;
    if (key.empty()) {
      return Status(Code::kUnauthenticated, "key_missing",
                    "this server needs a key: send it as 'Authorization: Bearer KEY'");
    }
    const auto found = ring.entries.find(IdOf(key));
    // One comparison whether the id is known or not, and of all bytes.
    static const Digest kNone{};
    const Digest& known = found == ring.entries.end() ? kNone : found->second.digest;
    const bool same = CRYPTO_memcmp(known.data(), digest.data(), digest.size()) == 0;
    if (found == ring.entries.end() || !same || found->second.record.revoked_us != 0)
      return Status(Code::kUnauthenticated, "key_unknown", "this key is not known, or was revoked");
    Entry& entry = found->second;
    if (!HasScope(entry.key, scope)) {
      return Status(Code::kPermissionDenied, "scope_missing",
                    "this key lacks the scope '" + std::string(ScopeName(scope)) + "'");
    }
    CTT_RETURN_IF_ERROR(CheckLimits(entry));
    return entry.caller;
  });
}

// Counts one request of the key, unless it is past a limit.
Status KeyRing::CheckLimits(Entry& entry) const {
  const std::int64_t now_us = clock_.UnixMicros();
  const std::int64_t day = now_us / kDayUs;
  if (entry.record.day != day) {
    entry.record.day = day;
    entry.record.day_requests = 0;
  }
  if (entry.key.requests_per_day > 0 && entry.record.day_requests >= entry.key.requests_per_day) {
    return Status(Code::kResourceExhausted, "quota_exceeded",
                  "this key may send " + std::to_string(entry.key.requests_per_day) +
                      " requests a day (UTC)")
        .WithRetryAfter((day + 1) * kDayUs / kSecondUs - now_us / kSecondUs);
  }
  if (entry.key.requests_per_second > 0) {
    const auto rate = static_cast<double>(entry.key.requests_per_second);
    const std::int64_t steady_us = clock_.SteadyMicros();
    const double grown = static_cast<double>(steady_us - entry.bucket_us) * 1e-6 * rate;
    entry.bucket = entry.bucket_us == 0 ? rate : std::min(rate, entry.bucket + grown);
    entry.bucket_us = steady_us;
    if (entry.bucket < 1) {
      return Status(Code::kResourceExhausted, "rate_limited",
                    "this key may send " + std::to_string(entry.key.requests_per_second) +
                        " requests a second")
          .WithRetryAfter(static_cast<std::int64_t>(std::ceil((1 - entry.bucket) / rate)));
    }
    entry.bucket -= 1;
  }
  ++entry.record.day_requests;
  entry.record.last_used_us = now_us;
  entry.dirty = true;
  return Status::Ok();
}

Result<MadeKey> KeyRing::Create(const NewKey& wanted, std::string_view who,
                                std::string_view request) {
  CTT_RETURN_IF_ERROR(CheckNewKey(wanted));
  Entry entry;
  entry.key = wanted;
  MadeKey made;
  store::ApiKey& record = entry.record;
  record.id = RandomHex<kIdDigits / 2>();
  made.secret = std::string(kPrefix) + record.id + "_" + RandomHex<32>();
  entry.digest = Sha256(made.secret);
  entry.caller =
      std::make_shared<const Caller>(record.id, wanted.tasks, HasScope(wanted, Scope::kLearn));
  record.digest = ToHex(entry.digest);
  record.name = wanted.name;
  record.scopes = ListJson(wanted.scopes);
  record.tasks = ListJson(wanted.tasks);
  record.requests_per_second = wanted.requests_per_second;
  record.requests_per_day = wanted.requests_per_day;
  record.created_us = clock_.UnixMicros();
  made.info = Describe(entry);
  const std::lock_guard lock(writing_);
  CTT_RETURN_IF_ERROR(Write(record, "create_key", who, request));
  ring_.With([&](Ring& ring) { ring.entries[entry.record.id] = std::move(entry); });
  return made;
}

Result<KeyInfo> KeyRing::Revoke(std::string_view id, std::string_view who,
                                std::string_view request) {
  const std::lock_guard lock(writing_);
  std::optional<Entry> entry = ring_.With([&](const Ring& ring) {
    const auto found = ring.entries.find(id);
    return found == ring.entries.end() ? std::optional<Entry>() : found->second;
  });
  if (!entry) {
    return Status(Code::kNotFound, "key_not_found",
                  "there is no key with the id '" + std::string(id.substr(0, 100)) + "'");
  }
  if (entry->record.revoked_us != 0) return Describe(*entry);
  entry->record.revoked_us = clock_.UnixMicros();
  CTT_RETURN_IF_ERROR(Write(entry->record, "revoke_key", who, request));
  return ring_.With([&](Ring& ring) {
    Entry& kept = ring.entries.find(id)->second;
    kept.record.revoked_us = entry->record.revoked_us;
    return Describe(kept);
  });
}

Status KeyRing::Write(const store::ApiKey& record, std::string_view action, std::string_view who,
                      std::string_view request) {
  CTT_ASSIGN_OR_RETURN(const auto transaction, store_.Begin());
  CTT_RETURN_IF_ERROR(transaction->Lock(std::vector<std::string>{kLockName}));
  CTT_RETURN_IF_ERROR(transaction->PutApiKey(record));
  store::AuditEntry entry;
  entry.time_us = clock_.UnixMicros();
  entry.who = who;
  entry.request = request;
  entry.action = action;
  entry.subject = record.id;
  CTT_RETURN_IF_ERROR(transaction->AppendAudit(entry));
  return transaction->Commit();
}

std::vector<KeyInfo> KeyRing::List() const {
  std::vector<KeyInfo> keys = ring_.With([this](const Ring& ring) {
    std::vector<KeyInfo> all;
    for (const auto& [id, entry] : ring.entries) all.push_back(Describe(entry));
    return all;
  });
  std::stable_sort(keys.begin(), keys.end(),
                   [](const KeyInfo& a, const KeyInfo& b) { return a.created_us < b.created_us; });
  return keys;
}

KeyInfo KeyRing::Describe(const Entry& entry) const {
  const store::ApiKey& record = entry.record;
  const bool today = record.day == clock_.UnixMicros() / kDayUs;
  return {record.id,         entry.key,           record.created_us,
          record.revoked_us, record.last_used_us, today ? record.day_requests : 0};
}

void KeyRing::FlushLoop() {
  for (bool stopping = false; !stopping;) {
    ring_.AwaitFor(std::chrono::seconds(kFlushSeconds),
                   [](const Ring& ring) { return ring.stopping; });
    stopping = ring_.With([](const Ring& ring) { return ring.stopping; });
    if (!stopping) Flush();
  }
}

// A flush that fails is tried again: what it would have written stays dirty.
void KeyRing::Flush() {
  const std::lock_guard lock(writing_);
  const std::vector<store::ApiKey> used = ring_.With([](Ring& ring) {
    std::vector<store::ApiKey> dirty;
    for (auto& [id, entry] : ring.entries)
      if (std::exchange(entry.dirty, false)) dirty.push_back(entry.record);
    return dirty;
  });
  if (used.empty()) return;
  const auto write = [&]() -> Status {
    CTT_ASSIGN_OR_RETURN(const auto transaction, store_.Begin());
    CTT_RETURN_IF_ERROR(transaction->Lock(std::vector<std::string>{kLockName}));
    CTT_ASSIGN_OR_RETURN(const std::vector<store::ApiKey> kept, store_.ApiKeys());
    std::set<std::string> revoked;  // Perhaps elsewhere: nothing is to be counted any more.
    for (const store::ApiKey& record : kept)
      if (record.revoked_us != 0) revoked.insert(record.id);
    for (const store::ApiKey& record : used) {
      if (record.revoked_us != 0 || !revoked.contains(record.id))
        CTT_RETURN_IF_ERROR(transaction->PutApiKey(record));
    }
    return transaction->Commit();
  };
  if (write().ok()) return;
  ring_.With([&](Ring& ring) {
    for (const store::ApiKey& record : used) ring.entries.find(record.id)->second.dirty = true;
  });
}

}  // namespace ctt::service
