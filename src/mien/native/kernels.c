/* The hot loops of training on a CPU, in float32 with channels last in memory: (N, H, W, C), C a multiple of 32, or at
   most 8 where a convolution begins.

   convolve, convolve_weights: a 3x3 convolution with stride 1 and zeros around it, on request with the epilogue of a
   batch norm that is folded into its weights; and the gradient of the weights. The algorithm is that of Lavin and Gray
   2016 ("Fast Algorithms for Convolutional Neural Networks"): 36 instead of 144 multiplications for a tile of 4x4, 64
   instead of 324 for one of 6x6, whichever is less for the whole map. A block of tiles is transformed, multiplied and
   transformed back while it lies in the cache. Few channels are multiplied directly.
   norm_forward, norm_apply, norm_backward (norm.h): batch norm, rectifier, 2x2 max-pool and dropout in one pass over
   memory.

   docs/compiled-loops.md derives the transforms. Each thread takes a fixed share, so that the same number of threads
   gives the same bits. Every function returns 0, or 1 where memory is short. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#ifdef _OPENMP
#include <omp.h>
#else
static int omp_get_thread_num(void) { return 0; }
static int omp_get_num_threads(void) { return 1; }
#endif

/* Floats in a vector: 8 or 16. The widest that the processor has, unless the compiler is told (-DLANES=8). */
#ifndef LANES
#ifdef __AVX512F__
#define LANES 16
#else
#define LANES 8
#endif
#endif
#define NR (2 * LANES)
#define MR 6
#define PAD 16
typedef float vec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef int32_t ivec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef uint32_t uvec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
#define LOAD(p) (*(const vec *)(p))
#define STORE(p, v) (*(vec *)(p) = (v))

#define INLINE static inline __attribute__((always_inline))

INLINE vec choose(ivec mask, vec yes, vec no) { return (vec)((mask & (ivec)yes) | (~mask & (ivec)no)); }
INLINE vec larger(vec a, vec b) { return choose((ivec)(b > a) | (ivec)(b != b), b, a); } /* NaN wins, as in torch */

typedef struct { long n, h, w, ci, co; } Shape;

/* Slopes below zero: those of ReLU, the same everywhere, or drawn. */
enum { NO_SLOPE, ONE_SLOPE, RANDOM_SLOPES };

/* `value`, which is v or its gradient; where v is below zero, times the slope. ReLU gives 0: -inf * 0 would be NaN. */
INLINE vec leak(vec v, vec value, vec slope, const int slopes) {
  if (slopes == NO_SLOPE) return (vec)((ivec)value & ~(ivec)(v <= 0.0f));
  return choose((ivec)(v > 0.0f), value, value * slope);
}

/* What follows a convolution: nothing where `shift` is NULL. Otherwise shift[c] is added, a value below zero times
   `slope`, and with `pool` the largest of each 2x2 kept (h and w even); without `pool`, `residual` is added to that
   if it is not NULL: it has the shape of the result. */
typedef struct { const float *shift, *residual; float slope; int pool; } Epilogue;
INLINE vec rectify(vec v, vec shift, float slope, const int slopes) {
  v += shift;
  return leak(v, v, (vec){0} + slope, slopes);
}

/* c[MR][NR] = sum over k of a[row][k] * b[k][NR] */
static inline void multiply(const float *restrict a, long lda, const float *restrict b, long depth,
                            float *restrict c, long ldc) {
  vec s[MR][2];
  for (int i = 0; i < MR; i++) s[i][0] = s[i][1] = (vec){0};
  for (long k = 0; k < depth; k++) {
    vec b0 = LOAD(b + k * NR), b1 = LOAD(b + k * NR + LANES);
#pragma GCC unroll 6
    for (int i = 0; i < MR; i++) {
      float v = a[i * lda + k];
      s[i][0] += v * b0;
      s[i][1] += v * b1;
    }
  }
  for (int i = 0; i < MR; i++) {
    STORE(c + i * ldc, s[i][0]);
    STORE(c + i * ldc + LANES, s[i][1]);
  }
}

/* c[MR][NR] += sum over p of a[p][MR] * b[p][NR] */
static inline void outer(const float *restrict a, long lda, const float *restrict b, long ldb, long depth,
                         float *restrict c, long ldc) {
  vec s[MR][2];
  for (int i = 0; i < MR; i++) {
    s[i][0] = LOAD(c + i * ldc);
    s[i][1] = LOAD(c + i * ldc + LANES);
  }
  for (long p = 0; p < depth; p++) {
    vec b0 = LOAD(b + p * ldb), b1 = LOAD(b + p * ldb + LANES);
#pragma GCC unroll 6
    for (int i = 0; i < MR; i++) {
      float v = a[p * lda + i];
      s[i][0] += v * b0;
      s[i][1] += v * b1;
    }
  }
  for (int i = 0; i < MR; i++) {
    STORE(c + i * ldc, s[i][0]);
    STORE(c + i * ldc + LANES, s[i][1]);
  }
}

static float *reserve(size_t floats) { return aligned_alloc(64, (floats * 4 + 64 + 63) / 64 * 64); }

/* Tiles of 4x4: F(4x4, 3x3), points 0, 1, -1, 2, -2. */
static const float G4[6][3] = {{1.0f / 4, 0, 0}, {-1.0f / 6, -1.0f / 6, -1.0f / 6}, {-1.0f / 6, 1.0f / 6, -1.0f / 6},
                               {1.0f / 24, 1.0f / 12, 1.0f / 6}, {1.0f / 24, -1.0f / 12, 1.0f / 6}, {0, 0, 1}};
INLINE void transform_input4(const vec *d, vec *o) {
  vec a = d[4] - 4.0f * d[2], b = d[3] - 4.0f * d[1], c = d[4] - d[2], e = 2.0f * (d[3] - d[1]);
  o[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
  o[1] = a + b; o[2] = a - b;
  o[3] = c + e; o[4] = c - e;
  o[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
}
INLINE void transform_output4(const vec *m, vec *o) {
  vec p = m[1] + m[2], q = m[1] - m[2], r = m[3] + m[4], u = m[3] - m[4];
  o[0] = m[0] + p + r;
  o[1] = q + 2.0f * u;
  o[2] = p + 4.0f * r;
  o[3] = q + 8.0f * u + m[5];
}
INLINE void transform_gradient4(const vec *d, vec *o) {
  vec p = d[0] + d[2], q = d[1] + d[3], r = d[0] + 4.0f * d[2], u = 2.0f * d[1] + 8.0f * d[3];
  o[0] = d[0];
  o[1] = p + q; o[2] = p - q;
  o[3] = r + u; o[4] = r - u;
  o[5] = d[3];
}
#define IN 6
#define OUT 4
#define NAME(it) it##_4
#define INPUT_TRANSFORM transform_input4
#define OUTPUT_TRANSFORM transform_output4
#define GRADIENT_TRANSFORM transform_gradient4
#define KERNEL G4
#include "winograd.h"
#undef IN
#undef OUT
#undef NAME
#undef INPUT_TRANSFORM
#undef OUTPUT_TRANSFORM
#undef GRADIENT_TRANSFORM
#undef KERNEL

/* Tiles of 6x6: F(6x6, 3x3), points 0, 1, -1, 2, -2, 1/2, -1/2. */
static const float G6[8][3] = {{1, 0, 0}, {-2.0f / 9, -2.0f / 9, -2.0f / 9}, {-2.0f / 9, 2.0f / 9, -2.0f / 9},
                               {1.0f / 90, 1.0f / 45, 2.0f / 45}, {1.0f / 90, -1.0f / 45, 2.0f / 45},
                               {32.0f / 45, 16.0f / 45, 8.0f / 45}, {32.0f / 45, -16.0f / 45, 8.0f / 45}, {0, 0, 1}};
INLINE void transform_input6(const vec *d, vec *o) {
  vec a = d[2] + d[6] - 4.25f * d[4], b = d[1] + d[5] - 4.25f * d[3];
  vec c = 0.25f * d[2] - 1.25f * d[4] + d[6], e = 0.5f * d[1] - 2.5f * d[3] + 2.0f * d[5];
  vec f = 4.0f * d[2] - 5.0f * d[4] + d[6], g = 2.0f * d[1] - 2.5f * d[3] + 0.5f * d[5];
  o[0] = d[0] - d[6] + 5.25f * (d[4] - d[2]);
  o[1] = a + b; o[2] = a - b;
  o[3] = c + e; o[4] = c - e;
  o[5] = f + g; o[6] = f - g;
  o[7] = d[7] - d[1] + 5.25f * (d[3] - d[5]);
}
INLINE void transform_output6(const vec *m, vec *o) {
  vec p = m[1] + m[2], q = m[1] - m[2], r = m[3] + m[4], u = m[3] - m[4], s = m[5] + m[6], w = m[5] - m[6];
  o[0] = m[0] + p + r + s;
  o[1] = q + 2.0f * u + 0.5f * w;
  o[2] = p + 4.0f * r + 0.25f * s;
  o[3] = q + 8.0f * u + 0.125f * w;
  o[4] = p + 16.0f * r + 0.0625f * s;
  o[5] = q + 32.0f * u + 0.03125f * w + m[7];
}
INLINE void transform_gradient6(const vec *d, vec *o) {
  vec a = d[0] + d[2] + d[4], b = d[1] + d[3] + d[5];
  vec c = d[0] + 4.0f * d[2] + 16.0f * d[4], e = 2.0f * d[1] + 8.0f * d[3] + 32.0f * d[5];
  vec f = d[0] + 0.25f * d[2] + 0.0625f * d[4], g = 0.5f * d[1] + 0.125f * d[3] + 0.03125f * d[5];
  o[0] = d[0];
  o[1] = a + b; o[2] = a - b;
  o[3] = c + e; o[4] = c - e;
  o[5] = f + g; o[6] = f - g;
  o[7] = d[5];
}
#define IN 8
#define OUT 6
#define NAME(it) it##_6
#define INPUT_TRANSFORM transform_input6
#define OUTPUT_TRANSFORM transform_output6
#define GRADIENT_TRANSFORM transform_gradient6
#define KERNEL G6
#include "winograd.h"

/* Whether tiles of 6x6 take fewer multiplications than tiles of 4x4: 36 instead of `worth` at least. */
static int takes_six(long h, long w, long worth) {
  return 64 * ((h + 5) / 6) * ((w + 5) / 6) * worth < 36 * 36 * ((h + 3) / 4) * ((w + 3) / 4);
}

/* What a convolution with few channels shows to the kernels at each of the w places of row y: columns[w][9 ci], zeros
   around. The three places of a row lie side by side in memory. */
INLINE void gather_places(const float *image, Shape s, long y, float *columns, long stride, const long ci) {
  for (int a = 0; a < 3; a++) {
    long i = y + a - 1;
    for (long x = 0; x < s.w; x++) {
      float *to = columns + x * stride + a * 3 * ci;
      if (i < 0 || i >= s.h) memset(to, 0, 3 * ci * sizeof *to);
      else if (x > 0 && x + 1 < s.w) memcpy(to, image + (i * s.w + x - 1) * ci, 3 * ci * sizeof *to);
      else
        for (int b = 0; b < 3; b++) {
          long j = x + b - 1;
          if (j < 0 || j >= s.w) memset(to + b * ci, 0, ci * sizeof *to);
          else memcpy(to + b * ci, image + (i * s.w + j) * ci, ci * sizeof *to);
        }
    }
  }
}
static void gather_row(const float *image, Shape s, long y, float *columns, long stride) {
  if (s.ci == 4) gather_places(image, s, y, columns, stride, 4); /* an unshuffled face: a known length */
  else gather_places(image, s, y, columns, stride, s.ci);
}

/* `convolve` for few channels, such as the first layer's: one product for each row. */
static int convolve_few(const float *x, const float *w, float *y, Shape s, Epilogue f, int threads) {
  long depth = 9 * s.ci, room = (s.w + MR - 1) / MR * MR, at_once = f.pool ? 2 : 1, units = s.n * s.h / at_once;
  size_t each = room * depth + at_once * room * s.co;
  float *panels = reserve(depth * s.co), *scratch = reserve(each * threads);
  if (!panels || !scratch) { free(panels); free(scratch); return 1; }
  for (long k = 0; k < s.co; k++)
    for (long d = 0; d < depth; d++) panels[(k / NR) * depth * NR + d * NR + k % NR] = w[d * s.co + k];
#pragma omp parallel num_threads(threads)
  {
    int me = omp_get_thread_num(), all = omp_get_num_threads();
    float *columns = scratch + each * me, *found = columns + room * depth;
    memset(columns, 0, room * depth * sizeof *columns);
    for (long unit = units * me / all; unit < units * (me + 1) / all; unit++) {
      for (long r = 0; r < at_once; r++) {
        long row = unit * at_once + r;
        gather_row(x + row / s.h * s.h * s.w * s.ci, s, row % s.h, columns, depth);
        for (long k = 0; k < s.co; k += NR)
          for (long b = 0; b < room; b += MR)
            multiply(columns + b * depth, depth, panels + k * depth, depth, found + (r * room + b) * s.co + k, s.co);
      }
      float *to = y + unit * (s.w / at_once) * s.co;
      for (long b = 0; b < s.w; b += at_once)
        for (long k = 0; k < s.co; k += LANES) {
          vec best = {0};
          for (long p = 0; p < at_once * at_once; p++) {
            vec v = LOAD(found + ((p / at_once) * room + b + p % at_once) * s.co + k);
            if (f.shift) v = rectify(v, LOAD(f.shift + k), f.slope, f.slope == 0.0f ? NO_SLOPE : ONE_SLOPE);
            best = p ? larger(best, v) : v;
          }
          if (f.residual) best += LOAD(f.residual + (to - y) + b / at_once * s.co + k);
          STORE(to + b / at_once * s.co + k, best);
        }
    }
  }
  free(panels); free(scratch);
  return 0;
}

/* `convolve_weights` for few channels. */
static int convolve_weights_few(const float *x, const float *dy, float *dw, Shape s, int threads) {
  long depth = 9 * s.ci, room = (depth + MR - 1) / MR * MR, units = s.n * s.h;
  size_t plane = room * s.co, each = s.w * room + plane;
  float *scratch = reserve(each * threads);
  if (!scratch) return 1;
  int used = 1;
#pragma omp parallel num_threads(threads)
  {
    int me = omp_get_thread_num(), all = omp_get_num_threads();
    if (me == 0) used = all;
    float *sums = scratch + each * me, *columns = sums + plane;
    memset(sums, 0, each * sizeof *sums);
    for (long unit = units * me / all; unit < units * (me + 1) / all; unit++) {
      gather_row(x + unit / s.h * s.h * s.w * s.ci, s, unit % s.h, columns, room);
      for (long k = 0; k < s.co; k += NR)
        for (long i = 0; i < depth; i += MR)
          outer(columns + i, room, dy + unit * s.w * s.co + k, s.co, s.w, sums + k * room + i * NR, NR);
    }
  }
  for (long d = 0; d < depth; d++)
    for (long k = 0; k < s.co; k++) {
      float total = 0.0f;
      for (int o = 0; o < used; o++) total += scratch[each * o + k / NR * NR * room + d * NR + k % NR];
      dw[d * s.co + k] = total;
    }
  free(scratch);
  return 0;
}

/* The number of tiles in a block, here and below: so many that kernels are reused, so few that they stay in the
   cache. */
int convolve(const float *x, const float *w, float *y, long n, long height, long width, long ci, long co,
             const float *shift, const float *residual, double slope, int pool, int threads) {
  int is_wide = ci * co > 128 * 128;
  Shape s = {n, height, width, ci, co};
  Epilogue f = {shift, residual, slope, pool};
  if (ci % NR) return convolve_few(x, w, y, s, f, threads);
  return takes_six(height, width, 36) ? convolve_6(x, w, y, s, f, is_wide ? 48 : 12, threads)
                                      : convolve_4(x, w, y, s, f, is_wide ? 48 : 24, threads);
}

/* Sums of wide kernels for tiles of 6x6 leave the cache, so that there has to be more to gain. */
int convolve_weights(const float *x, const float *dy, float *dw, long n, long height, long width, long ci, long co,
                     int threads) {
  Shape s = {n, height, width, ci, co};
  if (ci % NR) return convolve_weights_few(x, dy, dw, s, threads);
  long block = ci * co > 128 * 128 ? 96 : 48, blocks = n * ((height + 3) / 4) * ((width + 3) / 4) / block;
  if (threads > blocks) threads = blocks > 1 ? blocks : 1; /* each one sums kernels of its own: much for few tiles */
  return takes_six(height, width, ci * co > 64 * 128 ? 54 : 36) ? convolve_weights_6(x, dy, dw, s, block, threads)
                                                                : convolve_weights_4(x, dy, dw, s, block, threads);
}

#include "norm.h"
