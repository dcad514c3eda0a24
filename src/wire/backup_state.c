/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/backup_state.h"

#include <assert.h>
#include <string.h>

#include "util/err.h"

static const char *const words[BACKUP_STATES] = {
    [BACKUP_MISSING] = "missing",   [BACKUP_WAITING] = "waiting",
    [BACKUP_WRITING] = "writing",   [BACKUP_FETCHING] = "fetching",
    [BACKUP_VERIFIED] = "verified", [BACKUP_DAMAGED] = "damaged",
};

const char *backup_state_word(enum backup_state state)
{
    assert(state < BACKUP_STATES);
    return words[state];
}

int backup_state_parse(struct bytes word, enum backup_state *ret)
{
    for (int i = 0; i < BACKUP_STATES; i++) {
        if (strlen(words[i]) == word.len &&
            memcmp(words[i], word.data, word.len) == 0) {
            *ret = (enum backup_state)i;
            return 0;
        }
    }
    return QL_INVALID;
}
