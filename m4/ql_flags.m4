# QL_COMPILE_FLAGS(VARIABLE, FLAGS): adds to VARIABLE each of FLAGS that the
# compiler takes. -Werror makes clang refuse what it would only warn about.
AC_DEFUN([QL_COMPILE_FLAGS], [
    AC_LANG_ASSERT([C])
    ql_saved_CFLAGS=$CFLAGS
    for ql_flag in $2; do
        AS_VAR_PUSHDEF([ql_cache], [ql_cv_compile_$ql_flag])
        AC_CACHE_CHECK([whether $CC takes $ql_flag], [ql_cache], [
            CFLAGS="$ql_saved_CFLAGS -Werror $ql_flag"
            AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
                [AS_VAR_SET([ql_cache], [yes])],
                [AS_VAR_SET([ql_cache], [no])])
        ])
        AS_VAR_IF([ql_cache], [yes], [AS_VAR_APPEND([$1], [" $ql_flag"])])
        AS_VAR_POPDEF([ql_cache])
    done
    CFLAGS=$ql_saved_CFLAGS
])

# QL_LINK_FLAGS(VARIABLE, FLAGS): the same for the linker.
AC_DEFUN([QL_LINK_FLAGS], [
    AC_LANG_ASSERT([C])
    ql_saved_LDFLAGS=$LDFLAGS
    for ql_flag in $2; do
        AS_VAR_PUSHDEF([ql_cache], [ql_cv_link_$ql_flag])
        AC_CACHE_CHECK([whether $CC links with $ql_flag], [ql_cache], [
            LDFLAGS="$ql_saved_LDFLAGS -Werror $ql_flag"
            AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
                [AS_VAR_SET([ql_cache], [yes])],
                [AS_VAR_SET([ql_cache], [no])])
        ])
        AS_VAR_IF([ql_cache], [yes], [AS_VAR_APPEND([$1], [" $ql_flag"])])
        AS_VAR_POPDEF([ql_cache])
    done
    LDFLAGS=$ql_saved_LDFLAGS
])

# QL_LIBRARY(PREFIX, PKG-CONFIG TERMS, DEBIAN PACKAGE, WHAT FOR): sets
# PREFIX_CFLAGS and PREFIX_LIBS, or stops and names the package to install.
AC_DEFUN([QL_LIBRARY], [
    PKG_CHECK_MODULES([$1], [$2], [], [
        AC_MSG_ERROR([$2 is missing ($4). On Debian: apt install $3])
    ])
])
