# shellcheck shell=bash
# What the scripts need from outside: Deno in exactly one version, etcd, and the npm packages of deno.lock. What this
# machine lacks is fetched once into the user's cache. Sourced by the other scripts.

deno_version=2.9.6
cache=${XDG_CACHE_HOME:-${HOME:?Set HOME or XDG_CACHE_HOME, the tools are kept below it}/.cache}
tools=$cache/hamlet/tools/$HOSTTYPE
deno=$tools/deno-$deno_version/deno

# Asking for updates would cost a request to the network; the version is fixed here.
export DENO_NO_UPDATE_CHECK=1

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

# need_deno: sets `deno` to the program. A Deno of the right version on the PATH is copied, not used in place: whoever
# upgrades it later changes nothing here, and no later start has to ask for its version.
need_deno() {
  [[ -x $deno ]] || install_tool "deno-$deno_version" get_deno
}

# need_debian PROGRAM PACKAGE: puts PROGRAM on the PATH, out of Debian's PACKAGE if it is not there.
need_debian() {
  command -v "$1" >/dev/null && return
  [[ -x $tools/$2/usr/bin/$1 ]] || install_tool "$2" get_debian "$1" "$2"
  PATH=$tools/$2/usr/bin:$PATH
}

# need_packages CHECKOUT: puts the npm packages of its deno.lock into Deno's cache. The mark lies in that cache, so that cleaning
# it makes the packages be fetched again; from then on nothing needs the network.
need_packages() {
  local digest mark
  digest=$(sha256sum "$1/deno.lock")
  mark=${DENO_DIR:-$cache/deno}/hamlet-${digest%% *}
  [[ -e $mark ]] && return
  say "fetching the npm packages of deno.lock"
  # With the authorities that this machine trusts, as npm and apt-get do: a company's proxy may have one of its own.
  (cd "$1" && DENO_TLS_CA_STORE=${DENO_TLS_CA_STORE:-mozilla,system} "$deno" install --frozen --quiet >&2) ||
    fail "Cannot fetch the npm packages: see the error above"
  : >"$mark"
}

# need_checks_base: sets `checks_base` to a folder with a `deno` and the `denort` of the same version, which is older than
# what Hamlet runs on: where Deno's release host cannot be reached, it shows that a program can be compiled at all.
need_checks_base() {
  checks_base=$tools/denort-2.7.11
  [[ -d $checks_base ]] || install_tool denort-2.7.11 get_checks_base
}

# install_tool NAME COMMAND…: runs COMMAND in an empty folder that then becomes $tools/NAME in one step. Under a lock
# that what it starts holds too, so that of two at once the second finds the work done, and what a killed one left
# behind is nobody's.
install_tool() (
  name=$1
  shift
  mkdir -p "$tools"
  exec 9>"$tools/.lock"
  flock 9
  [[ -d $tools/$name ]] && return
  rm -rf "$tools/.new"
  mkdir "$tools/.new"
  cd "$tools/.new" || exit
  "$@"
  sync -f .
  mv -T "$tools/.new" "$tools/$name"
)

get_deno() {
  local found
  found=$(deno eval --no-config "if (Deno.version.deno === '$deno_version') console.log(Deno.execPath())" 2>/dev/null) || true
  if [[ -n $found ]]; then
    cp "$found" deno
    return
  fi
  command -v npm >/dev/null ||
    fail "Deno $deno_version is not on the PATH and there is no npm to fetch it: install one of the two"
  say "fetching Deno $deno_version"
  # By default npm is silent for over a minute before it gives up without a network.
  npm install --prefix . --no-save --no-package-lock --ignore-scripts --no-audit --no-fund --no-update-notifier \
    --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=4000 --loglevel=error "deno@$deno_version" >&2 ||
    fail "Cannot fetch Deno $deno_version with npm: see the error above, or put that version on the PATH"
  mv node_modules/@deno/*/deno deno ||
    fail "npm has no Deno $deno_version for this kind of machine: put that version on the PATH"
  rm -rf node_modules
  [[ $(./deno --version) == "deno $deno_version "* ]] ||
    fail "The Deno $deno_version that npm has does not run here: put one that does on the PATH"
}

# A program that `deno compile` made is denort, then what was added, then 24 bytes of which the last 8 say how much that
# is, themselves included. So any such program that npm has holds a denort.
get_checks_base() {
  local added
  say "fetching the base for checks"
  npm install --prefix . --no-save --no-package-lock --ignore-scripts --no-audit --no-fund --no-update-notifier \
    --loglevel=error deno@2.7.11 @stdy/cli-linux-x64@0.22.2 >&2 ||
    fail "Cannot fetch the base for checks with npm: see the error above"
  mv node_modules/@deno/*/deno deno
  added=$(tail -c 8 node_modules/@stdy/cli-linux-x64/bin/steady | od -An -t u8 --endian=little)
  head -c "-$((added))" node_modules/@stdy/cli-linux-x64/bin/steady >denort
  rm -rf node_modules
  echo "f12d5d3886d5ea138304fb8d67d7396cfbedf53656676132152cb89f3fa4d8e6  denort" | sha256sum --check --quiet >&2 ||
    fail "The base for checks is not the one that is expected"
  chmod 755 denort
}

# want_etcd VERSION: sets HAMLET_ETCD_MAJOR_MINOR to an etcd beside the machine's own, for the tests of upgrades. It is made
# with Go, where there is one; without, these tests are skipped.
want_etcd() {
  local minor=${1%.*}
  if [[ ! -x $tools/etcd-$1/etcd ]] && ! install_tool "etcd-$1" get_etcd "$1"; then
    say "there is no etcd $1: the tests that need it are skipped"
    return
  fi
  export "HAMLET_ETCD_${minor/./_}=$tools/etcd-$1/etcd"
}

get_etcd() {
  local output
  command -v go >/dev/null || fail "There is no Go to make etcd $1"
  say "making etcd $1"
  printf 'package main\nimport ("os"; "go.etcd.io/etcd/server/v3/etcdmain")\nfunc main() { etcdmain.Main(os.Args) }\n' >main.go
  # Go checks what it fetches against its public list of checksums.
  export CGO_ENABLED=0 GOFLAGS=-mod=mod GOTOOLCHAIN=local
  output=$(
    {
      go mod init etcd && go get "go.etcd.io/etcd/server/v3@v$1" && go build -o etcd .
    } 2>&1
  ) || fail "Cannot make etcd $1: $output"
  rm go.mod go.sum main.go
}

get_debian() {
  local download=(apt-get -qq -o APT::Sandbox::User=root download "$2")
  if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
    fail "$1 is not on the PATH and there is no apt-get to fetch Debian's $2: install $1"
  fi
  say "fetching Debian's $2"
  # Without package lists, or with ones that name a version that is gone, the first try fails.
  if ! "${download[@]}" >&2; then
    ((EUID == 0)) ||
      fail "Cannot download Debian's $2: run 'sudo apt-get update' and try again, or put $1 on the PATH"
    say "updating the package lists"
    { apt-get -qq update && "${download[@]}"; } >&2 ||
      fail "Cannot download Debian's $2: see the error above, or put $1 on the PATH"
  fi
  dpkg -x "$2"_*.deb .
  rm "$2"_*.deb
}
