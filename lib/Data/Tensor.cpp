// Tensor.cpp: arrays, exact conversion, files by their ending.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Data/Tensor.h"
#include "rnnc/Data/Encoding.h"
#include "rnnc/Data/Files.h"
#include "rnnc/Runtime/LargePages.h"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <new>

using namespace rnnc;
using namespace rnnc::data;

size_t data::sizeOf(DType type) {
  switch (type) {
  case DType::F32:
  case DType::I32:
    return 4;
  case DType::F64:
  case DType::I64:
    return 8;
  case DType::U8:
    return 1;
  }
  return 0;
}

std::string_view data::nameOf(DType type) {
  switch (type) {
  case DType::F32:
    return "f32";
  case DType::F64:
    return "f64";
  case DType::I32:
    return "i32";
  case DType::I64:
    return "i64";
  case DType::U8:
    return "u8";
  }
  return "?";
}

std::optional<DType> data::parseDType(std::string_view name) {
  for (DType type : {DType::F32, DType::F64, DType::I32, DType::I64, DType::U8})
    if (nameOf(type) == name)
      return type;
  return std::nullopt;
}

std::string data::shapeText(const std::vector<int64_t> &shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

static constexpr size_t alignment = 64;

Buffer::Buffer(size_t bytes) : bytes(bytes) {
  // One byte too many for an empty array: its pointer is never null.
  size_t rounded = (bytes + alignment) / alignment * alignment;
  memory.reset(static_cast<std::byte *>(
      ::operator new[](rounded, std::align_val_t(alignment))));
  rt::preferLargePages(memory.get(), rounded);
  std::memset(memory.get(), 0, rounded);
}

Buffer::Buffer(const Buffer &other) : Buffer(other.bytes) {
  if (bytes)
    std::memcpy(memory.get(), other.memory.get(), bytes);
}

Buffer &Buffer::operator=(const Buffer &other) {
  if (this != &other)
    *this = Buffer(other);
  return *this;
}

void Buffer::Free::operator()(std::byte *memory) const {
  ::operator delete[](memory, std::align_val_t(alignment));
}

static int64_t product(const std::vector<int64_t> &shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

Tensor::Tensor(DType type, std::vector<int64_t> dims)
    : type(type), shape(std::move(dims)),
      bytes(static_cast<size_t>(product(shape)) * sizeOf(type)) {}

Tensor Tensor::copyOf(DType type, std::vector<int64_t> shape,
                      const void *from) {
  Tensor tensor(type, std::move(shape));
  if (tensor.bytes.size())
    std::memcpy(tensor.bytes.data(), from, tensor.bytes.size());
  return tensor;
}

int64_t Tensor::count() const { return product(shape); }

double Tensor::number(int64_t i) const {
  switch (type) {
  case DType::F32:
    return as<float>()[i];
  case DType::F64:
    return as<double>()[i];
  case DType::I32:
    return as<int32_t>()[i];
  case DType::I64:
    return static_cast<double>(as<int64_t>()[i]);
  case DType::U8:
    return as<uint8_t>()[i];
  }
  return 0;
}

/// Converts one number if nothing is lost. NaN stays NaN among the floats.
template <typename From, typename To>
static bool convertOne(From value, To &result) {
  if constexpr (std::is_floating_point_v<To>) {
    result = static_cast<To>(value);
    if constexpr (std::is_floating_point_v<From>)
      return std::isnan(value) || static_cast<From>(result) == value;
    else // The largest integers round up to 2^63, which does not come back.
      return std::abs(static_cast<double>(result)) < 9.2e18 &&
             static_cast<From>(result) == value;
  } else if constexpr (std::is_floating_point_v<From>) {
    double low = static_cast<double>(std::numeric_limits<To>::min());
    double high = static_cast<double>(std::numeric_limits<To>::max());
    if (!(value >= low && value <= high && value < 9.2e18))
      return false;
    result = static_cast<To>(value);
    return static_cast<From>(result) == value;
  } else {
    result = static_cast<To>(value);
    return static_cast<From>(result) == value && (result < 0) == (value < 0);
  }
}

template <typename From, typename To>
static int64_t convertAll(const Tensor &from, Tensor &to) {
  const From *source = from.as<From>();
  To *target = to.as<To>();
  for (int64_t i = 0, n = from.count(); i < n; ++i)
    if (!convertOne(source[i], target[i]))
      return i;
  return -1;
}

template <typename From>
static int64_t convertFrom(const Tensor &from, Tensor &to) {
  switch (to.type) {
  case DType::F32:
    return convertAll<From, float>(from, to);
  case DType::F64:
    return convertAll<From, double>(from, to);
  case DType::I32:
    return convertAll<From, int32_t>(from, to);
  case DType::I64:
    return convertAll<From, int64_t>(from, to);
  case DType::U8:
    return convertAll<From, uint8_t>(from, to);
  }
  return 0;
}

static int64_t convertInto(const Tensor &from, Tensor &to) {
  switch (from.type) {
  case DType::F32:
    return convertFrom<float>(from, to);
  case DType::F64:
    return convertFrom<double>(from, to);
  case DType::I32:
    return convertFrom<int32_t>(from, to);
  case DType::I64:
    return convertFrom<int64_t>(from, to);
  case DType::U8:
    return convertFrom<uint8_t>(from, to);
  }
  return 0;
}

Result<Tensor> data::convertExact(const Tensor &from, DType to,
                                  std::string_view name) {
  if (from.type == to)
    return from;
  Tensor result(to, from.shape);
  int64_t bad = convertInto(from, result);
  if (bad >= 0)
    return dataError("`{}`: element {} is {}, which {} cannot hold exactly",
                     name, bad, from.number(bad), nameOf(to));
  return result;
}

Result<Tensor> data::convertRounded(const Tensor &from, DType to,
                                    std::string_view name, Rounding &rounding) {
  if (from.type == to || to != DType::F32 || from.type == DType::U8)
    return convertExact(from, to, name);
  Tensor result(to, from.shape);
  for (int64_t i = 0, n = from.count(); i < n; ++i) {
    double value = from.number(i);
    float rounded = static_cast<float>(value);
    result.as<float>()[i] = rounded;
    if (std::isfinite(value) && !std::isfinite(rounded))
      return dataError("`{}`: element {} is {}, beyond what {} can hold", name,
                       i, value, nameOf(to));
    double loss = std::abs(value - static_cast<double>(rounded));
    loss = loss > 0 && std::isfinite(value) ? loss / std::abs(value) : 0;
    if (loss > rounding.largest)
      rounding = {loss, i};
  }
  return result;
}

const Tensor *TensorFile::find(std::string_view name) const {
  for (const auto &[key, tensor] : tensors)
    if (key == name)
      return &tensor;
  return nullptr;
}

Result<TensorFile> data::readTensorFile(const std::string &path) {
  Result<std::string> bytes = readFile(path);
  if (!bytes)
    return bytes.error();
  std::string_view name = path;
  if (Status status = checkKind(*bytes, path, name.ends_with(".npz")); !status)
    return status.error();
  if (name.ends_with(".safetensors"))
    return parseSafetensors(*bytes, path);
  if (name.ends_with(".npz"))
    return parseNpz(*bytes, path);
  if (name.ends_with(".npy")) {
    Result<Tensor> tensor = parseNpy(*bytes, path);
    if (!tensor)
      return tensor.error();
    TensorFile file;
    file.add("data", std::move(*tensor));
    return file;
  }
  return dataError("{}: error: not a file of arrays: the name must end in "
                   ".safetensors, .npz or .npy",
                   path);
}

Status data::checkArrayName(const std::string &path) {
  std::string_view name = path;
  for (const char *ending : {".safetensors", ".npz", ".npy"})
    if (name.ends_with(ending))
      return {};
  return usageError("{}: error: arrays are written to .safetensors or .npz",
                    path);
}

/// The sizes in a zip archive have 32 bits.
static bool fitsArchive(const TensorFile &file) {
  uint64_t total = 0;
  for (const auto &[name, tensor] : file.tensors)
    total += tensor.bytes.size() + 2 * name.size() + 1024;
  return total <= UINT32_MAX;
}

Status data::writeTensorFile(const std::string &path, const TensorFile &file) {
  std::string_view name = path;
  if (name.ends_with(".safetensors"))
    return writeFileAtomically(path, printSafetensors(file));
  if (name.ends_with(".npz") && !fitsArchive(file))
    return toolError("{}: error: the arrays are too large for .npz; write "
                     "them to .safetensors",
                     path);
  if (name.ends_with(".npz"))
    return writeFileAtomically(path, printNpz(file));
  if (name.ends_with(".npy") && file.tensors.size() == 1)
    return writeFileAtomically(path, printNpy(file.tensors[0].second));
  return usageError("{}: error: arrays are written to .safetensors or .npz",
                    path);
}
