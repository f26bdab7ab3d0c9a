#include "store/home.h"

#include <system_error>

#include "store/directory/directory_artifact_store.h"
#include "store/postgres/postgres_store.h"
#include "store/s3/s3_artifact_store.h"

namespace ctt::store {
namespace {

constexpr std::string_view kSchemeEnd = "://";

Result<std::unique_ptr<ArtifactStore>> OpenArtifacts(const std::string& name) {
  if (name.empty()) {
    return Status(Code::kInvalidArgument, "no_artifacts",
                  "a database needs a place for artefacts: --artifacts s3://BUCKET/PREFIX, or a "
                  "folder that every replica sees");
  }
  if (name.starts_with("s3://")) {
    CTT_ASSIGN_OR_RETURN(S3Options options, S3OptionsOf(name));
    CTT_ASSIGN_OR_RETURN(auto bucket, S3ArtifactStore::Open(std::move(options)));
    return std::unique_ptr<ArtifactStore>(std::move(bucket));
  }
  if (name.find(kSchemeEnd) != std::string::npos) {
    return Status(Code::kInvalidArgument, "bad_artifacts_url",
                  "artefacts are named as s3://BUCKET/PREFIX, or as a folder");
  }
  CTT_ASSIGN_OR_RETURN(auto folder, DirectoryArtifactStore::Open(name, /*shared=*/true));
  return std::unique_ptr<ArtifactStore>(std::move(folder));
}

}  // namespace

bool IsDatabaseUrl(std::string_view data) {
  return data.starts_with("postgresql://") || data.starts_with("postgres://");
}

std::string WithoutPassword(std::string_view data) {
  if (!IsDatabaseUrl(data)) return std::string(data);
  const std::size_t start = data.find(kSchemeEnd) + kSchemeEnd.size();
  const std::size_t end = data.find_first_of("/?", start);
  const std::size_t at = data.substr(0, end).rfind('@');
  const std::size_t colon = data.find(':', start);
  // What stands behind '?' may be a password too.
  std::string shown(data.substr(0, data.find('?')));
  if (at != std::string_view::npos && colon < at) shown.erase(colon, at - colon);
  return shown;
}

Result<Home> Home::Open(const Location& location) {
  Home home;
  home.name_ = WithoutPassword(location.data);
  if (IsDatabaseUrl(location.data)) {
    CTT_ASSIGN_OR_RETURN(home.owned_artifacts_, OpenArtifacts(location.artifacts));
    CTT_ASSIGN_OR_RETURN(home.owned_store_, PostgresStore::Open(location.data));
    home.store_ = home.owned_store_.get();
    home.artifacts_ = home.owned_artifacts_.get();
    return home;
  }
  if (location.data.find(kSchemeEnd) != std::string::npos) {
    return Status(Code::kInvalidArgument, "bad_data_url",
                  "data is kept in a directory or at postgresql://USER@HOST/DATABASE");
  }
  if (!location.artifacts.empty()) {
    return Status(Code::kInvalidArgument, "artifacts_unwanted",
                  "a data directory keeps its artefacts itself: drop --artifacts");
  }
  CTT_ASSIGN_OR_RETURN(DataDirectory directory, DataDirectory::Open(location.data));
  home.directory_ = std::make_unique<DataDirectory>(std::move(directory));
  home.store_ = &home.directory_->store();
  home.artifacts_ = &home.directory_->artifacts();
  return home;
}

}  // namespace ctt::store
