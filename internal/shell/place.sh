# What looks at the place: is everything there, and which processes are.

lacks() {
	r=lacks who=$1
}

# h_check TAG: whether all that is needed is there and does what is needed; then
# what the dead have left goes.
h_check() {
	for p in stat readlink base64 mkdir rmdir rm mv ln chmod touch dd xargs env cat date; do
		command -v $p >/dev/null || { lacks "the program $p"; return; }
	done
	[ "$me" ] || { lacks '/proc, or it shows no processes'; return; }
	cd -P "$root" && [ -d . ] || { r=gone; return; }
	[ "$(pwd -P && echo .)" = "$root$nl." ] || { lacks 'a root without links on its path'; return; }
	o=$(stat -c "$form" /) && fields $o
	case $mt in *.?????????) ;; *) lacks 'a stat that shows times exactly'; return ;; esac
	[ "$(command exec 9</proc/self/stat && stat -L -c %F /proc/self/fd/9)" ] || { lacks '/proc/self/fd'; return; }
	[ "$(printf aGkK | base64 -d)" = hi ] || { lacks 'a base64 that decodes'; return; }
	[ "$(mv -T 2>&1 | { read -r line; case $line in *nvalid* | *nrecognized* | *nknown*) echo no ;; esac; })" ] &&
		{ lacks 'an mv with -T'; return; }
	[ "$(ulimit -m $1 && ulimit -m)" = $1 ] && rss $$ || { lacks 'a limit of resident memory to tag commands with'; return; }
	sweep
	cd /
	r=ok
}

# rss PID: the soft limit of its resident memory, in m.
rss() {
	m=
	while read -r a b c soft line; do
		case "$a $b" in 'Max resident') m=$soft; return 0 ;; esac
	done <"/proc/$1/limits"
	return 1
}

# h_kill TAG: ends the processes with that limit; with "*" those with any other
# than this shell has. who is how many there were.
h_kill() {
	tag=$1 ps= n=0
	rss $$ && own=$m || return
	set +f
	set -- /proc/[0-9]*
	set -f
	for p; do
		rss "${p#/proc/}" || continue
		case $tag in
		"$m") ;;
		'*') [ "$m" != "$own" ] || continue ;;
		*) continue ;;
		esac
		dead "$p" || ps="$ps ${p#/proc/}" n=$((n + 1))
	done
	[ $n = 0 ] || kill -KILL $ps
	who=$n r=ok
}

# dead DIR: whether a process has ended, and only waits to be asked for.
dead() {
	while read -r a b line; do
		case $a in State:) break ;; esac
	done <"$1/status" || return 0
	case $b in Z | X) return 0 ;; esac
	return 1
}
