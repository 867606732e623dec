/* Functions whose results show every argument, so that a mistake of a binding cannot hide. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int8_t echo_int8(int8_t v) { return v; }
int32_t echo_int32(int32_t v) { return v; }
uint32_t echo_uint32(uint32_t v) { return v; }
int64_t echo_int64(int64_t v) { return v; }
uint64_t echo_uint64(uint64_t v) { return v; }
float echo_float(float v) { return v; }
double echo_double(double v) { return v; }
bool echo_bool(bool v) { return v; }
void *echo_pointer(void *v) { return v; }
const char *echo_string(const char *v) { return v; }

/* The raw byte of a bool, and the bits of a float and a double, as C sees them. */
int32_t byte_of_bool(bool v) { uint8_t b; memcpy(&b, &v, 1); return b; }
uint32_t bits_of_float(float v) { uint32_t b; memcpy(&b, &v, 4); return b; }
uint64_t bits_of_double(double v) { uint64_t b; memcpy(&b, &v, 8); return b; }

bool is_null(const void *v) { return v == NULL; }
bool string_is_null(const char *v) { return v == NULL; }
uint64_t string_length(const char *v) { return strlen(v); }
const char *constant_string(void) { return "Gr\xc3\xbc\xc3\x9f" "e, \xe6\x98\x87\xe8\x85\xbe"; }

void write_all(int32_t *a, uint32_t *b, int64_t *c, uint64_t *d, float *e, void **f)
{
    *a = INT32_MIN; *b = UINT32_MAX; *c = INT64_MIN; *d = UINT64_MAX; *e = 0.1f;
    *f = (void *)0xfedcba9876543210u;
}

/* Differs for every order and every value of the elements. */
int64_t fold_int64(const int64_t *v, uint64_t n)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; v && i < n; i++) sum = sum * 31 + (uint64_t)v[i];
    return (int64_t)sum;
}
uint64_t xor_pointers(void *const *v, uint64_t n)
{
    uint64_t x = 0;
    for (uint64_t i = 0; i < n; i++) x = x * 3 ^ (uint64_t)v[i];
    return x;
}
double sum_floats(const float *v, uint64_t n)
{
    double sum = 0;
    for (uint64_t i = 0; i < n; i++) sum += v[i];
    return sum;
}
void copy_bytes(void *to, const void *from, uint64_t n) { memcpy(to, from, n); }
void *address_of(void *v) { return v; }

/* Twenty arguments of all kinds, in an order that fills the registers of both ABIs and the stack. */
static char mixed_text[1024];
const char *mix20(int8_t a, double b, void *c, int64_t d, bool e, float f, uint32_t g, const char *h,
                  int32_t i, double j, uint64_t k, const int64_t *l, double m, int8_t n, double o,
                  void *p, bool q, double r, int64_t s, uint64_t *t)
{
    snprintf(mixed_text, sizeof mixed_text,
             "%d %g %llx %lld %d %g %u %s %d %g %llu %lld %g %d %g %llx %d %g %lld",
             a, b, (unsigned long long)c, (long long)d, e, f, g, h, i, j, (unsigned long long)k,
             (long long)l[1], m, n, o, (unsigned long long)p, q, r, (long long)s);
    *t = strlen(mixed_text);
    return mixed_text;
}

int32_t fail_with(int32_t code) { return code; }

int32_t thread_id(void) { return (int32_t)syscall(SYS_gettid); }
int32_t thread_id_after(uint32_t microseconds) { usleep(microseconds); return thread_id(); }

/* A context per thread, as AscendCL has it. */
static _Thread_local int32_t current_device = -1;
static _Thread_local const char *error_text;
int32_t set_device(int32_t id) { current_device = id; return 0; }
int32_t need_device(int32_t id, uint32_t microseconds, int32_t *thread)
{
    usleep(microseconds);
    if (thread) *thread = thread_id();
    if (current_device == id) return 0;
    error_text = "context is null";
    return 107002;
}
const char *take_error_text(void) { const char *t = error_text; error_text = NULL; return t; }

/* Shaped like the calls whose cost matters, with nothing inside. */
void *shaped_like_create_tensor(const int64_t *dims, uint64_t n, int32_t dtype,
                                const int64_t *strides, int64_t offset, int32_t format,
                                const int64_t *storage, uint64_t m, void *data)
{
    (void)dims; (void)n; (void)dtype; (void)strides; (void)offset; (void)format; (void)storage; (void)m;
    return data;
}
int32_t three_pointers(void *a, void *b, void *c) { return a == b || b == c; }
