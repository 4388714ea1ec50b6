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
  return std::find(absent.begin(), absent.end(), name) != absent.end();
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
  for (const FieldSchema &field : fields)
    for (const SchemaAxis &axis : field.axes)
      if (axis.isTime) {
        if (axis.name == time)
          return true;
        break;
      }
  return false;
}

/// The axis that the first one of `field` with `inner` inside of it has.
static std::string outerOf(const Schema &schema, const std::string &inner) {
  for (const FieldSchema &field : schema.fields)
    if (field.axes.size() > 1 && field.axes[1].isTime &&
        field.axes[1].name == inner)
      return field.axes[0].name;
  return inner;
}

Status Schema::checkReadable() const {
  for (const FieldSchema &field : fields) {
    for (size_t i = 1; i < field.axes.size(); ++i) {
      const SchemaAxis &axis = field.axes[i];
      if (!axis.isTime)
        continue;
      bool isInner = i == 1 && field.axes[0].isTime && !isOuter(axis.name);
      if (!isInner)
        return usageError("rnnc: error: `{}` of model `{}` has its time axis "
                          "`{}` behind another axis; such data cannot be read "
                          "from files yet",
                          field.name, model, axis.name);
      if (field.output || outerOf(*this, axis.name) != field.axes[0].name)
        return usageError("rnnc: error: `{}` of model `{}`: {} with the time "
                          "axis `{}` inside of `{}` cannot be read from files "
                          "yet",
                          field.name, model,
                          field.output ? "an output" : "another input",
                          axis.name, field.axes[0].name);
    }
  }
  if (fields.empty())
    return usageError("rnnc: error: model `{}` has no inputs and no outputs",
                      model);
  return {};
}
