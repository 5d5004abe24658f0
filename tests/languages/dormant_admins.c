/* A rule in C: privileged access that nobody uses goes. `tests/it/languages.rs` holds its twin in Rust, and that both answer
 * alike. Nothing of trueup is linked: the bindings are made from wit/rules.wit by wit-bindgen. Of the C library only what asks the
 * system for nothing may be used, or the host refuses the module for what it imports. */

#include <stdlib.h>

#include "rule_module.h"

enum { GRANT_OR_KEY = 1, UNKNOWN = 3 };
enum { PRIVILEGED = 16, BREAK_GLASS = 32 };
enum { KEEP = 0, ABSENT = 2, HOLD = 6 };
enum { KEPT_FOR_EMERGENCIES, NOBODY_KNOWS, UNUSED, NEVER_USED, IN_USE, REASONS };

static const int64_t FOREVER = 253402300799;
static const int64_t DAY = 86400;

#define TEXT(literal) ((rule_module_string_t){(uint8_t *)(literal), sizeof(literal) - 1})

/* What is returned is freed by the bindings, so that texts are copied. */
static rule_module_string_t text(rule_module_string_t from) {
    rule_module_string_t to = {malloc(from.len), from.len};
    for (size_t i = 0; i < from.len; i++) {
        to.ptr[i] = from.ptr[i];
    }
    return to;
}

void exports_trueup_rules_rule_describe(exports_trueup_rules_rule_rule_info_t *info) {
    static const struct {
        rule_module_string_t code, text;
    } reasons[REASONS] = {
        {TEXT("break-glass"), TEXT("It is kept for emergencies, used or not.")},
        {TEXT("unknown"), TEXT("Nobody knows whether it is there, or whether it shall be.")},
        {TEXT("unused"), TEXT("Nobody has used it for too long.")},
        {TEXT("never-used"), TEXT("The target never saw it used.")},
        {TEXT("in-use"), TEXT("It is in use.")},
    };
    info->name = text(TEXT("dormant-admins"));
    info->version = text(TEXT("0.1.0"));
    info->columns.len = 1;
    info->columns.ptr = malloc(sizeof *info->columns.ptr);
    info->columns.ptr[0] = text(TEXT("last-used"));
    info->settings.len = 1;
    info->settings.ptr = malloc(sizeof *info->settings.ptr);
    info->settings.ptr[0].name = text(TEXT("unused-days"));
    info->settings.ptr[0].kind = TRUEUP_RULES_TYPES_SETTING_KIND_INTEGER;
    info->settings.ptr[0].help = text(TEXT("Days after which unused privileged access goes."));
    info->settings.ptr[0].default_.is_some = true;
    info->settings.ptr[0].default_.val.tag = TRUEUP_RULES_TYPES_SETTING_VALUE_INTEGER;
    info->settings.ptr[0].default_.val.val.integer = 90;
    info->reasons.len = REASONS;
    info->reasons.ptr = malloc(REASONS * sizeof *info->reasons.ptr);
    for (size_t i = 0; i < REASONS; i++) {
        info->reasons.ptr[i].code = text(reasons[i].code);
        info->reasons.ptr[i].text = text(reasons[i].text);
    }
    info->canonical = false;
}

/* One case. Gives no row where the rule has nothing to say; narrows `valid_until` by when its answer will change. */
static bool judge_case(const exports_trueup_rules_rule_batch_t *batch, size_t i, int64_t as_of, int64_t days, int64_t *valid_until,
                       uint8_t *effect, uint16_t *reason) {
    if (batch->subject.ptr[i] < GRANT_OR_KEY || !(batch->traits.ptr[i] & PRIVILEGED)) {
        return false;
    }
    *effect = KEEP;
    if (batch->traits.ptr[i] & BREAK_GLASS) {
        *reason = KEPT_FOR_EMERGENCIES;
        return true;
    }
    if (batch->observed.ptr[i] == UNKNOWN || batch->desired.ptr[i] == UNKNOWN) {
        *effect = HOLD;
        *reason = NOBODY_KNOWS;
        return true;
    }
    if (batch->observed.ptr[i] == 0) {
        return false;
    }
    int64_t last_used = batch->last_used.ptr[i];
    if (last_used == 0) {
        *effect = HOLD;
        *reason = NEVER_USED;
        return true;
    }
    int64_t end = last_used + days * DAY;
    if (end <= as_of) {
        *effect = ABSENT;
        *reason = UNUSED;
    } else {
        *reason = IN_USE;
        if (end < *valid_until) {
            *valid_until = end;
        }
    }
    return true;
}

bool exports_trueup_rules_rule_judge(exports_trueup_rules_rule_context_t *context, exports_trueup_rules_rule_batch_t *batch,
                                     exports_trueup_rules_rule_verdicts_t *verdicts, exports_trueup_rules_rule_rule_error_t *error) {
    /* The host sends each setting that `describe` names, in the kind that it names; the least is for the rule to hold. */
    int64_t days = context->settings.ptr[0].value.val.integer;
    if (days < 1) {
        error->code = text(TEXT("settings"));
        error->message = text(TEXT("`unused-days` must be at least 1"));
        error->case_.is_some = false;
        return false;
    }
    size_t cases = batch->subject.len, rows = 0;
    *verdicts = (exports_trueup_rules_rule_verdicts_t){0};
    verdicts->case_.ptr = malloc(cases * sizeof(uint32_t));
    verdicts->effect.ptr = malloc(cases);
    verdicts->reason.ptr = malloc(cases * sizeof(uint16_t));
    verdicts->valid_until = FOREVER;
    for (size_t i = 0; i < cases; i++) {
        if (judge_case(batch, i, context->as_of, days, &verdicts->valid_until, &verdicts->effect.ptr[rows],
                       &verdicts->reason.ptr[rows])) {
            verdicts->case_.ptr[rows++] = (uint32_t)i;
        }
    }
    verdicts->case_.len = verdicts->effect.len = verdicts->reason.len = rows;
    return true;
}

/* `describe` says that it is not called. */
void exports_trueup_rules_rule_canon(uint8_t kind, rule_module_list_string_t *keys, rule_module_list_string_t *canonical) {
    (void)kind;
    *canonical = *keys;
}
