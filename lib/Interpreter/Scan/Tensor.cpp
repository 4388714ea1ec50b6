// Tensor.cpp: indices and shapes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Evaluator.h"

namespace rnnc::interpreter {

Tensor::Tensor(std::vector<int64_t> sizes, double value)
    : shape(std::move(sizes)) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  data.assign(count, value);
}

Tensor Tensor::scalar(double value) { return Tensor({}, value); }

int64_t Tensor::offset(llvm::ArrayRef<int64_t> index) const {
  int64_t place = 0;
  for (auto [size, i] : llvm::zip(shape, index))
    place = place * size + i;
  return place;
}

void forEach(llvm::ArrayRef<int64_t> shape,
             llvm::function_ref<void(llvm::ArrayRef<int64_t>)> body) {
  if (llvm::is_contained(shape, 0))
    return;
  Index index(shape.size(), 0);
  while (true) {
    body(index);
    int dim = int(shape.size()) - 1;
    while (dim >= 0 && ++index[dim] == shape[dim])
      index[dim--] = 0;
    if (dim < 0)
      return;
  }
}

Index pick(llvm::ArrayRef<int64_t> index, llvm::ArrayRef<int64_t> dims) {
  Index result;
  for (int64_t dim : dims)
    result.push_back(index[dim]);
  return result;
}

Index drop(llvm::ArrayRef<int64_t> index, llvm::ArrayRef<int64_t> dims) {
  Index result;
  for (auto [dim, number] : llvm::enumerate(index))
    if (!llvm::is_contained(dims, int64_t(dim)))
      result.push_back(number);
  return result;
}

} // namespace rnnc::interpreter
