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
	[ "$(readlink /proc/self/cwd && echo .)" = "$root$nl." ] || { lacks '/proc/self/cwd'; return; }
	o=$(stat -c "$form" /) && fields $o
	case $mt in *.?????????) ;; *) lacks 'a stat that shows times exactly'; return ;; esac
	[ "$(command exec 9</proc/self/stat && stat -L -c %F /proc/self/fd/9)" ] || { lacks '/proc/self/fd'; return; }
	[ "$(printf aGkK | base64 -d)" = hi ] || { lacks 'a base64 that decodes'; return; }
	[ "$(mv -T 2>&1 | { read -r line; case $line in *nvalid* | *nrecognized* | *nknown*) echo no ;; esac; })" ] &&
		{ lacks 'an mv with -T'; return; }
	[ "$m" ] && [ "$(ulimit -m $1 && ulimit -m)" = $1 ] || { lacks 'a limit of resident memory to tag commands with'; return; }
	sweep
	cd /
	r=ok
}

# h_kill TAG: ends the processes with that limit; with "*" those with any other
# than this shell has. who is how many there were. It uses nothing but what is
# built in, so that it works where no process can be started any more.
h_kill() {
	tag=$1 ps= n=0
	began $$ && own=$m || return
	set +f
	set -- /proc/[0-9]*
	set -f
	for p; do
		began "${p#/proc/}" || continue
		case $s in Z | X) continue ;; esac
		case $tag in
		"$m") ;;
		'*') [ "$m" != "$own" ] || continue ;;
		*) continue ;;
		esac
		ps="$ps ${p#/proc/}" n=$((n + 1))
	done
	[ $n = 0 ] || kill -KILL $ps
	who=$n r=ok
}
