// Layout.cpp: which axes of a field have how many entries.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Data/Layout.h"

#include <algorithm>
#include <numeric>

using namespace rnnc;
using namespace rnnc::data;

FieldLayout::FieldLayout(const Schema &schema, const FieldSchema &field,
                         size_t rank) {
  bool hasTime = false;
  for (size_t a = 0; a < rank; ++a) {
    const SchemaAxis &axis = field.axes[a];
    Place place;
    if (axis.isTime) {
      auto found =
          std::find(schema.times.begin(), schema.times.end(), axis.name);
      place.time = static_cast<int>(found - schema.times.begin());
      place.nested = hasTime && !schema.isOuter(axis.name);
      simple = simple && a == 0;
      hasTime = true;
      last = static_cast<int>(a);
    } else {
      place.size = std::max<int64_t>(axis.size, 0);
    }
    places.push_back(place);
  }
}

FieldLayout FieldLayout::ofLengths(const Schema &schema, size_t time) {
  for (const FieldSchema &field : schema.fields) {
    FieldLayout whole(schema, field);
    for (size_t a = 0; a < whole.rank(); ++a) {
      if (whole.time(a) != static_cast<int>(time) || !whole.isNested(a))
        continue;
      FieldSchema around;
      for (size_t i = 0; i < a; ++i)
        if (field.axes[i].isTime)
          around.axes.push_back(field.axes[i]);
      return FieldLayout(schema, around);
    }
  }
  return FieldLayout(schema, FieldSchema());
}

FieldLayout::Step FieldLayout::step(const ExampleExtents &extents,
                                    const Place &place, int64_t element) const {
  if (place.time < 0)
    return {place.size, 0};
  size_t time = static_cast<size_t>(place.time);
  if (!place.nested)
    return {extents.longest[time], element * extents.longest[time]};
  std::span<const int32_t> lengths = extents.each[time];
  size_t at = static_cast<size_t>(element);
  if (at >= lengths.size()) // nothing said how long they are
    return {0, 0};
  return {lengths[at], std::accumulate(lengths.begin(),
                                       lengths.begin() + element, int64_t(0))};
}

int64_t FieldLayout::count(const ExampleExtents &extents) const {
  std::vector<int64_t> room(places.size(), 1);
  int64_t entries = 0;
  eachRun(extents, room, [&](int64_t, int64_t count) { entries += count; });
  return entries;
}
