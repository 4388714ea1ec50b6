// Curve.h: the picture of how the loss fell.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TRAINING_CURVE_H
#define RNNC_TRAINING_CURVE_H

#include <string>
#include <utility>
#include <vector>

namespace rnnc::training {

using CurvePoints = std::vector<std::pair<double, double>>; ///< step, loss

/// An SVG of a training and a validation curve; `unit` stands at the y axis.
/// Points that are not finite are left out; many training points are averaged
/// to a few hundred.
std::string drawCurve(const std::string &title, const std::string &unit,
                      const CurvePoints &train, const CurvePoints &valid,
                      const CurvePoints &accuracy = {});

} // namespace rnnc::training

#endif // RNNC_TRAINING_CURVE_H
