// ModelDirectory.cpp: stores and loads what belongs to a trained model.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/ModelDirectory.h"
#include "rnnc/Data/Files.h"

#include <algorithm>
#include <filesystem>

using namespace rnnc;
using namespace rnnc::training;

static std::string vocabularyFile(const std::string &axis) {
  return "vocabulary." + axis + ".json";
}

static std::string piecesFile(const std::string &axis) {
  return "pieces." + axis + ".model";
}

bool ModelDirectory::isOwnFile(const std::string &name) {
  for (const char *own :
       {"model.rnn", "model.so", "options.json", "log.jsonl", "curve.svg",
        "report.json", "examples.json", "last.safetensors", "best.safetensors"})
    if (name == own)
      return true;
  return (name.starts_with("vocabulary.") && name.ends_with(".json")) ||
         (name.starts_with("pieces.") && name.ends_with(".model"));
}

bool ModelDirectory::hasFile(const std::string &name) const {
  std::error_code code;
  return std::filesystem::exists(file(name), code);
}

std::map<std::string, std::string> ModelDirectory::metadata() const {
  std::map<std::string, std::string> result;
  result["format"] = "rnnc";
  result["model"] = model;
  for (const auto &[axis, vocabulary] : vocabularies)
    result["vocabulary." + axis] = vocabulary.toJson();
  return result;
}

/// A number by which changes of the options themselves are found.
static std::string checkOf(Json options) {
  options.erase("check");
  return contentOf(options.dump());
}

/// What stands in the files that only `train` writes.
static Result<Json> contentsOf(const ModelDirectory &directory) {
  std::vector<std::string> names = directory.imports;
  names.push_back(directory.program);
  for (const auto &[axis, vocabulary] : directory.vocabularies)
    names.push_back(vocabularyFile(axis));
  for (const auto &[axis, pieces] : directory.read.pieces)
    names.push_back(piecesFile(axis));
  Json contents = Json::object();
  for (const std::string &name : names)
    if (directory.hasFile(name)) {
      Result<std::string> bytes = data::readFile(directory.file(name));
      if (!bytes)
        return bytes.error();
      contents[name] = contentOf(*bytes);
    }
  return contents;
}

Status ModelDirectory::save() const {
  if (Status status = data::makeDirectory(directory); !status)
    return status;
  Json axes = Json::array();
  for (const auto &[axis, vocabulary] : vocabularies) {
    axes.push_back(axis);
    if (Status status = data::writeFileAtomically(file(vocabularyFile(axis)),
                                                  vocabulary.toJson() + "\n");
        !status)
      return status;
  }
  Json cut = Json::array();
  for (const auto &[axis, pieces] : read.pieces) {
    cut.push_back(axis);
    if (Status status =
            data::writeFileAtomically(file(piecesFile(axis)), pieces.bytes());
        !status)
      return status;
  }
  Result<Json> contents = contentsOf(*this);
  if (!contents)
    return contents.error();
  Json json = {{"format", 1},
               {"program", program},
               {"model", model},
               {"compile", compile},
               {"read", Json::parse(read.toJson().dump())},
               {"split", split},
               {"split_mod", splitModulus},
               {"trained_on", trainedOn.toJson()},
               {"vocabularies", axes},
               {"pieces", cut},
               {"contents", *contents}};
  json["check"] = checkOf(json);
  return data::writeFileAtomically(file("options.json"), json.dump(2) + "\n");
}

Error ModelDirectory::damaged(const std::string &key) const {
  return dataError("{}: error: damaged: `{}` is not what `train` writes",
                   file("options.json"), key);
}

/// What the compiler is told: sizes, precision and so on.
static bool isCompile(const Json &compile) {
  auto fits = [&](const char *key, auto is) {
    return !compile.contains(key) || is(compile[key]);
  };
  auto isSize = [](const Json &size) {
    return size.is_number_integer() && size.get<int64_t>() > 0;
  };
  return compile.is_object() &&
         fits("precision",
              [](const Json &v) { return v == "f32" || v == "f64"; }) &&
         fits("opt",
              [](const Json &v) {
                return v.is_number_integer() && v.get<int64_t>() >= 0 &&
                       v.get<int64_t>() <= 3;
              }) &&
         fits("fast_math", [](const Json &v) { return v.is_boolean(); }) &&
         fits("product_type",
              [](const Json &v) { return v == "tf32" || v == "bf16"; }) &&
         fits("dims", [&](const Json &v) {
           return v.is_object() && std::all_of(v.begin(), v.end(), isSize);
         });
}

/// Every entry is one that reading knows, with a value that it may have.
static bool isRead(const Json &given) {
  if (!given.is_object())
    return false;
  nlohmann::json same = nlohmann::json::parse(given.dump());
  data::ReadOptions read = data::ReadOptions::fromJson(same);
  nlohmann::json known = read.toJson();
  for (const auto &[key, value] : same.items())
    if (!known.contains(key) || known[key] != value)
      return false;
  return read.minCount >= 1 && read.maxVocabulary >= 0 && read.maxLength >= 0 &&
         (read.tokens.empty() || data::parseUnit(read.tokens)) &&
         std::all_of(read.units.begin(), read.units.end(),
                     [](const auto &unit) {
                       return data::parseUnit(unit.second).has_value();
                     });
}

/// A name in the directory itself.
static bool isName(const Json &json) {
  return json.is_string() && !json.get<std::string>().empty() &&
         json.get<std::string>().find('/') == std::string::npos;
}

Status ModelDirectory::readOptions(const Json &json) {
  auto is = [&](const char *key, auto test) {
    return json.contains(key) && test(json[key]);
  };
  auto isText = [](const Json &v) { return v.is_string(); };
  if (!is("format", [](const Json &v) { return v == 1; }))
    return damaged("format");
  if (!is("program",
          [](const Json &v) { return v == "model.rnn" || v == "model.so"; }))
    return damaged("program");
  if (!is("model", isText))
    return damaged("model");
  if (!is("compile", isCompile))
    return damaged("compile");
  if (!is("read", isRead))
    return damaged("read");
  if (!is("split", isText))
    return damaged("split");
  if (!is("split_mod", [](const Json &v) { return v.is_number_integer(); }))
    return damaged("split_mod");
  if (!is("vocabularies", [](const Json &v) {
        return v.is_array() && std::all_of(v.begin(), v.end(), isName);
      }))
    return damaged("vocabularies");
  if (json.contains("pieces") && !is("pieces", [](const Json &v) {
        return v.is_array() && std::all_of(v.begin(), v.end(), isName);
      }))
    return damaged("pieces");
  program = json["program"].get<std::string>();
  model = json["model"].get<std::string>();
  compile = json["compile"];
  read =
      data::ReadOptions::fromJson(nlohmann::json::parse(json["read"].dump()));
  split = json["split"].get<std::string>();
  splitModulus = json["split_mod"].get<int64_t>();
  if (!data::Split::parse(split, splitModulus))
    return damaged("split");
  if (json.contains("trained_on") && !trainedOn.readJson(json["trained_on"]))
    return damaged("trained_on");
  return {};
}

Status ModelDirectory::checkContents(const Json &files) const {
  if (!files.is_object())
    return damaged("contents");
  for (const auto &[name, content] : files.items()) {
    std::string path = file(name);
    if (!isName(name) || !content.is_string())
      return damaged("contents");
    if (!hasFile(name))
      return dataError("{}: error: it is missing, but belongs to this training",
                       path);
    Result<std::string> bytes = data::readFile(path);
    if (!bytes)
      return bytes.error();
    if (contentOf(*bytes) != content.get<std::string>())
      return dataError("{}: error: damaged: it was changed after `train` wrote "
                       "it ({} bytes now)",
                       path, bytes->size());
  }
  return {};
}

/// A file that options.json names.
Result<std::string> ModelDirectory::ownFile(const std::string &name) const {
  if (!hasFile(name))
    return dataError("{}: error: it is missing, but belongs to this training",
                     file(name));
  return data::readFile(file(name));
}

Status ModelDirectory::loadSymbols(const Json &json) {
  for (const Json &axis : json["vocabularies"]) {
    std::string name = axis.get<std::string>();
    Result<std::string> list = ownFile(vocabularyFile(name));
    if (!list)
      return list.error();
    Result<data::Vocabulary> vocabulary =
        data::Vocabulary::fromJson(*list, file(vocabularyFile(name)));
    if (!vocabulary)
      return vocabulary.error();
    vocabularies[name] = std::move(*vocabulary);
  }
  if (!json.contains("pieces"))
    return {};
  for (const Json &axis : json["pieces"]) {
    std::string name = axis.get<std::string>();
    Result<std::string> bytes = ownFile(piecesFile(name));
    if (!bytes)
      return bytes.error();
    Result<data::Pieces> pieces =
        data::Pieces::fromBytes(std::move(*bytes), file(piecesFile(name)));
    if (!pieces)
      return pieces.error();
    read.pieces.insert_or_assign(name, std::move(*pieces));
  }
  return {};
}

Status ModelDirectory::load() {
  std::string path = file("options.json");
  if (!hasFile("options.json")) {
    if (hasFile("last.safetensors") || hasFile("model.rnn") ||
        hasFile("model.so"))
      return dataError("{}: error: it is missing, but belongs to this training",
                       path);
    std::error_code code;
    if (std::filesystem::is_directory(directory, code))
      return dataError("{}: error: not the directory of a trained model: there "
                       "is no options.json",
                       directory);
    if (std::filesystem::exists(directory, code))
      return usageError("{}: error: this is a file; what `rnnc train` wrote is "
                        "a directory",
                        directory);
    return usageError(
        "{}: error: there is no such directory of a trained model", directory);
  }
  Result<std::string> text = data::readFile(path);
  if (!text)
    return text.error();
  const Json json = parseJson(*text);
  if (!json.is_object())
    return dataError("{}: error: damaged: not a JSON object", path);
  if (Status status = readOptions(json); !status)
    return status;
  if (!json.contains("check") || json["check"] != checkOf(json))
    return dataError(
        "{}: error: damaged: it was changed after `train` wrote it", path);
  if (!json.contains("contents"))
    return damaged("contents");
  if (Status status = checkContents(json["contents"]); !status)
    return status;
  return loadSymbols(json);
}

Result<std::string> ModelDirectory::weightFile() const {
  // The end of training may have done better than the best check before it;
  // the report says so.
  std::string name =
      hasFile("best.safetensors") ? "best.safetensors" : "last.safetensors";
  std::string path = file("report.json");
  if (hasFile("report.json")) {
    Result<std::string> text = data::readFile(path);
    if (!text)
      return text.error();
    const Json report = parseJson(*text);
    if (!report.is_object() || !report.contains("weights") ||
        (report["weights"] != "best.safetensors" &&
         report["weights"] != "last.safetensors"))
      return dataError("{}: error: damaged: it does not say which weights are "
                       "used; give --weights, or remove it",
                       path);
    name = report["weights"].get<std::string>();
  }
  if (!hasFile(name))
    return dataError("{}: error: there are no weights", file(name));
  return file(name);
}
