// Dense.cpp - arrays, and the functions that all evaluators share.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Dense.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

using namespace rnnc::interp;

Array::Array(std::vector<int64_t> dims, double fill)
    : shape(std::move(dims)), data(volume(shape), fill) {}

int64_t rnnc::interp::volume(const Shape &shape) {
  int64_t size = 1;
  for (int64_t dim : shape)
    size *= dim;
  return size;
}

Shape rnnc::interp::stridesOf(const Shape &shape) {
  Shape strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  return strides;
}

void rnnc::interp::forEachIndex(
    const Shape &shape, const std::function<void(const Shape &)> &body) {
  int64_t total = volume(shape);
  Shape index(shape.size(), 0);
  for (int64_t i = 0; i < total; ++i) {
    body(index);
    for (size_t d = shape.size(); d-- > 0;) {
      if (++index[d] < shape[d])
        break;
      index[d] = 0;
    }
  }
}

static int64_t offsetOf(const Shape &shape, const Shape &index) {
  int64_t offset = 0;
  for (size_t i = 0; i < shape.size(); ++i)
    offset = offset * shape[i] + index[i];
  return offset;
}

double &rnnc::interp::at(Array &array, const Shape &index) {
  return array.data[offsetOf(array.shape, index)];
}

double rnnc::interp::at(const Array &array, const Shape &index) {
  return array.data[offsetOf(array.shape, index)];
}

Array rnnc::interp::entry(const Array &array, int64_t i) {
  Array result(dropFront(array.shape));
  int64_t size = result.size();
  std::copy_n(array.data.begin() + i * size, size, result.data.begin());
  return result;
}

void rnnc::interp::setEntry(Array &array, int64_t i, const Array &value) {
  Shape rest = dropFront(array.shape);
  if (value.size() == volume(rest)) {
    std::copy(value.data.begin(), value.data.end(),
              array.data.begin() + i * value.size());
    return;
  }
  int64_t k = 0;
  forEachIndex(value.shape, [&](const Shape &index) {
    at(array, pushFront(i, index)) = value.data[k++];
  });
}

Array rnnc::interp::cropped(Array array, const Shape &shape) {
  if (array.shape == shape)
    return array;
  Array out(shape);
  int64_t k = 0;
  forEachIndex(shape,
               [&](const Shape &index) { out.data[k++] = at(array, index); });
  return out;
}

Shape rnnc::interp::dropFront(const Shape &shape) {
  return Shape(shape.begin() + 1, shape.end());
}

Shape rnnc::interp::pushFront(int64_t size, const Shape &shape) {
  Shape result{size};
  result.insert(result.end(), shape.begin(), shape.end());
  return result;
}

double rnnc::interp::sigmoid(double x) {
  return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
}

double rnnc::interp::softplus(double x) {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}

double rnnc::interp::logSumExp(const double *x, int64_t n, int64_t stride) {
  double largest = -std::numeric_limits<double>::infinity();
  for (int64_t i = 0; i < n; ++i)
    if (std::isnan(x[i * stride]) || x[i * stride] > largest)
      largest = x[i * stride];
  if (!std::isfinite(largest))
    return largest;
  double sum = 0;
  for (int64_t i = 0; i < n; ++i)
    sum += std::exp(x[i * stride] - largest);
  return largest + std::log(sum);
}

int64_t rnnc::interp::argMax(const double *x, int64_t n) {
  double largest = -std::numeric_limits<double>::infinity();
  int64_t place = 0;
  for (int64_t i = 0; i < n; ++i)
    if (x[i] > largest) {
      largest = x[i];
      place = i;
    }
  return place;
}

std::array<uint32_t, 4> rnnc::interp::philox(uint32_t seed, uint32_t update,
                                             std::array<uint32_t, 4> c) {
  for (int round = 0; round < 10; ++round) {
    uint64_t a = uint64_t(0xD2511F53u) * c[0], b = uint64_t(0xCD9E8D57u) * c[2];
    c = {uint32_t(b >> 32) ^ c[1] ^ seed, uint32_t(b),
         uint32_t(a >> 32) ^ c[3] ^ update, uint32_t(a)};
    seed += 0x9E3779B9u;
    update += 0xBB67AE85u;
  }
  return c;
}

double rnnc::interp::uniform(uint32_t seed, uint32_t update, int64_t site,
                             int64_t row, int64_t step, int64_t element) {
  std::array<uint32_t, 4> numbers = philox(
      seed, update,
      {uint32_t(site), uint32_t(row), uint32_t(step), uint32_t(element / 4)});
  return (numbers[element % 4] >> 8) * (1.0 / 16777216.0);
}
