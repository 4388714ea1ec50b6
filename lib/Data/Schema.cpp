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

Status Schema::checkReadable() const {
  for (const FieldSchema &field : fields) {
    for (size_t i = 0; i < field.axes.size(); ++i)
      if (field.axes[i].isTime && i > 0)
        return usageError("rnnc: error: `{}` of model `{}` has its time axis "
                          "`{}` behind another axis; such data cannot be read "
                          "from files yet",
                          field.name, model, field.axes[i].name);
  }
  if (fields.empty())
    return usageError("rnnc: error: model `{}` has no inputs and no outputs",
                      model);
  return {};
}
