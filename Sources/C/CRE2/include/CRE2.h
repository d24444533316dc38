#pragma once

#include <stdbool.h>
#include <stddef.h>

// RE2 behind C. No C++ exception leaves these functions, and a compiled expression may be used from any
// number of threads at once (RE2's matching functions are const and synchronised inside).

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cre2_expression cre2_expression;

/// A captured group in bytes from the beginning of the text; offset is -1 where the group took no part.
typedef struct {
    ptrdiff_t offset;
    size_t length;
} cre2_group;

/// Compiles `text` (UTF-8, any bytes) within `memory` bytes for program and caches. Where it fails, the answer
/// is NULL and `reason` holds RE2's words, cut to `reason_size` and ended by NUL.
cre2_expression *cre2_compile(const char *text, size_t length, size_t memory, char *reason, size_t reason_size);

void cre2_free(cre2_expression *expression);

/// The number of capturing groups, the whole match not counted.
int cre2_group_count(const cre2_expression *expression);

/// Searches `text` from the byte `start`, unanchored. Fills `groups[0..<count]`, the whole match first; `groups`
/// may be NULL with a count of 0, which is fastest.
bool cre2_match(
    const cre2_expression *expression, const char *text, size_t length, size_t start, cre2_group *groups, int count);

#ifdef __cplusplus
}
#endif
