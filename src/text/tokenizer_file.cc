#include "text/tokenizer_file.h"

#include <optional>

#include "base/json.h"
#include "text/word_buffer.h"

namespace ctt::text {
namespace {

Result<const json::object*> RequiredObject(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_object()) {
    return InvalidArgument("'" + std::string(key) + "' must be an object");
  }
  return &value->get_object();
}

Result<const json::array*> RequiredArray(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_array()) {
    return InvalidArgument("'" + std::string(key) + "' must be an array");
  }
  return &value->get_array();
}

Result<std::int32_t> RequiredId(const json::object& object, std::string_view key) {
  CTT_ASSIGN_OR_RETURN(const std::optional<std::int64_t> id, OptionalInteger(object, key));
  if (!id || *id < 0 || *id > INT32_MAX) {
    return InvalidArgument("'" + std::string(key) + "' must be a token id");
  }
  return static_cast<std::int32_t>(*id);
}

Status RequireType(const json::object& part, std::string_view wanted) {
  CTT_ASSIGN_OR_RETURN(const std::string type, RequiredString(part, "type"));
  if (type == wanted) return Status::Ok();
  return InvalidArgument("type '" + type + "' is not supported, only " + std::string(wanted));
}

Status ReadNormalizer(const json::object& part, TokenizerFile& file) {
  CTT_RETURN_IF_ERROR(RequireType(part, "BertNormalizer"));
  CTT_ASSIGN_OR_RETURN(const auto clean_text, OptionalBool(part, "clean_text"));
  CTT_ASSIGN_OR_RETURN(const auto handle_chinese, OptionalBool(part, "handle_chinese_chars"));
  CTT_ASSIGN_OR_RETURN(const auto strip_accents, OptionalBool(part, "strip_accents"));
  CTT_ASSIGN_OR_RETURN(const auto lowercase, OptionalBool(part, "lowercase"));
  file.normalizer.clean_text = clean_text.value_or(true);
  file.normalizer.handle_chinese_chars = handle_chinese.value_or(true);
  file.normalizer.lowercase = lowercase.value_or(true);
  file.normalizer.strip_accents = strip_accents.value_or(file.normalizer.lowercase);
  return Status::Ok();
}

Status ReadVocabulary(const json::object& model, TokenizerFile& file) {
  CTT_ASSIGN_OR_RETURN(const json::object* vocabulary, RequiredObject(model, "vocab"));
  file.vocabulary.reserve(vocabulary->size());
  for (const auto& [token, id] : *vocabulary) {
    const std::int64_t* value = id.if_int64();
    if (value == nullptr || *value < 0 || *value > INT32_MAX) {
      return InvalidArgument("'vocab': the id of '" + std::string(token) + "' is not a token id");
    }
    file.vocabulary.emplace_back(token, static_cast<std::int32_t>(*value));
  }
  return Status::Ok();
}

Status ReadModel(const json::object& part, TokenizerFile& file) {
  CTT_RETURN_IF_ERROR(RequireType(part, "WordPiece"));
  CTT_RETURN_IF_ERROR(ReadVocabulary(part, file));
  CTT_ASSIGN_OR_RETURN(const std::string unknown, RequiredString(part, "unk_token"));
  CTT_ASSIGN_OR_RETURN(file.continuation_prefix, RequiredString(part, "continuing_subword_prefix"));
  CTT_ASSIGN_OR_RETURN(const auto chars_max, OptionalInteger(part, "max_input_chars_per_word"));
  if (!chars_max || *chars_max < 1 || *chars_max > kWordCharsLimit) {
    return InvalidArgument("'max_input_chars_per_word' must be 1 to " +
                           std::to_string(kWordCharsLimit));
  }
  file.word_chars_max = static_cast<std::uint32_t>(*chars_max);
  for (const auto& [token, id] : file.vocabulary) {
    if (token == unknown) {
      file.unknown_id = id;
      return Status::Ok();
    }
  }
  return InvalidArgument("'unk_token' is not in the vocabulary");
}

Status ReadAddedToken(const json::object& token, TokenizerFile& file) {
  CTT_ASSIGN_OR_RETURN(const std::string content, RequiredString(token, "content"));
  CTT_ASSIGN_OR_RETURN(const std::int32_t id, RequiredId(token, "id"));
  if (content.empty()) return InvalidArgument("a token has no content");
  for (const char* option : {"single_word", "lstrip", "rstrip", "normalized"}) {
    CTT_ASSIGN_OR_RETURN(const auto value, OptionalBool(token, option));
    if (value.value_or(false)) {
      return InvalidArgument("token '" + content + "': '" + option + "' is not supported");
    }
  }
  file.added_tokens.emplace_back(content, id);
  return Status::Ok();
}

Status ReadAddedTokens(const json::object& root, TokenizerFile& file) {
  CTT_ASSIGN_OR_RETURN(const json::array* tokens, RequiredArray(root, "added_tokens"));
  for (const json::value& token : *tokens) {
    if (!token.is_object()) return InvalidArgument("a token must be an object");
    CTT_RETURN_IF_ERROR(ReadAddedToken(token.get_object(), file));
  }
  return Status::Ok();
}

// {"SpecialToken": {"id": "[CLS]"}} -> the id that `special_tokens` gives for it.
Result<std::int32_t> ReadTemplateToken(const json::value& piece, const json::object& specials) {
  const json::value* token =
      piece.is_object() ? piece.get_object().if_contains("SpecialToken") : nullptr;
  if (token == nullptr || !token->is_object()) {
    return InvalidArgument("'single' must be a special token, the text, a special token");
  }
  CTT_ASSIGN_OR_RETURN(const std::string name, RequiredString(token->get_object(), "id"));
  CTT_ASSIGN_OR_RETURN(const json::object* special, RequiredObject(specials, name));
  CTT_ASSIGN_OR_RETURN(const json::array* ids, RequiredArray(*special, "ids"));
  if (ids->size() != 1 || !ids->front().is_int64() || ids->front().get_int64() < 0 ||
      ids->front().get_int64() > INT32_MAX) {
    return InvalidArgument("'special_tokens': '" + name + "' must have one id");
  }
  return static_cast<std::int32_t>(ids->front().get_int64());
}

Status ReadTemplate(const json::object& part, TokenizerFile& file) {
  CTT_ASSIGN_OR_RETURN(const json::array* single, RequiredArray(part, "single"));
  CTT_ASSIGN_OR_RETURN(const json::object* specials, RequiredObject(part, "special_tokens"));
  if (single->size() != 3 || !(*single)[1].is_object() ||
      !(*single)[1].get_object().contains("Sequence")) {
    return InvalidArgument("'single' must be a special token, the text, a special token");
  }
  CTT_ASSIGN_OR_RETURN(file.first_id, ReadTemplateToken((*single)[0], *specials));
  CTT_ASSIGN_OR_RETURN(file.last_id, ReadTemplateToken((*single)[2], *specials));
  return Status::Ok();
}

// {"sep": ["[SEP]", 102]} -> 102.
Result<std::int32_t> ReadPairId(const json::object& part, std::string_view key) {
  CTT_ASSIGN_OR_RETURN(const json::array* pair, RequiredArray(part, key));
  if (pair->size() != 2 || !(*pair)[1].is_int64() || (*pair)[1].get_int64() < 0 ||
      (*pair)[1].get_int64() > INT32_MAX) {
    return InvalidArgument("'" + std::string(key) + "' must be a token and its id");
  }
  return static_cast<std::int32_t>((*pair)[1].get_int64());
}

Status ReadPostProcessor(const json::object& part, TokenizerFile& file) {
  CTT_ASSIGN_OR_RETURN(const std::string type, RequiredString(part, "type"));
  if (type == "TemplateProcessing") return ReadTemplate(part, file);
  if (type != "BertProcessing") {
    return InvalidArgument("type '" + type +
                           "' is not supported, only TemplateProcessing and BertProcessing");
  }
  CTT_ASSIGN_OR_RETURN(file.first_id, ReadPairId(part, "cls"));
  CTT_ASSIGN_OR_RETURN(file.last_id, ReadPairId(part, "sep"));
  return Status::Ok();
}

Status InPart(const json::object& root, std::string_view key,
              Status (*read)(const json::object&, TokenizerFile&), TokenizerFile& file) {
  CTT_ASSIGN_OR_RETURN(const json::object* part, RequiredObject(root, key));
  const Status status = read(*part, file);
  return status.ok() ? status : status.WithContext(key);
}

}  // namespace

Result<TokenizerFile> ParseTokenizerFile(std::string_view json_text) {
  CTT_ASSIGN_OR_RETURN(const json::value root_value, ParseJson(json_text));
  if (!root_value.is_object()) return InvalidArgument("must be a JSON object");
  const json::object& root = root_value.get_object();
  TokenizerFile file;
  CTT_RETURN_IF_ERROR(InPart(root, "normalizer", ReadNormalizer, file));
  CTT_ASSIGN_OR_RETURN(const json::object* splitter, RequiredObject(root, "pre_tokenizer"));
  if (const Status status = RequireType(*splitter, "BertPreTokenizer"); !status.ok()) {
    return status.WithContext("pre_tokenizer");
  }
  CTT_RETURN_IF_ERROR(InPart(root, "model", ReadModel, file));
  if (const Status status = ReadAddedTokens(root, file); !status.ok()) {
    return status.WithContext("added_tokens");
  }
  CTT_RETURN_IF_ERROR(InPart(root, "post_processor", ReadPostProcessor, file));
  return file;
}

}  // namespace ctt::text
