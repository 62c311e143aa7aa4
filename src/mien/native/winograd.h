/* The convolution for one size of tile, included by kernels.c once for each: OUT outputs of a row from IN inputs, by
   the transforms INPUT_TRANSFORM (B^T), OUTPUT_TRANSFORM (A^T), GRADIENT_TRANSFORM (A) and KERNEL (G) of Lavin and
   Gray 2016. docs/compiled-loops.md derives them. */

#define POINTS (IN * IN)

static void NAME(gather_tile)(const float *image, Shape s, long c, long y0, long x0, float *out, size_t stride) {
  const vec zero = {0};
  for (long k = 0; k < c; k += LANES) {
    vec t[IN][IN];
    for (int j = 0; j < IN; j++) {
      long x = x0 + j;
      vec d[IN], o[IN];
      for (int i = 0; i < IN; i++) {
        long y = y0 + i;
        d[i] = (y < 0 || y >= s.h || x < 0 || x >= s.w) ? zero : LOAD(image + (y * s.w + x) * c + k);
      }
      INPUT_TRANSFORM(d, o);
      for (int i = 0; i < IN; i++) t[i][j] = o[i];
    }
    for (int i = 0; i < IN; i++) {
      vec o[IN];
      INPUT_TRANSFORM(t[i], o);
      for (int j = 0; j < IN; j++) STORE(out + (size_t)(i * IN + j) * stride + k, o[j]);
    }
  }
}

INLINE void NAME(scatter_any)(const float *in, size_t stride, Shape s, long c, long y0, long x0, float *image,
                              Epilogue f, const int slopes, const int pool, const int adds) {
  for (long k = 0; k < c; k += LANES) {
    vec t[OUT][IN], above[OUT];
    for (int j = 0; j < IN; j++) {
      vec m[IN], o[OUT];
      for (int i = 0; i < IN; i++) m[i] = LOAD(in + (size_t)(i * IN + j) * stride + k);
      OUTPUT_TRANSFORM(m, o);
      for (int i = 0; i < OUT; i++) t[i][j] = o[i];
    }
    for (int i = 0; i < OUT && y0 + i < s.h; i++) {
      vec o[OUT];
      OUTPUT_TRANSFORM(t[i], o);
      for (int j = 0; j < OUT && slopes >= 0; j++) o[j] = rectify(o[j], LOAD(f.shift + k), f.slope, slopes);
      if (!pool)
        for (int j = 0; j < OUT && x0 + j < s.w; j++) {
          long at = ((y0 + i) * s.w + x0 + j) * c + k;
          if (adds) o[j] += LOAD(f.residual + at);
          STORE(image + at, o[j]);
        }
      else
        for (int j = 0; j < OUT; j += 2) {
          vec best = larger(o[j], o[j + 1]);
          if (i % 2 == 0) above[j] = best;
          else if (x0 + j < s.w)
            STORE(image + ((y0 + i) / 2 * (s.w / 2) + (x0 + j) / 2) * c + k, larger(above[j], best));
        }
    }
  }
}

static void NAME(scatter_tile)(const float *in, size_t stride, Shape s, long c, long y0, long x0, float *image,
                               Epilogue f) {
  /* Constants, so that each has a loop without branches; slopes are -1 where nothing follows. */
  int is_relu = f.slope == 0.0f;
  if (!f.shift) NAME(scatter_any)(in, stride, s, c, y0, x0, image, f, -1, 0, 0);
  else if (f.pool && is_relu) NAME(scatter_any)(in, stride, s, c, y0, x0, image, f, NO_SLOPE, 1, 0);
  else if (f.pool) NAME(scatter_any)(in, stride, s, c, y0, x0, image, f, ONE_SLOPE, 1, 0);
  else if (f.residual && is_relu) NAME(scatter_any)(in, stride, s, c, y0, x0, image, f, NO_SLOPE, 0, 1);
  else if (f.residual) NAME(scatter_any)(in, stride, s, c, y0, x0, image, f, ONE_SLOPE, 0, 1);
  else if (is_relu) NAME(scatter_any)(in, stride, s, c, y0, x0, image, f, NO_SLOPE, 0, 0);
  else NAME(scatter_any)(in, stride, s, c, y0, x0, image, f, ONE_SLOPE, 0, 0);
}

static void NAME(gather_gradient)(const float *image, Shape s, long c, long y0, long x0, float *out,
                                  size_t stride) {
  const vec zero = {0};
  for (long k = 0; k < c; k += LANES) {
    vec t[IN][OUT];
    for (int j = 0; j < OUT; j++) {
      long x = x0 + j;
      vec d[OUT], o[IN];
      for (int i = 0; i < OUT; i++)
        d[i] = (y0 + i >= s.h || x >= s.w) ? zero : LOAD(image + ((y0 + i) * s.w + x) * c + k);
      GRADIENT_TRANSFORM(d, o);
      for (int i = 0; i < IN; i++) t[i][j] = o[i];
    }
    for (int i = 0; i < IN; i++) {
      vec o[IN];
      GRADIENT_TRANSFORM(t[i], o);
      for (int j = 0; j < IN; j++) STORE(out + (size_t)(i * IN + j) * stride + k, o[j]);
    }
  }
}

/* weights [9][ci][co] -> [POINTS][co / NR][ci][NR] */
static void NAME(spread_weights)(const float *w, Shape s, float *u, int threads) {
  size_t plane = (size_t)s.ci * s.co;
#pragma omp parallel for schedule(static) num_threads(threads)
  for (long i = 0; i < s.ci; i++)
    for (long k = 0; k < s.co; k += LANES) {
      vec t[IN][3];
      for (int b = 0; b < 3; b++) {
        const float *from = w + b * plane + i * s.co + k;
        vec w0 = LOAD(from), w1 = LOAD(from + 3 * plane), w2 = LOAD(from + 6 * plane);
        for (int a = 0; a < IN; a++) t[a][b] = KERNEL[a][0] * w0 + KERNEL[a][1] * w1 + KERNEL[a][2] * w2;
      }
      float *to = u + (k / NR) * s.ci * NR + i * NR + k % NR;
      for (int a = 0; a < IN; a++)
        for (int b = 0; b < IN; b++)
          STORE(to + (a * IN + b) * plane, KERNEL[b][0] * t[a][0] + KERNEL[b][1] * t[a][1] + KERNEL[b][2] * t[a][2]);
    }
}

/* y [n][h][w][co] = 3x3 correlation of x [n][h][w][ci] with w [9][ci][co], zeros around, then what `f` says */
static int NAME(convolve)(const float *x, const float *w, float *y, Shape s, Epilogue f, long block, int threads) {
  long n = s.n, h = s.h, wd = s.w, ci = s.ci, co = s.co;
  long th = (h + OUT - 1) / OUT, tw = (wd + OUT - 1) / OUT, tiles = n * th * tw;
  long room = (block + MR - 1) / MR * MR, area = f.pool ? (h / 2) * (wd / 2) : h * wd;
  size_t lv = room * ci + PAD, lm = room * co + PAD, each = POINTS * (lv + lm);
  float *u = reserve((size_t)POINTS * ci * co), *scratch = reserve(each * threads);
  if (!u || !scratch) { free(u); free(scratch); return 1; }
  NAME(spread_weights)(w, s, u, threads);
#pragma omp parallel num_threads(threads)
  {
    int me = omp_get_thread_num(), all = omp_get_num_threads();
    float *v = scratch + each * me, *m = v + POINTS * lv;
    long first = tiles * me / all, last = tiles * (me + 1) / all;
    for (long p0 = first; p0 < last; p0 += block) {
      long count = last - p0 < block ? last - p0 : block;
      for (long b = 0; b < count; b++) {
        long p = p0 + b, image = p / (th * tw), ty = p / tw % th, tx = p % tw;
        NAME(gather_tile)(x + image * h * wd * ci, s, ci, ty * OUT - 1, tx * OUT - 1, v + b * ci, lv);
      }
      for (int e = 0; e < POINTS; e++) {
        const float *ve = v + e * lv, *ue = u + (size_t)e * ci * co;
        float *me_ = m + e * lm;
        for (long k = 0; k < co; k += NR)
          for (long b = 0; b < count; b += MR)
            multiply(ve + b * ci, ci, ue + k * ci, ci, me_ + b * co + k, co);
      }
      for (long b = 0; b < count; b++) {
        long p = p0 + b, image = p / (th * tw), ty = p / tw % th, tx = p % tw;
        Epilogue its = f;
        if (its.residual) its.residual += image * area * co;
        NAME(scatter_tile)(m + b * co, lm, s, co, ty * OUT, tx * OUT, y + image * area * co, its);
      }
    }
  }
  free(u); free(scratch);
  return 0;
}

/* dw [9][ci][co] = gradient of the weights */
static int NAME(convolve_weights)(const float *x, const float *dy, float *dw, Shape s, long block, int threads) {
  long n = s.n, h = s.h, wd = s.w, ci = s.ci, co = s.co;
  long th = (h + OUT - 1) / OUT, tw = (wd + OUT - 1) / OUT, tiles = n * th * tw, rows = (ci + MR - 1) / MR * MR;
  size_t plane = (size_t)rows * co, lv = block * ci + PAD, lm = block * co + PAD;
  size_t each = POINTS * (lv + lm), sums = POINTS * plane;
  float *scratch = reserve(each * threads), *du = reserve(sums * threads);
  if (!du || !scratch) { free(du); free(scratch); return 1; }
  int used = 1;
#pragma omp parallel num_threads(threads)
  {
    int me = omp_get_thread_num(), all = omp_get_num_threads();
    if (me == 0) used = all;
    float *v = scratch + each * me, *m = v + POINTS * lv, *d = du + sums * me;
    memset(d, 0, sums * 4);
    for (int e = 0; e < POINTS; e++) memset(v + e * lv + block * ci, 0, PAD * 4);
    long first = tiles * me / all, last = tiles * (me + 1) / all;
    for (long p0 = first; p0 < last; p0 += block) {
      long count = last - p0 < block ? last - p0 : block;
      for (long b = 0; b < count; b++) {
        long p = p0 + b, image = p / (th * tw), ty = p / tw % th, tx = p % tw;
        NAME(gather_tile)(x + image * h * wd * ci, s, ci, ty * OUT - 1, tx * OUT - 1, v + b * ci, lv);
        NAME(gather_gradient)(dy + image * h * wd * co, s, co, ty * OUT, tx * OUT, m + b * co, lm);
      }
      for (int e = 0; e < POINTS; e++) {
        const float *ve = v + e * lv, *me_ = m + e * lm;
        for (long k = 0; k < co; k += NR)
          for (long i = 0; i < ci; i += MR)
            outer(ve + i, ci, me_ + k, co, count, d + e * plane + k * rows + i * NR, NR);
      }
    }
#pragma omp barrier
#pragma omp for schedule(static)
    for (long i = 0; i < ci; i++)
      for (long k = 0; k < co; k += LANES) {
        vec t[3][IN];
        for (int b = 0; b < IN; b++) {
          vec q[IN];
          for (int a = 0; a < IN; a++) {
            const float *from = du + (a * IN + b) * plane + (k / NR) * rows * NR + i * NR + k % NR;
            q[a] = LOAD(from);
            for (int o = 1; o < used; o++) q[a] += LOAD(from + sums * o);
          }
          for (int a = 0; a < 3; a++) {
            t[a][b] = KERNEL[0][a] * q[0];
            for (int r = 1; r < IN; r++) t[a][b] += KERNEL[r][a] * q[r];
          }
        }
        for (int a = 0; a < 3; a++)
          for (int b = 0; b < 3; b++) {
            vec o = KERNEL[0][b] * t[a][0];
            for (int r = 1; r < IN; r++) o += KERNEL[r][b] * t[a][r];
            STORE(dw + (size_t)(a * 3 + b) * ci * co + i * co + k, o);
          }
      }
  }
  free(du); free(scratch);
  return 0;
}


#undef POINTS
