// FirstValues.cpp - the first values of parameters, as the language says.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Dense.h"

#include <cmath>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::interp;

namespace {

/// The random numbers of one block of one parameter.
class Draw {
public:
  Draw(uint64_t seed, int64_t parameter, int64_t block)
      : seed(uint32_t(seed)), site(0x80000000u + uint32_t(parameter)),
        block(uint32_t(block)) {}

  double uniform() {
    std::array<uint32_t, 4> numbers =
        philox(seed, 0, {site, block, 0, uint32_t(next / 4)});
    return (numbers[next++ % 4] >> 8) * (1.0 / 16777216.0);
  }

  /// Box and Muller's transform.
  double normal() {
    double u = 1 - uniform(), v = uniform();
    return std::sqrt(-2 * std::log(u)) * std::cos(2 * M_PI * v);
  }

private:
  uint32_t seed, site, block;
  int64_t next = 0;
};

/// A parameter as one matrix for each entry of its labelled axes.
struct Blocks {
  int64_t count = 1, rows = 1, columns = 1;
  std::vector<bool> labelled;

  Blocks(rnn::ValueType type, DictionaryAttr labels) {
    std::vector<int64_t> plain;
    for (rnn::AxisAttr axis : type.getAxes()) {
      labelled.push_back(labels.contains(axis.getName()));
      if (labelled.back())
        count *= axis.getSize();
      else
        plain.push_back(axis.getSize());
    }
    // A vector is a column: its fan-in is 1.
    if (plain.size() > 1) {
      columns = plain.back();
      plain.pop_back();
    }
    rows = volume(plain);
  }

  /// Which block an index lies in, and where in it.
  std::pair<int64_t, int64_t> place(const Shape &shape,
                                    const Shape &index) const {
    int64_t block = 0, inner = 0;
    for (size_t i = 0; i < shape.size(); ++i) {
      int64_t &place = labelled[i] ? block : inner;
      place = place * shape[i] + index[i];
    }
    return {block, inner};
  }
};

using Matrix = std::vector<double>; // row-major

/// The Q of a QR decomposition with a positive diagonal of R; the shorter
/// side's vectors are what becomes orthonormal.
Matrix orthogonal(Matrix m, int64_t rows, int64_t columns) {
  bool tall = rows >= columns;
  int64_t vectors = tall ? columns : rows, length = tall ? rows : columns;
  auto x = [&](int64_t vector, int64_t k) -> double & {
    return tall ? m[k * columns + vector] : m[vector * columns + k];
  };
  auto dot = [&](int64_t a, int64_t b) {
    double sum = 0;
    for (int64_t k = 0; k < length; ++k)
      sum += x(a, k) * x(b, k);
    return sum;
  };
  for (int64_t i = 0; i < vectors; ++i) {
    for (int pass = 0; pass < 2; ++pass) // twice is enough
      for (int64_t j = 0; j < i; ++j) {
        double share = dot(i, j);
        for (int64_t k = 0; k < length; ++k)
          x(i, k) -= share * x(j, k);
      }
    double norm = std::sqrt(dot(i, i));
    for (int64_t k = 0; k < length; ++k)
      x(i, k) = norm > 0 ? x(i, k) / norm : 0;
  }
  return m;
}

class FirstValue {
public:
  FirstValue(rnn::ParamOp param, int64_t number, DictionaryAttr labels,
             uint64_t seed)
      : init(param.getInit()), type(param.getResult().getType()),
        number(number), blocks(type, labels), seed(seed) {
    for (rnn::AxisAttr axis : type.getAxes())
      shape.push_back(axis.getSize());
  }

  Array get() {
    StringRef kind = init.getAs<StringAttr>("kind").getValue();
    if (kind == "labels")
      return byLabel();
    if (kind == "table")
      return table();
    if (kind == "identity")
      return identity();
    if (kind == "constant")
      return Array(shape, numberOf("value", 0));
    return drawn(kind);
  }

private:
  double numberOf(StringRef name, double otherwise) {
    auto number = init.getAs<FloatAttr>(name);
    return number ? number.getValueAsDouble() : otherwise;
  }

  Array byLabel() {
    int64_t axis = init.getAs<IntegerAttr>("axis").getInt();
    auto values = init.getAs<ArrayAttr>("values");
    Array array(shape);
    forEachIndex(shape, [&](const Shape &index) {
      at(array, index) =
          cast<FloatAttr>(values[index[axis]]).getValueAsDouble();
    });
    return array;
  }

  Array table() {
    Array array(shape);
    auto values = init.getAs<ArrayAttr>("values");
    for (auto [x, value] : llvm::zip(array.data, values))
      x = cast<FloatAttr>(value).getValueAsDouble();
    return array;
  }

  Array identity() {
    Array array(shape);
    forEachIndex(shape, [&](const Shape &index) {
      size_t rank = index.size();
      int64_t row = rank > 1 ? index[rank - 2] : 0;
      bool isDiagonal = rank == 0 || index[rank - 1] == row;
      at(array, index) = isDiagonal ? numberOf("value", 1) : 0;
    });
    return array;
  }

  Matrix block(StringRef kind, int64_t which) {
    Draw draw(seed, number, which);
    Matrix m(blocks.rows * blocks.columns);
    double limit = std::sqrt(6.0 / double(blocks.rows + blocks.columns));
    double low = numberOf("low", -limit), high = numberOf("high", limit);
    for (double &x : m) {
      if (kind == "orthogonal")
        x = draw.normal();
      else if (kind == "normal")
        x = numberOf("mean", 0) + numberOf("std", 1) * draw.normal();
      else
        x = low + (high - low) * draw.uniform();
    }
    return kind == "orthogonal" ? orthogonal(m, blocks.rows, blocks.columns)
                                : m;
  }

  Array drawn(StringRef kind) {
    std::vector<Matrix> matrices;
    for (int64_t b = 0; b < blocks.count; ++b)
      matrices.push_back(block(kind, b));
    Array array(shape);
    forEachIndex(shape, [&](const Shape &index) {
      auto [b, inner] = blocks.place(shape, index);
      at(array, index) = matrices[b][inner];
    });
    return array;
  }

  DictionaryAttr init;
  rnn::ValueType type;
  int64_t number;
  Blocks blocks;
  uint64_t seed;
  Shape shape;
};

} // namespace

Arrays rnnc::interp::firstValues(rnn::ModuleOp module, uint64_t seed) {
  Arrays values;
  int64_t number = 0;
  for (Operation &op : module.getBody().front())
    if (auto param = dyn_cast<rnn::ParamOp>(op))
      values[param.getName().str()] =
          FirstValue(param, number++, module.getAxes(), seed).get();
  return values;
}
