// onednn.cpp: a recurrent layer in oneDNN, 2.x or 3.x; driven by
// onednn_peer.py. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   onednn CELL LAYERS DIRECTIONS STEPS BATCH HIDDEN forward|training SECONDS
//   IN
//          OUT
//
// IN holds floats: x [T, B, H], weights of the input and of the state [L, D, H,
// gates, H], biases [L, D, gates, H], of a peephole LSTM its weights [L, D, 3,
// H], the cotangent [T, B, D * H]. OUT gets y; in training dx and the gradients
// of the weights, in the same order and layout. Prints the best time in ms.
#include <dnnl.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <unordered_map>
#include <vector>

namespace {
using namespace dnnl;
using Desc = memory::desc;
using Tag = memory::format_tag;
using Args = std::unordered_map<int, memory>;

// Since 3.0 a primitive's descriptor is made at once.
#if DNNL_VERSION_MAJOR >= 3
#define FORWARD(P, ...) P::primitive_desc(cpu, __VA_ARGS__)
#define BACKWARD(P, HINT, ...) P::primitive_desc(cpu, __VA_ARGS__, HINT)
#else
#define FORWARD(P, ...) P::primitive_desc(P::desc(__VA_ARGS__), cpu)
#define BACKWARD(P, HINT, ...)                                                 \
  P::primitive_desc(P::desc(__VA_ARGS__), cpu, HINT)
#endif

double now() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

// The best time of a call in ms. Short calls are timed several together.
template <typename F> double bestTime(double seconds, F call) {
  call();
  double start = now();
  call();
  int together = std::clamp(int(2e-4 / (now() - start + 1e-9)), 1, 1000);
  double best = 1e30, end = now() + seconds;
  do {
    start = now();
    for (int k = 0; k < together; ++k)
      call();
    best = std::min(best, (now() - start) / together);
  } while (now() < end);
  return 1e3 * best;
}

struct Layer {
  std::string cell;
  memory::dim layers, directions, steps, batch, hidden;

  bool lstm() const { return cell == "lstm" || cell == "peephole"; }
  memory::dim gates() const { return lstm() ? 4 : cell == "gru" ? 3 : 1; }
  rnn_direction direction() const {
    return directions == 2 ? rnn_direction::bidirectional_concat
                           : rnn_direction::unidirectional_left2right;
  }
  static Desc desc(memory::dims sizes, Tag tag) {
    return Desc(sizes, memory::data_type::f32, tag);
  }
  Desc x() const { return desc({steps, batch, hidden}, Tag::tnc); }
  Desc y() const { return desc({steps, batch, hidden * directions}, Tag::tnc); }
  Desc weights(Tag tag) const {
    return desc({layers, directions, hidden, gates(), hidden}, tag);
  }
  Desc bias() const {
    return desc({layers, directions, gates() + (cell == "gru"), hidden},
                Tag::ldgo);
  }
  Desc peephole() const {
    return cell == "peephole" ? desc({layers, directions, 3, hidden}, Tag::ldgo)
                              : Desc();
  }
  Desc state() const {
    return desc({layers, directions, batch, hidden}, Tag::ldnc);
  }
};

class Bench {
public:
  Bench(const Layer &layer, const char *path) : layer(layer) {
    std::ifstream file(path, std::ios::binary);
    auto load = [&](const Desc &desc) {
      memory loaded(desc, cpu);
      file.read(static_cast<char *>(loaded.get_data_handle()), desc.get_size());
      return loaded;
    };
    x = load(layer.x());
    w = load(layer.weights(Tag::ldigo));
    u = load(layer.weights(Tag::ldigo));
    bias = load(layer.bias());
    if (layer.cell == "peephole")
      peephole = load(layer.peephole());
    cotangent = load(layer.y());
    y = memory(layer.y(), cpu);
    zero = cleared(layer.state());
  }

  double forward(double seconds);
  double training(double seconds);
  void write(const char *path) const;

private:
  memory cleared(const Desc &desc) {
    memory made(desc, cpu);
    std::memset(made.get_data_handle(), 0, desc.get_size());
    return made;
  }
  void reorderInto(memory &from, memory &to) {
    reorder(from, to).execute(queue, from, to);
    queue.wait();
  }

  // Without a first state the gradient of U is wrong, so zeros are given.
  Args arguments(memory &packedW, memory &packedU) {
    Args args{{DNNL_ARG_SRC_LAYER, x},
              {DNNL_ARG_SRC_ITER, zero},
              {DNNL_ARG_WEIGHTS_LAYER, packedW},
              {DNNL_ARG_WEIGHTS_ITER, packedU},
              {DNNL_ARG_BIAS, bias},
              {DNNL_ARG_DST_LAYER, y},
              {DNNL_ARG_DST_ITER, cleared(layer.state())}};
    if (layer.lstm()) {
      args[DNNL_ARG_SRC_ITER_C] = zero;
      args[DNNL_ARG_DST_ITER_C] = cleared(layer.state());
    }
    if (layer.cell == "peephole")
      args[DNNL_ARG_WEIGHTS_PEEPHOLE] = peephole;
    return args;
  }

  lstm_forward::primitive_desc lstmForward(prop_kind kind) {
    Desc any = layer.weights(Tag::any), s = layer.state();
    return FORWARD(lstm_forward, kind, layer.direction(), layer.x(), s, s, any,
                   any, layer.peephole(), layer.bias(), layer.y(), s, s);
  }
  lbr_gru_forward::primitive_desc gruForward(prop_kind kind) {
    Desc any = layer.weights(Tag::any), s = layer.state();
    return FORWARD(lbr_gru_forward, kind, layer.direction(), layer.x(), s, any,
                   any, layer.bias(), layer.y(), s);
  }
  vanilla_rnn_forward::primitive_desc rnnForward(prop_kind kind) {
    Desc any = layer.weights(Tag::any), s = layer.state();
    return FORWARD(vanilla_rnn_forward, kind, algorithm::eltwise_tanh,
                   layer.direction(), layer.x(), s, any, any, layer.bias(),
                   layer.y(), s);
  }

  template <typename P, typename PD>
  double timeForward(const PD &desc, double seconds);
  template <typename F, typename B, typename FD, typename BD>
  double timeTraining(const FD &forwardDesc, const BD &backwardDesc,
                      double seconds);

  Layer layer;
  engine cpu{engine::kind::cpu, 0};
  stream queue{cpu};
  memory x, w, u, bias, peephole, cotangent, y, zero;
  std::vector<memory> gradients;
};

template <typename P, typename PD>
double Bench::timeForward(const PD &desc, double seconds) {
  memory packedW(desc.weights_layer_desc(), cpu);
  memory packedU(desc.weights_iter_desc(), cpu);
  reorderInto(w, packedW);
  reorderInto(u, packedU);
  Args args = arguments(packedW, packedU);
  if (desc.workspace_desc().get_size())
    args[DNNL_ARG_WORKSPACE] = memory(desc.workspace_desc(), cpu);
  P primitive(desc);
  return bestTime(seconds, [&] {
    primitive.execute(queue, args);
    queue.wait();
  });
}

// The forward of a training is sometimes faster than that of an inference; the
// better one counts. What is written is the inference's.
double Bench::forward(double seconds) {
  double best = 1e30;
  for (prop_kind kind :
       {prop_kind::forward_training, prop_kind::forward_inference}) {
    double time =
        layer.lstm() ? timeForward<lstm_forward>(lstmForward(kind), seconds / 2)
        : layer.cell == "gru"
            ? timeForward<lbr_gru_forward>(gruForward(kind), seconds / 2)
            : timeForward<vanilla_rnn_forward>(rnnForward(kind), seconds / 2);
    best = std::min(best, time);
  }
  return best;
}

// A step packs the weights for both passes, as an update changes them, and
// clears the gradients, which the backward pass adds to.
template <typename F, typename B, typename FD, typename BD>
double Bench::timeTraining(const FD &forwardDesc, const BD &backwardDesc,
                           double seconds) {
  memory forwardW(forwardDesc.weights_layer_desc(), cpu);
  memory forwardU(forwardDesc.weights_iter_desc(), cpu);
  memory backwardW(backwardDesc.weights_layer_desc(), cpu);
  memory backwardU(backwardDesc.weights_iter_desc(), cpu);
  memory workspace(forwardDesc.workspace_desc(), cpu);
  memory dw(backwardDesc.diff_weights_layer_desc(), cpu);
  memory du(backwardDesc.diff_weights_iter_desc(), cpu);
  memory dx(layer.x(), cpu), dbias(layer.bias(), cpu), dpeephole;
  std::vector<memory> added{dw, du, dbias};

  Args forwardArgs = arguments(forwardW, forwardU);
  Args args = forwardArgs;
  forwardArgs[DNNL_ARG_WORKSPACE] = args[DNNL_ARG_WORKSPACE] = workspace;
  args[DNNL_ARG_WEIGHTS_LAYER] = backwardW;
  args[DNNL_ARG_WEIGHTS_ITER] = backwardU;
  args[DNNL_ARG_DIFF_SRC_LAYER] = dx;
  args[DNNL_ARG_DIFF_DST_LAYER] = cotangent;
  args[DNNL_ARG_DIFF_WEIGHTS_LAYER] = dw;
  args[DNNL_ARG_DIFF_WEIGHTS_ITER] = du;
  args[DNNL_ARG_DIFF_BIAS] = dbias;
  args[DNNL_ARG_DIFF_SRC_ITER] = cleared(layer.state());
  args[DNNL_ARG_DIFF_DST_ITER] = zero;
  if (layer.lstm()) {
    args[DNNL_ARG_DIFF_SRC_ITER_C] = cleared(layer.state());
    args[DNNL_ARG_DIFF_DST_ITER_C] = zero;
  }
  if (layer.cell == "peephole") {
    dpeephole = memory(layer.peephole(), cpu);
    args[DNNL_ARG_DIFF_WEIGHTS_PEEPHOLE] = dpeephole;
    added.push_back(dpeephole);
  }

  F forward(forwardDesc);
  B backward(backwardDesc);
  reorder packs[] = {
      {w, forwardW}, {u, forwardU}, {w, backwardW}, {u, backwardU}};
  double best = bestTime(seconds, [&] {
    packs[0].execute(queue, w, forwardW);
    packs[1].execute(queue, u, forwardU);
    packs[2].execute(queue, w, backwardW);
    packs[3].execute(queue, u, backwardU);
    forward.execute(queue, forwardArgs);
    for (memory &gradient : added)
      std::memset(gradient.get_data_handle(), 0,
                  gradient.get_desc().get_size());
    backward.execute(queue, args);
    queue.wait();
  });

  memory plainW(layer.weights(Tag::ldigo), cpu);
  memory plainU(layer.weights(Tag::ldigo), cpu);
  reorderInto(dw, plainW);
  reorderInto(du, plainU);
  gradients = {dx, plainW, plainU, dbias};
  if (layer.cell == "peephole")
    gradients.push_back(dpeephole);
  return best;
}

double Bench::training(double seconds) {
  const prop_kind kind = prop_kind::forward_training;
  const prop_kind back = prop_kind::backward;
  Desc any = layer.weights(Tag::any), s = layer.state(), b = layer.bias();
  Desc in = layer.x(), out = layer.y(), p = layer.peephole();
  if (layer.lstm()) {
    auto forward = lstmForward(kind);
    auto backward =
        BACKWARD(lstm_backward, forward, back, layer.direction(), in, s, s, any,
                 any, p, b, out, s, s, in, s, s, any, any, p, b, out, s, s);
    return timeTraining<lstm_forward, lstm_backward>(forward, backward,
                                                     seconds);
  }
  if (layer.cell == "gru") {
    auto forward = gruForward(kind);
    auto backward =
        BACKWARD(lbr_gru_backward, forward, back, layer.direction(), in, s, any,
                 any, b, out, s, in, s, any, any, b, out, s);
    return timeTraining<lbr_gru_forward, lbr_gru_backward>(forward, backward,
                                                           seconds);
  }
  auto forward = rnnForward(kind);
  auto backward = BACKWARD(vanilla_rnn_backward, forward, back,
                           algorithm::eltwise_tanh, layer.direction(), in, s,
                           any, any, b, out, s, in, s, any, any, b, out, s);
  return timeTraining<vanilla_rnn_forward, vanilla_rnn_backward>(
      forward, backward, seconds);
}

void Bench::write(const char *path) const {
  std::ofstream file(path, std::ios::binary);
  auto put = [&](const memory &value) {
    file.write(static_cast<const char *>(value.get_data_handle()),
               value.get_desc().get_size());
  };
  put(y);
  for (const memory &gradient : gradients)
    put(gradient);
}
} // namespace

int main(int argc, char **argv) {
  if (argc != 11)
    return std::fprintf(stderr, "usage: see the source\n"), 2;
  Layer layer{argv[1],       atol(argv[2]), atol(argv[3]),
              atol(argv[4]), atol(argv[5]), atol(argv[6])};
  try {
    Bench bench(layer, argv[9]);
    bool training = !std::strcmp(argv[7], "training");
    double seconds = atof(argv[8]);
    double best = training ? bench.training(seconds) : bench.forward(seconds);
    bench.write(argv[10]);
    std::printf("%.9g\n", best);
  } catch (const error &failure) {
    return std::fprintf(stderr, "oneDNN: %s\n", failure.what()), 1;
  }
}
