#include "CRE2.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <string>
#include <vector>

struct cre2_expression {
    explicit cre2_expression(re2::StringPiece text, const RE2::Options &options) : compiled(text, options) {}
    RE2 compiled;
};

static void report(const char *text, char *reason, size_t size) {
    if (reason == nullptr || size == 0) return;
    size_t length = std::min(std::strlen(text), size - 1);
    std::memcpy(reason, text, length);
    reason[length] = 0;
}

cre2_expression *cre2_compile(const char *text, size_t length, size_t memory, char *reason, size_t reason_size) {
    try {
        RE2::Options options;
        options.set_log_errors(false);
        options.set_max_mem(static_cast<int64_t>(memory));
        auto *expression = new cre2_expression(re2::StringPiece(text, length), options);
        if (expression->compiled.ok()) return expression;
        report(expression->compiled.error().c_str(), reason, reason_size);
        delete expression;
    } catch (...) {
        report("out of memory", reason, reason_size);
    }
    return nullptr;
}

void cre2_free(cre2_expression *expression) { delete expression; }

int cre2_group_count(const cre2_expression *expression) { return expression->compiled.NumberOfCapturingGroups(); }

bool cre2_match(
    const cre2_expression *expression, const char *text, size_t length, size_t start, cre2_group *groups, int count) {
    if (start > length) return false;
    try {
        std::vector<re2::StringPiece> pieces(static_cast<size_t>(std::max(count, 0)));
        re2::StringPiece subject(text, length);
        if (!expression->compiled.Match(
                subject, start, length, RE2::UNANCHORED, pieces.data(), static_cast<int>(pieces.size())))
            return false;
        for (size_t i = 0; i < pieces.size(); i++) {
            bool taken = pieces[i].data() != nullptr;
            groups[i].offset = taken ? pieces[i].data() - text : -1;
            groups[i].length = taken ? pieces[i].size() : 0;
        }
        return true;
    } catch (...) {
        return false;
    }
}
