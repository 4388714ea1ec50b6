// ModelDirectory.cpp: stores and loads what belongs to a trained model.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/ModelDirectory.h"
#include "rnnc/Data/Files.h"

#include <filesystem>

using namespace rnnc;
using namespace rnnc::training;

static std::string vocabularyFile(const std::string &axis) {
  return "vocabulary." + axis + ".json";
}

bool ModelDirectory::isOwnFile(const std::string &name) {
  for (const char *own : {"model.rnn", "model.so", "options.json", "log.jsonl",
                          "curve.svg", "report.json", "last.safetensors",
                          "best.safetensors"})
    if (name == own)
      return true;
  return name.starts_with("vocabulary.") && name.ends_with(".json");
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
  Json json = {{"format", 1},
               {"program", program},
               {"model", model},
               {"compile", compile},
               {"read", Json::parse(read.toJson().dump())},
               {"split", split},
               {"split_mod", splitModulus},
               {"vocabularies", axes}};
  return data::writeFileAtomically(file("options.json"), json.dump(2) + "\n");
}

Status ModelDirectory::load() {
  std::string path = file("options.json");
  if (!hasFile("options.json"))
    return usageError("{}: error: not the directory of a trained model: there "
                      "is no options.json",
                      directory);
  Result<std::string> text = data::readFile(path);
  if (!text)
    return text.error();
  Json json = Json::parse(*text, nullptr, false);
  auto isText = [&](const char *key) {
    return json.contains(key) && json[key].is_string();
  };
  if (!json.is_object() || json["format"] != 1 || !isText("program") ||
      !isText("model") || !isText("split") || !json["compile"].is_object() ||
      !json["read"].is_object() || !json["vocabularies"].is_array())
    return dataError("{}: error: damaged", path);
  program = json["program"].get<std::string>();
  model = json["model"].get<std::string>();
  split = json["split"].get<std::string>();
  if (json["split_mod"].is_number_integer())
    splitModulus = json["split_mod"].get<int64_t>();
  compile = json["compile"];
  auto fits = [&](const char *key, bool (Json::*is)() const) {
    return !compile.contains(key) || (compile[key].*is)();
  };
  if (!fits("precision", &Json::is_string) ||
      !fits("opt", &Json::is_number_integer) ||
      !fits("fast_math", &Json::is_boolean))
    return dataError("{}: error: damaged", path);
  read = data::ReadOptions::fromJson(
      nlohmann::json::parse(json["read"].dump()));
  for (const Json &axis : json["vocabularies"]) {
    if (!axis.is_string())
      return dataError("{}: error: damaged", path);
    std::string name = axis.get<std::string>();
    std::string vocabularyPath = file(vocabularyFile(name));
    Result<std::string> list = data::readFile(vocabularyPath);
    if (!list)
      return list.error();
    Result<data::Vocabulary> vocabulary =
        data::Vocabulary::fromJson(*list, vocabularyPath);
    if (!vocabulary)
      return vocabulary.error();
    vocabularies[name] = std::move(*vocabulary);
  }
  return {};
}

std::string ModelDirectory::weightFile() const {
  // The end of training may have done better than the best check before it;
  // the report says so.
  if (Result<std::string> text = data::readFile(file("report.json"))) {
    Json report = Json::parse(*text, nullptr, false);
    if (report.is_object() && report.contains("weights") &&
        report["weights"].is_string()) {
      std::string name = report["weights"].get<std::string>();
      if ((name == "best.safetensors" || name == "last.safetensors") &&
          hasFile(name))
        return file(name);
    }
  }
  return file(hasFile("best.safetensors") ? "best.safetensors"
                                          : "last.safetensors");
}
