// Formats.cpp: which kind of file suits which model.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Formats.h"

#include <algorithm>

using namespace rnnc;
using namespace rnnc::data;

std::string data::formatOf(const std::string &path, const Schema &schema) {
  constexpr std::pair<const char *, const char *> endings[] = {
      {".csv", "csv"},        {".tsv", "tsv"},     {".npz", "npz"},
      {".jsonl", "jsonl"},    {".conll", "conll"}, {".conllu", "conll"},
      {".bmes", "conll"},     {".bio", "conll"},   {".roll", "roll"},
      {".safetensors", "npz"}};
  for (const auto &[ending, format] : endings)
    if (std::string_view(path).ends_with(ending))
      return format;
  return schema.isLanguageModel() ? "text" : "tsv";
}

std::string data::columnsExample(const Schema &schema) {
  std::string text = "--columns ";
  for (size_t f = 0; f < schema.fields.size(); ++f)
    text += fmt::format("{}{}={}", f ? "," : "", schema.fields[f].name, f);
  return text;
}

/// What a model does, as far as files are concerned.
static std::pair<std::string, std::string> kindOf(const Schema &schema) {
  auto all = [&](auto test) {
    return std::all_of(schema.fields.begin(), schema.fields.end(), test);
  };
  auto timed = [&](const FieldSchema &field) {
    return field.time(schema.times) >= 0;
  };
  if (schema.isLanguageModel())
    return {"writes text", "a text file, or a column of a table"};
  if (all([](const FieldSchema &f) { return f.isIndex(); })) {
    if (schema.times.size() == 1 && all(timed))
      return {"has a label for each token",
              "lines of tokens and labels (.conll), or a table with a column "
              "for each (.tsv, .csv)"};
    if (schema.times.size() > 1)
      return {"reads one sequence and writes another",
              fmt::format("texts side by side (--data {}=FILE,{}=FILE), or a "
                          "table with a column for each (.tsv, .csv)",
                          schema.fields.front().name,
                          schema.fields.back().name)};
    return {"has a label for a sequence",
            "a table (.tsv, .csv), or lines of label, blank, text (--format "
            "space)"};
  }
  const FieldSchema &first = schema.fields.front();
  if (schema.fields.size() == 1 && first.axes.size() == 2 && timed(first) &&
      first.kind == FieldSchema::Kind::Bit)
    return {"has bits in each step", "a piano roll (.roll), or arrays (.npz, "
                                     ".jsonl)"};
  if (std::any_of(
          schema.fields.begin(), schema.fields.end(),
          [&](const FieldSchema &f) { return !f.isIndex() && timed(f); }))
    return {"has numbers along time", "a table whose rows are steps of time "
                                      "(.csv, .tsv), or arrays (.npz, .jsonl)"};
  return {"has numbers",
          fmt::format("arrays (.npz, .jsonl), a table (.csv, .tsv), or "
                      "numbers beside one (--data {}=FILE.u8,TABLE.tsv)",
                      first.name)};
}

std::string data::suitableFormats(const Schema &schema) {
  auto [what, files] = kindOf(schema);
  return fmt::format("`{}` {}: {} would fit", schema.model, what, files);
}
