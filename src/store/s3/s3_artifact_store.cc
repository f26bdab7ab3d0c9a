#include "store/s3/s3_artifact_store.h"

#include <algorithm>
#include <string>

namespace ctt::store {
namespace {

std::string KeyOf(const Digest& digest) {
  const std::string name = ToHex(digest);
  return name.substr(0, 2) + "/" + name.substr(2);
}

// The text of the first <TAG> at or after `from`, which moves behind it; empty when there is none.
// S3's answers are flat enough for this.
std::string TextOf(const std::string& xml, const std::string& tag, std::size_t& from) {
  const std::string open = "<" + tag + ">", close = "</" + tag + ">";
  const std::size_t start = xml.find(open, from);
  const std::size_t end = xml.find(close, start == std::string::npos ? xml.size() : start);
  if (end == std::string::npos) return "";
  from = end + close.size();
  return xml.substr(start + open.size(), end - start - open.size());
}

std::string Replaced(std::string text, std::string_view what, std::string_view by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
  return text;
}

constexpr std::pair<std::string_view, std::string_view> kEntities[] = {
    {"&quot;", "\""}, {"&#34;", "\""}, {"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}};

std::string Unescaped(std::string text) {
  for (const auto& [what, by] : kEntities) text = Replaced(std::move(text), what, by);
  return text;
}

}  // namespace

Result<std::unique_ptr<S3ArtifactStore>> S3ArtifactStore::Open(S3Options options) {
  std::unique_ptr<S3ArtifactStore> store(new S3ArtifactStore(std::move(options)));
  CTT_RETURN_IF_ERROR(store->ListPage("", "1").status());
  return store;
}

Result<Digest> S3ArtifactStore::Put(std::string_view bytes) {
  const Digest digest = Sha256(bytes);
  if (bytes.size() > client_.options().part_bytes) {
    CTT_RETURN_IF_ERROR(PutInParts(KeyOf(digest), bytes));
  } else {
    CTT_RETURN_IF_ERROR(client_.Send({"PUT", KeyOf(digest), {}, bytes}).status());
  }
  return digest;
}

Status S3ArtifactStore::PutInParts(const std::string& key, std::string_view bytes) {
  CTT_ASSIGN_OR_RETURN(const S3Answer begun, client_.Send({"POST", key, {{"uploads", ""}}, {}}));
  std::size_t from = 0;
  const std::string upload = Unescaped(TextOf(begun.body, "UploadId", from));
  if (upload.empty()) return Internal("the artefact store began an upload without an id");
  const Status sent = SendParts(key, upload, bytes);
  // Parts of an upload that nobody ends are kept, and paid for.
  if (!sent.ok()) (void)client_.Send({"DELETE", key, {{"uploadId", upload}}, {}});
  return sent;
}

Status S3ArtifactStore::SendParts(const std::string& key, const std::string& upload,
                                  std::string_view bytes) {
  const std::size_t part_bytes = client_.options().part_bytes;
  std::string list = "<CompleteMultipartUpload>";
  for (std::size_t first = 0, part = 1; first < bytes.size(); first += part_bytes, ++part) {
    const std::string number = std::to_string(part);
    CTT_ASSIGN_OR_RETURN(const S3Answer put,
                         client_.Send({"PUT",
                                       key,
                                       {{"partNumber", number}, {"uploadId", upload}},
                                       bytes.substr(first, part_bytes)}));
    list += "<Part><PartNumber>" + number + "</PartNumber><ETag>" + put.etag + "</ETag></Part>";
  }
  list += "</CompleteMultipartUpload>";
  CTT_ASSIGN_OR_RETURN(const S3Answer ended,
                       client_.Send({"POST", key, {{"uploadId", upload}}, list}));
  // It may answer 200 first and find out then.
  if (ended.body.find("<Error>") == std::string::npos) return Status::Ok();
  return {Code::kUnavailable, "artifacts_unavailable",
          "the artefact store could not join the parts"};
}

Result<std::string> S3ArtifactStore::Get(const Digest& digest) {
  Result<S3Answer> answer = client_.Send({"GET", KeyOf(digest), {}, {}});
  if (!answer.ok()) {
    if (answer.status().code() != Code::kNotFound) return answer.status();
    return Status(Code::kNotFound, "artifact_not_found", "no artefact " + ToHex(digest));
  }
  if (Sha256(answer->body) != digest) {
    return Status(Code::kDataLoss, "damaged",
                  "artefact " + ToHex(digest) + " is damaged: its bytes have another digest");
  }
  return std::move(answer->body);
}

Status S3ArtifactStore::Remove(const Digest& digest) {
  const Status status = client_.Send({"DELETE", KeyOf(digest), {}, {}}).status();
  return status.code() == Code::kNotFound ? Status::Ok() : status;
}

Result<S3Answer> S3ArtifactStore::ListPage(const std::string& token, const std::string& most) {
  S3Request request;
  if (!token.empty()) request.query.emplace_back("continuation-token", token);
  request.query.emplace_back("list-type", "2");
  if (!most.empty()) request.query.emplace_back("max-keys", most);
  request.query.emplace_back("prefix", client_.options().prefix);
  return client_.Send(request);
}

Result<std::vector<Digest>> S3ArtifactStore::List() {
  constexpr std::size_t kKeyLetters = 65;  // "ab/cdef...".
  std::vector<Digest> digests;
  for (std::string token;;) {
    CTT_ASSIGN_OR_RETURN(const S3Answer page, ListPage(token, ""));
    for (std::size_t from = 0;;) {
      const std::string key = TextOf(page.body, "Key", from);
      if (key.empty()) break;
      Digest digest;
      if (key.size() < kKeyLetters || key[key.size() - kKeyLetters + 2] != '/') continue;
      const std::string name = key.substr(key.size() - kKeyLetters);
      if (FromHex(name.substr(0, 2) + name.substr(3), digest)) digests.push_back(digest);
    }
    std::size_t from = 0;
    token = Unescaped(TextOf(page.body, "NextContinuationToken", from));
    if (token.empty()) break;
  }
  std::sort(digests.begin(), digests.end());
  return digests;
}

}  // namespace ctt::store
