// Types.cpp: names of types and state spaces. SPDX-License-Identifier:
// Apache-2.0 WITH LLVM-exception
#include "Types.h"

#include <utility>

using namespace rnnc::ptx;

static constexpr std::pair<std::string_view, Type> kTypes[] = {
    {"pred", Type::Pred},   {"b8", Type::B8},         {"b16", Type::B16},
    {"b32", Type::B32},     {"b64", Type::B64},       {"u8", Type::U8},
    {"u16", Type::U16},     {"u32", Type::U32},       {"u64", Type::U64},
    {"s8", Type::S8},       {"s16", Type::S16},       {"s32", Type::S32},
    {"s64", Type::S64},     {"f16", Type::F16},       {"bf16", Type::BF16},
    {"f16x2", Type::F16x2}, {"bf16x2", Type::BF16x2}, {"tf32", Type::TF32},
    {"f32", Type::F32},     {"f64", Type::F64}};

std::optional<Type> rnnc::ptx::typeOf(std::string_view name) {
  for (const auto &[spelling, type] : kTypes)
    if (spelling == name)
      return type;
  return std::nullopt;
}

const char *rnnc::ptx::nameOf(Type type) {
  for (const auto &[spelling, known] : kTypes)
    if (known == type)
      return spelling.data();
  return "none";
}

static constexpr std::pair<std::string_view, Space> kSpaces[] = {
    {"generic", Space::Generic},    {"global", Space::Global},
    {"shared", Space::Shared},      {"local", Space::Local},
    {"const", Space::Const},        {"param", Space::Param},
    {"shared::cta", Space::Shared}, {"param::entry", Space::Param},
    {"param::func", Space::Param}};

std::optional<Space> rnnc::ptx::spaceOf(std::string_view name) {
  for (const auto &[spelling, space] : kSpaces)
    if (spelling == name && space != Space::Generic)
      return space;
  return std::nullopt;
}

const char *rnnc::ptx::nameOf(Space space) {
  for (const auto &[spelling, known] : kSpaces)
    if (known == space)
      return spelling.data();
  return "no";
}
