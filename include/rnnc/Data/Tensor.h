// Tensor.h: a named array of numbers as it stands in a file.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_DATA_TENSOR_H
#define RNNC_DATA_TENSOR_H

#include "rnnc/Data/Result.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace rnnc::data {

enum class DType { F32, F64, I32, I64, U8 };

size_t sizeOf(DType type);
/// `f32`, `i64`, ...: the names used in manifests and messages.
std::string_view nameOf(DType type);
std::optional<DType> parseDType(std::string_view name);

/// `[2, 3]`.
std::string shapeText(const std::vector<int64_t> &shape);

/// Memory aligned for vector loads, zeroed.
class Buffer {
public:
  Buffer() = default;
  explicit Buffer(size_t bytes);
  Buffer(const Buffer &other);
  Buffer(Buffer &&other) noexcept = default;
  Buffer &operator=(const Buffer &other);
  Buffer &operator=(Buffer &&other) noexcept = default;

  size_t size() const { return bytes; }
  std::byte *data() { return memory.get(); }
  const std::byte *data() const { return memory.get(); }

private:
  struct Free {
    void operator()(std::byte *memory) const;
  };
  std::unique_ptr<std::byte[], Free> memory;
  size_t bytes = 0;
};

/// A dense row-major array.
struct Tensor {
  DType type = DType::F32;
  std::vector<int64_t> shape;
  Buffer bytes;

  Tensor() = default;
  Tensor(DType type, std::vector<int64_t> shape);
  static Tensor copyOf(DType type, std::vector<int64_t> shape,
                       const void *from);

  /// Number of elements.
  int64_t count() const;
  template <typename T> T *as() { return reinterpret_cast<T *>(bytes.data()); }
  template <typename T> const T *as() const {
    return reinterpret_cast<const T *>(bytes.data());
  }
  /// Element i as a double (i64 beyond 2^53 loses digits).
  double number(int64_t i) const;
};

/// The same values in another type. An error names the first value that the
/// type cannot hold exactly (f64 to f32 included).
Result<Tensor> convertExact(const Tensor &from, DType to,
                            std::string_view name);

/// The largest loss of a rounding conversion.
struct Rounding {
  double largest = 0; ///< relative to the value
  int64_t element = -1;
};

/// As convertExact, but real numbers may be rounded to the nearest that the
/// type holds; an error names the first value beyond its range.
Result<Tensor> convertRounded(const Tensor &from, DType to,
                              std::string_view name, Rounding &rounding);

/// What a file of arrays holds, in the file's order.
struct TensorFile {
  std::vector<std::pair<std::string, Tensor>> tensors;
  std::map<std::string, std::string> metadata;

  const Tensor *find(std::string_view name) const;
  void add(std::string name, Tensor tensor) {
    tensors.emplace_back(std::move(name), std::move(tensor));
  }
};

/// Whether arrays can be written to a file of this name, by its ending.
Status checkArrayName(const std::string &path);

/// Reads `.safetensors`, `.npz` or a single `.npy` (named `data`).
Result<TensorFile> readTensorFile(const std::string &path);
/// Writes by the ending of `path`; the file appears whole or not at all.
Status writeTensorFile(const std::string &path, const TensorFile &file);

/// The formats on their own, from and to memory. `path` is for messages.
Result<TensorFile> parseSafetensors(std::string_view bytes,
                                    const std::string &path);
std::string printSafetensors(const TensorFile &file);
Result<TensorFile> parseNpz(std::string_view bytes, const std::string &path);
std::string printNpz(const TensorFile &file);
Result<Tensor> parseNpy(std::string_view bytes, const std::string &path);
std::string printNpy(const Tensor &tensor);

} // namespace rnnc::data

#endif // RNNC_DATA_TENSOR_H
