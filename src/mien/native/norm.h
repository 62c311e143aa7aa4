/* Batch norm with what follows it, in one pass over memory, included by kernels.c:
   y = dropout(pool(rectify(norm(x)))).

   Random numbers are a hash of the position in memory, so that the backward pass draws the same ones again instead of
   reading them: slopes by the position of the input, dropout by that of the output. */

#define ROWS 64

/* Hash of a counter (Wellons' lowbias32, twice): 32 even bits for every index and seed. */
INLINE uvec mix(uvec x) {
  x ^= x >> 16; x *= 0x7feb352du;
  x ^= x >> 15; x *= 0x846ca68bu;
  return x ^ (x >> 16);
}
INLINE uvec draw(uint32_t index, uint64_t seed) {
  uvec lanes;
  for (int i = 0; i < LANES; i++) lanes[i] = i;
  return mix(mix(lanes + index + (uint32_t)seed) ^ (uint32_t)(seed >> 32));
}

/* y = x * scale + shift; the normalised x is (x - mean) * factor. A slope is `lower` + `range` * (24 random bits); a
   value is dropped where 24 random bits are below `threshold`, and multiplied by `keep` elsewhere. */
typedef struct {
  const float *x, *dy, *scale, *shift, *mean, *factor;
  float *y;
  long n, h, w, c;
  float lower, range, keep;
  uint32_t threshold;
  uint64_t slope_seed, dropout_seed;
  int pool, slopes, drop;
} Norm;

INLINE vec slope_at(const Norm *t, long index, const int slopes) {
  vec s = (vec){0} + t->lower;
  if (slopes == RANDOM_SLOPES)
    s += t->range * __builtin_convertvector((ivec)(draw((uint32_t)index, t->slope_seed) >> 8), vec);
  return s;
}
INLINE vec kept(const Norm *t, long index) {
  ivec mask = (ivec)((ivec)(draw((uint32_t)index, t->dropout_seed) >> 8) >= (ivec){0} + (int32_t)t->threshold);
  return choose(mask, (vec){0} + t->keep, (vec){0});
}

INLINE void forward_unit(const Norm *t, long unit, const int pool, const int slopes, const int drop) {
  long c = t->c, across = pool ? t->w / 2 : t->w;
  for (long q = 0; q < across; q++) {
    long to = (unit * across + q) * c;
    long from = pool ? (unit * 2 * t->w + q * 2) * c : to;
    for (long k = 0; k < c; k += LANES) {
      vec a = LOAD(t->scale + k), b = LOAD(t->shift + k), best;
      for (int p = 0; p < (pool ? 4 : 1); p++) {
        long at = from + ((p >> 1) * t->w + (p & 1)) * c + k;
        vec v = LOAD(t->x + at) * a + b;
        v = leak(v, v, slope_at(t, at, slopes), slopes);
        best = p ? larger(best, v) : v;
      }
      if (drop) best *= kept(t, to + k);
      STORE(t->y + to + k, best);
    }
  }
}

/* The gradient of the loss at the normalised, scaled values: g[p], with n[p] the normalised value, for each input p of
   one output. */
INLINE void backward_at(const Norm *t, long from, long to, long k, const int pool, const int slopes, const int drop,
                        vec *g, vec *n) {
  vec a = LOAD(t->scale + k), b = LOAD(t->shift + k), m = LOAD(t->mean + k), f = LOAD(t->factor + k);
  vec d = LOAD(t->dy + to + k), best;
  if (drop) d *= kept(t, to + k);
  ivec which = {0};
  for (int p = 0; p < (pool ? 4 : 1); p++) {
    long at = from + ((p >> 1) * t->w + (p & 1)) * t->c + k;
    vec x = LOAD(t->x + at), v = x * a + b, s = slope_at(t, at, slopes);
    n[p] = (x - m) * f;
    g[p] = leak(v, d, s, slopes);
    if (pool) {
      v = leak(v, v, s, slopes);
      ivec more = (ivec){0} - 1;
      if (p) more = (ivec)(v > best) | (ivec)(v != v);
      best = p ? choose(more, v, best) : v;
      which = (more & p) | (~more & which);
    }
  }
  if (pool)
    for (int p = 0; p < 4; p++) g[p] = (vec)((ivec)g[p] & (ivec)(which == p));
}

/* sums[c] += g, sums[c..] += g * n over one unit */
INLINE void sum_unit(const Norm *t, long unit, float *sums, const int pool, const int slopes, const int drop) {
  long c = t->c, across = pool ? t->w / 2 : t->w;
  for (long q = 0; q < across; q++) {
    long to = (unit * across + q) * c, from = pool ? (unit * 2 * t->w + q * 2) * c : to;
    for (long k = 0; k < c; k += LANES) {
      vec g[4], n[4];
      backward_at(t, from, to, k, pool, slopes, drop, g, n);
      vec s = LOAD(sums + k), r = LOAD(sums + c + k);
      for (int p = 0; p < (pool ? 4 : 1); p++) { s += g[p]; r += g[p] * n[p]; }
      STORE(sums + k, s);
      STORE(sums + c + k, r);
    }
  }
}

/* dx = scale * (g - mean(g) - n * mean(g * n)) */
INLINE void backward_unit(const Norm *t, long unit, const float *means, const int pool, const int slopes,
                          const int drop) {
  long c = t->c, across = pool ? t->w / 2 : t->w;
  for (long q = 0; q < across; q++) {
    long to = (unit * across + q) * c, from = pool ? (unit * 2 * t->w + q * 2) * c : to;
    for (long k = 0; k < c; k += LANES) {
      vec g[4], n[4];
      backward_at(t, from, to, k, pool, slopes, drop, g, n);
      vec a = LOAD(t->scale + k), s = LOAD(means + k), r = LOAD(means + c + k);
      for (int p = 0; p < (pool ? 4 : 1); p++)
        STORE(t->y + from + ((p >> 1) * t->w + (p & 1)) * c + k, a * (g[p] - s - n[p] * r));
    }
  }
}

/* `call` for the variant that `t` asks for: POOL, SLOPES and DROP are constants in it, so that each has a loop without
   branches. */
#define VARIANT(number, call)                                                                         \
  case number: {                                                                                      \
    enum { POOL = (number) >> 1 & 1, SLOPES = (number) >> 2, DROP = (number) & 1 };                   \
    call;                                                                                             \
  } break;
#define PICK_VARIANT(t, call)                                                                         \
  switch ((t)->slopes * 4 + (t)->pool * 2 + (t)->drop) {                                              \
    VARIANT(0, call) VARIANT(1, call) VARIANT(2, call) VARIANT(3, call)                               \
    VARIANT(4, call) VARIANT(5, call) VARIANT(6, call) VARIANT(7, call)                               \
    VARIANT(8, call) VARIANT(9, call) VARIANT(10, call) VARIANT(11, call)                             \
  }

/* mean[c] and biased variance[c] of x [rows][c] */
static int measure(const float *x, long rows, long c, float *mean, float *variance, int threads) {
  double *parts = calloc((size_t)threads * (2 * c + 1), sizeof *parts);
  if (!parts) return 1;
#pragma omp parallel num_threads(threads)
  {
    int me = omp_get_thread_num(), all = omp_get_num_threads();
    double *m = parts + (size_t)me * (2 * c + 1), *q = m + c, *count = q + c;
    long first = rows * me / all, last = rows * (me + 1) / all;
    for (long r0 = first; r0 < last; r0 += ROWS) {
      long some = last - r0 < ROWS ? last - r0 : ROWS;
      double before = *count, after = before + some;
      for (long k = 0; k < c; k += LANES) {
        vec s = {0}, d = {0};
        for (long r = r0; r < r0 + some; r++) s += LOAD(x + r * c + k);
        vec middle = s / (float)some;
        for (long r = r0; r < r0 + some; r++) { vec o = LOAD(x + r * c + k) - middle; d += o * o; }
        for (int i = 0; i < LANES; i++) {
          double delta = middle[i] - m[k + i];
          m[k + i] += delta * some / after;
          q[k + i] += d[i] + delta * delta * before * some / after;
        }
      }
      *count = after;
    }
  }
  double *m = parts, *q = m + c, *count = q + c;
  for (int o = 1; o < threads; o++) {
    double *m2 = parts + (size_t)o * (2 * c + 1), *q2 = m2 + c, some = q2[c];
    if (some == 0) continue;
    double after = *count + some;
    for (long k = 0; k < c; k++) {
      double delta = m2[k] - m[k];
      m[k] += delta * some / after;
      q[k] += q2[k] + delta * delta * *count * some / after;
    }
    *count = after;
  }
  for (long k = 0; k < c; k++) { mean[k] = m[k]; variance[k] = q[k] / *count; }
  free(parts);
  return 0;
}

/* Fill in the coefficients, in room for 3 c floats. */
static void set_up(Norm *t, float *room, const float *gain, const float *bias, const float *mean,
                   const float *variance, double eps) {
  long c = t->c;
  for (long k = 0; k < c; k++) {
    float factor = 1.0 / sqrt(variance[k] + eps);
    room[k] = gain[k] * factor;
    room[c + k] = bias[k] - mean[k] * room[k];
    room[2 * c + k] = factor;
  }
  t->scale = room; t->shift = room + c; t->factor = room + 2 * c; t->mean = mean;
}

/* What the three functions below have in common: the shape of x, and what follows the norm. */
#define EPILOGUE int pool, double lower, double upper, uint64_t slope_seed, double dropout, uint64_t dropout_seed
static Norm describe(long n, long h, long w, long c, EPILOGUE) {
  uint32_t threshold = (uint32_t)(dropout * 16777216.0 + 0.5);
  return (Norm){.n = n, .h = h, .w = w, .c = c, .lower = lower, .range = (upper - lower) / 16777216.0,
                .slope_seed = slope_seed, .dropout_seed = dropout_seed, .threshold = threshold,
                .keep = 1.0 / (1.0 - threshold / 16777216.0), .pool = pool != 0, .drop = dropout > 0.0,
                .slopes = upper > lower ? RANDOM_SLOPES : lower == 0.0 ? NO_SLOPE : ONE_SLOPE};
}

/* With the mean and variance that are given. */
int norm_apply(const float *x, float *y, const float *gain, const float *bias, const float *mean,
               const float *variance, long n, long h, long w, long c, double eps, EPILOGUE, int threads) {
  Norm t = describe(n, h, w, c, pool, lower, upper, slope_seed, dropout, dropout_seed);
  long units = pool ? n * (h / 2) : n * h;
  t.x = x; t.y = y;
  float *room = reserve(3 * c);
  if (!room) return 1;
  set_up(&t, room, gain, bias, mean, variance, eps);
#pragma omp parallel num_threads(threads)
  {
    int me = omp_get_thread_num(), all = omp_get_num_threads();
    long first = units * me / all, last = units * (me + 1) / all;
    PICK_VARIANT(&t, for (long u = first; u < last; u++) forward_unit(&t, u, POOL, SLOPES, DROP))
  }
  free(room);
  return 0;
}

/* With the mean and variance of x, which are returned. */
int norm_forward(const float *x, float *y, const float *gain, const float *bias, float *mean, float *variance,
                 long n, long h, long w, long c, double eps, EPILOGUE, int threads) {
  if (measure(x, n * h * w, c, mean, variance, threads)) return 1;
  return norm_apply(x, y, gain, bias, mean, variance, n, h, w, c, eps, pool, lower, upper, slope_seed, dropout,
                    dropout_seed, threads);
}

int norm_backward(const float *x, const float *dy, float *dx, const float *gain, const float *bias, const float *mean,
                  const float *variance, float *dgain, float *dbias,
                  long n, long h, long w, long c, double eps, EPILOGUE, int threads) {
  Norm t = describe(n, h, w, c, pool, lower, upper, slope_seed, dropout, dropout_seed);
  long units = pool ? n * (h / 2) : n * h;
  t.x = x; t.dy = dy; t.y = dx;
  float *room = reserve((5 + 2 * (size_t)threads) * c);
  double *parts = calloc((size_t)threads * 2 * c, sizeof *parts);
  if (!room || !parts) { free(room); free(parts); return 1; }
  set_up(&t, room, gain, bias, mean, variance, eps);
  float *means = room + 3 * c;
#pragma omp parallel num_threads(threads)
  {
    int me = omp_get_thread_num(), all = omp_get_num_threads();
    long first = units * me / all, last = units * (me + 1) / all;
    float *sums = room + (5 + 2 * me) * c;
    double *total = parts + (size_t)me * 2 * c;
    for (long u = first; u < last; u++) {
      memset(sums, 0, 2 * c * sizeof *sums);
      PICK_VARIANT(&t, sum_unit(&t, u, sums, POOL, SLOPES, DROP))
      for (long k = 0; k < 2 * c; k++) total[k] += sums[k];
    }
#pragma omp barrier
#pragma omp single
    for (long k = 0; k < c; k++) {
      double s = 0, r = 0;
      for (int o = 0; o < all; o++) { s += parts[(size_t)o * 2 * c + k]; r += parts[(size_t)o * 2 * c + c + k]; }
      dbias[k] = s; dgain[k] = r;
      means[k] = s / ((double)n * h * w); means[c + k] = r / ((double)n * h * w);
    }
    PICK_VARIANT(&t, for (long u = first; u < last; u++) backward_unit(&t, u, means, POOL, SLOPES, DROP))
  }
  free(room); free(parts);
  return 0;
}
