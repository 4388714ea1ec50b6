// Guesses.cpp: options that a person would try, and where what they ask for
// lives.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Guesses.h"

#include <algorithm>
#include <iterator>

using namespace rnnc;

namespace {
struct Guess {
  std::string_view names; ///< with a blank between and around them
  std::string_view help;
  std::string_view verbs = ""; ///< the same; empty: any
};

// The first that fits counts. Underscores of a name have become hyphens, and
// capitals small letters.
constexpr Guess guesses[] = {
    {" lr learning-rate rate ",
     "the learning rate stands in the source: `train M { optimize adam(lr = "
     "0.001) }`"},
    {" optimizer optim optimiser adam sgd momentum weight-decay wd beta1 "
     "beta2 ",
     "the optimiser stands in the source: `train M { optimize adam(lr = 0.001) "
     "}`"},
    {" clip grad-clip clip-norm max-norm max-grad-norm gradient-clip ",
     "clipping stands in the source: `train M { clip global_norm 5 }`"},
    {" dropout ", "dropout stands in the source: `dropout(x, 0.5)`"},
    {" schedule scheduler lr-schedule warmup decay ",
     "the schedule stands in the source: `train M { schedule cosine(100) }`"},
    {" bptt seq-len seq-length sequence-length tbptt chunk ",
     "how far gradients go back stands in the source: `train M { bptt 100 "
     "carry }`"},
    {" loss criterion objective ",
     "what is minimised stands in the source: `y ~ categorical(scores)`, or "
     "`loss e`"},
    {" hidden hidden-size hidden-dim units h dim dims size embed embedding "
     "embedding-size embedding-dim layers num-layers n-layers vocab-size "
     "nhid nlayers emsize ",
     "sizes are `dim`s of the source: `-D H=256` sets one"},
    {" define ", "`-D H=256` sets a `dim` of the source"},
    {" gpu gpus cuda device ",
     "`--device gpu` computes on a GPU, `--device gpu:1` on the second one",
     " train eval predict sample run gradcheck bench "},
    {" gpu gpus cuda device ", "`--target=cpu,nvptx64` makes a library with "
                               "code for GPUs; `--target` and "
                               "`--march` choose the processor"},
    {" target triple ",
     "a verb compiles for this machine; `rnnc MODEL.rnn --target=TRIPLE -o "
     "FILE` makes a library for another"},
    {" o output save save-dir model-dir checkpoint checkpoint-dir logdir "
     "log-dir ckpt dir ",
     "`--out DIR` is where weights, vocabulary and log go", " train "},
    {" o output save ", "`--out FILE` is where the results go", " run "},
    {" out output ", "`-o FILE` is where the result goes", "  "},
    {" f file files input train-data train text corpus d dataset ",
     "`--data FILE` is what is read", " train eval "},
    {" f file input inputs i args ", "`--in FILE` holds the arguments",
     " run "},
    {" epoch n-epochs num-epochs nepochs ", "`--epochs N`", " train "},
    {" batch-size bs b batchsize minibatch ", "`--batch N`",
     " train eval gradcheck run "},
    {" max-steps num-steps iterations iters n-iters max-iters updates ",
     "`--steps N` is the number of updates in all", " train "},
    {" val validation valid-data val-data dev dev-data ",
     "`--valid FILE` is data to validate on", " train "},
    {" val-split valid-split validation-split test-split train-split ",
     "`--split 80/10/10` cuts training, validation and test parts"},
    {" test test-data ", "`rnnc eval DIR --data FILE` measures after training",
     " train "},
    {" load pretrained from-pretrained restore load-weights weights ",
     "`--init FILE` gives first weights, `--resume` goes on with a training",
     " train "},
    {" continue ", "`--resume` goes on with a training", " train "},
    {" workers num-workers j jobs cpu cpus cores n-threads num-threads "
     "nthreads t ",
     "`--threads N`", " train eval predict sample run "},
    {" early-stopping early-stop ", "`--patience N`", " train "},
    {" random-seed rng s ", "`--seed N`"},
    {" time timeout max-seconds max-minutes duration ",
     "`--max-time S` stops after S seconds", " train "},
    {" temp t ", "`--temperature X`", " sample "},
    {" n num num-chars num-tokens max-length max-tokens max-new-tokens count ",
     "`--length N` is how much is drawn", " sample "},
    {" text start begin input p primer seed-text ",
     "`--prompt TEXT` is how the text begins", " sample "},
    {" k topk ", "`--top-k N`", " sample "},
    {" p topp nucleus ", "`--top-p X`", " sample "},
    {" tokenizer tokeniser level char-level word-level tokenize char word ",
     "`--unit chars` or `--unit words`", " train "},
    {" lowercase ", "`--lower`", " train "},
    {" mcpu mtune arch ", "`--march` chooses the processor", "  "},
    {" double f64 fp64 float64 dtype f32 float32 float half fp16 bf16 ",
     "`--precision f32` or `--precision f64` is the type of real numbers"},
    {" ffast-math ", "`--fast-math`"},
    {" q silent s ", "`--quiet`", " train "},
    {" silent quiet q ", "there is nothing to silence: what is printed is "
                         "what was asked for"},
    {" verbose ", "`-v` shows the version and the commands that are run", "  "},
    {" debug ",
     "`--emit=PHASE` prints a phase, `--mlir-print-ir-after-all` "
     "every pass",
     "  "},
    {" s assembly emit-llvm emit-mlir print-ir ",
     "`--emit=llvm` prints the last phase; `objdump -d` shows machine code",
     "  "},
    {" shared ", "a shared library is made by itself; `-c` makes an object",
     "  "},
};

bool has(std::string_view list, const std::string &word) {
  return list.find(" " + word + " ") != std::string_view::npos;
}
} // namespace

std::string tool::guessedOption(std::string_view option,
                                std::string_view verb) {
  option.remove_prefix(std::min(option.find_first_not_of('-'), option.size()));
  std::string name(option);
  for (char &c : name)
    c = c == '_' ? '-' : c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
  for (const Guess &guess : guesses)
    if (has(guess.names, name) &&
        (guess.verbs.empty() || has(guess.verbs, std::string(verb))))
      return std::string(guess.help);
  return {};
}
