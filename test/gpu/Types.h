// Types.h: the types of PTX. SPDX-License-Identifier: Apache-2.0 WITH
// LLVM-exception
#ifndef RNNC_TEST_GPU_TYPES_H
#define RNNC_TEST_GPU_TYPES_H

#include <cstdint>
#include <optional>
#include <string_view>

namespace rnnc::ptx {

enum class Type : uint8_t {
  None,
  Pred,
  B8,
  B16,
  B32,
  B64,
  U8,
  U16,
  U32,
  U64,
  S8,
  S16,
  S32,
  S64,
  F16,
  BF16,
  F16x2,
  BF16x2,
  TF32,
  F32,
  F64
};

/// `.f32` without its dot; nothing when it names no type.
std::optional<Type> typeOf(std::string_view name);
const char *nameOf(Type type);

/// Bytes of one lane; a predicate has none.
constexpr unsigned bytesOf(Type type) {
  switch (type) {
  case Type::None:
  case Type::Pred:
    return 0;
  case Type::B8:
  case Type::U8:
  case Type::S8:
    return 1;
  case Type::B16:
  case Type::U16:
  case Type::S16:
  case Type::F16:
  case Type::BF16:
    return 2;
  case Type::B32:
  case Type::U32:
  case Type::S32:
  case Type::F32:
  case Type::TF32:
  case Type::F16x2:
  case Type::BF16x2:
    return 4;
  case Type::B64:
  case Type::U64:
  case Type::S64:
  case Type::F64:
    return 8;
  }
  return 0;
}

constexpr bool isSigned(Type type) {
  return type == Type::S8 || type == Type::S16 || type == Type::S32 ||
         type == Type::S64;
}

constexpr bool isFloat(Type type) { return type >= Type::F16; }

enum class Space : uint8_t { Generic, Global, Shared, Local, Const, Param };

/// `.global` without its dot, also `shared::cta` and `param::entry`.
std::optional<Space> spaceOf(std::string_view name);
const char *nameOf(Space space);

} // namespace rnnc::ptx

#endif
