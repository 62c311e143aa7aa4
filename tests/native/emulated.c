/* The compiled loops behind a pipe, so that those of another processor can be called under an emulator.

   A request: which function, the floats of each of nine arrays (0: none), eight whole numbers, five fractions, two
   seeds; then the arrays that go in. The answer: the status, then the arrays that come out. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels.c"

enum { ARRAYS = 9, WHOLE = 8, FRACTIONS = 4, SEEDS = 2 };
static void take(void *into, size_t bytes) {
  if (bytes && fread(into, bytes, 1, stdin) != 1) exit(feof(stdin) ? 0 : 1);
}

int main(void) {
  for (;;) {
    int64_t head[1 + ARRAYS], l[WHOLE], out[ARRAYS];
    double d[FRACTIONS];
    uint64_t u[SEEDS];
    float *a[ARRAYS];
    take(head, sizeof head); take(out, sizeof out); take(l, sizeof l); take(d, sizeof d); take(u, sizeof u);
    for (int i = 0; i < ARRAYS; i++) {
      a[i] = head[1 + i] ? malloc(head[1 + i] * sizeof(float)) : NULL;
      if (a[i] && !out[i]) take(a[i], head[1 + i] * sizeof(float));
    }
    int64_t status = -1;
    switch (head[0]) {
      case 0: status = convolve(a[0], a[1], a[2], l[0], l[1], l[2], l[3], l[4], a[3], a[4], d[0], l[5], l[6]); break;
      case 1: status = convolve_weights(a[0], a[1], a[2], l[0], l[1], l[2], l[3], l[4], l[5]); break;
      case 2: status = norm_forward(a[0], a[1], a[2], a[3], a[4], a[5], l[0], l[1], l[2], l[3], d[0], l[4], d[1], d[2],
                                    u[0], d[3], u[1], l[5]); break;
      case 3: status = norm_apply(a[0], a[1], a[2], a[3], a[4], a[5], l[0], l[1], l[2], l[3], d[0], l[4], d[1], d[2],
                                  u[0], d[3], u[1], l[5]); break;
      case 4: status = norm_backward(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], l[0], l[1], l[2], l[3],
                                     d[0], l[4], d[1], d[2], u[0], d[3], u[1], l[5]); break;
    }
    fwrite(&status, sizeof status, 1, stdout);
    for (int i = 0; i < ARRAYS; i++) {
      if (a[i] && out[i]) fwrite(a[i], head[1 + i] * sizeof(float), 1, stdout);
      free(a[i]);
    }
    fflush(stdout);
  }
}
