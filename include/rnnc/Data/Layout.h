// Layout.h: where the entries of an example stand.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_DATA_LAYOUT_H
#define RNNC_DATA_LAYOUT_H

#include "rnnc/Data/Schema.h"

#include <span>

namespace rnnc::data {

/// The lengths of one example's time axes.
struct ExampleExtents {
  /// By time axis; of one inside of others the longest.
  std::vector<int64_t> longest;
  /// By time axis: of one inside of others that of each of their elements.
  std::vector<std::span<const int32_t>> each;
};

/// The entries of a field, row by row. Axes of time and of known size come in
/// any order; a time axis lies inside of the time axes before it, unless it has
/// one length for each example.
class FieldLayout {
public:
  FieldLayout(const Schema &schema, const FieldSchema &field)
      : FieldLayout(schema, field, field.axes.size()) {}
  /// The lengths of time axis `time` that lies inside of others: an entry for
  /// each element of these.
  static FieldLayout ofLengths(const Schema &schema, size_t time);

  /// Whether the entries stand one behind the other in any array: there is no
  /// time axis but the first.
  bool isSimple() const { return simple; }
  /// Axes with a length for each element of others.
  bool isNested(size_t axis) const { return places[axis].nested; }
  /// The time axis that an axis is, or -1.
  int time(size_t axis) const { return places[axis].time; }
  size_t rank() const { return places.size(); }
  /// Of the last time axis, or -1.
  int lastTime() const { return last; }

  /// How many entries an example has.
  int64_t count(const ExampleExtents &extents) const;
  /// Calls visit(first, count) for each run of entries in an array with
  /// room[a] places along axis a.
  template <typename Visit>
  void eachRun(const ExampleExtents &extents, std::span<const int64_t> room,
               Visit visit) const {
    walk(extents, room, 0, 0, 0, visit);
  }

private:
  struct Place {
    int time = -1;
    bool nested = false;
    int64_t size = 1; ///< of an axis that is not time
  };

  FieldLayout(const Schema &schema, const FieldSchema &field, size_t rank);
  /// How long a time axis is in one element of those before, and how many
  /// elements the ones before that element have.
  struct Step {
    int64_t size, before;
  };
  Step step(const ExampleExtents &extents, const Place &place,
            int64_t element) const;

  /// `element`: of the time axes before, counted over those that are there.
  template <typename Visit>
  void walk(const ExampleExtents &extents, std::span<const int64_t> room,
            size_t axis, int64_t place, int64_t element, Visit &visit) const {
    int64_t tail = 1;
    for (size_t a = axis; a < places.size(); ++a)
      tail *= places[a].time < 0 ? places[a].size : 1;
    if (int(axis) > last)
      return visit(place * tail, tail);
    const Place &here = places[axis];
    auto [size, before] = step(extents, here, element);
    if (int(axis) == last)
      return visit(place * room[axis] * tail, size * tail);
    for (int64_t i = 0; i < size; ++i)
      walk(extents, room, axis + 1, place * room[axis] + i,
           here.time < 0 ? element : before + i, visit);
  }

  std::vector<Place> places;
  int last = -1;
  bool simple = true;
};

} // namespace rnnc::data

#endif // RNNC_DATA_LAYOUT_H
