// RunRecord.cpp: reads the records of a training.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "RunRecord.h"

#include "rnnc/Data/Files.h"

#include <cmath>
#include <filesystem>

using namespace rnnc;
using namespace rnnc::pages;

const Json &pages::at(const Json &json, std::string_view key) {
  static const Json none;
  if (!json.is_object())
    return none;
  auto found = json.find(std::string(key));
  return found == json.end() ? none : *found;
}

double pages::numberOf(const Json &json) {
  if (json.is_number())
    return json.get<double>();
  if (json.is_string() && json == "inf")
    return INFINITY;
  if (json.is_string() && json == "-inf")
    return -INFINITY;
  return NAN;
}

double pages::numberAt(const Json &json, std::string_view key) {
  return numberOf(at(json, key));
}

std::string pages::textAt(const Json &json, std::string_view key) {
  const Json &value = at(json, key);
  return value.is_string() ? value.get<std::string>() : "";
}

/// A file that may be missing; what is there has to be JSON.
static Result<Json> readJson(const std::string &path) {
  std::error_code code;
  if (!std::filesystem::exists(path, code))
    return Json();
  Result<std::string> text = data::readFile(path);
  if (!text)
    return text.error();
  Json json = training::parseJson(*text);
  if (!json.is_object())
    return dataError("{}: error: damaged: not what `train` writes", path);
  return json;
}

static void readEntry(RunRecord &run, const Json &entry) {
  double step = numberAt(entry, "step");
  if (at(entry, "valid").is_object()) {
    run.validations.emplace_back(static_cast<int64_t>(step),
                                 at(entry, "valid"));
    return;
  }
  if (at(entry, "state_gradients").is_object()) {
    run.traces.emplace_back(static_cast<int64_t>(step),
                            at(entry, "state_gradients"));
    return;
  }
  for (auto [key, points] : {std::pair{"loss", &run.loss},
                             {"norm", &run.norm},
                             {"rate", &run.rate},
                             {"seconds", &run.seconds},
                             {"tokens", &run.tokens}})
    if (entry.contains(key))
      points->emplace_back(step, numberAt(entry, key));
}

static Status readLog(RunRecord &run, const std::string &path) {
  Result<std::string> text = data::readFile(path);
  if (!text)
    return text.error();
  std::string_view rest = *text;
  for (int64_t number = 1; !rest.empty(); ++number) {
    size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    Json entry = training::parseJson(line);
    bool isWhole = entry.is_object() && at(entry, "step").is_number();
    if (isWhole)
      readEntry(run, entry);
    else if (!rest.empty()) // a training that goes on may be writing the last
      return dataError("{}:{}: error: damaged: not a line that `train` writes",
                       path, number);
  }
  return {};
}

Result<RunRecord> RunRecord::read(const std::string &path) {
  RunRecord run;
  run.path = path;
  std::error_code code;
  if (!std::filesystem::is_directory(path, code))
    return dataError("{}: error: not a directory of `train`", path);
  std::string log = path + "/log.jsonl";
  if (!std::filesystem::exists(log, code))
    return dataError("{}: error: no training has written here: there is no "
                     "log.jsonl",
                     path);
  if (Status status = readLog(run, log); !status)
    return status.error();
  for (auto [file, json] : {std::pair{"/report.json", &run.report},
                            {"/examples.json", &run.examples},
                            {"/options.json", &run.options}}) {
    Result<Json> read = readJson(path + file);
    if (!read)
      return read.error();
    *json = std::move(*read);
  }
  return run;
}
