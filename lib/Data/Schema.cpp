// Schema.cpp: what a model wants to be fed with.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Data/Schema.h"

#include <algorithm>

using namespace rnnc;
using namespace rnnc::data;

int FieldSchema::time(const std::vector<std::string> &times) const {
  for (const SchemaAxis &axis : axes)
    for (size_t t = 0; axis.isTime && t < times.size(); ++t)
      if (times[t] == axis.name)
        return static_cast<int>(t);
  return -1;
}

int FieldSchema::innerTime(const std::vector<std::string> &times) const {
  if (axes.size() < 2 || !axes[0].isTime || !axes[1].isTime)
    return -1;
  for (size_t t = 0; t < times.size(); ++t)
    if (times[t] == axes[1].name)
      return static_cast<int>(t);
  return -1;
}

int64_t FieldSchema::inner() const {
  int64_t product = 1;
  for (const SchemaAxis &axis : axes) {
    if (axis.isTime)
      continue;
    if (axis.size < 0)
      return -1;
    product *= axis.size;
  }
  return product;
}

const FieldSchema *Schema::find(std::string_view name) const {
  for (const FieldSchema &field : fields)
    if (field.name == name)
      return &field;
  return nullptr;
}

bool Schema::isAbsent(std::string_view name) const {
  return std::any_of(absent.begin(), absent.end(),
                     [&](const auto &field) { return field.name == name; });
}

const FieldSchema *Schema::target() const {
  for (const FieldSchema &field : fields)
    if (field.output)
      return &field;
  return nullptr;
}

void Schema::bind(const std::map<std::string, int64_t> &dims) {
  for (FieldSchema &field : fields) {
    if (auto found = dims.find(field.axis); found != dims.end())
      field.size = found->second;
    for (SchemaAxis &axis : field.axes)
      if (auto found = dims.find(axis.name);
          !axis.isTime && found != dims.end())
        axis.size = found->second;
  }
}

bool Schema::isOuter(const std::string &time) const {
  auto isFirst = [&](const FieldSchema &field) {
    auto first =
        std::find_if(field.axes.begin(), field.axes.end(),
                     [](const SchemaAxis &axis) { return axis.isTime; });
    return first != field.axes.end() && first->name == time;
  };
  return std::any_of(fields.begin(), fields.end(), isFirst) ||
         std::any_of(absent.begin(), absent.end(), isFirst);
}

/// The time axes in front of each time axis that has a length for each of their
/// elements: they are the same wherever it stands.
Status Schema::checkReadable() const {
  std::map<std::string, std::string> aroundOf;
  for (const FieldSchema &field : fields) {
    std::string around;
    for (const SchemaAxis &axis : field.axes) {
      if (!axis.isTime)
        continue;
      if (!around.empty() && !isOuter(axis.name)) {
        const std::string &other =
            aroundOf.emplace(axis.name, around).first->second;
        if (other != around)
          return usageError("rnnc: error: the time axis `{}` of model `{}` "
                            "lies inside of {} in `{}`, and inside of {} in "
                            "another: its lengths cannot be both",
                            axis.name, model, around, field.name, other);
      }
      around += fmt::format("{}`{}`", around.empty() ? "" : ", ", axis.name);
    }
  }
  if (fields.empty() && !absent.empty())
    return usageError("rnnc: error: model `{}` reads no inputs: there is "
                      "nothing to predict from; `rnnc run` calls its functions",
                      model);
  if (fields.empty())
    return usageError("rnnc: error: model `{}` has no inputs and no outputs",
                      model);
  return {};
}
