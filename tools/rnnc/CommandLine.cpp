// CommandLine.cpp: help texts and messages of rnnc's command line.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "CommandLine.h"

#include "Guesses.h"

#include "rnnc/Data/Result.h"
#include "rnnc/Data/Spelling.h"
#include "rnnc/Support/Text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <type_traits>

using namespace rnnc;
using namespace rnnc::tool;

template <typename T>
static std::optional<T> numberIn(const std::string &text) {
  T value{};
  auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (code == std::errc() && end == text.data() + text.size())
    return value;
  if constexpr (std::is_integral_v<T>) {
    // `1e6` is a whole number too, as long as a double holds it exactly.
    std::optional<double> real = numberIn<double>(text);
    bool isExact = real && std::fabs(*real) <= 9007199254740992.0 &&
                   *real == std::floor(*real) &&
                   text.find('.') == std::string::npos &&
                   (*real >= 0 || std::is_signed_v<T>);
    if (isExact &&
        *real >= static_cast<double>(std::numeric_limits<T>::min()) &&
        *real <= static_cast<double>(std::numeric_limits<T>::max()))
      return static_cast<T>(*real);
  }
  return std::nullopt;
}

template <typename T>
static CLI::Validator numberCheck(const std::string &wanted,
                                  std::function<bool(T)> fits) {
  return CLI::Validator(
      [=](std::string &text) -> std::string {
        std::optional<T> value = numberIn<T>(text);
        if (!value || !fits(*value))
          return fmt::format("`{}` is not {}", text, wanted);
        if constexpr (std::is_integral_v<T>)
          text = std::to_string(*value); // as CLI11 reads it
        return std::string();
      },
      "");
}

CLI::Validator tool::wholeNumber(int64_t low, int64_t high) {
  return numberCheck<int64_t>(
      fmt::format("a whole number from {} to {}", low, high),
      [=](int64_t value) { return value >= low && value <= high; });
}

const CLI::Validator tool::AtLeastOne = wholeNumber(1, INT32_MAX);
const CLI::Validator tool::NotBelowZero = wholeNumber(0, INT32_MAX);
const CLI::Validator tool::ThreadCount = wholeNumber(1, 1024);
const CLI::Validator tool::SeedNumber = numberCheck<uint64_t>(
    fmt::format("a whole number from 0 to {}", UINT64_MAX),
    [](uint64_t) { return true; });
const CLI::Validator tool::PositiveReal =
    numberCheck<double>("a number above 0 and below 1e12",
                        [](double value) { return value > 0 && value < 1e12; });
const CLI::Validator tool::NotNegative = numberCheck<double>(
    "a number of at least 0 and below 1e12",
    [](double value) { return value >= 0 && value < 1e12; });
const CLI::Validator tool::Share =
    numberCheck<double>("a number above 0 and at most 1",
                        [](double value) { return value > 0 && value <= 1; });

std::optional<double> tool::finiteNumber(const std::string &text) {
  std::optional<double> value = numberIn<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<std::pair<std::string, std::string>>
tool::assignment(const std::string &text) {
  size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    return std::nullopt;
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

const CLI::Validator tool::DeviceName(
    [](std::string &text) -> std::string {
      std::string number = text.starts_with("gpu:") ? text.substr(4) : "0";
      std::optional<int32_t> value = numberIn<int32_t>(number);
      if (text != "cpu" &&
          (!text.starts_with("gpu") || !value || *value < 0 || *value > 99999 ||
           number.find_first_of("eE") != number.npos ||
           (text.size() > 3 && text[3] != ':')))
        return fmt::format("`{}` is none of cpu, gpu and gpu:N", text);
      if (text == "cpu")
        text.clear();
      return "";
    },
    "");

CLI::App *tool::addVerb(CLI::App &app, const std::string &name,
                        const std::string &description) {
  return app.add_subcommand(name, description);
}

CLI::Validator tool::oneOf(const std::vector<std::string> &words) {
  return CLI::Validator(
      [words](std::string &text) -> std::string {
        if (std::find(words.begin(), words.end(), text) != words.end())
          return "";
        return fmt::format("`{}` is none of {}{}", text, fmt::join(words, ", "),
                           data::didYouMean(text, words));
      },
      "");
}

namespace {
/// `rnnc train MODEL --data FILE --out DIR [options]`, and options without the
/// words that CLI11 puts behind them.
class HelpFormatter : public CLI::Formatter {
public:
  HelpFormatter() { column_width(28); }

  std::string make_usage(const CLI::App *app, std::string name) const override {
    std::string text = "\nUsage: rnnc " + name;
    bool more = false;
    for (const CLI::Option *option : app->get_options()) {
      bool required = option->get_required();
      std::string word = option->get_positional()
                             ? option->get_name(true)
                             : option->get_name() + make_option_opts(option);
      if (option->get_positional())
        text += required ? " " + word : " [" + word + "...]";
      else if (required)
        text += " " + word;
      else
        more = true;
    }
    if (!app->get_subcommands({}).empty())
      return "\nUsage: rnnc VERB ...         " +
             std::string("rnnc VERB --help "
                         "tells what a verb takes\n") +
             "       rnnc MODEL.rnn ...    compiles; rnnc MODEL.rnn --help "
             "lists the options\n";
    return text + (more ? " [options]\n" : "\n");
  }
  std::string make_option_opts(const CLI::Option *option) const override {
    return option->get_option_text().empty() ? ""
                                             : " " + option->get_option_text();
  }
};
} // namespace

/// `--json=3` would otherwise be read as how often the flag was given.
static void refuseValuesOfFlags(CLI::App &app) {
  for (CLI::Option *option : app.get_options(
           [](CLI::Option *one) { return one->get_items_expected_max() == 0; }))
    option->disable_flag_override();
  for (CLI::App *verb : app.get_subcommands({}))
    refuseValuesOfFlags(*verb);
}

void tool::setHelpStyle(CLI::App &app) {
  refuseValuesOfFlags(app);
  auto formatter = std::make_shared<HelpFormatter>();
  app.formatter(formatter);
  for (CLI::App *verb : app.get_subcommands({}))
    verb->group("Verbs")->formatter(formatter);
}

static std::vector<std::string> verbsOf(const CLI::App &app) {
  std::vector<std::string> names;
  for (const CLI::App *verb : app.get_subcommands({}))
    names.push_back(verb->get_name());
  return names;
}

static std::vector<std::string> optionsOf(const CLI::App &verb) {
  std::vector<std::string> names;
  for (const CLI::Option *option : verb.get_options())
    for (const std::string &name : option->get_lnames())
      names.push_back("--" + name);
  return names;
}

/// What is wrong, with the option or argument that nobody knows in front: the
/// required one that is missing may be that one mistyped.
static std::string messageOf(const CLI::App &verb,
                             const CLI::ParseError &error) {
  for (const std::string &word : verb.remaining()) {
    std::string name = word.substr(0, word.find('='));
    if (!name.starts_with("-"))
      continue;
    std::string help = guessedOption(name, verb.get_name());
    // A help that is an option alone is what was meant.
    bool isOption = help.ends_with('`') && help.find('`', 1) + 1 == help.size();
    return fmt::format("there is no option `{}`{}", name,
                       help.empty() ? data::didYouMean(name, optionsOf(verb))
                       : isOption   ? "; did you mean " + help + "?"
                                    : "; " + help);
  }
  if (!verb.remaining().empty())
    return fmt::format("`{}` is one argument too many",
                       verb.remaining().front());
  if (dynamic_cast<const CLI::ArgumentMismatch *>(&error)) {
    std::string text = error.what();
    bool many = text.find("At Most") != text.npos;
    return text.substr(0, text.find(':')) +
           (many ? " is given more than once" : " needs a value");
  }
  return error.what();
}

static int usage(const std::string &where, const std::string &message) {
  fmt::print(stderr, "{}: error: {}\n`{} --help` tells more\n", where,
             shown(message), where);
  return ExitUsage;
}

bool tool::parseCommandLine(CLI::App &app, int argc, char **argv,
                            int &exitCode) {
  std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty()) {
    fmt::print(stderr, "{}", app.help());
    exitCode = ExitUsage;
    return false;
  }
  if (words[0] == "help") { // `rnnc help train` is `rnnc train --help`
    words.erase(words.begin());
    words.resize(std::min<size_t>(words.size(), 1));
    words.push_back("--help");
  }
  std::vector<std::string> verbs = verbsOf(app);
  bool isVerb = std::find(verbs.begin(), verbs.end(), words[0]) != verbs.end();
  if (!isVerb && !words[0].starts_with("-")) {
    exitCode =
        usage("rnnc", fmt::format("`{}` is no verb and no .rnn source{}",
                                  words[0], data::didYouMean(words[0], verbs)));
    return false;
  }
  std::reverse(words.begin(), words.end()); // CLI11 takes them from the back
  try {
    app.parse(words);
    return true;
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == 0) { // help and version
      app.exit(error);
      exitCode = ExitOk;
      return false;
    }
    const CLI::App *verb = &app;
    for (const CLI::App *given : app.get_subcommands())
      verb = given;
    exitCode = usage(verb == &app ? "rnnc" : "rnnc " + verb->get_name(),
                     messageOf(*verb, error));
    return false;
  }
}
