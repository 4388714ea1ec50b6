// kernels.cu: kernels of the kinds that models need, in CUDA C++. kernels.ptx is
// what nvcc made of them; kernels.py runs both.
//   nvcc -ptx -arch=sm_80 kernels.cu -o kernels.ptx
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <cuda_bf16.h>
#include <stdint.h>

#define KERNEL extern "C" __global__ void

KERNEL saxpy(float a, const float *x, float *y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    y[i] = fmaf(a, x[i], y[i]);
}

/// Four numbers a thread; n is a multiple of 4.
KERNEL scale(const float *__restrict__ x, float *__restrict__ y, int n) {
  int i = (blockIdx.x * blockDim.x + threadIdx.x) * 4;
  if (i >= n)
    return;
  float4 v = *reinterpret_cast<const float4 *>(x + i);
  v.x *= 2, v.y *= 3, v.z *= 4, v.w *= 5;
  *reinterpret_cast<float4 *>(y + i) = v;
}

/// C = A B, tiles of 16 × 16, ragged edges.
KERNEL matmul(const float *a, const float *b, float *c, int m, int n, int k) {
  __shared__ float ta[16][16], tb[16][16];
  int tx = threadIdx.x, ty = threadIdx.y;
  int row = blockIdx.y * 16 + ty, column = blockIdx.x * 16 + tx;
  float sum = 0;
  for (int at = 0; at < k; at += 16) {
    ta[ty][tx] = row < m && at + tx < k ? a[row * k + at + tx] : 0;
    tb[ty][tx] = column < n && at + ty < k ? b[(at + ty) * n + column] : 0;
    __syncthreads();
    for (int i = 0; i < 16; ++i)
      sum = fmaf(ta[ty][i], tb[i][tx], sum);
    __syncthreads();
  }
  if (row < m && column < n)
    c[row * n + column] = sum;
}

__device__ float sigmoid(float x) { return 1 / (1 + expf(-x)); }

/// Gates [batch, 3 units] of input and state, before their functions.
KERNEL gru_cell(const float *gx, const float *gh, const float *h, float *out,
                int batch, int units) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= batch * units)
    return;
  int b = i / units, u = i % units, at = b * 3 * units + u;
  float r = sigmoid(gx[at] + gh[at]);
  float z = sigmoid(gx[at + units] + gh[at + units]);
  float n = tanhf(gx[at + 2 * units] + r * gh[at + 2 * units]);
  out[i] = (1 - z) * n + z * h[i];
}

/// A whole sequence in one block for each row of the batch: R [4 units, units]
/// in shared memory, gx [steps, batch, 4 units].
KERNEL lstm_seq(const float *gx, const float *r, float *y, int steps, int batch,
                int units) {
  extern __shared__ float shared[];
  float *weights = shared, *h = weights + 4 * units * units, *gates = h + units;
  int t = threadIdx.x, b = blockIdx.x;
  for (int i = t; i < 4 * units * units; i += blockDim.x)
    weights[i] = r[i];
  if (t < units)
    h[t] = 0;
  float c = 0;
  __syncthreads();
  for (int step = 0; step < steps; ++step) {
    float sum = gx[(step * batch + b) * 4 * units + t];
    for (int k = 0; k < units; ++k)
      sum = fmaf(weights[t * units + k], h[k], sum);
    gates[t] = sum;
    __syncthreads();
    if (t < units) {
      c = sigmoid(gates[units + t]) * c +
          sigmoid(gates[t]) * tanhf(gates[2 * units + t]);
      h[t] = sigmoid(gates[3 * units + t]) * tanhf(c);
      y[(step * batch + b) * units + t] = h[t];
    }
    __syncthreads();
  }
}

/// A cooperative grid; a warp for each unit, its row of R in registers, one
/// barrier a step. h has two buffers; `arrived` is 0 before.
KERNEL rnn_persist(const float *gx, const float *r, float *h, float *y,
                   unsigned *arrived, int steps) {
  constexpr int kUnits = 64;
  int lane = threadIdx.x % 32;
  int unit = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  float w0 = r[unit * kUnits + lane], w1 = r[unit * kUnits + 32 + lane];
  for (int step = 0; step < steps; ++step) {
    const float *before = h + (step & 1) * kUnits;
    float sum = w0 * before[lane] + w1 * before[lane + 32];
    for (int by = 16; by; by /= 2)
      sum += __shfl_xor_sync(0xffffffffu, sum, by);
    if (lane == 0) {
      float value = tanhf(gx[step * kUnits + unit] + sum);
      h[((step + 1) & 1) * kUnits + unit] = value;
      y[step * kUnits + unit] = value;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      unsigned target = (step + 1) * gridDim.x, seen;
      asm volatile("fence.acq_rel.gpu;" ::: "memory");
      asm volatile("red.relaxed.gpu.global.add.u32 [%0], 1;" ::"l"(arrived)
                   : "memory");
      do
        asm volatile("ld.acquire.gpu.global.u32 %0, [%1];"
                     : "=r"(seen)
                     : "l"(arrived)
                     : "memory");
      while (seen < target);
    }
    __syncthreads();
  }
}

/// Sums of rows: warps, then shared memory.
KERNEL row_sums(const float *x, float *sums, int columns) {
  __shared__ float parts[8];
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  float sum = 0;
  for (int i = threadIdx.x; i < columns; i += blockDim.x)
    sum += x[blockIdx.x * columns + i];
  for (int by = 16; by; by /= 2)
    sum += __shfl_down_sync(0xffffffffu, sum, by);
  if (lane == 0)
    parts[warp] = sum;
  __syncthreads();
  if (threadIdx.x < 8) {
    sum = parts[threadIdx.x];
    for (int by = 4; by; by /= 2)
      sum += __shfl_down_sync(0xffu, sum, by);
    if (threadIdx.x == 0)
      sums[blockIdx.x] = sum;
  }
}

/// Counts in shared memory, then in global memory.
KERNEL histogram(const int *x, int *counts, int n) {
  __shared__ int mine[16];
  if (threadIdx.x < 16)
    mine[threadIdx.x] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n;
       i += gridDim.x * blockDim.x)
    atomicAdd(&mine[x[i] & 15], 1);
  __syncthreads();
  if (threadIdx.x < 16)
    atomicAdd(&counts[threadIdx.x], mine[threadIdx.x]);
}

/// Four tiles of 128 numbers through two buffers of shared memory.
KERNEL pipeline(const float *x, float *y) {
  __shared__ __align__(16) float tiles[2][128];
  int t = threadIdx.x;
  auto fetch = [&](int tile) {
    unsigned to = unsigned(__cvta_generic_to_shared(&tiles[tile & 1][4 * t]));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to),
                 "l"(x + tile * 128 + 4 * t)
                 : "memory");
    asm volatile("cp.async.commit_group;" ::: "memory");
  };
  fetch(0);
  for (int tile = 0; tile < 4; ++tile) {
    if (tile < 3) {
      fetch(tile + 1);
      asm volatile("cp.async.wait_group 1;" ::: "memory");
    } else {
      asm volatile("cp.async.wait_group 0;" ::: "memory");
    }
    __syncthreads();
    for (int k = 0; k < 4; ++k)
      y[tile * 128 + t + 32 * k] = tiles[tile & 1][127 - t - 32 * k];
    __syncthreads();
  }
}

/// D = A B + C with bf16: 16 × 8 × 16, fragments straight from memory.
KERNEL mma_bf16(const uint32_t *a, const uint32_t *b, float *d) {
  int g = threadIdx.x / 4, t = threadIdx.x % 4;
  uint32_t a0 = a[g * 8 + t], a1 = a[(g + 8) * 8 + t];
  uint32_t a2 = a[g * 8 + t + 4], a3 = a[(g + 8) * 8 + t + 4];
  uint32_t b0 = b[g * 8 + t], b1 = b[g * 8 + t + 4]; // B, columns first
  float c[4] = {};
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, "
      "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
  d[g * 8 + 2 * t] = c[0], d[g * 8 + 2 * t + 1] = c[1];
  d[(g + 8) * 8 + 2 * t] = c[2], d[(g + 8) * 8 + 2 * t + 1] = c[3];
}
