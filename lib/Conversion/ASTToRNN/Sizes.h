// Sizes.h - sizes as polynomials over axes, and the axes they name.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_CONVERSION_ASTTORNN_SIZES_H
#define RNNC_LIB_CONVERSION_ASTTORNN_SIZES_H

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace rnnc::elab {

/// A declared axis; two are the same only if they are the same object.
struct AxisInfo {
  std::string name;     ///< unique in a module
  std::string declared; ///< as in the source
  bool isTime = false;
  std::optional<int64_t> value;
  std::vector<std::string> labels;
  unsigned order = 0; ///< in order of declaration
};

/// A size in normal form.
class Size {
public:
  Size() = default;
  explicit Size(int64_t constant);
  explicit Size(const AxisInfo *axis);

  bool operator==(const Size &other) const { return terms == other.terms; }
  Size add(const Size &other, int64_t sign) const;
  Size mul(const Size &other) const;

  /// The axis if the size is just one, else null.
  const AxisInfo *axis() const;
  /// The number, if the values of all axes in it are known and it fits.
  std::optional<int64_t> value() const;
  /// An axis in it without a value that is no time axis, or null.
  const AxisInfo *unbound() const;
  /// `2*H`, `E + H`.
  std::string str() const;

private:
  struct Less {
    bool operator()(const std::vector<const AxisInfo *> &a,
                    const std::vector<const AxisInfo *> &b) const;
  };
  std::map<std::vector<const AxisInfo *>, int64_t, Less> terms;
};

} // namespace rnnc::elab

#endif // RNNC_LIB_CONVERSION_ASTTORNN_SIZES_H
