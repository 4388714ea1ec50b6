// Foreign.cpp - words and signs of other languages, and what rnnc has for them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Foreign.h"

#include "Builtins.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

using namespace rnnc;

namespace {
struct Entry {
  std::string_view name, help;
};

constexpr std::string_view product =
    "`W @ x` joins the last axis of `W` with the first of `x`";
constexpr std::string_view joining =
    "`a ++ b` puts values together along the last axis";
constexpr std::string_view filled =
    "a number has any shape that is needed: `state h : [H] = 0`, `x + 1`";
constexpr std::string_view length =
    "sizes have names, and the name is a value: `sum(x) / H`; the steps of a "
    "time axis are `sum t in T: 1`";
constexpr std::string_view looping =
    "there is no loop to write: `for t in T: e` makes one value of all, "
    "`scan`, `fold` and `unfold` run a cell over time";
constexpr std::string_view declaring =
    "a value is named without a word in front: `y = W @ x`";
constexpr std::string_view declaringModule =
    "`fn`, `layer`, `cell` and `model` declare something of one's own: "
    "`fn f(x: [H]) -> [H] { out ... }`";
constexpr std::string_view giving = "a block ends with what it gives: `out h'`";
constexpr std::string_view both = "`c and d` holds where both do";
constexpr std::string_view either = "`c or d` holds where one of them does";
constexpr std::string_view negation = "`not c` holds where `c` does not";
constexpr std::string_view transposing =
    "there is no transpose: declare the parameter `[H, I]` for `W @ x` with "
    "`x : [I]`; `x @ W` joins the last axis of `x` with the first of `W`";
constexpr std::string_view powers =
    "`x^2` is the square; `pow(x, y)` any power";
constexpr std::string_view realNumbers =
    "`real` is a single number and `[H]` are many; `train` has `precision`";
constexpr std::string_view embedding =
    "`param Emb : [V, E] ~ normal(0, 1)`, and `Emb[word]` looks up";
constexpr std::string_view attending =
    "`attend[Q, M, A]`, `attend_dot[M]` and `attend_bilinear[Q, M]` are layers "
    "of `import std`";
constexpr std::string_view batchNorm =
    "examples of a batch do not meet: `norm[I]` of `import std` normalises "
    "over the last axis";
constexpr std::string_view importing = "`import std` makes the standard cells "
                                       "known, `import name` those of name.rnn";
constexpr std::string_view stopping = "`stop(x)` cuts the gradient";
constexpr std::string_view crossEntropy =
    "`y ~ categorical(scores)` is that loss, and says what is predicted";
constexpr std::string_view squaredError =
    "`loss sum((y - x)^2)` minimises it; `y ~ normal(m, s)` predicts too";

constexpr std::string_view spreading =
    "`y ~ normal(mean, sd)` says that y is near a mean";
constexpr std::string_view choosing =
    "`y ~ categorical(scores)` chooses one of several";

constexpr Entry words[] = {
    {"Adam", "`optimize adam(lr = 0.001)` stands in `train`"},
    {"Attention", attending},
    {"BatchNorm", batchNorm},
    {"BiLSTM", "`bilstm[I, H]` is a layer of `import std`"},
    {"Bidirectional", "`bilstm[I, H]` and `bigru[I, H]` are such layers; a "
                      "second `scan ... backward` makes one of any cell"},
    {"Categorical", choosing},
    {"Conv1d",
     "`conv1d[I, O, R]` is a layer of `import std`, R steps to each side"},
    {"Conv2d",
     "`conv2d[I, O, R]` is a layer of `import std`, R places to each side"},
    {"Dense", "`dense[I, O]` is a layer of `import std`"},
    {"Dropout", "`dropout(x, 0.5)` is a function"},
    {"Embedding", embedding},
    {"False", "a condition is a comparison: `if x > 0 then a else b`"},
    {"GRU", "`gru[I, H]` is a cell of `import std`"},
    {"Gaussian", spreading},
    {"LSTM", "`lstm[I, H]` is a cell of `import std`"},
    {"LSTMCell", "`lstm[I, H]` is a cell of `import std`"},
    {"LayerNorm", "`layer_norm(x)` is a function over the last axis"},
    {"Linear", "`dense[I, O]` is a layer of `import std`"},
    {"None", "what is not needed is left out"},
    {"Normal", spreading},
    {"RNN", "`rnn_tanh[I, H]` is a cell of `import std`"},
    {"ReLU", "`relu(x)` is a function"},
    {"Sequential", "`a >> b` puts one after the other"},
    {"Sigmoid", "`sigmoid(x)` is a function"},
    {"Softmax", "`softmax(x)` is a function over the last axis"},
    {"Tanh", "`tanh(x)` is a function"},
    {"True", "a condition is a comparison: `if x > 0 then a else b`"},
    {"append", joining},
    {"arange", looping},
    {"array", filled},
    {"attention", attending},
    {"batch_norm", batchNorm},
    {"bool", "`bit` is the type of what holds or does not"},
    {"break", looping},
    {"cat", joining},
    {"class", declaringModule},
    {"clip", "`clamp(x, low, high)` limits a value; `clip norm 5` in `train` "
             "limits gradients"},
    {"concat", joining},
    {"concatenate", joining},
    {"const", declaring},
    {"continue", looping},
    {"cross_entropy", crossEntropy},
    {"def", declaringModule},
    {"detach", stopping},
    {"dot", product},
    {"double", realNumbers},
    {"einsum", "`W @ x`, and `sum i in I: ...` for all others"},
    {"elif", either},
    {"expit", "`sigmoid(x)` is a function"},
    {"embed", embedding},
    {"embedding", embedding},
    {"exp2", "`pow(2, x)` is a function"},
    {"fc", "`dense[I, O]` is a layer of `import std`"},
    {"float", realNumbers},
    {"float32", realNumbers},
    {"float64", realNumbers},
    {"floor_divide", "`floor(a / b)` divides and drops the rest"},
    {"full", filled},
    {"from", importing},
    {"func", declaringModule},
    {"function", declaringModule},
    {"gaussian", spreading},
    {"half", realNumbers},
    {"hadamard", "`a * b` multiplies element by element"},
    {"hard_sigmoid", "`clamp(0.2 * x + 0.5, 0, 1)` is that function"},
    {"identity", "leave it out; `stop(x)` and `clipgrad(x, c)` are the "
                 "identity with another gradient"},
    {"include", importing},
    {"inf", "numbers are finite; a masked score can be -1e30"},
    {"inputs", "`input words : [T] in V` declares one of them"},
    {"lambda", declaringModule},
    {"leaky_relu", "`max(x, 0.01 * x)` is that function"},
    {"len", length},
    {"length", length},
    {"let", declaring},
    {"linear", "`dense[I, O]` is a layer of `import std`"},
    {"ln", "`log(x)` is the natural logarithm"},
    {"log10", "`log(x) / log(10)`"},
    {"log2", "`log(x) / log(2)`"},
    {"log_softmax", "`x - logsumexp(x)`"},
    {"logistic", "`sigmoid(x)` is a function"},
    {"lookup", embedding},
    {"matmul", product},
    {"maximum", "`max(a, b)` takes the larger of two"},
    {"minimum", "`min(a, b)` takes the smaller of two"},
    {"mm", product},
    {"mse", squaredError},
    {"mse_loss", squaredError},
    {"mul", "`a * b` multiplies element by element"},
    {"mult", "`a * b` multiplies element by element"},
    {"multinomial", choosing},
    {"multiply", "`a * b` multiplies element by element"},
    {"nan", "numbers are finite"},
    {"no_grad", stopping},
    {"norm", "`sqrt(sum(x * x))`"},
    {"null", "what is not needed is left out"},
    {"one_hot", "`onehot(i)` is that function"},
    {"ones", filled},
    {"ones_like", filled},
    {"outputs", "`output mood : in C` declares one of them"},
    {"pass", giving},
    {"permute", transposing},
    {"pi", "write the number: 3.141592653589793"},
    {"power", powers},
    {"print", "a program computes; `rnnc run` shows what it gives"},
    {"range", looping},
    {"reshape", "`x as [A, B]` renames axes, and splits one of the size `A*B`"},
    {"return", giving},
    {"rsqrt", "`1 / sqrt(x)`"},
    {"self", "parameters and states are known by their own names: `W`, `h`"},
    {"shape", length},
    {"silu", "`x * sigmoid(x)` is that function"},
    {"size", length},
    {"sqr", powers},
    {"square", powers},
    {"squeeze", "there are no axes of size 1 to remove: name the axes that "
                "there are"},
    {"stack", "`[a, b]` and `for t in T: e` make a new first axis"},
    {"std", "`import std` stands at the beginning of the file"},
    {"string", "text is read as indices: `input words : [T] in V`"},
    {"super", "parameters and states are known by their own names: `W`, `h`"},
    {"swish", "`x * sigmoid(x)` is that function"},
    {"tan", "`sin(x) / cos(x)`"},
    {"tensor", realNumbers},
    {"transpose", transposing},
    {"unsqueeze", "an axis is made by `for k in K: x`"},
    {"val", declaring},
    {"var", declaring},
    {"view", "`x as [A, B]` renames axes, and splits one of the size `A*B`"},
    {"where", "`if x > 0 then a else b` chooses element by element"},
    {"while", looping},
    {"xor", "`c != d` holds where one of two conditions does"},
    {"zeros", filled},
    {"zeros_like", filled},
};

constexpr Entry signs[] = {
    {"!", negation},
    {"\"",
     "nothing stands in quotes: names and labels are written as they are"},
    {"%", "`mod(a, b)` is the remainder of a division"},
    {"&", both},
    {"&&", both},
    {"**", powers},
    {"*=", "a value is named once: give the product a name of its own"},
    {"++=", "a value is named once: give the result a name of its own"},
    {"+=", "a value is named once; the next value of a state is "
           "`h' = h + ...`"},
    {"-=", "a value is named once; the next value of a state is "
           "`h' = h - ...`"},
    {"/=", "a value is named once: give the quotient a name of its own"},
    {"//", "`#` begins a comment; `/` divides"},
    {"/*", "`#` begins a comment, up to the end of its line"},
    {":=", "`=` names a value"},
    {";", "a statement ends with its line, without `;`"},
    {"<-", "`=` names a value"},
    {"=>", "`->` stands before what is given; `>=` is not less than"},
    {"?", "`if x > 0 then a else b` chooses"},
    {"\\", "a line goes on by itself after an operator and inside of brackets"},
    {"`", "nothing stands in quotes: names and labels are written as they are"},
    {"|", either},
    {"||", either},
};

constexpr Entry properties[] = {
    {"T", transposing},
    {"backward", "gradients are derived: `export Net.grad`"},
    {"detach", stopping},
    {"dim", length},
    {"len", length},
    {"mT", transposing},
    {"ndim", length},
    {"shape", length},
    {"size", length},
    {"t", transposing},
    {"transpose", transposing},
};

constexpr std::string_view modules[] = {"F",    "jax",   "jnp", "keras", "lax",
                                        "math", "nn",    "np",  "numpy", "tf",
                                        "tch",  "torch", "std"};

constexpr LookAlike lookAlikes[] = {
    {0x00A0, "", "a no-break space"},
    {0x00B4, "'", "an acute accent"},
    {0x00B7, "*", "a middle dot"},
    {0x00D7, "*", "a multiplication sign"},
    {0x00F7, "/", "a division sign"},
    {0x02B9, "'", "a prime of phonetics"},
    {0x02BC, "'", "an apostrophe of phonetics"},
    {0x02C8, "'", "a stress mark"},
    {0x2002, "", "a wide space"},
    {0x2003, "", "a wide space"},
    {0x2007, "", "a figure space"},
    {0x2009, "", "a thin space"},
    {0x200A, "", "a thin space"},
    {0x200B, "", "a space without width"},
    {0x200C, "", "a mark without width"},
    {0x200D, "", "a mark without width"},
    {0x2010, "-", "a typographic hyphen"},
    {0x2011, "-", "a typographic hyphen"},
    {0x2012, "-", "a typographic dash"},
    {0x2013, "-", "a typographic dash"},
    {0x2014, "-", "a typographic dash"},
    {0x2018, "'", "a typographic quote"},
    {0x2019, "'", "a typographic quote"},
    {0x201A, "'", "a typographic quote"},
    {0x201B, "'", "a typographic quote"},
    {0x2022, "*", "a bullet"},
    {0x2028, "", "a line separator"},
    {0x202F, "", "a narrow no-break space"},
    {0x2032, "'", "a typographic prime"},
    {0x2044, "/", "a fraction slash"},
    {0x2060, "", "a mark without width"},
    {0x2190, "=", "an arrow"},
    {0x2192, "->", "an arrow"},
    {0x2208, "in", "an element sign"},
    {0x2212, "-", "a minus sign"},
    {0x2215, "/", "a division slash"},
    {0x2217, "*", "an asterisk operator"},
    {0x2219, "*", "a bullet operator"},
    {0x223C, "~", "a tilde operator"},
    {0x2236, ":", "a ratio sign"},
    {0x2260, "!=", "an unequal sign"},
    {0x2264, "<=", "a sign of comparison"},
    {0x2265, ">=", "a sign of comparison"},
    {0x2299, "*", "a circled dot"},
    {0x22C5, "*", "a dot operator"},
    {0x2A7D, "<=", "a sign of comparison"},
    {0x2A7E, ">=", "a sign of comparison"},
    {0x3000, "", "an ideographic space"},
    {0x3001, ",", "an ideographic comma"},
    {0x3002, ".", "an ideographic full stop"},
    {0x3008, "<", "an angle bracket"},
    {0x3009, ">", "an angle bracket"},
    {0x3010, "[", "a bracket of another script"},
    {0x3011, "]", "a bracket of another script"},
    {0x3014, "[", "a bracket of another script"},
    {0x3015, "]", "a bracket of another script"},
    {0xFEFF, "", "a byte order mark"},
    {0xFF07, "'", "a full-width apostrophe"},
    {0xFF08, "(", "a full-width bracket"},
    {0xFF09, ")", "a full-width bracket"},
    {0xFF0A, "*", "a full-width asterisk"},
    {0xFF0B, "+", "a full-width plus"},
    {0xFF0C, ",", "a full-width comma"},
    {0xFF0D, "-", "a full-width hyphen"},
    {0xFF0E, ".", "a full-width full stop"},
    {0xFF0F, "/", "a full-width slash"},
    {0xFF1A, ":", "a full-width colon"},
    {0xFF1B, ";", "a full-width semicolon"},
    {0xFF1C, "<", "a full-width sign"},
    {0xFF1D, "=", "a full-width equals sign"},
    {0xFF1E, ">", "a full-width sign"},
    {0xFF20, "@", "a full-width sign"},
    {0xFF3B, "[", "a full-width bracket"},
    {0xFF3D, "]", "a full-width bracket"},
    {0xFF3E, "^", "a full-width sign"},
    {0xFF5B, "{", "a full-width bracket"},
    {0xFF5D, "}", "a full-width bracket"},
    {0xFF5E, "~", "a full-width tilde"},
};

template <size_t N>
std::string lookUp(const Entry (&table)[N], std::string_view name) {
  auto it =
      std::find_if(std::begin(table), std::end(table),
                   [&](const Entry &entry) { return entry.name == name; });
  return it == std::end(table) ? std::string() : std::string(it->help);
}
} // namespace

std::string rnnc::foreignWord(std::string_view word) {
  return lookUp(words, word);
}

std::string rnnc::foreignSign(std::string_view sign) {
  return lookUp(signs, sign);
}

std::string rnnc::foreignProperty(std::string_view name) {
  return lookUp(properties, name);
}

std::string rnnc::foreignMember(std::string_view module,
                                std::string_view function) {
  if (std::find(std::begin(modules), std::end(modules), module) ==
      std::end(modules))
    return {};
  if (std::string help = foreignWord(function); !help.empty())
    return help;
  if (findBuiltin(std::string(function)))
    return fmt::format("functions stand without a module: `{}(...)`", function);
  return "functions stand without a module, and there are only those of the "
         "language: `tanh(x)`";
}

const LookAlike *rnnc::findLookAlike(char32_t character) {
  auto it = std::find_if(
      std::begin(lookAlikes), std::end(lookAlikes),
      [&](const LookAlike &one) { return one.character == character; });
  return it == std::end(lookAlikes) ? nullptr : it;
}
