// objective.cpp: the LSTM objective of ADBench, as one would write it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   objective DATA LAYERS CHARACTERS SECONDS
//
// DATA holds doubles: for each layer weights and biases of the gates f, i, o,
// g; weights of the input, weights and biases of the output; for each layer the
// first h and c; the bits of every character. Prints the objective and the best
// time of one evaluation in seconds.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <vector>

namespace {
constexpr int bits = 14;

struct Layer {
  double weight[4][bits], bias[4][bits];
};
struct State {
  double h[bits], c[bits];
};

struct Problem {
  std::vector<Layer> layers;
  double in[bits], out[bits], outBias[bits];
  std::vector<State> first;
  std::vector<double> text;
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

void step(const Layer &layer, State &state, double *value) {
  for (int k = 0; k < bits; ++k) {
    double f = sigmoid(value[k] * layer.weight[0][k] + layer.bias[0][k]);
    double i = sigmoid(state.h[k] * layer.weight[1][k] + layer.bias[1][k]);
    double o = sigmoid(value[k] * layer.weight[2][k] + layer.bias[2][k]);
    double g = std::tanh(state.h[k] * layer.weight[3][k] + layer.bias[3][k]);
    state.c[k] = state.c[k] * f + i * g;
    state.h[k] = o * std::tanh(state.c[k]);
    value[k] = state.h[k];
  }
}

double objective(const Problem &problem, int characters) {
  std::vector<State> states = problem.first;
  double total = 0;
  for (int t = 0; t + 1 < characters; ++t) {
    double value[bits], sum = 2;
    for (int k = 0; k < bits; ++k)
      value[k] = problem.text[t * bits + k] * problem.in[k];
    for (size_t l = 0; l < states.size(); ++l)
      step(problem.layers[l], states[l], value);
    for (int k = 0; k < bits; ++k) {
      value[k] = value[k] * problem.out[k] + problem.outBias[k];
      sum += std::exp(value[k]);
    }
    for (int k = 0; k < bits; ++k)
      total += problem.text[(t + 1) * bits + k] * (value[k] - std::log(sum));
  }
  return -total / (bits * (characters - 1.0));
}

template <class T> void read(std::ifstream &file, T *place, size_t count) {
  file.read(reinterpret_cast<char *>(place),
            std::streamsize(count * sizeof(T)));
}
} // namespace

int main(int argc, char **argv) {
  if (argc != 5)
    return 2;
  int layers = std::atoi(argv[2]), characters = std::atoi(argv[3]);
  Problem problem{std::vector<Layer>(layers), {}, {}, {},
                  std::vector<State>(layers), {}};
  problem.text.resize(size_t(characters) * bits);
  std::ifstream file(argv[1], std::ios::binary);
  read(file, problem.layers.data(), problem.layers.size());
  read(file, problem.in, bits);
  read(file, problem.out, bits);
  read(file, problem.outBias, bits);
  read(file, problem.first.data(), problem.first.size());
  read(file, problem.text.data(), problem.text.size());
  if (!file)
    return 2;
  using Clock = std::chrono::steady_clock;
  auto seconds = [](Clock::duration d) {
    return std::chrono::duration<double>(d).count();
  };
  double best = 1e9, value = 0;
  Clock::time_point begin = Clock::now();
  do {
    Clock::time_point start = Clock::now();
    value = objective(problem, characters);
    best = std::min(best, seconds(Clock::now() - start));
  } while (seconds(Clock::now() - begin) < std::atof(argv[4]));
  std::printf("%.17g %.17g\n", value, best);
  return 0;
}
