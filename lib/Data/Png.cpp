// Png.cpp: pictures as numbers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Png.h"

#include "rnnc/Data/Files.h"

#include <cstring>
#include <png.h>

using namespace rnnc;
using namespace rnnc::data;

bool data::isPng(std::string_view path) {
  return path.size() > 4 && path.ends_with(".png");
}

namespace {
/// How the numbers of a picture lie in a field.
struct PictureOrder {
  int channels = 1;
  bool planar = false; ///< a plane for each channel; else they lie together
};
} // namespace

/// A picture fits `[rows, columns]`, with the channels behind or in front, or
/// one axis for all of it.
static std::optional<PictureOrder> orderOf(const FieldSchema &field,
                                           int64_t rows, int64_t columns) {
  std::vector<int64_t> sizes;
  for (const SchemaAxis &axis : field.axes)
    sizes.push_back(axis.size);
  auto isOf = [&](size_t first) {
    return sizes[first] == rows && sizes[first + 1] == columns;
  };
  auto hasChannels = [](int64_t n) { return n >= 1 && n <= 4; };
  if (sizes.size() == 2 && isOf(0))
    return PictureOrder();
  if (sizes.size() == 3 && isOf(0) && hasChannels(sizes[2]))
    return PictureOrder{static_cast<int>(sizes[2]), false};
  if (sizes.size() == 3 && isOf(1) && hasChannels(sizes[0]))
    return PictureOrder{static_cast<int>(sizes[0]), true};
  if (sizes.size() == 1)
    for (int channels : {1, 3})
      if (sizes[0] == rows * columns * channels)
        return PictureOrder{channels, false};
  return std::nullopt;
}

static Error misfit(const FieldSchema &field, const std::string &path,
                    const png_image &image) {
  std::string sizes;
  for (const SchemaAxis &axis : field.axes)
    sizes += (sizes.empty() ? "" : ", ") +
             (axis.size >= 0 ? std::to_string(axis.size) : axis.name);
  return dataError("{}: error: the picture has {} rows of {} pixels, but `{}` "
                   "is [{}]: pictures are [rows, columns], [rows, columns, "
                   "channels] or [channels, rows, columns], and are not scaled",
                   path, image.height, image.width, field.name, sizes);
}

Result<std::vector<double>> data::readPng(const FieldSchema &field,
                                          const std::string &path) {
  Result<std::string> bytes = readFile(path);
  if (!bytes)
    return bytes.error();
  // The library's own words for this are for programmers.
  if (!std::string_view(*bytes).starts_with("\x89PNG"))
    return dataError("{}: error: this is no PNG{}", path,
                     bytes->empty()
                         ? ": the file is empty"
                         : ", whatever its name says; convert it to one");
  png_image image;
  std::memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  auto broken = [&]() {
    Error error = dataError("{}: error: this is no PNG that can be read: {}",
                            path, image.message);
    png_image_free(&image);
    return error;
  };
  if (!png_image_begin_read_from_memory(&image, bytes->data(), bytes->size()))
    return broken();
  // The size of what is read is the field's: no file can ask for more memory.
  std::optional<PictureOrder> order = orderOf(field, image.height, image.width);
  if (!order) {
    Error error = misfit(field, path, image);
    png_image_free(&image);
    return error;
  }
  constexpr png_uint_32 formats[] = {PNG_FORMAT_GRAY, PNG_FORMAT_GA,
                                     PNG_FORMAT_RGB, PNG_FORMAT_RGBA};
  image.format = formats[order->channels - 1];
  image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
  png_color white = {255, 255, 255};
  std::vector<png_byte> pixels(PNG_IMAGE_SIZE(image));
  if (!png_image_finish_read(&image, &white, pixels.data(), 0, nullptr))
    return broken();
  size_t channels = static_cast<size_t>(order->channels);
  size_t places = pixels.size() / channels;
  std::vector<double> numbers(pixels.size());
  for (size_t place = 0; place < places; ++place)
    for (size_t c = 0; c < channels; ++c)
      numbers[order->planar ? c * places + place : place * channels + c] =
          pixels[place * channels + c] / 255.0;
  return numbers;
}
