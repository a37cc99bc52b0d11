// How many fp32 operations a second the processor can do at all: independent fused multiply-adds on every core, no memory.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX__)
#define LANES 8
#else
#define LANES 4
#endif
#define CHAINS 12 // enough to hide an instruction's latency
#define ROUNDS 30000000L

typedef float vector __attribute__((vector_size(LANES * 4)));

static void *multiply_and_add(void *result) {
    vector sums[CHAINS], factor, term;
    for (int i = 0; i < LANES; i++) {
        factor[i] = 0.999f, term[i] = 0.001f;
        for (int chain = 0; chain < CHAINS; chain++) sums[chain][i] = chain; // or the compiler would keep only one
    }
    for (long round = 0; round < ROUNDS; round++)
#pragma GCC unroll 12
        for (int chain = 0; chain < CHAINS; chain++) sums[chain] = sums[chain] * factor + term;
    vector all = {0};
    for (int chain = 0; chain < CHAINS; chain++) all += sums[chain];
    *(float *)result = all[0];
    return NULL;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + 1e-9 * time.tv_nsec;
}

int main(int count, char **arguments) {
    int threads = count > 1 ? atoi(arguments[1]) : 1;
    pthread_t ids[threads];
    float results[threads];
    double start = now();
    for (int i = 0; i < threads; i++) pthread_create(&ids[i], NULL, multiply_and_add, &results[i]);
    for (int i = 0; i < threads; i++) pthread_join(ids[i], NULL);
    printf("%.1f\n", 2.0 * LANES * CHAINS * ROUNDS * threads / (now() - start) / 1e9);
    return results[0] < 0;
}
