# Sourced by ./atelier and ./verify: exports JAVA_HOME, a JDK 25 or newer, or says in one sentence what is missing.

# Java names files in the character set of the locale: where that is ASCII, as without any locale, it could not name most.
case $(locale charmap 2>/dev/null) in
US-ASCII | ANSI_X3.4-1968 | '') export LC_ALL=C.UTF-8 ;;
esac

# Whether the folder $1 holds a JDK that is new enough. A JDK says its version in its file "release".
is_jdk() {
    local version
    [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] || return 1
    version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release" 2>/dev/null)
    [ -n "$version" ] || version=$("$1/bin/javac" -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p')
    [ "${version:-0}" -ge 25 ]
}

require_jdk() {
    local java home
    java=$(command -v java || true)
    for home in \
        "${JAVA_HOME:-}" \
        "${java:+$(dirname "$(dirname "$(readlink -f "$java")")")}" \
        /usr/lib/jvm/* \
        "$HOME"/.sdkman/candidates/java/* \
        "$(/usr/libexec/java_home -v 25+ 2>/dev/null || true)"; do
        if [ -n "$home" ] && is_jdk "$home"; then
            export JAVA_HOME=$home
            return
        fi
    done
    die "Atelier needs a JDK 25 or newer and found none: install Temurin 25 (https://adoptium.net) or your" \
        "distribution's openjdk-25-jdk, or set JAVA_HOME to one."
}

require_maven() {
    command -v mvn >/dev/null ||
        die "Atelier is built with Maven and found no mvn on the PATH: install Maven 3.8.7 or newer, for example your" \
            "distribution's maven package."
}

die() {
    echo "$*" >&2
    exit 1
}
