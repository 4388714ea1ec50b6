// Log.cpp: writes and reads the log of a training.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/Log.h"
#include "rnnc/Data/Files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

using namespace rnnc;
using namespace rnnc::training;

TrainingLog::~TrainingLog() {
  if (file)
    std::fclose(file);
}

static int64_t stepOf(const Json &entry) {
  auto step = entry.find("step");
  return step != entry.end() && step->is_number_integer() ? step->get<int64_t>()
                                                          : -1;
}

static double numberOf(const Json &entry, const char *key) {
  auto value = entry.find(key);
  return value != entry.end() && value->is_number() ? value->get<double>() : 0;
}

void TrainingLog::remember(const Json &entry) {
  auto step = static_cast<double>(stepOf(entry));
  auto valid = entry.find("valid");
  bool isValidation = valid != entry.end() && valid->is_object();
  const Json &figures = isValidation ? *valid : entry;
  auto accuracy = figures.find("accuracy");
  if (isValidation && accuracy != figures.end() && accuracy->is_number())
    accuracyPoints.emplace_back(step, accuracy->get<double>());
  auto loss = figures.find("loss");
  if (loss == figures.end() || !loss->is_number())
    return;
  CurvePoints &points = isValidation ? validationPoints : updatePoints;
  points.emplace_back(step, loss->get<double>());
}

Status TrainingLog::open(const std::string &where, int64_t step) {
  path = where;
  std::string kept;
  Result<std::string> old = data::readFile(path);
  std::string_view rest = old && step > 0 ? std::string_view(*old) : "";
  for (int64_t number = 1; !rest.empty(); ++number) {
    size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    Json entry = parseJson(line);
    // A training that was cut off leaves half a line; other ones are whole.
    bool isWhole = entry.is_object() && stepOf(entry) >= 0;
    if (!isWhole && !rest.empty())
      return dataError("{}:{}: error: damaged: not a line that `train` writes; "
                       "move the log away to go on without it",
                       path, number);
    if (!isWhole || entry.contains("extra") || stepOf(entry) > step)
      continue;
    kept += std::string(line) + "\n";
    seconds = std::max(seconds, numberOf(entry, "seconds"));
    remember(entry);
  }
  if (Status status = data::writeFileAtomically(path, kept); !status)
    return status;
  file = std::fopen(path.c_str(), "ae");
  if (!file)
    return toolError("{}: error: cannot write: {}", path, std::strerror(errno));
  return {};
}

Status TrainingLog::add(const Json &entry) {
  remember(entry);
  std::string line = entry.dump() + "\n";
  if (std::fwrite(line.data(), 1, line.size(), file) != line.size())
    return toolError("{}: error: cannot write: {}", path, std::strerror(errno));
  auto now = std::chrono::steady_clock::now();
  return now - flushed > std::chrono::seconds(1) ? flush() : Status();
}

Status TrainingLog::addUpdate(const Json &entry) { return add(entry); }

Status TrainingLog::addValidation(Json entry, bool extra) {
  if (extra)
    entry["extra"] = true;
  return add(entry);
}

Status TrainingLog::addTrace(Json entry, bool extra) {
  return addValidation(std::move(entry), extra);
}

Status TrainingLog::flush() {
  flushed = std::chrono::steady_clock::now();
  if (std::fflush(file) != 0)
    return toolError("{}: error: cannot write: {}", path, std::strerror(errno));
  return {};
}
